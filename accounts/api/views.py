"""The two ways to a token: E6 for clients, the UI token for people."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from pydantic import BaseModel, ConfigDict, Field
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import oauth, ui_tokens
from accounts.actors import actor_in
from accounts.credentials import person_by_password
from accounts.errors import NotAuthenticated
from wire.bodies import ErrorEnvelope, read_body


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class ClientCredentials(_Strict):
    """A client's key and secret, as `create_oauth_client` printed them."""

    key: str = Field(min_length=1, max_length=255)
    secret: str = Field(min_length=1, max_length=255)


class PersonCredentials(_Strict):
    """A person's own username and password, and the organisation to act in."""

    username: str = Field(min_length=1, max_length=150)
    password: str = Field(min_length=1, max_length=255)
    org_id: int = Field(alias="orgId", gt=0, le=2**63 - 1)


class AccessTokenData(BaseModel):
    accessToken: str
    ttlSeconds: int


class AccessTokenAnswer(BaseModel):
    data: AccessTokenData
    errors: None = None


def _token_answer(token: str, lifetime: int) -> Response:
    body: dict[str, Any] = {"data": {"accessToken": token, "ttlSeconds": lifetime}, "errors": None}
    return Response(body, headers={"Cache-Control": "no-store"})


class GenerateOAuthToken(APIView):
    """E6: client key and secret for a token. The standard OAuth 2 endpoint, `/oauth2/token/`, exists beside it."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="generate_oauth_token", tags=["Tokens"], auth=[],
        request=ClientCredentials,
        responses={200: AccessTokenAnswer, 400: ErrorEnvelope, 401: ErrorEnvelope},
        examples=[
            OpenApiExample("request", value={"key": "client-key", "secret": "gws_example"}, request_only=True),
            OpenApiExample(
                "token", value={"data": {"accessToken": "oQ5…", "ttlSeconds": 300}, "errors": None},
                response_only=True, status_codes=["200"],
            ),
        ],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        credentials = read_body(ClientCredentials, request.data)
        return _token_answer(*oauth.issue_token(key=credentials.key, secret=credentials.secret))


class IssueUIToken(APIView):
    """A UI token for a person who may make or check requests in the organisation."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="issue_ui_token", tags=["Tokens"], auth=[],
        request=PersonCredentials,
        responses={200: AccessTokenAnswer, 400: ErrorEnvelope, 401: ErrorEnvelope, 403: ErrorEnvelope},
        examples=[
            OpenApiExample(
                "request", value={"username": "maker", "password": "example-password", "orgId": 51250},
                request_only=True,
            ),
            OpenApiExample(
                "token", value={"data": {"accessToken": "eyJ…", "ttlSeconds": 3600}, "errors": None},
                response_only=True, status_codes=["200"],
            ),
        ],
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        credentials = read_body(PersonCredentials, request.data)
        person = person_by_password(credentials.username, credentials.password)
        if person is None:
            raise NotAuthenticated("The username or the password is wrong.")
        actor = actor_in(user_id=person.pk, organisation_id=credentials.org_id)
        return _token_answer(*ui_tokens.issue(actor))
