"""The OpenAPI side of the token endpoints, and what every endpoint says about who is asking."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from accounts.api.authentication import ORGANISATION_HEADER, UI_TOKEN_HEADER
from accounts.api.bodies import AccessTokenAnswer, ClientCredentials, PersonCredentials, RevokedAnswer
from accounts.errors import (
    NotAuthenticated,
    OrganisationHeaderInvalid,
    OrganisationHeaderMissing,
    PermissionDenied,
    TooManyAttempts,
)
from wire.openapi import CORRELATION, WRONG_BODY, Refusal, answer_header, header, refusals

ORGANISATION_ID: Final = "51250"

_UI_TOKEN = header(
    UI_TOKEN_HEADER,
    "UI token of the person who acts, from `POST /auth/ui-token`. Authenticates by itself; beside another credential"
    " both must be valid and of the same organisation, and its person acts.",
)
_CHALLENGE = answer_header("WWW-Authenticate", "How to authenticate.", 401)


def caller(*, organisation_required: bool) -> list[Any]:
    """The headers that say who is asking, in which organisation, and under which correlation id."""
    left_out = "" if organisation_required else " May be left out by a member of exactly one organisation."
    organisation = header(
        ORGANISATION_HEADER, f"Organisation id.{left_out}", required=organisation_required,
        pattern="^[1-9][0-9]{0,18}$", examples=[ORGANISATION_ID],
    )  # fmt: skip
    return [organisation, _UI_TOKEN, *CORRELATION, _CHALLENGE]


_TOO_MANY: Final = Refusal(429, TooManyAttempts.code, "Too many failed attempts. Try again in 15 minutes.")
UNKNOWN_CALLER: Final = (
    _TOO_MANY,
    Refusal.of(NotAuthenticated),
    Refusal.of(PermissionDenied),
    Refusal.of(OrganisationHeaderInvalid, ORGANISATION_HEADER),
    Refusal.of(OrganisationHeaderMissing, ORGANISATION_HEADER),
)


def _token(value: str, lifetime: int, description: str) -> OpenApiResponse:
    answer = {"data": {"accessToken": value, "ttlSeconds": lifetime}, "errors": None}
    return OpenApiResponse(AccessTokenAnswer, description=description, examples=[OpenApiExample("token", value=answer)])


generate_oauth_token = extend_schema(
    operation_id="generate_oauth_token", tags=["Tokens"], auth=[],
    summary="Exchange a client's key and secret for a token",
    description="The token acts as the service account that the client is bound to. Send it as"
    " `Authorization: Bearer …` or as `X-CAP-API-OAUTH-TOKEN`. The standard OAuth 2 endpoint for the same grant is"
    " `POST /oauth2/token/`.",
    parameters=[*CORRELATION, _CHALLENGE],
    request=ClientCredentials,
    responses={
        200: _token("oQ5lZ1…", 300, "A token and its lifetime."),
        **refusals(
            *WRONG_BODY,
            Refusal(400, 2008, "secret is missing.", "secret"),
            _TOO_MANY,
            Refusal(401, NotAuthenticated.code, "The key or the secret is wrong."),
        ),
    },
    examples=[OpenApiExample("client", value={"key": "client-key", "secret": "gws_example"}, request_only=True)],
)  # fmt: skip

_PERSON: Final = {"username": "maker", "password": "example-password", "orgId": int(ORGANISATION_ID)}

issue_ui_token = extend_schema(
    operation_id="issue_ui_token", tags=["Tokens"], auth=[],
    summary="Exchange a person's password for a UI token",
    description="The token names the person who acts, in one organisation. It is issued to somebody who may make or"
    " check requests there, and never grants what its owner has lost since. Whoever has set up a second factor sends a"
    " one-time password (`otp`) too.",
    parameters=[*CORRELATION, _CHALLENGE],
    request=PersonCredentials,
    responses={
        200: _token("eyJhbGciOi…", 3600, "A token and its lifetime."),
        **refusals(
            *WRONG_BODY,
            Refusal(400, 2008, "orgId must be a whole JSON number.", "orgId"),
            _TOO_MANY,
            Refusal(401, NotAuthenticated.code, "The username or the password is wrong."),
            Refusal(401, NotAuthenticated.code, "The one-time password (otp) is missing, wrong or used up."),
            Refusal.of(PermissionDenied),
            Refusal(403, PermissionDenied.code, "Your organisation asks for a second factor; set one up first."),
        ),
    },
    examples=[
        OpenApiExample("person", value=_PERSON, request_only=True),
        OpenApiExample("second-factor", value={**_PERSON, "otp": "123456"}, request_only=True),
    ],
)  # fmt: skip

revoke_ui_tokens = extend_schema(
    operation_id="revoke_ui_tokens", tags=["Tokens"],
    summary="End all UI tokens of the person who asks",
    description="On every device, at once; the next request with one of them is refused.",
    parameters=[*CORRELATION],
    request=None,
    responses={
        200: OpenApiResponse(RevokedAnswer, "The tokens have ended."),
        **refusals(Refusal(401, NotAuthenticated.code, str(NotAuthenticated.message))),
    },
)  # fmt: skip

revoke_ui_tokens = extend_schema(
    operation_id="revoke_ui_tokens", tags=["Tokens"],
    summary="End all UI tokens of the person who asks",
    description="On every device, at once. The body is ignored.",
    parameters=[_UI_TOKEN, *CORRELATION, _CHALLENGE],
    request=None,
    responses={
        200: OpenApiResponse(
            RevokedAnswer, description="None of the tokens issued so far is valid any more.",
            examples=[OpenApiExample("revoked", value={"data": {"revoked": True}, "errors": None})],
        ),
        **refusals(_TOO_MANY, Refusal.of(NotAuthenticated)),
    },
)  # fmt: skip
