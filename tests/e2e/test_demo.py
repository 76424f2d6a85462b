"""`make run` and `make demo`, with their real processes."""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.e2e.started import END_SECONDS, PROJECT, Started, embedded_servers, free_ports, run_demo, started

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600), pytest.mark.xdist_group("e2e")]

SEEDS = PROJECT / "tests/seeds"
REQUESTS = "/api_gateway/v2/request-workflow"
SECONDS = 20


def seed(name: str) -> Any:
    return json.loads((SEEDS / name).read_text())


def as_person(run: Started, role: str) -> dict[str, str]:
    summary = run.summary
    return {"X-CAP-API-AUTH-ORG-ID": str(summary["org_id"]), "X-CAP-UI-AUTH-TOKEN": summary[role]["ui_token"]}


def submit_seed(run: Started) -> requests.Response:
    url = f"{run.summary['base_url']}{REQUESTS}/GOODWILL-POINTS"
    return requests.post(url, json=seed("submit_request.json"), headers=as_person(run, "maker"), timeout=SECONDS)


def ledger(run: Started, reference_id: str) -> list[dict[str, Any]]:
    return requests.get(
        f"{run.summary['sandbox_url']}/ledger", params={"referenceId": reference_id}, timeout=SECONDS
    ).json()["credits"]


def wait_until_carried_out(run: Started) -> list[dict[str, Any]]:
    """All requests, once the worker has nothing left to do."""
    url = f"{run.summary['base_url']}{REQUESTS}/requests?limit=100"
    deadline = time.monotonic() + END_SECONDS
    while True:
        items = requests.get(url, headers=as_person(run, "checker"), timeout=SECONDS).json()["data"]
        if all(item["state"] != "IntouchAPITask" for item in items):
            return items
        assert time.monotonic() < deadline, items
        time.sleep(0.2)


def printed_curl_lines(run: Started) -> list[str]:
    return re.findall(r"^ +(curl .*)$", run.printed, re.MULTILINE)


def typed(line: str) -> dict[str, Any]:
    """What a shell prints for a line."""
    done = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True, timeout=SECONDS)
    return json.loads(done.stdout)


class TestDemo:
    @pytest.fixture(scope="class")
    @staticmethod
    def demo() -> subprocess.CompletedProcess[str]:
        return run_demo()

    def test_it_exits_with_0_after_exactly_one_credit(self, demo: subprocess.CompletedProcess[str]) -> None:
        assert demo.returncode == 0, demo.stdout + demo.stderr
        assert demo.stdout.endswith("Customer 382332518 was credited 20 points, exactly once.\n")

    def test_it_tells_every_step_with_request_and_answer(self, demo: subprocess.CompletedProcess[str]) -> None:
        told = re.findall(r"^(\d)\. |^[<>] (POST|PUT|GET|\d{3}) ", demo.stdout, re.MULTILINE)
        steps = [number or call for number, call in told]
        assert steps[:9] == ["1", "POST", "200", "2", "PUT", "403", "3", "PUT", "200"]
        assert steps[9:12] == ["4", "GET", "200"]
        assert steps[-6:] == ["5", "GET", "200", "6", "GET", "200"]
        assert '"code": 9051' in demo.stdout

    def test_it_shows_no_secret(self, demo: subprocess.CompletedProcess[str]) -> None:
        everything = demo.stdout + demo.stderr
        assert '"Authorization": "***"' in everything
        assert "ZmFrZTpmYWtl" not in everything
        assert "X-CAP-UI-AUTH-TOKEN: ***" in everything
        assert "eyJ" not in everything


@pytest.fixture(scope="module")
def servers() -> Iterator[dict[str, str]]:
    with embedded_servers() as environment:
        yield environment


@pytest.fixture(scope="module")
def run(servers: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    with started(servers, tmp_path_factory.mktemp("run") / "var", free_ports()) as run:
        run.wait_until_ready()
        yield run


class TestRun:
    def test_the_summary_has_what_a_client_needs_and_is_its_owners_alone(self, run: Started) -> None:
        summary = run.summary
        assert list(summary) == [
            "base_url", "sandbox_url", "intouch_hostname", "org_id", "program_id", "maker", "checker", "auditor",
            "service_account", "oauth",
        ]  # fmt: skip
        for role in ("maker", "checker", "auditor"):
            assert list(summary[role]) == ["username", "password", "ui_token"]
        assert summary["auditor"]["ui_token"] is None
        assert list(summary["service_account"]) == ["username", "secret"]
        assert list(summary["oauth"]) == ["key", "secret"]
        for name in ("demo.json", "demo-secrets.json"):
            assert stat.S_IMODE((run.var / name).stat().st_mode) == 0o600

    def test_the_seeds_work_as_they_are_printed_and_so_do_the_five_curl_lines(self, run: Started) -> None:
        replay = submit_seed(run)
        assert replay.headers["Idempotent-Replay"] == "true"
        answered, printed = replay.json()["data"], seed("submit_response.json")["data"]
        assert {**answered, **{name: printed[name] for name in ("requestId", "startTime")}}.items() >= printed.items()

        submit, listing, approve, history, token = map(typed, printed_curl_lines(run))

        assert submit["data"]["state"] == "AdminTask"
        assert submit["data"]["userName"] == run.summary["service_account"]["username"]
        assert {item["state"] for item in listing["data"]} == {"AdminTask"}
        assert approve["data"]["requestId"] == answered["requestId"]
        assert approve["data"]["state"] == "approved"
        assert history == seed("history_response.json")
        assert token["data"]["ttlSeconds"] == 300
        credited = [(credit["customerId"], credit["points"]) for credit in ledger(run, "ref_id_1299314173")]
        assert credited == [(382332518, 20)]

    def test_the_varied_requests_end_in_every_way(self, run: Started) -> None:
        items = wait_until_carried_out(run)
        varied = [item for item in items if _body(item)["referenceId"].startswith("demo-")]
        assert len(varied) == 44
        outcomes = {(item["state"], item["details"].get("AdminTask_Output")) for item in varied}
        by_policy = ("approved", None)
        by_people = {("approved", "approved"), ("rejected", "rejected"), ("rejected", "withdrawn")}
        assert outcomes == {("AdminTask", None), by_policy, *by_people}
        assert len({item["userName"] for item in varied}) == 4
        for item in varied:
            assert len(ledger(run, _body(item)["referenceId"])) == (item["state"] == "approved")

    def test_a_taken_port_is_named_and_the_running_one_stays_untouched(
        self, run: Started, servers: dict[str, str]
    ) -> None:
        for name, port in zip(("PORT", "SANDBOX_PORT"), run.ports, strict=True):
            ports = {"PORT": str(free_ports()[0]), "SANDBOX_PORT": str(free_ports()[1]), name: str(port)}
            second = _serve_in_vain(servers | ports | {"GOODWILL_VAR": str(run.var)})
            assert second.returncode == 1
            assert f"port {port} cannot be used" in second.stderr
            assert f"make run {name}=" in second.stderr
        assert run.summary["base_url"]

    def test_a_second_one_does_not_take_the_directory_of_the_first(self, run: Started, servers: dict[str, str]) -> None:
        port, sandbox_port = free_ports()
        ports = {"PORT": str(port), "SANDBOX_PORT": str(sandbox_port)}
        second = _serve_in_vain(servers | ports | {"GOODWILL_VAR": str(run.var)})
        assert second.returncode == 1
        assert f"another `make run` uses {run.var}" in second.stderr
        assert run.summary["base_url"]

    def test_full_logs_are_kept_and_hold_no_secret(self, run: Started) -> None:
        logs = {path.stem: path.read_text() for path in (run.var / "log").iterdir()}
        assert {"migrate", "create_demo", "sandbox", "worker", "beat", "web"} == logs.keys()
        assert "Listening at" in logs["web"]
        summary = run.summary
        secrets = [summary["maker"]["password"], summary["service_account"]["secret"], summary["oauth"]["secret"]]
        assert [name for name, text in logs.items() for secret in secrets if secret in text] == []


def test_ctrl_c_leaves_nothing_and_a_second_start_goes_on_where_it_ended(tmp_path: Path) -> None:
    ports, var = free_ports(), tmp_path / "var"
    with embedded_servers() as servers:
        with started(servers, var, ports) as first:
            first.wait_until_ready()
            before = first.summary
            request_id = submit_seed(first).json()["data"]["requestId"]
            assert first.end(signal.SIGINT) == 0
            assert first.pids.keys() == {"sandbox", "worker", "beat", "web"}
            assert first.left() == []

        with started(servers, var, ports) as second:
            second.wait_until_ready()
            assert _credentials(second.summary) == _credentials(before)
            assert f"{request_id}) was submitted again and created nothing (Idempotent-Replay: true)" in second.printed
            os.kill(second.pids["worker"], signal.SIGKILL)
            assert second.process.wait(END_SECONDS) == 1
            assert "worker ended by SIGKILL" in second.printed
            assert second.left() == []


def _serve_in_vain(environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "config.run", "serve"]
    return subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True, timeout=SECONDS)


def _body(item: dict[str, Any]) -> dict[str, Any]:
    return item["details"]["IntouchAPITask-Payload"]["body"]


def _credentials(summary: dict[str, Any]) -> dict[str, Any]:
    """Without the UI tokens, which are issued at every start."""
    return {name: {**value, "ui_token": None} if isinstance(value, dict) else value for name, value in summary.items()}
