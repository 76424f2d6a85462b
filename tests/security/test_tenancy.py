"""Nothing of an organisation reaches anybody outside it, at no address, by no search and by no probing."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.http import HttpResponse
from django.test import Client

from accounts.admin_guard import PlatformAdmin
from accounts.models import User
from tests.factories import MembershipFactory, UserFactory
from tests.security.addresses import addresses, lists, lookups, model_of
from tests.security.estate import Estate, answering, build_estate
from tests.security.tables import changed, checksums

OURS, THEIRS = 51250, 60001
# What is stored and shown to nobody at all, or to the owners of the column alone.
NEVER_SHOWN = {"log", "old-update"}


pytestmark = pytest.mark.usefixtures("silent")


def mark(name: str) -> str:
    """A text that stands nowhere else, and that holds no other mark."""
    return f"qq{name}qq"


@pytest.fixture
def ours(db: Any, settings: Any) -> Estate:
    """An organisation with a mark in every text."""
    settings.INTOUCH_ALLOW_LOOPBACK = True
    with answering(mark) as intouch:
        estate = build_estate(OURS, mark, intouch.url)
    for name, request in estate.requests.items():
        estate.data |= {f"{name} reference": request.reference_id, f"{name} digest": request.digest}
        estate.data[f"{name} correlation"] = request.correlation_id
    estate.data["customer"] = str(request.customer_id)
    estate.set_up |= {f"{role} e-mail": person.email for role, person in estate.people.items()}
    return estate


def neighbour(**roles: bool) -> User:
    """Somebody of another organisation."""
    from tests.house import build_house

    house = build_house(THEIRS)
    person: User = UserFactory(username="neighbour")
    MembershipFactory(user=person, organisation=house.organisation, **roles)
    house.submit()
    return person


EVERYTHING = {"is_maker": True, "is_checker": True, "is_auditor": True, "is_operator": True}


def former_member() -> User:
    person: User = UserFactory(username="former")
    MembershipFactory(user=person, organisation_id=OURS, organisation=None, is_active=False, **EVERYTHING)
    return person


def superuser_next_door() -> User:
    person = neighbour(**EVERYTHING)
    person.is_superuser = True
    person.save()
    return person


OUTSIDERS = {
    "maker": lambda: neighbour(is_maker=True),
    "checker": lambda: neighbour(is_checker=True),
    "auditor": lambda: neighbour(is_auditor=True),
    "operator": lambda: neighbour(is_operator=True),
    "everything": lambda: neighbour(**EVERYTHING),
    "without a membership": lambda: UserFactory(username="nobody"),
    "former member": former_member,
    "superuser without a membership": lambda: UserFactory(username="root", is_superuser=True),
    "superuser of the other": superuser_next_door,
}


def at_desk(person: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(person)
    return client


def said(answer: HttpResponse) -> str:
    """Body and headers, as a reader reads them."""
    head = "".join(f"{name}: {value}\n" for name, value in answer.headers.items())
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
    return head + str(answer.cookies) + html.unescape(body.decode("utf-8", "replace"))


def is_platform(address: str) -> bool:
    """Whether a page is one of the set-up, which platform administrators see whole, or a look-up of its rows."""
    model = model_of(address)
    if looked_up := re.search(r"app_label=(\w+)&model_name=(\w+)&field_name=(\w+)", address):
        model = apps.get_model(looked_up[1], looked_up[2])._meta.get_field(looked_up[3]).related_model
    return isinstance(admin.site._registry.get(model), PlatformAdmin)


def forbidden(estate: Estate, person: User, address: str) -> dict[str, str]:
    """The texts that this person may not be shown at this address."""
    if person.is_superuser and is_platform(address):
        return estate.data
    return estate.data | estate.set_up


def leaks(estate: Estate, person: User, address: str, answer: HttpResponse) -> list[str]:
    """Marks in an answer, but for those that were in the question."""
    text, asked = said(answer), html.unescape(address)
    known = forbidden(estate, person, address)
    return [f"{address}: {name}" for name, each in known.items() if each in text and each not in asked]


def probes(estate: Estate) -> Iterator[str]:
    """Searches, filters, pages and pop-ups of every list."""
    request = estate.requests["waiting"]
    words = [request.reference_id, request.customer_id, request.pk, mark("waiting-reason"), mark("maker-name")]
    words += [estate.people["maker"].email, request.goodwill.request_number]
    options = ["_popup=1&_to_field=id", f"organisation={OURS}", "o=1.-2", "e=1", "before=1"]
    options += [f"show={name}" for name in ("waiting", "decided", "all", "unknown", "failed")]
    for page, _ in lists():
        yield from (f"{page}?q={word}" for word in words)
        yield from (f"{page}?{option}" for option in options)
    for word in ("", estate.people["maker"].username):
        yield from lookups(word)


@pytest.mark.parametrize("who", OUTSIDERS)
def test_nobody_outside_is_shown_anything_at_any_address(ours: Estate, who: str) -> None:
    person = OUTSIDERS[who]()
    client, found = at_desk(person), []

    for address in addresses(ours, most=2):
        found += leaks(ours, person, address, client.get(address))

    assert found == []


@pytest.mark.parametrize("who", ["everything", "superuser of the other"])
def test_nobody_outside_finds_anything_by_searching(ours: Estate, who: str) -> None:
    person = OUTSIDERS[who]()
    client, found = at_desk(person), []

    for address in probes(ours):
        found += leaks(ours, person, address, client.get(address))

    assert found == []


def test_a_member_who_is_everything_is_shown_all_of_it(ours: Estate) -> None:
    """The twin: were it shown to somebody, the walk would meet it."""
    client = at_desk(ours.people["everything"])

    pages = [*addresses(ours, most=99, views=("", "change/")), *probes(ours)]

    shown = "".join(said(client.get(address)) for address in pages)

    assert {name for name, each in ours.data.items() if each not in shown} <= NEVER_SHOWN
    platform = at_desk(UserFactory(is_superuser=True))
    set_up = "".join(said(platform.get(address)) for address in addresses(ours, most=99) if is_platform(address))
    assert {name for name, each in ours.set_up.items() if each not in set_up} <= NEVER_SHOWN


def test_log_ins_and_errors_name_nobody(ours: Estate) -> None:
    client = Client(raise_request_exception=False)
    for address in ["/", "/admin/", "/admin/nowhere/", "/metrics", "/api/docs", "/api/schema", "/healthz", "/readyz"]:
        answer = client.get(address)
        assert not [name for name, each in (ours.data | ours.set_up).items() if each in said(answer)], address


LOOKUPS = [
    "organisation__memberships__user__password__startswith", "organisation__memberships__user__email__startswith",
    "organisation__memberships__user__totpdevice__key__startswith", "organisation__name__startswith",
    "organisation__memberships__user__secrets__digest__startswith", "organisation__targets__credential__isnull",
    "organisation__memberships__user__memberships__organisation__name__startswith", "organisation__id__exact",
    "maker__email__startswith", "maker__password__startswith", "request__maker__email__startswith", "secret__isnull",
    "request__payload__contains", "payload__contains", "reference_id__startswith", "target__credential__isnull",
    "user__email__startswith", "user__password__startswith", "password__startswith", "actor__email__startswith",
    "details__icontains", "added_by__email__startswith", "reason__startswith", "client_secret__startswith",
    "result__contains", "show__startswith", "organisation",
]  # fmt: skip
GUESSES = {"organisation__id__exact": (str(OURS), "999"), "organisation": (str(OURS), "999")}


@pytest.mark.parametrize("who", ["a neighbour", "a member"])
def test_probing_by_filters_tells_nothing(ours: Estate, who: str) -> None:
    """A guess that is right and one that is wrong get the same answer, byte by byte."""
    client = at_desk(ours.people["auditor"] if who == "a member" else neighbour(**EVERYTHING))
    open_lists = [page for page, _ in lists() if client.get(page).status_code == 200]
    assert len(open_lists) >= 4
    for lookup in LOOKUPS:
        right, wrong = ("False", "True") if lookup.endswith("isnull") else GUESSES.get(lookup, ("", "zzzz"))
        for page in open_lists:
            answers = [client.get(page, {lookup: value}) for value in (right, wrong)]
            texts = [_without_tokens(answer, value) for answer, value in zip(answers, (right, wrong), strict=True)]
            assert answers[0].status_code == answers[1].status_code, (page, lookup)
            assert texts[0] == texts[1], (page, lookup)
            assert lookup == "organisation" or answers[0].status_code == 400, (page, lookup)


def _without_tokens(answer: HttpResponse, value: str) -> str:
    text = re.sub(r'(name="csrfmiddlewaretoken" value=")[^"]+', r"\1", answer.content.decode())
    text = re.sub(r'data-[a-z-]*="[^"]*"', "", text)
    return re.sub(rf"(=|%3D){re.escape(value)}\b", r"\1", text)


def test_what_changes_something_changes_nothing_of_others(ours: Estate) -> None:
    person = neighbour(**EVERYTHING)
    client, before = at_desk(person), checksums()
    waiting = ours.requests["waiting"]
    form = {
        "decision": "approved", "message": "mine now", "digest": waiting.digest, "reason": "mine", "request_type": "",
        "organisation": OURS,
    }  # fmt: skip

    for address in addresses(ours, most=99):
        answer = client.post(address, form)
        assert leaks(ours, person, address, answer) == []

    assert changed(before) == set()
