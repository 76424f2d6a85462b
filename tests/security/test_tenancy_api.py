"""Over the API nothing of an organisation reaches anybody outside it, and what is there looks like what is not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.gateway import ORGANISATION, Answer, Gateway, gateway_of, put
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


def questions(caller: Gateway, ours: Estate) -> Iterator[tuple[str, Answer]]:
    """Everything that can be asked of the API, about rows of ours."""
    waiting, number = ours.requests["waiting"], ours.requests["credited"].goodwill.request_number
    for name, request in ours.requests.items():
        yield f"E3 {name}", caller.show(request.pk)
        yield f"E2 {name}", caller.decide(request.pk)
    for query in (
        "",
        f"userId={waiting.maker_id}",
        f"customerId={waiting.customer_id}",
        "limit=100",
        "states=approved",
    ):
        yield f"E4 {query}", caller.list(query)
    for query in ("", f"requestId={number}", f"programId={ours.house.program.program_id}"):
        yield f"E5 {query}", caller.history(waiting.customer_id, query)
    yield "E5 by query", caller.call("GET", "/v2/customers/goodwillRequest", query=f"customerId={waiting.customer_id}")
    body = caller.house.body(referenceId=waiting.reference_id)
    yield "E1 with a program of ours", caller.submit(put(body, f"{BODY}.programId", ours.house.program.program_id))
    yield "E1 to a target of ours", caller.submit(put(body, "payload.IntouchAPITask-Payload.hostname", ORIGIN))
    yield "E1 with points above every cap", caller.submit(put(body, f"{BODY}.points", 10**9))


def test_no_question_of_an_outsider_is_answered_with_anything_of_ours(ours: Estate, theirs: House) -> None:
    callers, found = list(outsiders(theirs)), []
    before = checksums()
    for caller in callers:
        for name, answer in questions(caller, ours):
            text = answer.text + str(answer.headers)
            known = {**ours.data, **ours.set_up}
            asked = {ours.requests["waiting"].reference_id}
            found += [f"{name}: {word}" for word, each in known.items() if each in text and each not in asked]
            assert name.startswith(("E4", "E5")) or answer.status in (400, 403, 404), name
    assert found == []
    assert changed(before) == set()


def test_a_member_is_answered_with_all_of_it(ours: Estate) -> None:
    """The twin: were it shown to somebody, the questions would meet it."""
    member = gateway_of(ours.house, ours.people["auditor"])

    shown = "".join(answer.text for _, answer in questions(member, ours))

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
