"""Disks that are full: that of the logs, and a real one under the database."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import DiskFull

from config.embedded.processes import unprivileged_account
from tests.faults.service import BEAT, CELERY, QUICK_START, WORKER, Service
from tests.faults.test_database import is_unavailable

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.timeout(300)]

FULL = Path("/dev/full")
AUDIT = "workflows_auditevent"
APPROVED = 12  # more than what is left of a page has room for
SIZE = 1024 * 1024


def test_with_the_disk_of_the_logs_full_requests_are_taken_and_carried_out(service):
    """Every line that a process writes fails, as it does on a disk without room."""
    web = service.web(shared=False, log=FULL)
    worker = service.process("worker", [*CELERY, *WORKER, *QUICK_START], log=FULL)
    beat = service.process("beat", [*CELERY, *BEAT], log=FULL)
    with service.running(web, worker, beat):
        submitted = service.client("maker", web=web).submit("unlogged")
        assert submitted.status_code == 200
        request_id = submitted.json()["data"]["requestId"]
        assert service.client("checker", web=web).decide(request_id).status_code == 200
        # Only a sweep finds it now: beat goes on too.
        service.broker.flushdb()
        # What is wrong with a message is logged too.
        service.send("no.such.task")
        service.wait_for_state("credited", "unlogged")
        assert [each.is_alive for each in (web, worker, beat)] == [True] * 3
    assert service.credits("unlogged") == 1


@pytest.fixture
def small_disk(service: Service) -> Iterator[Path]:
    """A disk of a mebibyte, on which the audit trail lies."""
    if os.geteuid() != 0:
        pytest.skip("only root can make a small disk; the same error without one is injected in test_database.py")
    folder = Path(tempfile.mkdtemp(prefix="goodwill-small-disk-"))
    account = unprivileged_account()
    assert account is not None
    options = f"size={SIZE},mode=0700,uid={account.uid},gid={account.gid}"
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "small", str(folder)], capture_output=True, text=True)
    if done.returncode != 0:
        folder.rmdir()
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    try:
        service.sql(f"CREATE TABLESPACE small LOCATION '{folder}'")
        service.sql(f"ALTER TABLE {AUDIT} SET TABLESPACE small")
        yield folder
    finally:
        (folder / "ballast").unlink(missing_ok=True)
        service.sql(f"ALTER TABLE {AUDIT} SET TABLESPACE pg_default")
        service.sql("DROP TABLESPACE small")
        subprocess.run(["umount", str(folder)], check=True)
        folder.rmdir()


def fill(disk: Path) -> None:
    """Leave not one page free."""
    with (disk / "ballast").open("wb", buffering=0) as ballast:
        while (left := shutil.disk_usage(disk).free) > 0:
            ballast.write(bytes(min(left, 4096)))


SMALL_ROWS = f"""
INSERT INTO {AUDIT} (organisation_id, action, actor_name, details, at, correlation_id)
SELECT organisation_id, '', '', '{{}}', now(), '' FROM {AUDIT} LIMIT 1
"""


def fill_pages(service: Service) -> None:
    """Leave no room in the pages that the table has: what is written later is larger than these rows."""
    with psycopg.connect(service.database_url, autocommit=True) as connection, contextlib.suppress(DiskFull):
        for _ in range(100_000):
            connection.execute(SMALL_ROWS)
        pytest.fail("the disk is never full")


def test_a_full_disk_is_503_and_what_was_acknowledged_is_credited_once_there_is_room(service, small_disk):
    maker = service.client("maker")
    references = [f"room-{number}" for number in range(APPROVED)]
    for reference in references:
        service.approved(reference)
    fill(small_disk)
    taken, refused = [], None
    for number in range(500):
        answer = maker.submit(f"no-room-{number}")
        if answer.status_code != 200:
            refused = answer
            break
        taken.append(f"no-room-{number}")
    assert refused is not None
    assert is_unavailable(refused)
    assert service.actions(f"no-room-{len(taken)}") == []
    fill_pages(service)
    with service.running(service.worker(), service.beat()):
        # Intouch credits, and there is no room to write it down.
        service.wait_for_credits(*references)
        assert {service.state(each) for each in references} <= {"executing", "unknown"}
        (small_disk / "ballast").unlink()
        service.wait_for_state("credited", *references)
    assert [service.credits(each) for each in references] == [1] * APPROVED
    assert all(service.actions(each).count("call.credited") == 1 for each in references)
    assert maker.submit(f"no-room-{len(taken)}").status_code == 200
