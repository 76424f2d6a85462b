"""Many decisions at once: chosen on the list, looked at, confirmed by POST, each by the service, each accounted for."""

from __future__ import annotations

import re

import pytest
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.admin.conftest import task_of
from tests.admin.test_filters import past_the_guards
from tests.factories import PASSWORD, MembershipFactory, ProgramFactory, UserFactory
from workflows import bulk_running, bulk_selection, queue, services, tasks
from workflows.admin import bulk, bulk_result
from workflows.errors import AlreadyDecided
from workflows.execution import claim_due, record
from workflows.intouch.outcomes import Outcome
from workflows.models import AdminTask, AuditEvent, BulkItem, BulkOutcome, BulkPhase, BulkRun, CallOutcome, Decision
from workflows.states import State

LIST, RUNS = "/admin/workflows/admintask/", "/admin/workflows/bulkrun/"


@pytest.fixture
def checker(at_desk, house):
    return at_desk(house.checker)


@pytest.fixture
def three(house):
    return [house.submit(points=points) for points in (10, 20, 30)]


def values(*requests):
    return [f"{task_of(request).pk}:{request.digest}" for request in requests]


def choose(client, *requests, **changes):
    """The run that the list's form makes."""
    answer = client.post(f"{RUNS}choose/", {"chosen": values(*requests), **changes})
    number = re.fullmatch(rf"{RUNS}(\d+)/change/(\?list=.*)?", answer["Location"])
    return BulkRun.objects.get(pk=number[1]) if number else answer


def start(client, run, **changes):
    """What the form on the page sends, as it is on a page that is opened now."""
    context = page(client, run).context
    given = {"decision": "approved", "message": "all checked", "confirmed": (context or {}).get("confirmed", "")}
    return client.post(f"{RUNS}{run.pk}/start/", given | changes)


def items_of(run):
    return frozenset(run.items.values_list("pk", flat=True))


def page(client, run):
    return client.get(f"{RUNS}{run.pk}/change/")


def states(requests):
    for request in requests:
        request.refresh_from_db()
    return [request.state for request in requests]


def outcomes(run):
    return list(run.items.order_by("pk").values_list("outcome", flat=True))


def test_the_list_offers_a_box_for_what_the_checker_may_decide_and_for_nothing_else(checker, at_desk, house, three):
    house.approve(three[0])
    listed = checker.get(f"{LIST}?show=waiting").content.decode()
    assert re.findall(r'name="chosen" value="([^"]+)" form="bulk-form"', listed) == values(*three[1:])
    assert 'name="chosen"' not in checker.get(f"{LIST}?show=decided").content.decode()
    assert 'id="bulk-form"' not in at_desk(house.maker).get(f"{LIST}?show=waiting").content.decode()


def test_choosing_decides_nothing_and_shows_what_it_comes_to(checker, house, three):
    house.program.points_to_currency_ratio = "0.5"
    house.program.save()
    dear = house.submit(points=100, earningEntityId=4711)
    run = choose(checker, *three, dear)
    review = page(checker, run).context["review"]
    assert (review.all.number, review.all.amount, review.all.money) == (4, 160, 110)
    assert review.all.largest.id == dear.pk
    assert [(sums.name, sums.number, sums.amount) for sums in review.per_program.values()] == [
        (house.program.name, 4, 160)
    ]
    assert states([*three, dear]) == [State.WAITING] * 4


def test_two_programs_of_one_name_are_summed_apart(checker, house):
    other = ProgramFactory(organisation=house.organisation, program_id=9001, name=house.program.name)
    run = choose(checker, house.submit(points=10), house.submit(points=20, programId=other.program_id))
    shown = page(checker, run)
    sums = shown.context["review"].per_program
    assert {key: found.amount for key, found in sums.items()} == {house.program.program_id: 10, 9001: 20}
    assert '<span class="quiet">9001</span>' in shown.content.decode()


def test_what_looks_like_another_is_named_before_it_is_decided(checker, house, three):
    twins = [house.submit(points=70, reason=reason) for reason in ("late", "lost")]
    outside = house.submit(points=20)
    shown = page(checker, choose(checker, *three, *twins))
    assert [line.request.id for line in shown.context["alike"].shown] == [three[1].pk, *(twin.pk for twin in twins)]
    assert "3 look like another" in shown.content.decode()
    assert "look like another" not in page(checker, choose(checker, three[0], three[2])).content.decode()
    assert "1 looks like another" in page(checker, choose(checker, outside)).content.decode()


def test_of_many_that_are_left_out_the_page_says_how_many_more(checker, house, monkeypatch):
    monkeypatch.setattr(bulk, "MOST_LISTED", 2)
    many = [house.submit(points=points) for points in (1, 2, 3, 4, 5, 6, 7)]
    run = choose(checker, *many)
    for request in many[:3]:
        house.approve(request)
    shown = page(checker, run)
    assert [found.unshown for found in (*shown.context["left_out"], shown.context["chosen"])] == [1, 2]
    assert re.findall(r"and \d more", shown.content.decode()) == ["and 2 more", "and 1 more"]


def test_one_message_approves_all_each_by_its_own_decision(checker, house, three):
    run = choose(checker, *three)
    assert start(checker, run)["Location"] == f"{RUNS}{run.pk}/change/"
    assert states(three) == [State.EXECUTING] * 3
    assert {(task_of(request).message, task_of(request).checker) for request in three} == {
        ("all checked", house.checker)
    }
    assert outcomes(run) == [BulkOutcome.DECIDED] * 3
    run.refresh_from_db()
    assert (run.phase, run.verdict, run.lease_expires_at) == (BulkPhase.ENDED, "approved", None)
    assert "3 of 3: 3 decided, 0 not decided, 0 left out." in page(checker, run).content.decode()


def test_one_message_rejects_all(checker, three):
    start(checker, choose(checker, *three), decision="rejected", message="", usual="No ticket found")
    assert states(three) == [State.REJECTED] * 3
    assert task_of(three[0]).message == "No ticket found"


@pytest.mark.parametrize("changes", [{"message": " "}, {"decision": ""}, {"decision": "withdrawn"}])
def test_without_a_message_or_a_decision_nothing_is_decided(checker, three, changes):
    run = choose(checker, *three)
    assert start(checker, run, **changes).status_code == 422
    assert states(three) == [State.WAITING] * 3


def test_what_cannot_be_decided_is_left_out_and_said_why_before(checker, house, three):
    membership = house.membership(house.checker)
    membership.is_maker = True
    membership.save()
    own = house.submit(maker=house.checker)
    run = choose(checker, *three, own)
    house.approve(three[0])
    BulkItem.objects.filter(run=run, request=three[1]).delete()
    BulkItem.objects.create(
        run=run, organisation=house.organisation, task=task_of(three[1]), request=three[1], digest="0" * 64
    )
    left_out = page(checker, run).context["review"].left_out
    assert {why: [line.request.id for line in lines] for why, lines in left_out.items()} == {
        "Already decided.": [three[0].pk],
        "You made this request yourself; somebody else must decide it.": [own.pk],
        "Changed since the page was loaded: look at it again.": [three[1].pk],
    }
    start(checker, run)
    assert sorted(outcomes(run)) == ["decided", "left_out", "left_out", "left_out"]
    assert states([three[1], three[2], own]) == [State.WAITING, State.EXECUTING, State.WAITING]


class TestNothingIsDecidedThatThePageDidNotName:
    """What could be decided again since the page was read was in neither its number nor its sum."""

    @pytest.fixture
    def read(self, checker, house, three):
        """The page as it was read while the third task was handed to somebody else, who has given it back since."""
        with past_the_guards():
            AdminTask.objects.filter(request=three[2]).update(assigned_to=house.colleague)
        run = choose(checker, *three)
        read = page(checker, run)
        assert (read.context["review"].all.number, read.context["review"].all.amount) == (2, 30)
        with past_the_guards():
            AdminTask.objects.filter(request=three[2]).update(assigned_to=None)
        return run, re.search(r'name="confirmed" value="([0-9,]+)"', read.content.decode())[1]

    def test_what_was_left_out_on_the_page_stays_left_out(self, checker, three, read):
        run, confirmed = read
        start(checker, run, confirmed=confirmed)
        assert states(three) == [State.EXECUTING, State.EXECUTING, State.WAITING]
        (left_out,) = run.items.filter(outcome=BulkOutcome.LEFT_OUT)
        assert (left_out.request, left_out.sentence) == (
            three[2], "Was left out when this was confirmed; choose it again.",
        )  # fmt: skip

    def test_it_asks_for_no_password_either(self, checker, three, read, careful):
        run, confirmed = read
        assert start(checker, run, confirmed=confirmed).status_code == 302
        assert states(three) == [State.EXECUTING, State.EXECUTING, State.WAITING]

    @pytest.mark.parametrize("confirmed", ["", "x", "1,", "1;2", "-1"])
    def test_a_form_that_names_nothing_readable_shows_the_page_again(self, checker, three, read, confirmed):
        run, _ = read
        answer = start(checker, run, confirmed=confirmed)
        assert answer.status_code == 422
        assert "Read anew what would be decided" in answer.content.decode()
        assert states(three) == [State.WAITING] * 3

    def test_the_item_of_another_choice_is_not_decided_by_naming_it(self, checker, house, three, read):
        run, confirmed = read
        other = choose(checker, elsewhere := house.submit(points=40))
        start(checker, run, confirmed=f"{confirmed},{other.items.get().pk}")
        assert states([elsewhere]) == [State.WAITING]


def test_a_digest_that_the_page_did_not_show_leaves_the_row_out(checker, three):
    answer = checker.post(f"{RUNS}choose/", {"chosen": [f"{task_of(three[0]).pk}:{'0' * 64}"]})
    run = BulkRun.objects.get()
    assert answer["Location"] == f"{RUNS}{run.pk}/change/"
    start(checker, run)
    assert states(three) == [State.WAITING] * 3


def test_all_that_match_the_filter_are_chosen_and_nothing_else(checker, three):
    run = choose(checker, all="1", query="show=waiting&points_from=20")
    assert {item.request for item in run.items.all()} == set(three[1:])
    assert "points_from=20" in run.filter


def test_all_of_a_list_that_cannot_be_read_are_none(checker, three):
    assert choose(checker, all="1", query="points_from=many")["Location"].startswith(LIST)
    assert not BulkRun.objects.exists()


@pytest.mark.parametrize("chosen", [[], ["x"], ["1"], ["1:2"], ["9" * 30 + ":" + "0" * 64], ["-1:" + "0" * 64]])
def test_what_chooses_nothing_leads_back_to_the_list_and_says_so(checker, three, chosen):
    answer = checker.post(f"{RUNS}choose/", {"chosen": chosen, "query": "show=waiting"}, follow=True)
    assert answer.redirect_chain == [(f"{LIST}?show=waiting", 302)]
    assert "Choose at least one request." in answer.content.decode()


def test_rows_of_a_foreign_organisation_are_not_chosen(checker, house, other_house, three):
    foreign = other_house.submit()
    run = choose(checker, three[0], foreign)
    assert [item.request for item in run.items.all()] == [three[0]]


def test_a_choice_of_several_organisations_is_refused(at_desk, house, other_house, three):
    MembershipFactory(user=house.checker, organisation=other_house.organisation, is_checker=True)
    client = at_desk(house.checker)
    answer = choose(client, three[0], other_house.submit())
    assert "of one organisation" in client.get(answer["Location"]).content.decode()
    assert not BulkRun.objects.exists()


def test_a_choice_is_its_owners_alone(at_desk, house, second_checker, checker, three):
    run = choose(checker, *three)
    other = at_desk(second_checker)
    assert page(other, run)["Location"] == "/admin/"
    assert start(other, run)["Location"] == "/admin/"
    assert states(three) == [State.WAITING] * 3


def test_an_auditor_reads_what_was_confirmed_and_confirms_nothing(at_desk, house, checker, three):
    run, auditor = choose(checker, *three), at_desk(house.auditor)
    assert page(auditor, run).status_code == 302
    start(checker, run)
    assert "3 decided" in page(auditor, run).content.decode()
    assert start(auditor, run).status_code == 302


def test_a_maker_has_no_bulk_decisions(at_desk, house, three):
    client = at_desk(house.maker)
    assert client.get(RUNS).status_code == 403
    assert client.post(f"{RUNS}choose/", {"chosen": values(*three)})["Location"] == "/admin/"
    assert not BulkRun.objects.exists()


def test_a_get_chooses_and_starts_nothing(checker, three):
    assert checker.get(f"{RUNS}choose/", {"chosen": values(*three)}).status_code == 405
    run = choose(checker, *three)
    for verb in ("start", "again"):
        assert checker.get(f"{RUNS}{run.pk}/{verb}/").status_code == 405
    assert states(three) == [State.WAITING] * 3


def test_without_a_csrf_token_nothing_happens(at_desk, house, three):
    client = at_desk(house.checker, enforce_csrf_checks=True)
    assert client.post(f"{RUNS}choose/", {"chosen": values(*three)}).status_code == 403
    run = choose(at_desk(house.checker), *three)
    assert start(client, run).status_code == 403
    assert states(three) == [State.WAITING] * 3


def test_a_double_click_decides_once(checker, three):
    run = choose(checker, *three)
    assert [start(checker, run).status_code, start(checker, run, decision="rejected").status_code] == [302, 302]
    assert states(three) == [State.EXECUTING] * 3
    assert AuditEvent.objects.filter(action="bulk.started").count() == 1


def test_what_was_decided_meanwhile_is_a_failure_that_names_who_was_faster(checker, house, second_checker, three):
    run = choose(checker, *three)
    bulk_running.start(
        actor=house.actor(house.checker), run_id=run.pk, confirmed=items_of(run), verdict="approved",
        message="all checked", proof=None,
    )  # fmt: skip
    house.approve(three[1], checker=second_checker)
    assert bulk_running.carry_on(run.pk) is False
    shown = page(checker, run)
    assert [row.item.request for row in shown.context["rows"]] == [three[1], three[0], three[2]]
    assert f"{second_checker.email} was faster: approved." in shown.content.decode()


def test_failures_are_offered_as_a_new_choice(checker, house, second_checker, three):
    run = choose(checker, *three)
    house.approve(three[1], checker=second_checker)
    start(checker, run)
    assert "Choose again the 1 that was not decided" in page(checker, run).content.decode()
    answer = checker.post(f"{RUNS}{run.pk}/again/")
    again = BulkRun.objects.exclude(pk=run.pk).get()
    assert answer["Location"] == f"{RUNS}{again.pk}/change/"
    assert [item.request for item in again.items.all()] == [three[1]]


def test_rights_that_were_taken_away_stop_a_run_on_its_way(checker, house, three):
    run = choose(checker, *three)
    bulk_running.start(
        actor=house.actor(house.checker), run_id=run.pk, confirmed=items_of(run), verdict="approved", message="x",
        proof=None,
    )  # fmt: skip
    membership = house.membership(house.checker)
    membership.is_active = False
    membership.save()
    bulk_running.carry_on(run.pk)
    assert outcomes(run) == [BulkOutcome.REFUSED] * 3
    assert states(three) == [State.WAITING] * 3


def test_the_run_is_audited_with_who_what_and_how_it_came_out(checker, house, three):
    run = choose(checker, all="1", query="show=waiting")
    house.approve(three[0])
    start(checker, run)
    started, ended = AuditEvent.objects.filter(action__startswith="bulk.").order_by("id")
    assert (started.actor, started.organisation) == (house.checker, house.organisation)
    assert started.details == {
        "run": run.pk, "message": "all checked", "verdict": "approved", "chosen": 3, "left_out": 1,
        "filter": "show=waiting",
    }  # fmt: skip
    assert ended.details["outcomes"] == {"decided": 2, "refused": 0, "left_out": 1, "open": 0}


def test_more_than_fit_in_one_answer_go_on_in_the_background(
    checker, house, three, monkeypatch, django_capture_on_commit_callbacks
):
    sent = []
    monkeypatch.setattr(bulk_running, "INLINE", 2)
    monkeypatch.setattr(queue, "_send", lambda task, ids: sent.extend((task, run_id) for run_id in ids) or 1)
    run = choose(checker, *three)
    with django_capture_on_commit_callbacks(execute=True):
        start(checker, run)
    assert sent == [(queue.BULK_TASK, run.pk)]
    assert states(three) == [State.WAITING] * 3
    progress = checker.get(f"{RUNS}{run.pk}/progress/")
    assert {"ended": False, "total": 3, "open": 3}.items() <= progress.json().items()
    assert checker.get(f"{RUNS}{run.pk}/progress/", HTTP_IF_NONE_MATCH=progress["ETag"]).status_code == 304
    tasks.carry_on_bulk(run.pk)
    assert checker.get(f"{RUNS}{run.pk}/progress/").json()["ended"] is True
    assert states(three) == [State.EXECUTING] * 3


def test_after_an_approval_the_page_is_told_what_becomes_of_each_until_all_have_ended(checker, house, three):
    run = choose(checker, *three)
    start(checker, run)
    shown = page(checker, run)
    address = re.search(r'data-progress="([^"]+)"', shown.content.decode())[1]
    assert shown.context["became"] == "3 being carried out"
    outcomes = [Outcome(CallOutcome.CREDITED, 201), Outcome(CallOutcome.REFUSED, 400, "HTTP 400")]
    for request, outcome in zip(three, outcomes, strict=False):
        record(claim_due(request.pk), outcome)
    told = checker.get(address).json()
    assert (told["became"], told["isOpen"]) == ("1 credited, 1 failed, 1 being carried out", True)
    chips = [told["states"][str(item.pk)]["label"] for item in run.items.order_by("pk")]
    assert chips == ["Credited", "Failed", "Being carried out"]
    record(claim_due(three[2].pk), outcomes[0])
    told = checker.get(address).json()
    assert (told["became"], told["isOpen"]) == ("2 credited, 1 failed", False)
    assert "data-progress" not in page(checker, run).content.decode()


def test_after_a_rejection_there_is_nothing_to_wait_for(checker, three):
    run = choose(checker, *three)
    start(checker, run, decision="rejected")
    shown = page(checker, run).content.decode()
    assert "data-progress" not in shown
    assert "data-became" not in shown


def test_a_run_goes_on_in_turns_and_asks_for_the_next_one(checker, house, three, monkeypatch):
    sent = []
    monkeypatch.setattr(queue, "_send", lambda task, ids: sent.append(task) or 1)
    monkeypatch.setattr(bulk_running, "CHUNK", 1)
    run = _started(checker, house, three)
    assert bulk_running.carry_on(run.pk, most=2) is True
    assert outcomes(run) == ["decided", "decided", None]
    assert bulk_running.carry_on(run.pk, most=2) is False
    assert outcomes(run) == ["decided"] * 3


def _started(checker, house, requests):
    run = choose(checker, *requests)
    bulk_running.start(
        actor=house.actor(house.checker), run_id=run.pk, confirmed=items_of(run), verdict="approved",
        message="all checked", proof=None,
    )  # fmt: skip
    return run


class _Killed(BaseException):
    pass


def _die_at_second_chunk(monkeypatch):
    """A worker that is gone after it has decided, before it could write down what it had decided."""
    original = bulk_running._keep

    def keep(run, results):
        raise _Killed

    monkeypatch.setattr(bulk_running, "_keep", keep)
    return original


def test_a_killed_worker_is_followed_by_another_and_its_decisions_count_as_the_runs_own(
    checker, house, three, monkeypatch
):
    run = _started(checker, house, three)
    original = _die_at_second_chunk(monkeypatch)
    with pytest.raises(_Killed):
        bulk_running.carry_on(run.pk)
    monkeypatch.setattr(bulk_running, "_keep", original)
    assert outcomes(run) == [None] * 3
    assert states(three) == [State.EXECUTING] * 3

    assert bulk_running.carry_on(run.pk) is False, "its lease still runs"
    assert bulk_running.abandoned() == []
    BulkRun.objects.filter(pk=run.pk).update(lease_expires_at="2020-01-01T00:00Z")
    assert bulk_running.abandoned() == [run.pk]
    bulk_running.carry_on(run.pk)
    assert outcomes(run) == ["decided"] * 3


def test_the_sweep_hints_at_abandoned_runs_and_forgets_old_drafts(checker, house, three, monkeypatch):
    sent = []
    monkeypatch.setattr(queue, "_send", lambda task, ids: sent.extend(ids) or 1)
    run, draft = _started(checker, house, three), choose(checker, *three)
    BulkRun.objects.filter(pk=draft.pk).update(created_at="2020-01-01T00:00Z")
    assert tasks.sweep_bulk() == 1
    assert sent == [run.pk]
    assert list(BulkRun.objects.all()) == [run]


def test_a_worker_that_was_overtaken_writes_nothing_more(checker, house, three):
    run = _started(checker, house, three)
    late = bulk_running._claim(run.pk)
    BulkRun.objects.filter(pk=run.pk).update(lease_expires_at="2020-01-01T00:00Z")
    assert bulk_running.carry_on(run.pk) is False
    item = run.items.first()
    assert bulk_running._keep(late, [bulk_running._Result(item, BulkOutcome.REFUSED, "late")]) is False
    assert outcomes(run) == ["decided"] * 3


def test_the_database_keeps_an_outcome_as_it_was_written(checker, three):
    run = choose(checker, *three)
    start(checker, run)
    for statement in ("UPDATE workflows_bulkitem SET outcome = 'refused'", "DELETE FROM workflows_bulkitem"):
        with pytest.raises(DatabaseError, match="written once"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert outcomes(run) == ["decided"] * 3


@pytest.fixture
def careful(house):
    house.organisation.fresh_password_above = 25
    house.organisation.save()


@pytest.mark.parametrize("password", ["", "wrong"])
def test_an_amount_that_asks_for_the_password_asks_for_it_once_for_all(checker, three, careful, password):
    run = choose(checker, *three)
    assert 'name="password"' in page(checker, run).content.decode()
    answer = start(checker, run, password=password)
    assert answer.status_code == 422
    assert "wrong" not in answer.content.decode().replace("wrong-", "")
    assert states(three) == [State.WAITING] * 3


def test_with_the_password_all_are_approved_and_only_the_time_of_the_proof_is_kept(checker, three, careful):
    run = choose(checker, *three)
    start(checker, run, password=PASSWORD)
    assert states(three) == [State.EXECUTING] * 3
    run.refresh_from_db()
    assert run.proved_at == run.started_at
    assert PASSWORD not in str(BulkRun.objects.filter(pk=run.pk).values())


def test_a_rejection_and_small_amounts_need_no_password(checker, three, careful):
    assert 'name="password"' not in page(checker, choose(checker, *three[:2])).content.decode()
    start(checker, choose(checker, *three), decision="rejected")
    assert states(three) == [State.REJECTED] * 3


def queries(client, address):
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return len(captured)


def test_the_pages_of_a_choice_cost_as_many_queries_for_twenty_as_for_three(checker, house, three):
    few, many = choose(checker, *three), choose(checker, *three, *[house.submit() for _ in range(17)])
    assert queries(checker, f"{RUNS}{few.pk}/change/") == queries(checker, f"{RUNS}{many.pk}/change/") <= 10
    start(checker, few)
    again = choose(checker, *[house.submit() for _ in range(20)])
    start(checker, again)
    assert queries(checker, f"{RUNS}{few.pk}/change/") == queries(checker, f"{RUNS}{again.pk}/change/") <= 12


def test_choosing_writes_many_rows_with_few_statements(house, three):
    many = [house.submit() for _ in range(20)]
    actors = {house.organisation.pk: house.actor(house.checker)}
    with CaptureQueriesContext(connection) as captured:
        bulk_selection.choose_rows(actors, {task_of(request).pk: request.digest for request in many})
    statements = [query["sql"] for query in captured if "admintask" in query["sql"] or "bulk" in query["sql"]]
    assert len([sql for sql in statements if not sql.startswith("SELECT") or "bulk" in sql or "JOIN" in sql]) <= 4


def test_a_long_result_is_paged(checker, three, monkeypatch):
    monkeypatch.setattr(bulk_result, "PER_PAGE", 2)
    run = choose(checker, *three)
    start(checker, run)
    first, second = page(checker, run), checker.get(f"{RUNS}{run.pk}/change/?page=2")
    assert [len(answer.context["rows"]) for answer in (first, second)] == [2, 1]
    assert "Page 1 of 2" in first.content.decode()


def test_the_list_of_bulk_decisions_holds_ones_own(checker, at_desk, second_checker, three):
    run = choose(checker, *three)
    assert f"{RUNS}{run.pk}/change/" in checker.get(RUNS).content.decode()
    assert f"{RUNS}{run.pk}/change/" not in at_desk(second_checker).get(RUNS).content.decode()


def test_a_request_that_somebody_rejects_meanwhile_is_not_taken_for_the_runs_own(checker, house, three):
    run = _started(checker, house, three)
    services.decide(
        actor=house.actor(house.checker), request_id=three[0].pk, decision=Decision.REJECTED, message="all checked"
    )
    bulk_running.carry_on(run.pk)
    assert outcomes(run) == ["refused", "decided", "decided"]


def test_someone_without_a_membership_sees_no_bulk_decisions(at_desk, checker, three):
    run = choose(checker, *three)
    stranger = at_desk(UserFactory(username="stranger"))
    assert stranger.get(RUNS).status_code == 403
    assert stranger.get(f"{RUNS}{run.pk}/progress/")["Location"] == "/admin/"


def test_another_task_is_not_decided_in_the_place_of_the_one_that_was_looked_at(house, three):
    with pytest.raises(AlreadyDecided):
        services.decide(
            actor=house.actor(house.checker), request_id=three[0].pk, decision=Decision.APPROVED, message="x",
            task_id=task_of(three[1]).pk,
        )  # fmt: skip
    assert states(three) == [State.WAITING] * 3


class TestMoreThanCanBeDecidedAtOnce:
    @pytest.fixture(autouse=True)
    def bound(self, monkeypatch):
        monkeypatch.setattr(bulk_selection, "MOST_CHOSEN", 2)

    def test_the_oldest_are_chosen_and_both_pages_say_so(self, checker, three):
        assert "the oldest 2 at most" in checker.get(f"{LIST}?show=waiting").content.decode()
        run = choose(checker, all="1", query="show=waiting")
        assert [item.request_id for item in run.items.order_by("pk")] == [request.pk for request in three[:2]]
        assert (
            "More match than can be decided in one go. These are the oldest 2;" in page(checker, run).content.decode()
        )
        start(checker, run)
        assert states(three) == [State.EXECUTING, State.EXECUTING, State.WAITING]
        rest = choose(checker, all="1", query="show=waiting")
        assert "More match" not in page(checker, rest).content.decode()
        assert [item.request_id for item in rest.items.all()] == [three[2].pk]

    def test_as_many_as_fit_are_all_of_them(self, checker, three):
        assert not choose(checker, *three[:2]).is_cut
        assert choose(checker, *three).is_cut
