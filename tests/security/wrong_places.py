"""Requests that carry a canary where no secret belongs, or with a mistake elsewhere; every one of them is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.api.gateway import BODY, PREFIX, REQUESTS, SUBMIT, TASK, put
from tests.security.life import Life

UNKNOWN_ID = "0198f0c2-6f5e-7b3a-9c41-2f1d7a6be0aa"
HISTORY = "/v2/customers/382332518/goodwillRequest"

WRONG_FIELDS: list[tuple[str, Any]] = [
    (f"{BODY}.points", -1), (f"{BODY}.points", "20"), (f"{BODY}.programId", 1), (f"{BODY}.referenceId", ""),
    (f"{BODY}.baseType", "X"), (f"{BODY}.unknown", 1), (f"{TASK}.hostname", "http://nowhere.test"),
    (f"{TASK}.path", "/x"), (f"{TASK}.method", "GET"), (f"{TASK}.headers.Host", "x"), ("entityInfo.tillId", None),
    ("entityInfo", []), ("unknown", {}),
]  # fmt: skip
PLACES = [
    *[f"{TASK}.{name}" for name in ("hostname", "path", "method", "pathParams", "pathParams.x", "queryParams.x")],
    *[f"{TASK}.headers{name}" for name in ("", ".X-Other", ".content-type", ".X-CAP-API-AUTH-ORG-ID")],
    *[f"{BODY}.{name}" for name in ("programId", "points", "baseType", "earningEntityId", "awardingTillId", "unknown")],
    "entityInfo", "payload", "unknown",
]  # fmt: skip
TOO_LONG = [("entityInfo.tillId", 65), (f"{BODY}.referenceId", 256), (f"{BODY}.reason", 1001), (f"{BODY}.source", 65)]


def bodies(life: Life) -> Iterator[tuple[str, dict[str, Any]]]:
    """Bodies of E1 with one mistake each."""
    good = life.body("never", life.stray)
    for path, value in WRONG_FIELDS:
        yield f"{path} {value!r}", put(good, path, value)
    for path in PLACES:
        yield f"{path} is the secret", put(good, path, life.stray.value)
    for path, length in TOO_LONG:
        yield f"{path} is the secret and too long", put(good, path, life.stray.value.ljust(length, "x"))
    pair = life.stray.parts[2]
    yield "user-info in the hostname", put(good, f"{TASK}.hostname", f"http://{pair}@internal-intouch-api.default:1900")


def texts(life: Life) -> Iterator[tuple[str, bytes]]:
    """Bodies that are no JSON that the service reads."""
    text = json.dumps(life.body("never", life.stray))
    secret = json.dumps(life.stray.value)
    yield "cut", text[:-3].encode()
    yield "followed by more", f"{text} {secret}".encode()
    yield "not UTF-8", text.encode() + b"\xff"
    yield "UTF-16", text.encode("utf-16")
    yield "a byte order mark", b"\xef\xbb\xbf" + text.encode()
    yield "a key twice", f'{{"a": {secret}, "a": {secret}}}'.encode()
    yield "not a number", f'{{"a": NaN, "b": {secret}}}'.encode()
    yield "deep", f"{'[' * 2000}{secret}{']' * 2000}".encode()
    yield "a control character", f'{{"a": "\\u0000", "b": {secret}}}'.encode()
    yield "the secret alone", life.stray.value.encode()
    yield "a quoted secret", secret.encode()
    yield "too long", json.dumps({"a": life.stray.value, "b": "x" * 70_000}).encode()


Sending = tuple[str, str, dict[str, Any]]


def elsewhere(life: Life) -> Iterator[Sending]:
    """The secret in headers, addresses and media types, and in the bodies of the other endpoints."""
    secret, bare = life.stray.value, life.stray.parts[1]
    good = life.body("never", life.stray)
    for media_type in ("text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data", ""):
        yield "POST", SUBMIT, {"data": json.dumps(good).encode(), "headers": {"Content-Type": media_type}}
    yield "POST", SUBMIT, {"data": json.dumps(good), "headers": {"Content-Type": f"application/json; charset={bare}"}}
    for key in (f"{secret}\tx", secret.ljust(256, "x")):
        yield "POST", SUBMIT, {"json": good, "headers": {"Idempotency-Key": key}}
    for name in ("is_one_step_change", "x"):
        yield "POST", SUBMIT, {"json": good, "params": {name: secret}}
    for name in ("userId", "sortBy", "sortOrder", "states", "startDate", "requestType", "limit", "PageNo", "x"):
        yield "GET", REQUESTS, {"params": {name: secret}}
    for name in ("requestId", "autoApprove", "limit", "x"):
        yield "GET", HISTORY, {"params": {name: secret}}
    yield "POST", f"{PREFIX}/EARN-BADGE", {"json": good}
    yield "PATCH", SUBMIT, {"json": good}
    yield "POST", "/nowhere", {"json": good, "params": {"token": secret}}
    yield from _decisions(secret)


def _decisions(secret: str) -> Iterator[Sending]:
    task = {"AdminTask-Payload": {"actionDecision": "approved", "actionMessage": "fine"}}
    good = {"requestId": UNKNOWN_ID, "actionName": "AdminTask", "payload": task}
    for path in ("requestId", "actionName", "payload.AdminTask-Payload.actionDecision", "unknown", "payload"):
        yield "PUT", SUBMIT, {"json": put(good, path, secret), "role": "checker"}
    for header in ("If-Match", "Prefer", "Accept", "Accept-Language", "User-Agent", "Referer", "Cookie"):
        yield "PUT", SUBMIT, {"json": good, "headers": {header: secret}, "role": "checker"}


def credentials(life: Life) -> Iterator[Sending]:
    """The secret as somebody's own credential, which it is not."""
    secret, bare, pair = life.stray.value, life.stray.parts[1], life.stray.parts[2]
    username, _, password = pair.partition(":")
    for headers in (
        {"Authorization": secret}, {"Authorization": f"Bearer {bare}"}, {"Authorization": bare},
        {"Authorization": f"Digest {bare}"}, {"X-CAP-API-OAUTH-TOKEN": bare}, {"X-CAP-UI-AUTH-TOKEN": bare},
        {"X-CAP-UI-AUTH-TOKEN": f"eyJhbGciOiJIUzI1NiJ9.{bare.rstrip('=')}.x"}, {"Authorization": f"{secret}, {secret}"},
        {"X-CAP-API-AUTH-ORG-ID": bare, "Authorization": secret},
    ):  # fmt: skip
        yield "GET", REQUESTS, {"role": None, "headers": headers}
        yield "POST", SUBMIT, {"role": None, "headers": headers, "json": life.body("never", life.stray)}
    key = life.client["key"]
    for client in (key, username):
        yield "POST", "/v3/oauth/token/generate", {"role": None, "json": {"key": client, "secret": password}}
        yield (
            "POST",
            "/oauth2/token",
            {"role": None, "auth": (client, password), "data": {"grant_type": "client_credentials"}},
        )
        form = {"grant_type": "client_credentials", "client_id": client, "client_secret": password}
        yield "POST", "/oauth2/token", {"role": None, "data": form}
    yield (
        "POST",
        "/oauth2/token",
        {"role": None, "data": {"grant_type": "password", "username": username, "password": bare}},
    )
    yield "POST", "/oauth2/revoke_token", {"role": None, "auth": (key, life.client["secret"]), "data": {"token": bare}}
    person = {
        "username": "canary-auditor",
        "password": password,
        "orgId": life.furnished["organisation"],
        "otp": "123456",
    }
    yield "POST", "/auth/ui-token", {"role": None, "json": person}
    yield "POST", "/auth/ui-token", {"role": None, "json": person | {"otp": secret}}
    yield "POST", "/auth/ui-token", {"role": None, "json": person | {"orgId": secret}}
