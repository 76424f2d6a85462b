"""The Intouch sandbox as a program with a file: what it remembers, how it starts and how it ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from tests.workflows.sandbox_client import award, headers, running
from workflows.sandbox.awards import read_award
from workflows.sandbox.ledger import Ledger, LedgerError
from workflows.sandbox.server import make_server

GOODWILL = "/internal/goodwill/"


def test_a_restart_remembers_credits_and_ids(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "ledger.jsonl"
    with running(path) as client:
        client.credit(referenceId="ü\ud800", points=7)
        before = client.ledger()["credits"]
    with running(path) as client:
        assert client.ledger()["credits"] == before
        assert client.credit(referenceId="ü\ud800").json["errors"][0]["code"] == 9045
        assert client.credit(referenceId="new").json["createdId"] == 2


def test_a_restart_remembers_that_the_ledger_was_emptied(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with running(path) as client:
        client.credit()
        client.call("DELETE", "/ledger")
    with running(path) as client:
        assert client.credits() == 0
        assert client.credit().json["createdId"] == 2


@pytest.mark.parametrize("kept", [1, 5, 20, 100, -1])
def test_a_torn_last_line_was_never_answered_and_is_dropped(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "ledger.jsonl"
    with running(path) as client:
        client.credit(referenceId="whole")
        client.credit(referenceId="torn")
    first, second = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(first + second[:kept])
    for _ in range(2):
        with running(path) as client:
            assert client.look_up("whole").json["credited"] is True
            client.credit(referenceId="torn")
            assert client.credits() == 2


@pytest.mark.parametrize(
    "content", [b"not json\n", b"[]\n", b"{}\n", b"\xff\n", b"\n", b"no line break", b"\xff", b'{"other": 1']
)
def test_a_file_that_is_no_ledger_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(LedgerError):
        make_server("127.0.0.1", 0, path)
    assert path.read_bytes() == content


def test_a_file_that_credits_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with running(path) as client:
        client.credit()
    path.write_bytes(path.read_bytes() * 2)
    with pytest.raises(LedgerError, match="line 2"):
        make_server("127.0.0.1", 0, path)


def test_two_sandboxes_cannot_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with running(path), pytest.raises(LedgerError, match="in use"):
        make_server("127.0.0.1", 0, path)


def test_a_credit_that_cannot_be_kept_did_not_happen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.jsonl"

    def disk_full(fd: int) -> None:
        raise OSError(28, "No space left on device")

    with running(path) as client:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", disk_full)
            assert client.credit().status == 500
        assert (client.credits(), path.read_bytes()) == (0, b"")
        assert client.credit().status == 201


def test_a_credit_is_on_the_disk_before_the_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "ledger.jsonl"
    synced: list[bytes] = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(path.read_bytes()))
    ledger = Ledger(path)
    ledger.credit(read_award(1, award()), epoch=ledger.arrive())
    ledger.close()
    assert synced == [path.read_bytes()]
    assert synced[0].endswith(b"}\n")


def test_a_taken_port_frees_the_ledger_again(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    with running() as other, pytest.raises(OSError, match="in use"):
        make_server("127.0.0.1", other.server.server_port, path)
    with running(path):
        pass


ALONE = ["-S", "-m", "workflows.sandbox"]  # -S: without the venv's packages, so without Django
IN_DJANGO = [
    "-c",
    "import sys; from django.conf import settings; settings.configure();"
    "from workflows.management.commands.intouch_sandbox import Command;"
    "Command().run_from_argv(['manage.py', 'intouch_sandbox', *sys.argv[1:]])",
]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("program", [ALONE, IN_DJANGO], ids=["alone", "command"])
def test_the_program_says_where_it_is_and_ends_cleanly(
    tmp_path: Path, program: list[str], number: signal.Signals
) -> None:
    command = [sys.executable, *program, "--port", "0", "--ledger", str(tmp_path / "ledger.jsonl")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stderr
        line = process.stdout.readline()
        try:
            assert line.startswith("listening on http://127.0.0.1:")
            reply = requests.post(line.split()[-1] + GOODWILL, json=award(), headers=headers(), timeout=5)
            assert reply.status_code == 201
        finally:
            process.send_signal(number)
        assert (process.wait(5), process.stdout.read(), process.stderr.read()) == (0, "", "")


def test_a_program_killed_outright_has_kept_what_it_answered(tmp_path: Path) -> None:
    path = tmp_path / "ledger.jsonl"
    command = [sys.executable, "-m", "workflows.sandbox", "--port", "0", "--ledger", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        url = process.stdout.readline().split()[-1]
        requests.post(url + GOODWILL, json=award(), headers=headers(), timeout=5)
        process.kill()
    with running(path) as client:
        assert client.look_up().json["credited"] is True


@pytest.mark.parametrize("program", [ALONE, IN_DJANGO], ids=["alone", "command"])
@pytest.mark.parametrize(
    ("arguments", "environment"),
    [(["--port", "70000"], {}), (["--port", "x"], {}), ([], {"SANDBOX_PORT": "x"}), (["--ledger", "/"], {})],
)
def test_a_program_that_cannot_start_says_why(
    program: list[str], arguments: list[str], environment: dict[str, str]
) -> None:
    command = [sys.executable, *program, *arguments]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, timeout=10)
    assert done.returncode in (1, 2)
    assert "Traceback" not in done.stderr
    assert done.stderr
