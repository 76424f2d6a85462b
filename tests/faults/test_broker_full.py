"""A broker without memory: it refuses messages, and nobody has to wait for it or do anything about it afterwards."""

from __future__ import annotations

import pytest

from tests.faults.killable import wait_until

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.timeout(300)]


def test_with_a_broker_out_of_memory_requests_and_decisions_are_taken_and_carried_out_later(service):
    service.broker.config_set("maxmemory", "1")
    try:
        service.approved("memory")
        assert service.broker.llen("celery") == 0
    finally:
        service.broker.config_set("maxmemory", "0")
    with service.running(service.worker(), service.beat()):
        service.wait_for_state("credited", "memory")
    assert service.credits("memory") == 1


def test_messages_that_the_broker_throws_away_to_make_room_are_sent_again(service):
    """No worker starts under this setting; one that runs while somebody sets it loses hints and nothing else."""
    references = [f"evicted-{number}" for number in range(5)]
    with service.running(service.beat()):
        for reference in references:
            service.approved(reference)
        wait_until(lambda: service.broker.llen("celery"), "there are messages")
        try:
            service.broker.config_set("maxmemory-policy", "allkeys-lru")
            service.broker.config_set("maxmemory", "1")
            wait_until(lambda: service.broker.dbsize() == 0, "everything is thrown away")
        finally:
            service.broker.config_set("maxmemory", "0")
            service.broker.config_set("maxmemory-policy", "noeviction")
        with service.running(service.worker()):
            service.wait_for_state("credited", *references)
    assert [service.credits(reference) for reference in references] == [1] * 5
