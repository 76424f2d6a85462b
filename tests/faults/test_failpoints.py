"""Real workers killed, delayed and interrupted at exact places: the other ones finish, and Intouch credits once.

The stories of one fixture run side by side, as most of their time is waiting for leases to end.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import psycopg
import pytest
import requests

from tests.faults.killable import wait_until
from tests.faults.nursery import Child
from tests.faults.service import TIMES, Service

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.timeout(300)]

LEASE = float(TIMES["INTOUCH_LEASE_SECONDS"])
ASKS_AGAIN, LOOKS_UP = 0, 1
ONCE = [("credit", "credited")]
AGAIN = [("credit", "unknown"), ("credit", "credited")]
FOUND = [("credit", "unknown"), ("look_up", "credited")]
PARTS = """
SELECT count(r.id), count(t.id), count(g.id) FROM workflows_workflowrequest r
  LEFT JOIN workflows_admintask t ON t.request_id = r.id
  LEFT JOIN goodwill_goodwillrequest g ON g.workflow_request_id = r.id
 WHERE r.reference_id = %s
"""
WAITING_FOR_LOCK = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'workflows_admintask'::regclass"
EXPECTED = {
    (ASKS_AGAIN, "claim.before"): ONCE,
    (ASKS_AGAIN, "claim.after"): AGAIN,
    (ASKS_AGAIN, "call.before"): AGAIN,
    (ASKS_AGAIN, "call.sent"): AGAIN,
    (ASKS_AGAIN, "call.answered"): AGAIN,
    (ASKS_AGAIN, "record.before"): AGAIN,
    (ASKS_AGAIN, "record.after"): ONCE,
    (LOOKS_UP, "call.sent"): FOUND,
    (LOOKS_UP, "call.answered"): FOUND,
    (LOOKS_UP, "record.before"): FOUND,
}


@dataclass
class Story:
    """One request and the worker that met its end with it."""

    reference: str
    request_id: str
    worker: Child
    exit_code: int | None = None

    def meet(self, service: Service) -> None:
        """Hand the request to its worker alone."""
        service.send("workflows.execute", self.request_id, queue=f"of-{self.reference}")


def begin(service: Service, name: str, failpoint: str, *, organisation: int = ASKS_AGAIN) -> Story:
    """An approved request, and a worker with a queue of its own that meets FAILPOINT when it gets it."""
    reference = f"{name}-{organisation}"
    request_id = service.approved(reference, organisation=organisation)
    worker = service.worker(concurrency=1, queue=f"of-{reference}", failpoint=failpoint)
    story = Story(reference, request_id, worker)
    story.meet(service)
    return story


@dataclass
class Stories:
    killed: dict[tuple[int, str], Story]
    raised: Story
    lost_lease: Story
    overslept: Story
    repeated_calls: int


@pytest.fixture(scope="module")
def stories(service: Service) -> Stories:
    """Everything that has to wait for a lease, at once; then one worker and the sweeper clean up."""
    before = service.sandboxes[LOOKS_UP].counted()["duplicates"]
    killed = {
        (organisation, point): begin(service, point, f"{point}:kill", organisation=organisation)
        for organisation, point in EXPECTED
    }
    raised = begin(service, "raised", "record.before:raise")
    lost_lease = begin(service, "lost-lease", f"call.answered:sleep={3 * LEASE}")
    overslept = begin(service, "overslept", f"claim.after:sleep={4 * LEASE}", organisation=LOOKS_UP)
    for story in killed.values():
        story.exit_code = story.worker.wait()
    for story in (raised, lost_lease, overslept):
        wait_until(lambda story=story: service.calls(story.reference), f"{story.reference} is claimed")
    service.broker.flushdb()
    rescue = [service.worker(), service.beat()]
    with service.running(*rescue, raised.worker, lost_lease.worker, overslept.worker):
        everybody = [*killed.values(), raised, lost_lease, overslept]
        service.wait_for_state("credited", *(story.reference for story in everybody))
        for story in (lost_lease, overslept):
            wait_until(lambda story=story: "call.late" in service.actions(story.reference), f"{story.reference} wakes")
    repeated = service.sandboxes[LOOKS_UP].counted()["duplicates"] - before
    return Stories(killed, raised, lost_lease, overslept, repeated)


@pytest.mark.parametrize(("organisation", "point"), EXPECTED)
def test_a_worker_killed_at_this_point_costs_no_credit_and_makes_no_second(service, stories, organisation, point):
    story = stories.killed[organisation, point]
    assert story.exit_code == -signal.SIGKILL
    assert (service.state(story.reference), service.credits(story.reference)) == ("credited", 1)
    assert service.calls(story.reference) == EXPECTED[organisation, point]
    assert service.actions(story.reference).count("call.credited") == 1


def test_where_the_policy_looks_up_no_death_of_a_worker_makes_a_second_call_for_a_credited_reference(stories):
    assert stories.repeated_calls == 0


def test_an_error_while_recording_leaves_the_request_to_the_next_worker(service, stories):
    assert stories.raised.worker.said.count("failpoint record.before") >= 1
    assert service.calls(stories.raised.reference) == AGAIN
    assert service.credits(stories.raised.reference) == 1


def test_an_answer_that_comes_after_the_lease_is_not_recorded(service, stories):
    story = stories.lost_lease
    assert service.calls(story.reference) == AGAIN
    assert service.actions(story.reference)[-2:] == ["call.credited", "call.late"]
    assert (service.state(story.reference), service.credits(story.reference)) == ("credited", 1)


def test_a_worker_that_oversleeps_its_lease_before_calling_does_not_call(service, stories):
    story = stories.overslept
    calls = service.calls(story.reference)
    assert (calls[0], calls[-1]) == (("credit", "unknown"), ("credit", "credited"))
    assert ("look_up", "absent") in calls
    assert service.actions(story.reference)[-1] == "call.late"
    assert (service.credits(story.reference), stories.repeated_calls) == (1, 0)


def test_a_web_process_killed_between_commit_and_message_loses_nothing(service):
    web = service.web(shared=False, FAILPOINT="publish.before:kill")
    maker, checker = service.client("maker"), service.client("checker")
    request_id = maker.submit("unannounced").json()["data"]["requestId"]
    with service.running(web):
        with pytest.raises(requests.ConnectionError):
            service.client("checker", web=web).decide(request_id)
        assert service.state("unannounced") == "executing"
        assert service.broker.llen("celery") == 0
        assert checker.decide(request_id).status_code == 409
    with service.running(service.worker(), service.beat()):
        service.wait_for_state("credited", "unannounced")
    assert (service.calls("unannounced"), service.credits("unannounced")) == (ONCE, 1)


@pytest.mark.parametrize("killed", ["the web process", "its session"])
def test_what_is_killed_while_a_submission_is_written_leaves_all_of_it_or_nothing_and_is_repeated(service, killed):
    """A lock stops it after its first row. A dead session leaves nothing. What a dead web process has sent is carried
    out to its end, commit included: nobody was told, and the repetition finds it."""
    web, reference = service.web(shared=False), f"half written, {killed}"
    with service.running(web), psycopg.connect(service.database_url) as holder, ThreadPoolExecutor() as pool:
        holder.execute("LOCK TABLE workflows_admintask IN ACCESS EXCLUSIVE MODE")
        answer = pool.submit(service.client("maker", web=web).submit, reference)
        wait_until(lambda: service.sql(WAITING_FOR_LOCK) == [(1,)], "a row is written, and the next one waits")
        if killed == "the web process":
            web.kill()
            assert isinstance(answer.exception(), requests.ConnectionError)
        else:
            service.sql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted")
            assert answer.result().status_code == 503
        assert service.actions(reference) == [], "nothing is seen of it"
        holder.rollback()
        wait_until(lambda: service.sql(WAITING_FOR_LOCK) == [(0,)], "nothing waits any more")
    if killed == "the web process":
        wait_until(lambda: service.actions(reference) == ["request.submitted"], "what was sent is carried out")
    else:
        assert service.actions(reference) == []
    assert service.sql(PARTS, reference) in ([(0, 0, 0)], [(1, 1, 1)])
    assert [service.client("maker").submit(reference).status_code for _ in range(2)] == [200, 200]
    assert service.actions(reference) == ["request.submitted"]
    assert service.sql(PARTS, reference) == [(1, 1, 1)]


class TestMessagesThatComeManyTimesAtOnce:
    @pytest.fixture(scope="class", autouse=True)
    def _crew(self, service: Service) -> Iterator[None]:
        """Two workers with four threads each, and two beats."""
        with service.running(service.worker(), service.worker(), service.beat(), service.beat()):
            yield

    @pytest.mark.parametrize("kind", ["sweeps", "redeliveries"])
    def test_each_request_is_called_for_once(self, service, kind):
        before = service.sandboxes[ASKS_AGAIN].counted()["calls"]
        references = [f"{kind}-{number}" for number in range(5)]
        for reference in references:
            # Slow, so that the other messages come while the call is being made.
            service.sandboxes[ASKS_AGAIN].order("late-answer", referenceId=reference, delay=0.7)
            request_id = service.approved(reference)
            message = ["workflows.sweep"] if kind == "sweeps" else ["workflows.execute", request_id]
            for _ in range(10):
                service.send(*message)
        service.wait_for_state("credited", *references)
        wait_until(lambda: service.broker.llen("celery") == 0, "all messages are taken")
        assert [service.calls(reference) for reference in references] == [ONCE] * 5
        assert service.sandboxes[ASKS_AGAIN].counted()["calls"] == before + 5


def test_a_message_handed_out_again_during_the_call_makes_no_second_call(service):
    slow = {"visibility_timeout": 0.5, "failpoint": "record.before:sleep=1.3"}
    workers = [service.worker(queue="hasty", **slow) for _ in range(2)]
    service.sandboxes[ASKS_AGAIN].order("late-answer", referenceId="handed-out-again", delay=1.2)
    request_id = service.approved("handed-out-again")
    with service.running(*workers):
        service.send("workflows.execute", request_id, queue="hasty")
        service.wait_for_state("credited", "handed-out-again")
        assert sum(each.said.count("received") for each in workers) > 1
    assert (service.calls("handed-out-again"), service.credits("handed-out-again")) == (ONCE, 1)


def test_a_worker_whose_clock_is_five_minutes_off_takes_no_lease_away_and_comes_on_time(service):
    """Fast or slow: leases and due times are the database's."""
    workers = [service.worker(clock=clock) for clock in (300, -300)]
    references = [f"clock-{number}" for number in range(4)]
    with service.running(*workers, service.beat()):
        for reference in references[:2]:
            service.sandboxes[ASKS_AGAIN].order("late-answer", referenceId=reference, delay=1.2)
        for reference in references[2:]:
            service.sandboxes[ASKS_AGAIN].order("429", referenceId=reference, retryAfter=2)
        for reference in references:
            request_id = service.approved(reference)
            for _ in range(6):
                service.send("workflows.execute", request_id)
        service.wait_for_state("credited", *references)
        assert all("received" in worker.said for worker in workers)
    assert [service.calls(each) for each in references[:2]] == [ONCE, ONCE]
    assert [service.calls(each) for each in references[2:]] == [[("credit", "not_sent"), ("credit", "credited")]] * 2
    waited = "SELECT max(started_at) - min(finished_at) FROM workflows_intouchcall c JOIN workflows_workflowrequest r "
    waited += "ON r.id = c.request_id WHERE r.reference_id = %s"
    assert all(service.sql(waited, each)[0][0].total_seconds() >= 2 for each in references[2:])


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT], ids=["SIGTERM", "SIGQUIT"])
def test_a_worker_asked_to_end_during_a_call_finishes_and_records_it(service, number):
    reference = f"asked-to-end-{number}"
    worker = service.worker(concurrency=1)
    service.sandboxes[ASKS_AGAIN].order("late-answer", referenceId=reference, delay=1.2)
    service.approved(reference)
    wait_until(lambda: service.credits(reference), "the call is made")
    worker.signal(number)
    assert worker.wait() == 0, worker.said
    assert (service.state(reference), service.calls(reference)) == ("credited", ONCE)
