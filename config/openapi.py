"""What drf-spectacular cannot guess: how callers prove who they are, and addresses as clients write them.

Named by SPECTACULAR_SETTINGS, which also imports it: that makes the extension known.
"""

from __future__ import annotations

from typing import Any

from django.urls import reverse_lazy
from drf_spectacular.extensions import OpenApiAuthenticationExtension

from accounts.api.authentication import OAUTH_HEADER, UI_TOKEN_HEADER

Endpoint = tuple[str, str, str, Any]

DESCRIPTION = """\
A *maker* asks that a customer be given goodwill points, a *checker*, somebody else, decides, and a worker then calls
Intouch. `approved` means credited, never less.

Every answer carries `X-CAP-REQUEST-ID`. Every refusal has the same envelope: `data` is null and `errors` has one item
per wrong field, with a `code`, a `message` that says what would be right, and the `reference` of the field. Each
address works with and without a trailing slash.
"""
TAGS = [
    {"name": "Requests", "description": "Submit, decide, read."},
    {"name": "History", "description": "What a customer was given, and what is under way."},
    {"name": "Tokens", "description": "For clients that do not send Basic credentials with every request."},
]
_WITH_SCHEMAS = frozenset({"items", "anyOf", "oneOf", "allOf", "additionalProperties"})


class GatewaySchemes(OpenApiAuthenticationExtension):
    """Any one of them alone; a UI token may also stand beside another, and then its person acts."""

    target_class = "accounts.api.authentication.GatewayAuthentication"
    name = ["basic", "oauth2", "oauthHeader", "uiToken"]  # noqa: RUF012 - as the base class declares it

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        alone: list[dict[str, list[Any]]] = [{"basic": []}, {"oauth2": ["gateway"]}, {"oauthHeader": []}]
        return [*alone, {"uiToken": []}, *({**scheme, "uiToken": []} for scheme in alone)]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        token_url = str(reverse_lazy("oauth2-token"))
        flow = {"tokenUrl": token_url, "scopes": {"gateway": "The request-workflow gateway."}}
        return [
            {"type": "http", "scheme": "basic", "description": "A service account, or a person without second factor."},
            {
                "type": "oauth2",
                "flows": {"clientCredentials": flow},
                "description": "`Authorization: Bearer …`. A token comes from the standard endpoint, or from"
                " `POST /v3/oauth/token/generate`.",
            },
            {
                "type": "apiKey", "in": "header", "name": OAUTH_HEADER,
                "description": "The same token in the incumbent's header.",
            },
            {
                "type": "apiKey", "in": "header", "name": UI_TOKEN_HEADER,
                "description": "A JWT that names the person who acts, from `POST /auth/ui-token`.",
            },
        ]  # fmt: skip


def clean_paths(endpoints: list[Endpoint]) -> list[Endpoint]:
    """Addresses match with and without a trailing slash; the description shows them without, in the order of the URLs.

    The methods of a view come as a set, in another order at every start.
    """
    place = {path: number for number, (path, *_) in reversed(list(enumerate(endpoints)))}
    ordered = sorted(endpoints, key=lambda endpoint: (place[endpoint[0]], endpoint[2]))
    return [(path.rstrip("/"), regex, method, callback) for path, regex, method, callback in ordered]


def introduce(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """What the whole is about, and its parts."""
    result["info"]["description"] = DESCRIPTION
    result["tags"] = TAGS
    return result


def drop_titles(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """pydantic gives every property a title that repeats its name."""
    for schema in result["components"]["schemas"].values():
        _drop_titles(schema)
    return result


def _drop_titles(schema: Any) -> None:
    if isinstance(schema, list):
        for item in schema:
            _drop_titles(item)
    elif isinstance(schema, dict):
        schema.pop("title", None)
        for item in schema.get("properties", {}).values():
            _drop_titles(item)
        for keyword in _WITH_SCHEMAS & schema.keys():
            _drop_titles(schema[keyword])
