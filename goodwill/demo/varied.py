"""Some weeks of a contact centre in four dozen requests, made and decided through the real services."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from accounts.actors import Actor, actor_in
from accounts.models import Organisation, User
from goodwill.demo import seeds
from goodwill.demo.people import SERVICE_ACCOUNT
from wire import correlation
from wire.errors import ApiError
from workflows import services, submitting
from workflows.models import Decision, WorkflowRequest
from workflows.states import State
from workflows.submission import read_submission

SLUG = "GOODWILL-POINTS"
COUNT = 44

Fate = Literal["pending", "approved", "rejected", "withdrawn"]

# Lists of coprime lengths, walked side by side: few words, and hardly two requests alike.
_MAKERS = ("maker", "agent1", "agent2", SERVICE_ACCOUNT)
# Within the limit of goodwill.demo.policy; one customer comes near it.
_POINTS = (20, 50, 150, 5, 500, 75, 240, 30, 250, 1500, 100, 40, 1100, 60, 10, 900, 30)
# From here on small ones of this morning, which all wait: a checker finds a list that is worth its filters.
_BACKLOG_FROM, _BACKLOG_POINTS = 35, (20, 35, 25, 15, 30)
# These ask for the very same as another did: look-alikes.
_ALIKE = {34: 27}
_FATES: tuple[Fate, ...] = (
    "approved", "pending", "approved", "rejected", "pending", "approved", "withdrawn", "approved", "pending",
)  # fmt: skip
_CUSTOMERS = (382332519, 382340077, 382351203, 382377410, 382390958, 382401164, 382412805)
_CASES = (
    ("Late delivery", "Parcel came nine days late, customer is on the phone"),
    ("Damaged item", "Photo of the broken jar is in the ticket"),
    ("Points missing", "Purchase of last Saturday was not counted"),
    ("Long wait at the till", None),
    ("Wrong price charged", "Shelf said 3.99, receipt says 4.99"),
    ("Complaint resolved", "Store manager asked for a gesture"),
    ("Birthday gesture", None),
    ("Service outage", "App was down during the double points hour"),
    ("Refund without points", "Points of the returned order were taken twice"),
    ("Loyalty anniversary", None),
    ("Stock error", "Click and collect order was cancelled at the counter"),
)
_STORES = (
    seeds.ENTITY,
    {"tillId": "50682301", "storeId": "50682300", "zoneId": "50682286", "conceptId": "50678331"},
    {"tillId": "50682312", "storeId": "50682310", "zoneId": "50682287", "conceptId": "50678331"},
    {"tillId": "50682325", "storeId": "50682324", "zoneId": "50682287", "conceptId": "50678332"},
    {"tillId": "50682338", "storeId": "50682336", "zoneId": "50682290", "conceptId": "50678332"},
)
_MESSAGES: dict[Fate, str] = {"approved": "Checked against the ticket", "rejected": "No ticket found for this"}


@dataclass(frozen=True, slots=True)
class Planned:
    """One request of the demo: who makes it, its body, and what becomes of it."""

    maker: str
    checker: str
    fate: Fate
    entity: dict[str, str]
    body: dict[str, Any]


def planned() -> Iterator[Planned]:
    for number in range(COUNT):
        like = _ALIKE.get(number, number)
        reason, comments = _CASES[like % len(_CASES)]
        entity = _STORES[number % len(_STORES)]
        body = {
            "referenceId": f"demo-{number + 1:04}", "reason": reason, "baseType": "POINTS",
            "programId": seeds.DEFAULT_PROGRAM_ID if number % 6 == 5 else seeds.PROGRAM_ID,
            "awardingTillId": int(entity["tillId"]), "earningEntityType": "CUSTOMER",
            "earningEntityId": _CUSTOMERS[number % len(_CUSTOMERS)], "points": _points(number),
            "source": "API",
        }  # fmt: skip
        yield Planned(
            maker=_MAKERS[number % len(_MAKERS)], checker=("checker", "checker2")[number % 2],
            fate=_fate(number), entity=entity, body=body | ({"comments": comments} if comments else {}),
        )  # fmt: skip


def _points(number: int) -> int:
    if number >= _BACKLOG_FROM:
        return _BACKLOG_POINTS[number % len(_BACKLOG_POINTS)]
    return _POINTS[_ALIKE.get(number, number) % len(_POINTS)]


def _fate(number: int) -> Fate:
    return "pending" if number >= _BACKLOG_FROM else _FATES[number % len(_FATES)]


def ensure_requests(organisation: Organisation) -> int:
    """Make those that are missing, and leave the others as whoever used the demo has left them.

    Returns:
        How many were made; what an administrator has forbidden meanwhile is left out.
    """
    wanted = {plan.body["referenceId"]: plan for plan in planned()}
    made = WorkflowRequest.objects.filter(
        organisation=organisation, request_type=SLUG, reference_id__in=wanted
    ).values_list("reference_id", flat=True)
    missing = sorted(wanted.keys() - set(made))
    return sum(_make(wanted[reference_id], organisation) for reference_id in missing)


def _make(plan: Planned, organisation: Organisation) -> bool:
    correlation.begin(None)
    try:
        maker, checker = _actor(plan.maker, organisation), _actor(plan.checker, organisation)
        content = seeds.submission(plan.body, plan.entity)
        submission = read_submission(content, organisation=organisation, slug=SLUG)
        request = submitting.submit(actor=maker, submission=submission).request
        if request.state == State.WAITING:
            _bring_about(plan, request, maker, checker)
    except ApiError:
        return False
    return True


def _bring_about(plan: Planned, request: WorkflowRequest, maker: Actor, checker: Actor) -> None:
    """What becomes of a request that waits; a large one needs a supervisor as well."""
    if plan.fate == "withdrawn":
        services.withdraw(actor=maker, request_id=request.pk, message="Entered twice by mistake")
    if plan.fate not in ("approved", "rejected"):
        return
    decided = services.decide(
        actor=checker, request_id=request.pk, decision=Decision(plan.fate), message=_MESSAGES[plan.fate]
    )
    if decided.state == State.WAITING:
        supervisor = _actor("supervisor", request.organisation)
        services.decide(
            actor=supervisor, request_id=request.pk, decision=Decision.APPROVED, message="Agreed with the store manager"
        )


def _actor(username: str, organisation: Organisation) -> Actor:
    user = User.objects.get(username=username)
    return actor_in(user_id=user.pk, organisation_id=organisation.pk)
