"""The API under thousands of odd requests, made from its own description: no crash, no odd answer, no rule broken."""

from __future__ import annotations

import contextlib
import random
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
import yaml
from django.core.wsgi import get_wsgi_application
from django.test import Client
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as bounds
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, CheckContext, GenerationMode, Response

from goodwill.models import GoodwillRequest
from tests.api.gateway import ORGANISATION, basic
from tests.factories import PASSWORD, set_terms
from tests.house import FAKE_CREDENTIAL, ORIGIN, SEED_BODY, House
from workflows.models import AdminTask, AuditEvent, WorkflowRequest
from workflows.states import State

SEED = 20261121
EXAMPLES = 40
ROUNDS = 6
CAP = 1_000
CUSTOMER = SEED_BODY["payload"]["IntouchAPITask-Payload"]["body"]["earningEntityId"]
TASK = "IntouchAPITask-Payload"
# Taken only if well formed, and else replaced: nothing to refuse. The token would end every other request with a 401.
LEFT_OUT = ("X-CAP-REQUEST-ID", "X-CAP-UI-AUTH-TOKEN", ORGANISATION)
SUBMIT = "POST /api_gateway/v2/request-workflow/{request_type}"
OPERATIONS = (
    "POST /v3/oauth/token/generate", "POST /auth/ui-token", "POST /auth/ui-token/revoke",
    "GET /api_gateway/v2/request-workflow/requests", "GET /api_gateway/v2/request-workflow/requests/{request_id}",
    SUBMIT, f"{SUBMIT}/preview", "PUT /api_gateway/v2/request-workflow/{request_type}",
    "GET /v2/customers/goodwillRequest", "GET /v2/customers/{customer_id}/goodwillRequest",
)  # fmt: skip


@pytest.fixture
def furnished(committed_house: House, settings: Any) -> House:
    """A house with a low cap and some requests, really committed: the application has connections of its own."""
    settings.DECISION_WAIT_SECONDS = 0.0  # there is no worker to wait for
    set_terms(committed_house.policy, cap=CAP)
    requests = [committed_house.submit() for _ in range(12)]
    committed_house.approve(requests[0])
    return committed_house


@pytest.fixture
def schema() -> Any:
    description = yaml.safe_load(Client().get("/api/schema").content)
    for path in description["paths"].values():
        for operation in path.values():
            operation["parameters"] = [each for each in operation["parameters"] if each["name"] not in LEFT_OUT]
            operation.pop("security", None)  # the callers are ours
    loaded = schemathesis.openapi.from_dict(description)
    loaded.app = get_wsgi_application()
    return loaded


def test_every_operation_is_fuzzed(schema: Any) -> None:
    assert sorted(found.ok().label for found in schema.get_all_operations()) == sorted(OPERATIONS)


def never_a_server_error(_: CheckContext, response: Response, case: Case) -> None:
    """The only 503 that a healthy service gives is that of a workflow that is switched off."""
    codes = [error["code"] for error in response.json()["errors"]] if response.status_code == 503 else []
    assert response.status_code < 500 or codes == [2021], f"{response.status_code} {response.text}"


def always_the_envelope(_: CheckContext, response: Response, case: Case) -> None:
    """Every refusal is the same JSON; that of an empty history has its pagination beside it."""
    assert response.headers["x-cap-request-id"]
    if response.status_code < 400:
        return
    body = response.json()
    is_empty_history = body["errors"][0]["code"] == 9050
    assert list(body) == (
        ["pagination", "data", "warnings", "errors"] if is_empty_history else ["data", "errors", "warnings"]
    )
    for error in body["errors"]:
        assert error["status"] is False
        assert set(error) <= {"status", "code", "message", "reference"}
        assert len(error["message"]) > 10


def callers(house: House) -> list[dict[str, str]]:
    """A machine, a maker, a checker, and nobody."""
    people = [basic(person.username, PASSWORD) for person in (house.maker, house.checker)]
    named = {ORGANISATION: str(house.organisation.pk)}
    machine = basic(house.service_account.username, house.service_secret)
    return [*({**named, "Authorization": each} for each in (machine, *people)), named]


def plausible(case: Case, house: House, dice: random.Random) -> None:
    """Bring a well-formed request so near to a right one that it gets as far as the rules behind the schema."""
    if case.operation.label.endswith("{request_id}"):
        case.path_parameters["request_id"] = str(_some_request(dice))
    if "goodwillRequest" in case.operation.label:
        case.path_parameters = {name: str(CUSTOMER) for name in case.path_parameters or {}}
        case.query = {name: value for name, value in (case.query or {}).items() if name in ("limit", "offset")}
        if not case.path_parameters:
            case.query["customerId"] = CUSTOMER
    if case.method == "PUT" and isinstance(case.body, dict):
        case.body |= {"requestId": str(_some_request(dice)), "actionName": "AdminTask"}
        case.headers.pop("If-Match", None)
    if case.method == "POST" and isinstance(case.body, dict) and "payload" in case.body:
        task = case.body["payload"][TASK]
        task |= {
            "hostname": ORIGIN,
            "path": "/internal/goodwill/",
            "method": "POST",
            "pathParams": {},
            "queryParams": {},
        }
        task["headers"] = {"Authorization": FAKE_CREDENTIAL}
        task["body"]["programId"] = house.program.program_id
        task["body"]["points"] = dice.choice([1, CAP - 1, CAP, CAP + 1, 0, dice.randint(1, 2 * CAP)])
        case.body = _readable(case.body)


def _readable(value: Any) -> Any:
    """Without the characters that no text may hold."""
    if isinstance(value, dict):
        return {_readable(name): _readable(item) for name, item in value.items()}
    return "".join(filter(str.isprintable, value)) if isinstance(value, str) else value


def _some_request(dice: random.Random) -> Any:
    return dice.choice(list(WorkflowRequest.objects.order_by("id").values_list("pk", flat=True)))


CHECKS = [never_a_server_error, always_the_envelope]
# A schema cannot say which programs there are.
UNFIT = [schemathesis.checks.positive_data_acceptance]


def run(operation: Any, mode: GenerationMode, house: House, *, number: int = 0) -> Counter[int]:
    """Send what is generated, each time as the next caller; the statuses that came back."""
    dice, turn, statuses = random.Random(SEED + number), _in_turn(callers(house)), Counter[int]()

    def send(case: Case) -> None:
        if mode == GenerationMode.POSITIVE and dice.random() < 0.8:
            plausible(case, house, dice)
        headers = next(turn)
        response = case.call(headers=headers)
        unfit = [*UNFIT, schemathesis.checks.negative_data_rejection] if _leaves_empty(case) else UNFIT
        case.validate_response(response, additional_checks=CHECKS, excluded_checks=unfit, headers=headers)
        statuses[response.status_code] += 1

    generated = given(operation.as_strategy(generation_mode=mode))(send)
    bounded = bounds(
        max_examples=EXAMPLES, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    with contextlib.suppress(Unsatisfiable):  # where nothing is taken, nothing can be wrong
        seed(SEED + number)(bounded(generated))()
    return statuses


def _leaves_empty(case: Case) -> bool:
    """An empty parameter counts as absent, which no schema can say; an empty list or object is not even sent."""
    return any(value in ("", [], {}) for value in (case.query or {}).values())


def _in_turn(given_callers: list[dict[str, str]]) -> Iterator[dict[str, str]]:
    while True:
        yield from given_callers


def assert_rules_hold(house: House) -> None:
    """What must be true of the database whatever was sent."""
    for request in WorkflowRequest.objects.all():
        tasks = list(AdminTask.objects.filter(request=request))
        at_once = request.one_step or request.auto_approved
        assert bool(tasks) != at_once, "every request has a task, or was to be carried out at once"
        assert (request.state == State.WAITING) == any(task.decision is None for task in tasks)
        assert (request.state == State.EXECUTING) == (request.due_at is not None)
        assert request.amount is not None
        assert 0 < request.amount <= CAP
        assert all(task.checker_id != request.maker_id for task in tasks)
        assert FAKE_CREDENTIAL not in request.payload
        assert GoodwillRequest.objects.filter(workflow_request=request, points=request.amount).count() == 1
        assert AuditEvent.objects.filter(request=request, action="request.submitted").count() == 1


@pytest.mark.parametrize("label", OPERATIONS)
def test_nothing_that_can_be_sent_breaks_anything(furnished: House, schema: Any, label: str) -> None:
    operation = next(found.ok() for found in schema.get_all_operations() if found.ok().label == label)
    before = WorkflowRequest.objects.count()

    run(operation, GenerationMode.NEGATIVE, furnished)

    assert WorkflowRequest.objects.count() == before, "what breaks the description is stored nowhere"
    # What hypothesis draws depends on more than the seed: another round where nothing has passed yet.
    statuses = Counter[int]()
    for number in range(ROUNDS):
        statuses += run(operation, GenerationMode.POSITIVE, furnished, number=number)
        if statuses[200]:
            break

    assert_rules_hold(furnished)
    made = WorkflowRequest.objects.count() - before
    assert (made > 0) == (label == SUBMIT)
    if not label.endswith(("generate", "ui-token")):  # their credentials cannot be guessed
        assert statuses[200] > 0, f"some must succeed, else nothing was tried: {statuses}"
