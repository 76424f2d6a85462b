"""A broker without memory: it refuses messages, and nobody has to wait for it or do anything about it afterwards."""

from __future__ import annotations

import pytest

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
