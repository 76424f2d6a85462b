"""The database away, cut off, full, locked or crowded: the API says 503, nothing is lost, nothing is credited twice."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import requests

from tests.faults.killable import answers, wait_until
from tests.faults.monkey import TERMINATE
from tests.faults.service import Service, served

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.timeout(300)]

ONCE = [("credit", "credited")]
AGAIN = [("credit", "unknown"), ("credit", "credited")]


def is_unavailable(answer: requests.Response) -> bool:
    """An honest 503 in the gateway's envelope, that says when to come again."""
    return (
        (answer.status_code, answer.json()["data"], answer.json()["errors"][0]["code"]) == (503, None, 5000)
        and int(answer.headers["Retry-After"]) > 0
        and "Traceback" not in answer.text
    )


def test_without_its_database_the_api_answers_503_and_goes_on_when_it_is_back(service):
    maker, checker = service.client("maker"), service.client("checker")
    request_id = maker.submit("database-away").json()["data"]["requestId"]
    service.postgres.crash()
    with ThreadPoolExecutor() as pool:
        is_ready = pool.submit(answers, f"http://127.0.0.1:{service.web_ports[0]}/readyz")
        calls = [
            pool.submit(maker.submit, "database-away-2"),
            pool.submit(checker.decide, request_id),
            pool.submit(service.client("maker", 1).show, request_id),
        ]
        refused = [call.result() for call in calls]
    service.postgres.start()
    assert [is_unavailable(answer) for answer in refused] == [True] * 3
    assert is_ready.result() is False
    wait_until(lambda: maker.submit("database-away-2").status_code == 200, "submissions are taken again")
    assert checker.decide(request_id).status_code == 200
    rows = service.sql("SELECT count(*) FROM workflows_workflowrequest WHERE reference_id LIKE 'database-away%%'")
    assert rows == [(2,)]
    with service.running(service.worker()):
        service.wait_for_state("credited", "database-away")


def test_a_database_that_crashes_again_and_again_loses_no_credit_and_makes_no_second(service):
    references = [f"crashes-{number}" for number in range(12)]
    for reference in references:
        service.sandboxes[0].order("late-answer", referenceId=reference, delay=0.4)
        service.approved(reference)
    with service.running(service.worker(concurrency=2), service.worker(concurrency=2), service.beat()):
        for done in (2, 6):
            wait_until(lambda done=done: len(service.sandboxes[0].credited(references)) >= done, f"{done} are credited")
            service.postgres.crash()
            service.postgres.start()
        service.wait_for_state("credited", *references)
    assert [service.credits(reference) for reference in references] == [1] * 12
    assert all(service.actions(reference).count("call.credited") == 1 for reference in references)


STEPS = {
    "claim.before": ONCE,
    "claim.after": AGAIN,
    "call.answered": AGAIN,
    "record.before": AGAIN,
    "record.after": ONCE,
}


def test_connections_cut_at_every_step_lose_no_credit_and_make_no_second(service):
    """The worker that has an answer and no connection to write it down leaves that to the next attempt."""
    workers = [service.worker(concurrency=1, queue=f"cut-{step}", failpoint=f"{step}:sleep=2") for step in STEPS]
    for step in STEPS:
        service.send("workflows.execute", service.approved(f"cut-{step}"), queue=f"cut-{step}")
    with service.running(*workers):
        reached = [f"cut-{step}" for step in STEPS if step != "claim.before"]
        wait_until(lambda: all(service.calls(reference) for reference in reached), "the claims are made")
        wait_until(lambda: service.calls("cut-record.after") == ONCE, "the last one has recorded")
        service.sql(TERMINATE, 1.0)
        with service.running(service.worker(), service.beat()):
            service.wait_for_state("credited", *(f"cut-{step}" for step in STEPS))
    for step in STEPS:
        # Where the cut came before the thread had a connection, or after it needed one, there is nothing to repeat.
        assert service.calls(f"cut-{step}") in (ONCE, STEPS[step])
        assert service.credits(f"cut-{step}") == 1


ERRORS = {"disk_full": "53100", "deadlock_detected": "40P01", "serialization_failure": "40001"}


@contextlib.contextmanager
def failing_writes(service: Service, error: str, *, table: str, event: str, times: int) -> Iterator[None]:
    """So many writes to a table fail with this error; a sequence counts them, as a rollback does not set it back."""
    service.sql("CREATE SEQUENCE failures")
    service.sql(f"""
        CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF nextval('failures') <= {times} THEN
                RAISE EXCEPTION 'injected by a test' USING ERRCODE = '{ERRORS[error]}';
            END IF;
            RETURN NEW;
        END $$""")
    service.sql(f"CREATE TRIGGER fail BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION fail()")
    try:
        yield
    finally:
        service.sql("DROP FUNCTION fail CASCADE")
        service.sql("DROP SEQUENCE failures")


def test_a_disk_full_while_recording_is_made_good_by_the_next_attempt(service):
    service.approved("full-disk")
    full = failing_writes(service, "disk_full", table="workflows_intouchcall", event="UPDATE", times=2)
    with full, service.running(service.worker(), service.beat()):
        service.wait_for_state("credited", "full-disk")
    assert (service.calls("full-disk"), service.credits("full-disk")) == (AGAIN, 1)


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_of_the_database_while_submitting_is_503_and_leaves_nothing_behind(service, error):
    maker = service.client("maker")
    with failing_writes(service, error, table="workflows_admintask", event="INSERT", times=1):
        assert is_unavailable(maker.submit(error))
        assert service.actions(error) == []
        # Once more if the first 503 was that of a connection that an earlier test had cut.
        assert served(lambda: maker.submit(error)).status_code == 200
    assert service.actions(error) == ["request.submitted"]


@contextlib.contextmanager
def short_lock_timeout(service: Service) -> Iterator[None]:
    """As an administrator sets it, for every new connection; the old ones are ended."""
    name = service.sql("SELECT current_database()")[0][0]
    try:
        service.sql(f"ALTER DATABASE {name} SET lock_timeout = '300ms'")
        service.sql(TERMINATE, 1.0)
        yield
    finally:
        service.sql(f"ALTER DATABASE {name} RESET lock_timeout")
        service.sql(TERMINATE, 1.0)


def test_a_lock_held_by_another_session_is_503_and_delays_a_credit_only(service):
    maker = service.client("maker")
    service.approved("locked")
    with short_lock_timeout(service), psycopg.connect(service.database_url) as holder:
        holder.execute("LOCK TABLE workflows_workflowrequest IN ACCESS EXCLUSIVE MODE")
        with service.running(service.worker(), service.beat()):
            assert is_unavailable(maker.submit("locked-2"))
            wait_until(lambda: service.credits("locked") == 0 and service.broker.llen("celery") == 0, "it was tried")
            holder.rollback()
            service.wait_for_state("credited", "locked")
        assert maker.submit("locked-2").status_code == 200
    assert (service.calls("locked"), service.credits("locked")) == (ONCE, 1)


def test_a_database_that_takes_no_more_connections_is_503_and_no_hang(service):
    maker = service.client("maker")
    held: list[psycopg.Connection] = []
    try:
        wait_until(lambda: occupy(service, held), "every connection is taken", 30)
        assert is_unavailable(maker.submit("crowded"))
    finally:
        for connection in held:
            connection.close()
    wait_until(lambda: maker.submit("crowded").status_code == 200, "submissions are taken again")


def occupy(service: Service, held: list[psycopg.Connection]) -> bool:
    """Take every connection that is free, and those of the service; whether it has none left."""
    with contextlib.suppress(psycopg.OperationalError):
        while True:
            held.append(psycopg.connect(service.database_url, autocommit=True))
    held[0].execute(TERMINATE, [1.0])
    with contextlib.suppress(psycopg.OperationalError):
        while True:
            held.append(psycopg.connect(service.database_url, autocommit=True))
    left = held[0].execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'goodwill'").fetchone()
    return left == (0,)
