"""Everything at once: the machine loses its power in the middle of the work, and everything is started again."""

from __future__ import annotations

import pytest

from tests.faults.killable import wait_until
from tests.faults.service import BEAT, CELERY, QUICK_START, WORKER

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.timeout(300)]


ASKS_AGAIN, LOOKS_UP = 0, 1


def test_after_a_loss_of_power_everything_that_was_approved_is_credited_once(service):
    before = service.sandboxes[LOOKS_UP].counted()["duplicates"]
    references = [f"power-{number}" for number in range(12)]
    for number, reference in enumerate(references):
        organisation = (ASKS_AGAIN, LOOKS_UP)[number % 2]
        service.sandboxes[organisation].order("late-answer", referenceId=reference, delay=0.7)
        service.approved(reference, organisation=organisation)
    web = service.web(shared=False)
    worker = service.process("worker", [*CELERY, *WORKER, *QUICK_START])
    programs = [web, worker, service.process("beat", [*CELERY, *BEAT])]
    with service.running(*programs):
        wait_until(lambda: sum(map(service.credits, references)) > 1, "the work has begun")
        service.postgres.crash()
        for program in programs:
            program.kill()
        service.valkey.crash(empty=True)
        service.postgres.start()
        service.valkey.start()
        for program in programs:
            program.start()
        service.wait_for_state("credited", *references)
    assert [service.credits(reference) for reference in references] == [1] * len(references)
    assert service.sandboxes[LOOKS_UP].counted()["duplicates"] == before
