"""OAuth 2 client credentials: E6, the standard endpoints beside it, and what a token opens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application

from accounts import attempts
from accounts.models import User
from accounts.services import IssuedSecret, ensure_oauth_client
from tests.accounts.test_basic import assert_unauthenticated
from tests.api.gateway import REQUESTS, Answer, Gateway, assert_refused, basic
from tests.house import House
from wire import strict_json

GENERATE = "/v3/oauth/token/generate"
STANDARD = "/oauth2/token"
REVOKE = "/oauth2/revoke_token"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def client(house: House) -> IssuedSecret:
    """An OAuth client of the house's service account, with its secret in clear."""
    return ensure_oauth_client(house.service_account, name="CRM")


def _generate(outside: Gateway, client: IssuedSecret) -> str:
    answer = outside.call("POST", GENERATE, {"key": client.key, "secret": client.secret})
    assert answer.status == 200, answer.text
    return str(answer.data["accessToken"])


def _standard(outside: Gateway, client: IssuedSecret, **changes: str) -> Answer:
    fields = {
        "grant_type": "client_credentials",
        "client_id": client.key,
        "client_secret": str(client.secret),
        **changes,
    }
    return outside.call("POST", STANDARD, urlencode(fields).encode(), content_type=FORM)


def test_key_and_secret_are_exchanged_for_a_token(outside: Gateway, client: IssuedSecret, settings: Any) -> None:
    answer = outside.call("POST", GENERATE, {"key": client.key, "secret": client.secret})

    assert list(answer.json) == ["data", "errors"]
    assert answer.json["errors"] is None
    assert list(answer.data) == ["accessToken", "ttlSeconds"]
    assert answer.data["ttlSeconds"] == settings.OAUTH_TOKEN_TTL_SECONDS
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "generate", [_generate, lambda *args: strict_json.loads(_standard(*args).text)["access_token"]]
)
def test_a_token_of_either_endpoint_acts_as_the_service_account(
    outside: Gateway, client: IssuedSecret, generate: Callable[[Gateway, IssuedSecret], str]
) -> None:
    token = generate(outside, client)

    for name, value in (("Authorization", f"Bearer {token}"), ("Authorization", f"bearer {token}"),
                        ("X_CAP_API_OAUTH_TOKEN", token)):  # fmt: skip
        answer = outside.having(**{name: value}).submit()
        assert answer.data["userName"] == outside.house.service_account.username


@pytest.mark.parametrize(
    "generate", [_generate, lambda *args: strict_json.loads(_standard(*args).text)["access_token"]]
)
def test_no_token_is_stored_in_clear(
    outside: Gateway, client: IssuedSecret, generate: Callable[[Gateway, IssuedSecret], str]
) -> None:
    token = generate(outside, client)

    stored = AccessToken.objects.get()
    assert token not in [str(value) for value in vars(stored).values()]
    assert client.secret not in [str(value) for value in vars(Application.objects.get()).values()]


def test_a_token_ends_when_its_time_is_over(outside: Gateway, client: IssuedSecret) -> None:
    caller = outside.having(Authorization=f"Bearer {_generate(outside, client)}")
    assert caller.list().status == 200

    AccessToken.objects.update(expires=timezone.now() - timedelta(microseconds=1))

    assert_unauthenticated(caller.list())


def _deactivate(house: House) -> None:
    User.objects.filter(pk=house.service_account.pk).update(is_active=False)


def _delete_client(_: House) -> None:
    Application.objects.all().delete()


def _make_a_person(house: House) -> None:
    User.objects.filter(pk=house.service_account.pk).update(kind="person")


@pytest.mark.parametrize("change", [_deactivate, _delete_client, _make_a_person])
def test_a_token_ends_with_what_it_stands_for(
    outside: Gateway, client: IssuedSecret, change: Callable[[House], None]
) -> None:
    caller = outside.having(Authorization=f"Bearer {_generate(outside, client)}")

    change(outside.house)

    assert_unauthenticated(caller.list())
    assert_unauthenticated(outside.call("POST", GENERATE, {"key": client.key, "secret": client.secret}))


def test_a_token_of_an_account_without_membership_opens_nothing(outside: Gateway, client: IssuedSecret) -> None:
    caller = outside.having(Authorization=f"Bearer {_generate(outside, client)}")
    membership = outside.house.membership(outside.house.service_account)
    membership.is_active = False
    membership.save()

    assert_refused(caller.list(), 403, (2001, None))


def test_a_revoked_token_opens_nothing(outside: Gateway, client: IssuedSecret) -> None:
    token = _generate(outside, client)
    fields = {"token": token, "client_id": client.key, "client_secret": client.secret}

    answer = outside.call("POST", REVOKE, urlencode(fields).encode(), content_type=FORM)

    assert answer.status == 200
    assert_unauthenticated(outside.having(Authorization=f"Bearer {token}").list())


def test_a_token_is_not_revoked_by_another_client(outside: Gateway, client: IssuedSecret) -> None:
    token = _generate(outside, client)
    other = ensure_oauth_client(outside.house.service_account, name="other")
    fields = {"token": token, "client_id": other.key, "client_secret": other.secret}

    outside.call("POST", REVOKE, urlencode(fields).encode(), content_type=FORM)

    assert outside.having(Authorization=f"Bearer {token}").list().status == 200


BAD_TOKENS = ("", " ", "x", "x" * 30, "x" * 256, "x" * 100_000, "null", "ä", "%00", "a b", "../x", "' OR 1=1 --")


@pytest.mark.parametrize("token", BAD_TOKENS)
@pytest.mark.parametrize("header", ["HTTP_AUTHORIZATION", "HTTP_X_CAP_API_OAUTH_TOKEN"])
def test_an_unknown_token_opens_nothing(outside: Gateway, client: IssuedSecret, token: str, header: str) -> None:
    value = f"Bearer {token}" if header == "HTTP_AUTHORIZATION" else token

    assert_unauthenticated(outside.call("GET", REQUESTS, environ={header: value.encode().decode("latin-1")}))


def test_the_checksum_of_a_token_is_no_token(outside: Gateway, client: IssuedSecret) -> None:
    _generate(outside, client)
    checksum = AccessToken.objects.get().token_checksum

    assert_unauthenticated(outside.having(Authorization=f"Bearer {checksum}").list())


def test_both_headers_at_once_are_refused_even_with_one_token(outside: Gateway, client: IssuedSecret) -> None:
    token = _generate(outside, client)

    assert_unauthenticated(outside.having(Authorization=f"Bearer {token}", X_CAP_API_OAUTH_TOKEN=token).list())
    assert_unauthenticated(outside.by(outside.house.maker).having(X_CAP_API_OAUTH_TOKEN=token).list())


WRONG_PAIRS: dict[str, Callable[[IssuedSecret], dict[str, Any]]] = {
    "a wrong secret": lambda client: {"key": client.key, "secret": str(client.secret)[:-1] + "~"},
    "an unknown key": lambda client: {"key": "x", "secret": client.secret},
    "the key in another case": lambda client: {"key": client.key.swapcase(), "secret": client.secret},
    "both the other way round": lambda client: {"key": client.secret, "secret": client.key},
    "the stored hash": lambda client: {"key": client.key, "secret": Application.objects.get().client_secret},
    "the username": lambda client: {"key": "crm-51250", "secret": client.secret},
}


@pytest.mark.parametrize("how", WRONG_PAIRS)
def test_a_wrong_pair_gets_no_token(outside: Gateway, client: IssuedSecret, how: str) -> None:
    assert_unauthenticated(outside.call("POST", GENERATE, WRONG_PAIRS[how](client)))
    assert not AccessToken.objects.exists()


BAD_BODIES = [
    ({}, ["key", "secret"]), ({"key": "x"}, ["secret"]), ({"secret": "x"}, ["key"]),
    ({"key": 1, "secret": "x"}, ["key"]),
    ({"key": "", "secret": ""}, ["key", "secret"]), ({"key": None, "secret": "x"}, ["key"]),
    ({"key": "x" * 256, "secret": "x"}, ["key"]), ({"key": "x", "secret": "x" * 256}, ["secret"]),
    ({"key": "x", "secret": "x", "scope": "admin"}, ["scope"]), ([], [None]), ("x", [None]),
]  # fmt: skip


@pytest.mark.parametrize(("body", "references"), BAD_BODIES, ids=str)
def test_a_wrong_body_is_explained_field_by_field(outside: Gateway, body: Any, references: list[str | None]) -> None:
    assert_refused(outside.call("POST", GENERATE, body), 400, *[(2008, reference) for reference in references])


@pytest.mark.parametrize(
    "raw", [b"{", b'{"key":"a","key":"b","secret":"x"}', b'{"key":"a\\u0000","secret":"x"}', b"[" * 60_000]
)
def test_a_body_that_cannot_be_read_is_refused(outside: Gateway, raw: bytes) -> None:
    assert_refused(outside.call("POST", GENERATE, raw), 400, (2008, None))


def test_a_new_secret_ends_the_old_one(outside: Gateway, client: IssuedSecret) -> None:
    renewed = ensure_oauth_client(outside.house.service_account, name="CRM", rotate=True)

    assert renewed.key == client.key
    assert_unauthenticated(outside.call("POST", GENERATE, {"key": client.key, "secret": client.secret}))
    assert _generate(outside, renewed)


def test_the_standard_endpoint_takes_the_client_in_either_place(outside: Gateway, client: IssuedSecret) -> None:
    in_header = outside.having(Authorization=basic(client.key, str(client.secret))).call(
        "POST", STANDARD, b"grant_type=client_credentials", content_type=FORM
    )

    for answer in (_standard(outside, client), in_header):
        assert answer.status == 200
        assert answer.json["token_type"] == "Bearer"
        assert "refresh_token" not in answer.json


REFUSED_GRANTS = [
    {"grant_type": "password", "username": "maker-51250", "password": "a-password-of-a-test"},
    {"grant_type": "authorization_code", "code": "x", "redirect_uri": "https://x.test"},
    {"grant_type": "refresh_token", "refresh_token": "x"},
    {"grant_type": "urn:ietf:params:oauth:grant-type:device_code", "device_code": "x"},
    {"grant_type": ""},
    {"grant_type": "x"},
    {"client_secret": "wrong"},
    {"client_id": "unknown"},
    {"scope": "admin"},
    {"client_id": "\0"},
    {"client_secret": "\0"},
    {"grant_type": "\0"},
    {"scope": "\0"},
    {"client_id": "x" * 10_000},
]


@pytest.mark.parametrize("changes", REFUSED_GRANTS, ids=str)
def test_the_standard_endpoint_gives_a_token_for_nothing_else(
    outside: Gateway, client: IssuedSecret, changes: dict[str, str]
) -> None:
    answer = _standard(outside, client, **changes)

    assert answer.status in (400, 401, 404)
    assert answer.json["error"]
    assert answer.headers["X-CAP-REQUEST-ID"]
    assert not AccessToken.objects.exists()


@pytest.mark.parametrize("path", [STANDARD, REVOKE])
@pytest.mark.parametrize("pair", ["\0:x", "x:\0", "ä:ü", ":", "x"])
def test_the_standard_endpoints_survive_odd_clients(outside: Gateway, path: str, pair: str) -> None:
    username, _, secret = pair.partition(":")
    answer = outside.having(Authorization=basic(username, secret)).call(
        "POST", path, b"grant_type=client_credentials&token=x%00", content_type=FORM
    )

    assert answer.status in (400, 401)
    assert answer.json["error"]


def _named_twice(outside: Gateway, client: IssuedSecret) -> Answer:
    fields = {"grant_type": "client_credentials", "client_id": client.key, "client_secret": "wrong"}
    caller = outside.having(Authorization=basic("somebody-else", "wrong"))
    return caller.call("POST", STANDARD, urlencode(fields).encode(), content_type=FORM)


def _quoted(outside: Gateway, client: IssuedSecret) -> Answer:
    caller = outside.having(Authorization=basic(f"%{ord(client.key[0]):02x}{client.key[1:]}", "wrong"))
    return caller.call("POST", STANDARD, b"grant_type=client_credentials", content_type=FORM)


def _revoke(outside: Gateway, client: IssuedSecret) -> Answer:
    fields = {"token": "x", "client_id": client.key, "client_secret": "wrong"}
    return outside.call("POST", REVOKE, urlencode(fields).encode(), content_type=FORM)


GUESSES: dict[str, Callable[[Gateway, IssuedSecret], Answer]] = {
    "in the form": lambda outside, client: _standard(outside, client, client_secret="wrong"),
    "in the header, quoted": _quoted,
    "beside another name in the header": _named_twice,
    "at the end of a token": _revoke,
}


@pytest.mark.parametrize("how", GUESSES)
def test_whoever_guesses_at_a_standard_endpoint_has_to_wait(outside: Gateway, client: IssuedSecret, how: str) -> None:
    statuses = [GUESSES[how](outside, client).status for _ in range(attempts.PAIR_LIMIT + 1)]

    assert statuses == [401] * attempts.PAIR_LIMIT + [429]
    refused = _standard(outside, client)
    assert (refused.status, refused.headers["Retry-After"]) == (429, str(attempts.WINDOW_SECONDS))
    assert refused.json["error"] == "temporarily_unavailable"
    assert not AccessToken.objects.exists()


def test_a_client_of_ones_own_does_not_wash_guesses_at_another_one_away(outside: Gateway, client: IssuedSecret) -> None:
    own = ensure_oauth_client(outside.house.service_account, name="own")
    fields = {"grant_type": "client_credentials", "client_id": client.key, "client_secret": "wrong"}
    for _ in range(attempts.PAIR_LIMIT):
        _standard(outside, client, client_secret="wrong")
        caller = outside.having(Authorization=basic(own.key, str(own.secret)))
        caller.call("POST", STANDARD, urlencode(fields).encode(), content_type=FORM)

    assert _standard(outside, client).status == 429


@pytest.mark.parametrize(
    "generate", [_generate, lambda *args: strict_json.loads(_standard(*args).text)["access_token"]]
)
def test_a_client_under_attack_from_everywhere_stays_open_where_it_was_used_before(
    outside: Gateway, client: IssuedSecret, generate: Callable[..., str]
) -> None:
    assert generate(outside, client)
    for number in range(attempts.ACCOUNT_LIMIT):
        attempts.note_failure(client.key, f"192.0.2.{number}")

    assert generate(outside, client)
    assert outside.call(
        "POST", GENERATE, {"key": client.key, "secret": client.secret}, environ={"REMOTE_ADDR": "203.0.113.9"}
    ).status == 429  # fmt: skip
