"""Over the API nothing of an organisation reaches anybody outside it, and what is there looks like what is not."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from django.urls import URLPattern, reverse

from tests.api.addresses import api_addresses
from tests.api.gateway import ORGANISATION, Answer, Gateway, decision_body, gateway_of, put
from tests.factories import MembershipFactory, TargetFactory, UserFactory
from tests.house import House, build_house
from tests.security.estate import Estate, answering, build_estate
from tests.security.tables import changed, checksums

OURS, THEIRS = 51250, 60001
ORIGIN = "http://ours-alone.test:1900"
BODY = "payload.IntouchAPITask-Payload.body"


def mark(name: str) -> str:
    return f"qq{name}qq"


@pytest.fixture
def ours(db: Any, settings: Any) -> Estate:
    settings.INTOUCH_ALLOW_LOOPBACK = True
    with answering(mark) as intouch:
        estate = build_estate(OURS, mark, intouch.url)
    TargetFactory(organisation=estate.house.organisation, origin=ORIGIN)
    estate.house.program.program_id = 918273
    estate.house.program.save()
    for name, request in estate.requests.items():
        estate.data |= {f"{name} reference": request.reference_id, f"{name} id": str(request.pk)}
    return estate


@pytest.fixture
def theirs(ours: Estate) -> House:
    house = build_house(THEIRS)
    membership = house.membership(house.maker)
    membership.is_checker = membership.is_auditor = membership.is_operator = True
    membership.save()
    house.submit()
    return house


def outsiders(house: House) -> Iterator[Gateway]:
    """Somebody of another organisation and its machine, naming their own organisation, ours, and none."""
    member = gateway_of(house)
    machine = member.by(house.service_account, house.service_secret)
    root = member.by(UserFactory(username="root", is_superuser=True))
    former = UserFactory(username="former")
    MembershipFactory(user=former, organisation_id=OURS, organisation=None, is_maker=True, is_active=False)
    for caller in (member, machine, root, member.by(former)):
        for named in (str(THEIRS), str(OURS), None):
            yield caller.having(**{ORGANISATION: named})


# Tokens are given for one's own credentials, and the rest is the same for everybody.
WITHOUT_ROWS = {
    "oauth-token-generate", "ui-token", "ui-token-revoke", "oauth2-token", "oauth2-revoke-token", "schema", "docs",
    "healthz", "readyz", "metrics", "home",
}  # fmt: skip


def questions(caller: Gateway, ours: Estate) -> Iterator[tuple[str, str, Answer]]:
    """Every address with every method it has, and keys, queries and bodies about rows of ours: name, method, answer."""
    for name, pattern in api_addresses().items():
        for path in paths(name, ours) if name not in WITHOUT_ROWS else ():
            for method in methods(pattern):
                for query in queries(name, ours) if method == "GET" else [""]:
                    for body in bodies(method, caller, ours):
                        yield name, method, caller.call(method, path, body, query=query)


def methods(pattern: URLPattern) -> list[str]:
    """What a view set was given at the address, or what a view has functions for."""
    actions = getattr(pattern.callback, "actions", None)
    view = getattr(pattern.callback, "cls", None)
    found = actions or [each for each in view.http_method_names if hasattr(view, each)]
    return [each.upper() for each in found if each not in ("head", "options")]


def paths(name: str, ours: Estate) -> Iterator[str]:
    """The address with the keys of our rows filled in. One that takes a key which nobody has named here is an error."""
    keys = {
        "request_id": [str(request.pk) for request in ours.requests.values()],
        "request_type": ["GOODWILL-POINTS"],
        "customer_id": [str(ours.requests["waiting"].customer_id)],
    }
    names = list(api_addresses()[name].pattern.regex.groupindex)
    for values in product(*[keys[each] for each in names]):
        yield reverse(name, kwargs=dict(zip(names, values, strict=True)))


def queries(name: str, ours: Estate) -> list[str]:
    """What lists are asked for; an address that is none is asked without."""
    waiting, number = ours.requests["waiting"], ours.requests["credited"].goodwill.request_number
    asked = {
        "request-list": [f"userId={waiting.maker_id}", f"customerId={waiting.customer_id}", "limit=100",
                         "states=approved"],
        "goodwill-history": [f"customerId={waiting.customer_id}"],
        "goodwill-history-of-customer": [f"requestId={number}", f"programId={ours.house.program.program_id}"],
    }  # fmt: skip
    return ["", *asked.get(name, [])]


def bodies(method: str, caller: Gateway, ours: Estate) -> list[Any]:
    """What is sent: submissions that name what is ours, and decisions on every request."""
    if method in ("GET", "DELETE"):
        return [None]
    body = caller.house.body(referenceId=ours.requests["waiting"].reference_id)
    submissions = [
        put(body, f"{BODY}.programId", ours.house.program.program_id),
        put(body, "payload.IntouchAPITask-Payload.hostname", ORIGIN),
        put(body, f"{BODY}.points", 10**9),
    ]
    return submissions if method == "POST" else [decision_body(request.pk) for request in ours.requests.values()]


def test_no_question_of_an_outsider_is_answered_with_anything_of_ours(ours: Estate, theirs: House) -> None:
    callers, found = list(outsiders(theirs)), []
    before = checksums()
    for caller in callers:
        for name, method, answer in questions(caller, ours):
            text = answer.text + str(answer.headers)
            known = {**ours.data, **ours.set_up}
            asked = {ours.requests["waiting"].reference_id}
            found += [f"{method} {name}: {word}" for word, each in known.items() if each in text and each not in asked]
            reads = method == "GET" and name != "request-detail"
            assert reads or answer.status in (400, 403, 404, 405), f"{method} {name}: {answer.status}"
    assert found == []
    assert changed(before) == set()


def test_every_address_without_rows_exists() -> None:
    assert set(api_addresses()) > WITHOUT_ROWS


def test_a_member_is_answered_with_all_of_it(ours: Estate) -> None:
    """The twin: were it shown to somebody, the questions would meet it."""
    member = gateway_of(ours.house, ours.people["auditor"])

    shown = "".join(answer.text for *_, answer in questions(member, ours))

    for name in (
        "waiting-reason",
        "credited-comments",
        "intouch-value",
        "to-be-refused-approval",
        "retry",
        "maker-name",
    ):
        assert mark(name) in shown or name == "retry", name
    assert str(ours.requests["waiting"].pk) in shown


def test_a_reference_of_ours_is_free_in_another_organisation(ours: Estate, theirs: House) -> None:
    answer = gateway_of(theirs).submit(theirs.body(referenceId=ours.requests["waiting"].reference_id))

    assert answer.status == 200
    assert "Idempotent-Replay" not in answer.headers
    assert "qq" not in answer.text
