"""Requests and decisions from files: the rules of the API, results by line, and the same file again does nothing."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from goodwill.models import GoodwillRequest
from tests.factories import set_terms
from tests.house import FAKE_CREDENTIAL, ORIGIN, House
from workflows.management import filing
from workflows.models import AdminTask, AuditEvent, AutoApproval, RequestSource, WorkflowRequest
from workflows.states import State

pytestmark = pytest.mark.django_db

ENTITY = ("tillId=50682289", "storeId=50682288", "zoneId=50682286", "conceptId=50678331")
CELLS = {
    "referenceId": "may-1", "reason": "late order", "programId": "2739", "awardingTillId": "50682616",
    "earningEntityId": "382332518", "points": "20", "source": "API", "comments": "",
}  # fmt: skip
Run = Callable[..., tuple[int, dict[str, Any], list[dict[str, str]]]]


def cells(**changes: Any) -> dict[str, str]:
    return {**CELLS, **changes}


def as_csv(*rows: dict[str, str]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def run(command: str, path: Path, *options: str) -> tuple[int, dict[str, Any], list[dict[str, str]]]:
    """The exit code, the summary and the rows of the results file."""
    out = io.StringIO()
    code = 0
    try:
        call_command(command, str(path), "--org", "51250", "--json", *options, stdout=out)
    except SystemExit as ended:
        code = int(ended.code or 0)
    except CommandError as error:
        return error.returncode, {"error": str(error)}, []
    summary = json.loads(out.getvalue())
    text = Path(summary["results"]).read_text() if summary["results"] else ""
    return code, summary, list(csv.DictReader(io.StringIO(text, newline="")))


@pytest.fixture
def submit(house: House, tmp_path: Path) -> Run:
    credential = tmp_path / "credential"
    credential.write_text(f"{FAKE_CREDENTIAL}\n")

    def submit_(content: str, *options: str) -> tuple[int, dict[str, Any], list[dict[str, str]]]:
        path = tmp_path / "campaign.csv"
        path.write_text(content)
        entity = [text for pair in ENTITY for text in ("--set", pair)]
        given = ("--as", house.maker.username, "--credential-file", str(credential), *entity, *options)
        return run("submit_requests", path, *given)

    return submit_


@pytest.fixture
def decide(house: House, tmp_path: Path) -> Run:
    def decide_(content: str, *options: str, checker: Any = None) -> tuple[int, dict[str, Any], list[dict[str, str]]]:
        path = tmp_path / "ids.txt"
        path.write_text(content)
        return run("decide_requests", path, "--as", (checker or house.checker).username, *options)

    return decide_


def test_rows_become_requests_as_if_the_api_had_taken_them(house: House, submit: Run) -> None:
    code, summary, results = submit(as_csv(cells(), cells(referenceId="may-2", points="7", comments="sorry")))
    assert (code, summary["created"], summary["refused"]) == (0, 2, 0)
    first, second = WorkflowRequest.objects.order_by("id")
    assert [found["requestId"] for found in results] == [str(first.pk), str(second.pk)]
    assert (first.source, first.maker, first.state, first.till_id) == (
        RequestSource.FILE, house.maker, State.WAITING, "50682289",
    )  # fmt: skip
    assert first.content["body"]["points"] == 20
    assert second.goodwill.comments == "sorry"
    twin = house.submit(reason="late order", source="API", points=20)
    assert set(first.content) == set(twin.content)
    assert {**first.content["body"], "referenceId": ""} == {**twin.content["body"], "referenceId": ""}
    event = AuditEvent.objects.get(request=first)
    assert (event.action, event.actor, event.details["source"]) == ("request.submitted", house.maker, "file")
    assert event.correlation_id == AuditEvent.objects.get(request=second).correlation_id != ""


def test_json_lines_hold_bodies_of_the_api_or_cells(house: House, submit: Run) -> None:
    flat = {**CELLS, "programId": 2739, "awardingTillId": 1, "earningEntityId": 5, "points": 2, "referenceId": "flat"}
    del flat["comments"]
    code, summary, results = submit(f"{json.dumps(house.body(referenceId='whole'))}\n\n{json.dumps(flat)}\n")
    assert (code, summary["created"]) == (0, 2)
    assert [(found["line"], found["referenceId"]) for found in results] == [("1", "whole"), ("3", "flat")]


def test_the_same_file_again_creates_nothing(house: House, submit: Run) -> None:
    content = as_csv(cells(), cells(referenceId="may-2"))
    _, _, before = submit(content)
    code, summary, after = submit(content)
    assert (code, summary["existed"], WorkflowRequest.objects.count()) == (0, 2, 2)
    assert [found["requestId"] for found in after] == [found["requestId"] for found in before]


def test_the_same_file_again_finds_its_requests_whatever_policy_says_by_now(house: House, submit: Run) -> None:
    content = as_csv(cells(), cells(referenceId="may-2"))
    _, _, before = submit(content)
    set_terms(house.policy, cap=5)
    code, summary, after = submit(content)
    assert (code, summary["existed"], summary["refused"]) == (0, 2, 0)
    assert after == [{**found, "outcome": "existed"} for found in before]
    code, summary, results = submit(as_csv(cells(points="21"), cells(referenceId="may-3")))
    assert (code, [found["code"] for found in results]) == (1, ["2015", "2015"])
    assert WorkflowRequest.objects.count() == 2


@pytest.mark.parametrize("command", ["submit", "decide"])
def test_who_acts_is_looked_up_once_and_what_they_may_before_every_row(
    house: House, submit: Run, decide: Run, command: str
) -> None:
    requests = [house.submit() for _ in range(3)]
    with CaptureQueriesContext(connection) as statements:
        if command == "submit":
            submit(as_csv(*[cells(referenceId=f"may-{number}") for number in range(3)]))
        else:
            decide("".join(f"{one.pk}\n" for one in requests), "--decision", "approved", "--message", "fine")
    asked = [found["sql"] for found in statements.captured_queries]
    assert sum('WHERE "accounts_user"."username" =' in sql for sql in asked) == 1
    assert sum("accounts_membership" in sql.split("WHERE")[0] for sql in asked) >= 4


@pytest.mark.parametrize("command", ["submit", "decide"])
def test_a_right_that_is_taken_away_meanwhile_is_gone_for_the_next_row(
    house: House, submit: Run, decide: Run, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = [house.submit() for _ in range(2)]
    real = filing.Result.cells

    def taken_away(result: Any) -> list[str]:
        house.organisation.memberships.all().delete()
        return real.fget(result)  # type: ignore[attr-defined, no-any-return]

    monkeypatch.setattr(filing.Result, "cells", property(taken_away))
    if command == "submit":
        code, _, results = submit(as_csv(cells(), cells(referenceId="may-2")))
    else:
        ids = "".join(f"{one.pk}\n" for one in requests)
        code, _, results = decide(ids, "--decision", "approved", "--message", "fine")
    assert (code, [found["code"] for found in results]) == (1, ["", "2001"])


def test_refused_rows_are_told_of_and_do_not_stop_the_rest(house: House, submit: Run) -> None:
    content = as_csv(
        cells(), cells(points="999999999"), cells(points="many", programId="5"), cells(reason="other"),
        cells(referenceId="=1+1", reason="a\tb"), cells(referenceId="may-6"),
    )  # fmt: skip
    code, summary, results = submit(content)
    assert (code, summary["records"], summary["created"], summary["refused"]) == (1, 6, 2, 4)
    assert [(found["line"], found["outcome"], found["code"]) for found in results] == [
        ("2", "created", ""), ("3", "refused", "2015"), ("4", "refused", "1101"), ("5", "refused", "2008"),
        ("6", "refused", "2008"), ("7", "created", ""),
    ]  # fmt: skip
    assert "body.programId is not a program" in results[2]["message"]
    assert "body.points must be a JSON number" in results[2]["message"]
    assert "already used" in results[3]["message"]
    assert "control character" in results[4]["message"]


def test_a_rehearsal_submits_nothing(submit: Run) -> None:
    code, summary, results = submit(as_csv(cells(), cells(points="0")), "--dry-run")
    assert (code, summary["valid"], summary["refused"], results) == (1, 1, 1, [])
    assert not WorkflowRequest.objects.exists()


def test_the_scope_of_the_maker_holds_for_files_too(house: House, submit: Run) -> None:
    membership = house.membership(house.maker)
    membership.tills = ["1"]
    membership.save()
    code, summary, results = submit(as_csv(cells()))
    assert (code, summary["refused"], results[0]["code"]) == (1, 1, "2001")


def test_who_is_no_maker_submits_no_file(house: House, submit: Run) -> None:
    house.membership(house.maker).delete()
    code, summary, _ = submit(as_csv(cells()))
    assert (code, "permission" in summary["error"]) == (2, True)


def test_a_policy_that_approves_by_itself_does_so_for_files_too(house: House, submit: Run) -> None:
    set_terms(house.policy, auto_approval=AutoApproval.ALL)
    submit(as_csv(cells()))
    assert GoodwillRequest.objects.get().auto_approved
    assert WorkflowRequest.objects.get().state == State.EXECUTING


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (as_csv({**CELLS, "colour": "red"}), (), "colour: no column of GOODWILL-POINTS; there are referenceId"),
        (as_csv(CELLS), ("--set", "points"), "--set points: write NAME=VALUE."),
        (as_csv(CELLS), ("--type", "NO-SUCH"), "This request type is not supported."),
        ("", (), "The file is empty"),
    ],
)
def test_what_cannot_work_is_refused_before_the_first_row(
    submit: Run, content: str, options: tuple[str, ...], message: str
) -> None:
    code, summary, _ = submit(content, *options)
    assert code == 2
    assert message in summary["error"]


def test_the_credential_stays_out_of_results_and_columns(house: House, submit: Run, tmp_path: Path) -> None:
    submit(as_csv(cells(), cells(points="0")))
    assert FAKE_CREDENTIAL.split()[1] not in (tmp_path / "campaign.results.csv").read_text()
    request = WorkflowRequest.objects.get()
    assert FAKE_CREDENTIAL.split()[1] not in request.payload
    assert request.secret is not None


def test_of_several_targets_one_has_to_be_named(house: House, submit: Run) -> None:
    house.target.pk = None
    house.target.origin = "https://second.example.com"
    house.target.save()
    code, summary, _ = submit(as_csv(cells()))
    assert (code, "name one with --hostname" in summary["error"]) == (2, True)
    assert submit(as_csv(cells()), "--hostname", ORIGIN)[0] == 0


@pytest.mark.parametrize(("decision", "state"), [("approved", State.EXECUTING), ("rejected", State.REJECTED)])
def test_a_plain_list_of_ids_is_decided(house: House, decide: Run, decision: str, state: State) -> None:
    requests = [house.submit(), house.submit()]
    ids = "".join(f"{request.pk}\n" for request in requests)
    code, summary, results = decide(ids, "--decision", decision, "--message", "campaign of May")
    assert (code, summary[decision], summary["refused"]) == (0, 2, 0)
    assert [found["line"] for found in results] == ["1", "2"]
    for task in AdminTask.objects.all():
        assert (task.decision, task.checker, task.message) == (decision, house.checker, "campaign of May")
    assert set(WorkflowRequest.objects.values_list("state", flat=True)) == {state}


def test_rows_may_name_their_own_decision(house: House, decide: Run) -> None:
    first, second, third = house.submit(), house.submit(), house.submit()
    content = (
        f"requestId,actionDecision,actionMessage\n{first.pk},approved,fine\n{second.pk},rejected,\n{third.pk},maybe,\n"
    )
    code, summary, results = decide(content, "--message", "for all")
    assert (code, summary["approved"], summary["rejected"], summary["refused"]) == (1, 1, 1, 1)
    assert second.tasks.get().message == "for all"
    assert results[2]["message"] == "actionDecision must be approved or rejected."


def test_the_same_list_again_decides_nothing_twice(house: House, decide: Run) -> None:
    ids = f"{house.submit().pk}\n"
    decide(ids, "--decision", "approved", "--message", "fine")
    code, summary, _ = decide(ids, "--decision", "approved", "--message", "fine")
    assert (code, summary["decided before"]) == (0, 1)
    code, summary, results = decide(ids, "--decision", "rejected", "--message", "no")
    assert (code, summary["refused"], results[0]["code"]) == (1, 1, "2002")


def test_the_same_list_again_passes_over_a_request_that_waits_for_somebody_else_now(house: House, decide: Run) -> None:
    set_terms(house.policy, default={"kind": "levels", "levels": [{"people": 2}]})
    request = house.submit()
    decide(f"{request.pk}\n", "--decision", "approved", "--message", "fine")
    assert AdminTask.objects.filter(request=request, decision=None).exists()
    code, summary, _ = decide(f"{request.pk}\n", "--decision", "approved", "--message", "fine")
    assert (code, summary["decided before"], summary["refused"]) == (0, 1, 0)
    code, _, results = decide(f"{request.pk}\n", "--decision", "rejected", "--message", "no")
    assert (code, results[0]["code"]) == (1, "2001")
    code, summary, _ = decide(f"{request.pk}\n", "--decision", "approved", "--message", "2nd", checker=house.colleague)
    assert (code, summary["approved"]) == (0, 1)


def test_four_eyes_hold_for_lists_too(house: House, decide: Run) -> None:
    membership = house.membership(house.maker)
    membership.is_checker = True
    membership.save()
    ids = f"{house.submit().pk}\n"
    code, _, results = decide(ids, "--decision", "approved", "--message", "mine", checker=house.maker)
    assert (code, results[0]["code"]) == (1, "9051")
    assert AdminTask.objects.get().decision is None


@pytest.mark.parametrize(
    ("row", "code"),
    [("00000000-0000-7000-8000-000000000000", "2007"), ("12", "2007"), ("a,b", "2008")],
)
def test_an_id_that_is_none_is_refused(house: House, decide: Run, row: str, code: str) -> None:
    good = house.submit()
    ended, _, results = decide(f"{good.pk}\n{row}\n", "--decision", "approved", "--message", "fine")
    assert (ended, [found["code"] for found in results]) == (1, ["", code])


@pytest.mark.parametrize("message", ["", " ", "x" * 1001])
def test_a_decision_needs_a_message(house: House, decide: Run, message: str) -> None:
    code, _, results = decide(f"{house.submit().pk}\n", "--decision", "approved", "--message", message)
    assert (code, results[0]["code"]) == (1, "2008")
    assert AdminTask.objects.get().decision is None


def test_a_file_without_ids_is_refused(house: House, decide: Run) -> None:
    code, summary, _ = decide("name\nx\n", "--decision", "approved", "--message", "fine")
    assert (code, "lacks the column requestId" in summary["error"]) == (2, True)


def test_interrupted_results_hold_what_was_done(
    house: House, submit: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from workflows import submitting

    real, calls = submitting.submit, []

    def interrupted(**arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(**arguments)

    content = as_csv(cells(), cells(referenceId="may-2"))
    with monkeypatch.context() as patch:
        patch.setattr(submitting, "submit", interrupted)
        code, summary, _ = submit(content)
    assert (code, "The same command goes on" in summary["error"]) == (130, True)
    assert len((tmp_path / "campaign.results.csv.part").read_text().splitlines()) == 2
    assert not (tmp_path / "campaign.results.csv").exists()
    code, summary, _ = submit(content)
    assert (code, summary["existed"], summary["created"]) == (0, 1, 1)
    complete = (tmp_path / "campaign.results.csv").read_text()
    with monkeypatch.context() as patch:
        patch.setattr(submitting, "submit", interrupted)
        calls[:] = [1]
        assert submit(content)[0] == 130
    assert (tmp_path / "campaign.results.csv").read_text() == complete
