"""An organisation with something in every text column, each text told apart from all others by its own mark."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from accounts import services as account_services
from accounts.actors import actors_of
from accounts.models import Membership, User
from goodwill.models import GoodwillImport, GoodwillImportReject
from tests.api.rows import history_row
from tests.factories import MembershipFactory, UserFactory
from tests.house import FAKE_CREDENTIAL, House, build_house
from tests.workflows.journeys import correlated, past_the_guards
from tests.workflows.raw_servers import Conversation, RawServer, raw_server
from workflows import audit, bulk_running, bulk_selection, execution, operations, services
from workflows.models import BulkVerdict, Decision, TargetBreaker, WorkflowRequest
from workflows.set_up import keep_credential
from workflows.states import State

Words = Callable[[str], str]


@dataclass
class Estate:
    """A furnished organisation and what was written where; `set_up` are the texts of platform administrators."""

    house: House
    people: dict[str, User]
    requests: dict[str, WorkflowRequest]
    data: dict[str, str] = field(default_factory=dict)
    set_up: dict[str, str] = field(default_factory=dict)
    ids: dict[str, list[str]] = field(default_factory=dict)

    def rows_of(self, model: type[Model]) -> list[str]:
        """The keys of the organisation's rows that the admin has pages for."""
        return self.ids[model._meta.label_lower]


@contextmanager
def answering(words: Words) -> Iterator[RawServer]:
    """An Intouch that credits or refuses with texts in every part of its answer."""

    def behave(conversation: Conversation) -> None:
        while request := conversation.read_request():
            message = words("intouch-message")
            refuses = b"to-be-refused" in request
            said: Any = {"errors": [{"message": message}]} if refuses else {"createdId": 1, "warnings": [message]}
            body = json.dumps({**said, words("intouch-key"): words("intouch-value")}).encode()
            status = b"400 Bad Request" if refuses else b"201 Created"
            head = b"HTTP/1.1 %b\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % (status, len(body))
            header = words("intouch-header").encode("latin-1", "replace")
            conversation.send(head + b"x-said: %b\r\n\r\n" % header + body)

    with raw_server(behave) as server:
        yield server


def build_estate(organisation_id: int, words: Words, base_url: str) -> Estate:
    """One of everything.

    Args:
        words: the text to write for a purpose, e.g. `reason`.
        base_url: an Intouch, see `answering`.
    """
    house = build_house(organisation_id, base_url)
    people = {"maker": house.maker, "checker": house.checker, "auditor": house.auditor}
    people["operator"] = UserFactory(username=f"operator-{organisation_id}")
    MembershipFactory(user=people["operator"], organisation=house.organisation, is_operator=True)
    people["everything"] = UserFactory(username=f"everything-{organisation_id}")
    roles = {f"is_{role}": True for role in ("maker", "checker", "auditor", "operator")}
    MembershipFactory(user=people["everything"], organisation=house.organisation, **roles)
    estate = Estate(house, people, {})
    estate.set_up = _write_set_up(estate, words)
    estate.data = _write_requests(estate, words) | _write_bulk_decisions(estate, words) | _write_import(estate, words)
    estate.ids = _ids(estate)
    return estate


def _write_set_up(estate: Estate, words: Words) -> dict[str, str]:
    house, written = estate.house, {}

    def word(name: str) -> str:
        written[name] = words(name)
        return written[name]

    house.organisation.name = word("organisation")
    house.organisation.save()
    for role, person in estate.people.items():
        person.name, person.code, person.description = word(f"{role}-name"), word(f"{role}-code"), word(f"{role}-about")
        person.save()
    house.program.name, house.program.description = word("program"), word("program-about")
    house.program.save()
    account_services.ensure_oauth_client(house.service_account, name=word("client"))
    LogEntry.objects.create(
        user=house.checker,
        content_type=None,
        object_id="1",
        object_repr=word("log"),
        action_flag=CHANGE,
        change_message="",
    )
    return written


def _write_requests(estate: Estate, words: Words) -> dict[str, str]:
    house, written = estate.house, {}

    def word(name: str) -> str:
        written[name] = words(name)
        return written[name]

    def submit(name: str) -> WorkflowRequest:
        with correlated(f"correlation-{house.organisation.pk}-{name}"):
            texts = {part: word(f"{name}-{part}") for part in ("reason", "comments", "source")}
            reference = f"{name}-{house.organisation.pk}"
            customer = 900_000_000_000 + house.organisation.pk
            texts["source"] = texts["source"][:64]
            estate.requests[name] = house.submit(referenceId=reference, earningEntityId=customer, **texts)
        return estate.requests[name]

    submit("waiting")
    _decide(house, submit("rejected"), Decision.REJECTED, word("rejection"))
    request = submit("withdrawn")
    services.withdraw(actor=house.actor(house.maker), request_id=request.pk, message=word("withdrawal"))
    for name in ("credited", "to-be-refused", "to-be-retried-to-be-refused"):
        _decide(house, submit(name), Decision.APPROVED, word(f"{name}-approval"))
        assert execution.execute(estate.requests[name].pk)
    keep_credential(house.target, FAKE_CREDENTIAL)
    failed = estate.requests["to-be-retried-to-be-refused"].pk
    services.ask_for_retry(actor=house.actor(estate.people["operator"]), request_id=failed, message=word("retry"))
    _decide(house, submit("executing"), Decision.APPROVED, word("executing-approval"))
    unknown = submit("unknown")
    _decide(house, unknown, Decision.APPROVED, word("unknown-approval"))
    _give_up(unknown, word("last-error")[:500])
    operations.pause(actor=house.actor(estate.people["operator"]), reason=word("pause")[:500])
    with transaction.atomic():
        audit.record("odd.action", actor=house.auditor, request=unknown, reason=word("audit-details"))
    trouble = {"last_error": word("breaker")[:500], "open_until": timezone.now() + timedelta(days=1)}
    TargetBreaker.objects.update_or_create(target=house.target, defaults=trouble)
    history_row(house, reason=word("old-reason"), comments=word("old-comments"), updated_comments=word("old-update"))
    return written | {name: words(name) for name in ("intouch-message", "intouch-key", "intouch-value")}


def _write_bulk_decisions(estate: Estate, words: Words) -> dict[str, str]:
    """A choice that is not confirmed, and a run that has rejected one request."""
    house, person = estate.house, estate.people["everything"]
    actors, message = actors_of(person.pk), words("bulk-message")
    number = house.organisation.pk
    request = house.submit(referenceId=f"bulk-{number}", earningEntityId=estate.requests["waiting"].customer_id)
    estate.requests["in bulk"] = request
    bulk_selection.choose_rows(actors, _chosen(estate.requests["waiting"]))
    run = bulk_selection.choose_rows(actors, _chosen(request))
    actor = actors[house.organisation.pk]
    items = run.items.values_list("pk", flat=True)
    bulk_running.start(
        actor=actor, run_id=run.pk, confirmed=items, verdict=BulkVerdict.REJECTED, message=message, proof=None
    )
    assert not bulk_running.carry_on(run.pk)
    return {"bulk-message": message}


def _write_import(estate: Estate, words: Words) -> dict[str, str]:
    """A file of history, of which one line was rejected."""
    house, written = estate.house, {name: words(name) for name in ("file", "importer", "rejected-line")}
    imported = GoodwillImport.objects.create(
        organisation=house.organisation, file_name=written["file"][:255], file_hash="0" * 64,
        started_by=house.auditor, started_by_name=written["importer"][:254], records=1, rejected=1, line=1,
        options={"format": "csv", "delimiter": ",", "encoding": "utf-8", "map": {}}, header=b"reason\n",
    )  # fmt: skip
    line = written["rejected-line"]
    GoodwillImportReject.objects.create(
        organisation=house.organisation, goodwill_import=imported, line=1, reason=line, raw=line.encode()
    )
    return written


def _chosen(request: WorkflowRequest) -> dict[int, str]:
    return {request.tasks.get().pk: request.digest}


def _decide(house: House, request: WorkflowRequest, decision: Decision, message: str) -> None:
    services.decide(actor=house.actor(house.checker), request_id=request.pk, decision=decision, message=message)


def _give_up(request: WorkflowRequest, error: str) -> None:
    """As after many doubtful attempts: nothing is due any more, a person has to look."""
    with past_the_guards():
        WorkflowRequest.objects.filter(pk=request.pk).update(state=State.UNKNOWN, due_at=None, last_error=error)


def _ids(estate: Estate) -> dict[str, list[str]]:
    organisation = estate.house.organisation
    found = {}
    for model in admin.site._registry:
        rows = model._default_manager.all()
        if model is type(organisation):
            rows = rows.filter(pk=organisation.pk)
        elif any(each.name == "organisation" for each in model._meta.fields):
            rows = rows.filter(organisation=organisation)
        else:
            members = Membership.objects.filter(organisation=organisation).values("user")
            rows = rows.filter(pk__in=members) if model is User else rows.filter(user__in=members)
        found[model._meta.label_lower] = [str(row.pk) for row in rows]
    return found
