"""The ways to a token: E6 for clients, whose standard way is `standard_oauth`, and the UI token for people."""

from __future__ import annotations

from typing import Any, cast

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import oauth, second_factor, services, ui_tokens
from accounts.actors import actor_in
from accounts.api import schema
from accounts.api.bodies import ClientCredentials, PersonCredentials
from accounts.credentials import person_by_password
from accounts.errors import NotAuthenticated, PermissionDenied
from accounts.models import User
from wire.addresses import client_address
from wire.bodies import read_body


def _token_answer(token: str, lifetime: int) -> Response:
    body: dict[str, Any] = {"data": {"accessToken": token, "ttlSeconds": lifetime}, "errors": None}
    return Response(body, headers={"Cache-Control": "no-store"})


class GenerateOAuthToken(APIView):
    """E6: client key and secret for a token. The standard OAuth 2 endpoint, `/oauth2/token/`, exists beside it."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @schema.generate_oauth_token
    def post(self, request: Request) -> Response:
        credentials = read_body(ClientCredentials, request.data)
        return _token_answer(
            *oauth.issue_token(key=credentials.key, secret=credentials.secret, address=client_address(request))
        )


class IssueUIToken(APIView):
    """A UI token for a person who may make or check requests in the organisation."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @schema.issue_ui_token
    def post(self, request: Request) -> Response:
        credentials = read_body(PersonCredentials, request.data)
        person = person_by_password(credentials.username, credentials.password, client_address(request))
        if person is None:
            raise NotAuthenticated("The username or the password is wrong.")
        if second_factor.is_set_up_by(person) and not (
            credentials.otp and second_factor.verify(person, credentials.otp)
        ):
            raise NotAuthenticated("The one-time password (otp) is missing, wrong or used up.")
        if second_factor.is_required_of(person) and not second_factor.is_set_up_by(person):
            raise PermissionDenied("Your organisation asks for a second factor; set one up in the admin first.")
        actor = actor_in(user_id=person.pk, organisation_id=credentials.org_id)
        return _token_answer(*ui_tokens.issue(actor))


class RevokeUITokens(APIView):
    """End all UI tokens of the person who asks, on every device."""

    @schema.revoke_ui_tokens
    def post(self, request: Request) -> Response:
        services.revoke_ui_tokens(cast("User", request.user))
        return Response({"data": {"revoked": True}, "errors": None})
