"""Whatever people, machines and Intouch write is text on every page: no element, attribute or address comes of it."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from tests.factories import UserFactory
from tests.security.addresses import addresses, lists
from tests.security.estate import Estate, answering, build_estate
from tests.workflows.journeys import past_the_guards
from workflows.models import AdminTask, AuditEvent, WorkflowRequest

OVERRIDE = "\u202e"  # writes from right to left from here on, and the rest of the line with it
EVIL = (
    "<zzevil zzattr=1>", '"><zzevil zzattr=1>', "'><zzevil>", '" zzattr="1', "' zzattr='1", "</script><zzevil>",
    "</textarea><zzevil>", "</title><zzevil>", "</pre></bdi><zzevil>", "<!--", "]]>", "<script>zzevil()</script>",
    "<img src=x onerror=zzevil()>", "<svg/onload=zzevil()>", "<a href=javascript:zzevil()>", "javascript:zzevil()",
    "{{7*7}}", "{% debug %}", "${7*7}", "%(who)s %s {0}", f"{OVERRIDE}zz", "\u2066zz", "&lt;zzevil&gt;", "`zz`", "\\",
)  # fmt: skip
SHORT = '"><zzevil zzattr=1>{{7*7}}'
SCRIPTS = ("/static/", "/admin/jsi18n/")
VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}


def evil(name: str) -> str:
    """As much of it as fits everywhere, with the name of its place."""
    whole = f"{name} {' '.join(EVIL)}"
    if name in ("organisation", "program", "client", "log") or name.endswith(("-name", "-code")):
        return f"{name} {SHORT}"[:150]
    return f"{name} {SHORT}" if name.endswith("-source") else whole[:500]


class Page(HTMLParser):
    """A page as a browser reads it: what is wrong with its elements, and where its text stands."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.problems: list[str] = []
        self.texts: list[tuple[tuple[str, ...], str]] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "script" and not (given.get("src") or "").startswith(SCRIPTS):
            self.problems.append(f"<{tag} {given}>")
        if tag in ("zzevil", "iframe", "object", "embed", "base") or (tag == "img" and not _is_own(given.get("src"))):
            self.problems.append(f"<{tag} {given}>")
        for name, value in attrs:
            if name.startswith(("on", "zz", "style", "formaction")):
                self.problems.append(f"<{tag} {name}={value!r}>")
            if name in ("href", "src", "action", "data", "xlink:href") and not _is_own(value):
                self.problems.append(f"<{tag} {name}={value!r}>")
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        self.texts.append((tuple(self._open), data))


def _is_own(address: str | None) -> bool:
    """Of this host, and nothing that runs."""
    text = (address or "").strip().lower()
    return text.startswith(("data:image/svg+xml", "data:image/png")) or not (
        ":" in text.partition("?")[0] or text.startswith("//")
    )


pytestmark = pytest.mark.usefixtures("silent")


@pytest.fixture
def estate(db: Any, settings: Any) -> Estate:
    settings.INTOUCH_ALLOW_LOOPBACK = True
    with answering(evil) as intouch:
        estate = build_estate(51250, evil, intouch.url)
    for role, person in estate.people.items():
        # Past every validation: as an import could have written it.
        User.objects.filter(pk=person.pk).update(username=f"{role}{SHORT}", email=f"{role}{SHORT}@x")
    with past_the_guards():
        WorkflowRequest.objects.update(maker_name=f"maker {SHORT}")
        AdminTask.objects.exclude(checker=None).update(checker_name=f"checker {SHORT}")
        AuditEvent.objects.update(actor_name=f"actor {SHORT}")
    return estate


def at_desk(person: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(person)
    return client


def pages(estate: Estate, client: Client) -> Iterator[tuple[str, str]]:
    """Every page of HTML that opens."""
    queries = (
        "",
        "q=" + SHORT.replace(" ", "+"),
        "show=waiting",
        "show=all",
        "show=decided",
        "show=unknown",
        "o=" + SHORT,
    )
    found = [
        *addresses(estate, most=99, views=("change/", "history/")),
        *(f"{page}?{query}" for page, _ in lists() for query in queries),
    ]
    for address in [*found, f"/admin/nowhere/{SHORT}/"]:
        answer = client.get(address)
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            yield address, answer.content.decode()


@pytest.mark.parametrize("who", ["everything", "superuser"])
def test_no_text_becomes_an_element_or_an_attribute(estate: Estate, who: str) -> None:
    person = estate.people["everything"] if who == "everything" else UserFactory(is_superuser=True)
    problems, shown = {}, []

    for address, text in pages(estate, at_desk(person)):
        page = Page(text)
        problems |= {address: page.problems} if page.problems else {}
        shown += [data for _, data in page.texts]

    assert problems == {}
    everything = "\n".join(shown)
    assert "<zzevil zzattr=1>" in everything, "it is shown, and as text"
    assert "{{7*7}}" in everything, "and no template reads it"


def test_the_texts_of_intouch_and_of_people_are_all_shown(estate: Estate) -> None:
    text = "".join(
        data for _, page in pages(estate, at_desk(estate.people["everything"])) for _, data in Page(page).texts
    )

    for name in (
        "waiting-reason",
        "rejection",
        "withdrawal",
        "retry",
        "pause",
        "last-error",
        "audit-details",
        "intouch-value",
    ):
        assert f"{name} <zzevil" in text, name


def test_text_that_turns_the_writing_round_does_so_within_its_own_bounds(estate: Estate) -> None:
    """In an element of its own (`bdi`, a block, a control) the override ends with it; in a sentence it would not."""
    isolating = {
        "bdi",
        "pre",
        "p",
        "td",
        "dd",
        "li",
        "h1",
        "blockquote",
        "textarea",
        "option",
        "title",
        "time",
        "summary",
    }
    client, loose = at_desk(estate.people["everything"]), set()

    for address, page in pages(estate, client):
        for inside, data in Page(page).texts:
            if OVERRIDE in data and not isolating & set(inside):
                loose.add((address.split("/")[3], inside[-1]))

    assert loose == set()


def test_a_message_about_an_evil_request_is_text_too(estate: Estate) -> None:
    request = estate.requests["waiting"]
    task = request.tasks.get()
    client = at_desk(estate.people["checker"])
    form = {"decision": "approved", "message": SHORT, "digest": request.digest, "go_on": ""}

    assert client.post(f"/admin/workflows/admintask/{task.pk}/decide/", form).status_code == 302
    page = Page(client.get(f"/admin/workflows/admintask/{task.pk}/change/").content.decode())

    assert page.problems == []
    assert any(SHORT in data for _, data in page.texts)


PLANTED = [
    '<p title=""><zzevil zzattr=1>', '<p title="" zzattr="1">', "</script><zzevil>", "<textarea></textarea><zzevil>",
    "<script>zzevil()</script>", "<script src='https://evil.test/x.js'></script>", "<img src=x onerror=zzevil()>",
    "<svg/onload=zzevil()>", "<a href=javascript:zzevil()>", "<a href='JavaScript:zzevil()'>",
    "<a href='//evil.test/'>", "<img src='https://evil.test/x.png'>", "<form action='https://evil.test/'>",
    "<p style='x'>", "<iframe src='/admin/'>", "<base href='/'>", "<button formaction='/x'>",
]  # fmt: skip


@pytest.mark.parametrize("markup", PLANTED)
def test_the_parser_sees_what_it_should(markup: str) -> None:
    assert Page(f"<main>{markup}</main>").problems


def test_the_parser_lets_harmless_markup_pass() -> None:
    text = "<a href='/admin/?q=a:b#c'>&lt;zzevil&gt;</a><img src='/static/x.png'><script src='/static/x.js'></script>"

    assert Page(text).problems == []
    assert Page(text).texts[0] == (("a",), "<zzevil>")
