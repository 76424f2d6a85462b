"""`python -m config.embedded`, run as a person runs it, on a copy of it that has a `var/` of its own."""

import contextlib
import json
import os
import pty
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "config/embedded"
CLEARED = {
    "DATABASE_URL", "CELERY_BROKER_URL", "SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "UI_TOKEN_KEYS",
    "ALLOWED_HOSTS", "HTTPS_ONLY", "INTOUCH_ALLOW_LOOPBACK", "LOG_FORMAT", "PYTHONPATH",
}  # fmt: skip
LOOK = """
import json, os, pathlib, psycopg, redis
report = dict(os.environ)
with psycopg.connect(os.environ["DATABASE_URL"]) as database:
    database.execute("CREATE TABLE IF NOT EXISTS seen (at timestamptz DEFAULT now())")
    database.execute("INSERT INTO seen DEFAULT VALUES")
    report["seen"] = database.execute("SELECT count(*) FROM seen").fetchone()[0]
    report["postgres"] = database.execute("SHOW server_version_num").fetchone()[0]
    report["data"] = database.execute("SHOW data_directory").fetchone()[0]
    report["socket"] = database.execute("SHOW unix_socket_directories").fetchone()[0]
broker = redis.from_url(os.environ["CELERY_BROKER_URL"])
report["valkey"] = broker.info("server")["redis_version"]
report["pushed"] = broker.rpush("queue", "message")
data = pathlib.Path(report["data"])
report["mode"] = data.parent.parent.stat().st_mode
report["pids"] = [int((data / "postmaster.pid").read_text().split()[0]), broker.info("server")["process_id"]]
print(json.dumps(report), flush=True)
"""
WAIT = ("sh", "-c", "echo up; exec sleep 20")
COUNT_CTRL_C = """
import signal, time
got = []
signal.signal(signal.SIGINT, lambda *_: got.append(1))
print("up", flush=True)
while not got:
    time.sleep(0.02)
time.sleep(0.3)
print(len(got), flush=True)
input()
"""
TAKE_TERMINAL = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.executable, sys.argv[1:])
"""
WITHOUT_DEATH_SIGNAL = (
    "-c",
    """
import sys
from config.embedded import processes
from config.embedded.__main__ import main
processes._die_with_launcher = lambda death: None  # as where the kernel has no such thing: who stops, stops by hand
sys.exit(main())
""",
)


class Project:
    """A directory with a copy of the launcher and nothing else, below one that other accounts can pass."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.root = place / "project"
        self.var = self.root / "var"
        shutil.copytree(SOURCE, self.root / "config/embedded", ignore=shutil.ignore_patterns("__pycache__"))
        (self.root / "config/__init__.py").touch()
        code = "from config.embedded.directories import PROJECT_ID; print(PROJECT_ID)"
        self.id = self.run(python=("-c", code))[1].strip()

    def start(self, *arguments: str, python: tuple[str, ...] = ("-m", "config.embedded"), **options: Any) -> Any:
        kept = {name: value for name, value in os.environ.items() if name not in CLEARED}
        environment = kept | {"TMPDIR": str(self.place)} | options.pop("env", {})
        streams = {
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "stdin": subprocess.DEVNULL,
        } | options
        command = [sys.executable, *python, *arguments]
        return subprocess.Popen(command, cwd=self.root, env=environment, text=True, **streams)

    def run(self, *arguments: str, **options: Any) -> tuple[int, str, str]:
        process = self.start(*arguments, **options)
        out, error = process.communicate(timeout=60)
        return process.returncode, out, error

    def look(self, *options: str) -> dict[str, Any]:
        code, out, error = self.run(*options, "--", sys.executable, "-c", LOOK)
        assert code == 0, error
        report: dict[str, Any] = json.loads(out)
        return report

    def remove(self) -> None:
        for shared in (Path("/var/lib/goodwill-embedded"), Path("/var/tmp/goodwill-embedded")):
            shutil.rmtree(shared / self.id, ignore_errors=True)
            with contextlib.suppress(OSError):  # other projects use it
                shared.rmdir()
        shutil.rmtree(self.place)


@pytest.fixture(scope="module")
def project() -> Iterator[Project]:
    place = Path(tempfile.mkdtemp(prefix="embedded-", dir="/tmp"))
    place.chmod(0o711)
    project = Project(place)
    yield project
    project.remove()


@pytest.fixture(scope="module")
def first(project: Project) -> dict[str, Any]:
    """What was seen at a first start of this copy."""
    return project.look()


def alive(pid: int) -> bool:
    """Zombies do not count: where process 1 reaps nobody, they stay for ever."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def servers(project: Project) -> list[int]:
    """The servers of this copy that run, and nobody else's."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            line = path.read_text(errors="replace").replace("\0", " ")
            ours = str(project.place) in line or project.id in line
            if ours and line.split(" ")[0].endswith(("/postgres", "/valkey-server", "/redis-server", "/initdb")):
                found.append(int(path.parent.name))
    return found


def start_and_wait(project: Project, **options: Any) -> tuple[Any, list[int]]:
    """A launcher whose command runs and waits, and the servers that run for it."""
    launcher = project.start("--", *WAIT, **options)
    assert launcher.stdout.readline() == "up\n"
    return launcher, servers(project)


def wait_until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_a_temporary_start_gives_real_servers_and_leaves_nothing(project: Project) -> None:
    report = project.look("--temporary")

    assert int(report["postgres"]) >= 150000
    assert report["valkey"]
    assert report["socket"] == ""
    assert stat.S_IMODE(report["mode"]) == 0o700
    assert not any(alive(pid) for pid in report["pids"])
    assert not Path(report["data"]).exists()
    assert not list(project.place.glob("goodwill-*"))


def test_a_second_start_finds_what_the_first_one_left(project: Project, first: dict[str, Any]) -> None:
    second = project.look()

    assert second["seen"] > first["seen"]
    assert second["pushed"] > first["pushed"]
    assert second["SECRET_KEY"] == first["SECRET_KEY"]
    assert not any(alive(pid) for pid in first["pids"] + second["pids"])


def test_roots_cluster_lies_where_its_account_can_reach_it(project: Project, first: dict[str, Any]) -> None:
    data = Path(first["data"])

    if os.geteuid() == 0:
        assert not data.is_relative_to(project.root)
        closed = [path for path in data.parent.parent.parents if not path.stat().st_mode & stat.S_IXOTH]
        assert not closed
        assert data.stat().st_uid == data.parent.parent.stat().st_uid != 0
    else:
        assert data.is_relative_to(project.var)


def test_a_second_start_at_the_same_time_shares_the_servers_and_does_not_stop_them(project: Project) -> None:
    launcher, running = start_and_wait(project)
    code, out, error = project.run("--", "sh", "-c", "echo $DATABASE_URL $CELERY_BROKER_URL")

    assert code == 0
    assert "goodwill_owner" in out
    assert error.count("shares the ") == 2
    assert sorted(servers(project)) == sorted(running)
    launcher.terminate()
    launcher.communicate(timeout=20)
    assert not servers(project)


def test_sigterm_ends_the_command_and_the_servers(project: Project) -> None:
    launcher, running = start_and_wait(project, python=WITHOUT_DEATH_SIGNAL)
    launcher.terminate()
    launcher.communicate(timeout=20)

    assert launcher.returncode == 128 + signal.SIGTERM
    assert len(running) == 2
    assert not any(alive(pid) for pid in running)


def test_sigterm_during_the_start_leaves_nothing(project: Project) -> None:
    launcher = project.start("--temporary", "--", "true", python=WITHOUT_DEATH_SIGNAL)
    wait_until(lambda: servers(project))
    launcher.terminate()
    launcher.communicate(timeout=20)

    assert launcher.returncode == 128 + signal.SIGTERM
    assert not servers(project)


def test_ctrl_c_reaches_the_command_once_and_the_servers_not_at_all(project: Project) -> None:
    controller, terminal = pty.openpty()
    launcher = project.start(
        sys.executable, "-m", "config.embedded", "--", sys.executable, "-c", COUNT_CTRL_C,
        python=("-c", TAKE_TERMINAL), stdin=terminal, start_new_session=True,
    )  # fmt: skip
    assert launcher.stdout.readline() == "up\n"
    os.write(controller, b"\x03")
    assert launcher.stdout.readline() == "1\n"
    assert len(servers(project)) == 2
    os.write(controller, b"\n")
    launcher.communicate(timeout=20)
    os.close(controller)
    os.close(terminal)

    assert launcher.returncode == 0
    assert not servers(project)


def test_servers_die_with_a_launcher_that_is_killed(project: Project) -> None:
    launcher, running = start_and_wait(project)
    launcher.kill()
    launcher.communicate(timeout=20)

    assert len(running) == 2
    if sys.platform == "linux":
        wait_until(lambda: not any(alive(pid) for pid in running))


def test_servers_left_over_are_stopped_by_the_next_start(project: Project, first: dict[str, Any]) -> None:
    launcher, left = start_and_wait(project, python=WITHOUT_DEATH_SIGNAL)
    launcher.kill()
    launcher.wait(timeout=20)
    assert [alive(pid) for pid in left] == [True, True]

    assert project.look()["seen"] > first["seen"]
    assert not any(alive(pid) for pid in left)
    assert not servers(project)


def test_a_start_that_fails_half_way_stops_what_it_started(project: Project, first: dict[str, Any]) -> None:
    lock, aside = project.var / "valkey.lock", project.var / "aside"
    lock.rename(aside)
    lock.mkdir()
    log = next(project.var.glob("postgres-*.log"))
    log.unlink()
    code, _, error = project.run("--", "true", python=WITHOUT_DEATH_SIGNAL)
    lock.rmdir()
    aside.rename(lock)

    assert code == 2
    assert str(lock) in error
    assert "fast shutdown request" in log.read_text()
    assert not servers(project)


def test_the_exit_code_is_the_commands(project: Project) -> None:
    def code(*command: str) -> int:
        return project.run("--no-servers", "--", *command)[0]

    assert code("sh", "-c", "exit 7") == 7
    assert code("sh", "-c", "kill -9 $$") == 128 + 9
    assert code("/nowhere/to/be/found") == 127
    assert code(str(project.root)) == 126


def test_what_is_given_is_not_started(project: Project) -> None:
    given = {
        "DATABASE_URL": "postgresql://given",
        "CELERY_BROKER_URL": "redis://given",
        "SECRET_KEY": "given",
    }
    code, out, _ = project.run("--", "sh", "-c", "echo $DATABASE_URL $CELERY_BROKER_URL $SECRET_KEY", env=given)

    assert (code, out) == (0, "postgresql://given redis://given given\n")
    code, _, error = project.run("--", "true", env={"DATABASE_URL": "postgresql://given"})
    assert (code, error, servers(project)) == (0, "", [])


def test_a_given_database_starts_no_postgres(project: Project) -> None:
    launcher, running = start_and_wait(project, env={"DATABASE_URL": "postgresql://given"})
    programs = [Path(f"/proc/{pid}/cmdline").read_text().split("\0")[0] for pid in running]
    launcher.terminate()
    launcher.communicate(timeout=20)

    assert len(programs) == 1
    assert programs[0].endswith(("valkey-server", "redis-server"))


def test_secrets_are_made_once_and_for_one_reader(project: Project) -> None:
    look = ("--no-servers", "--", "sh", "-c", "echo $SECRET_KEY $FIELD_ENCRYPTION_KEYS $UI_TOKEN_KEYS")
    first, second = project.run(*look)[1].split(), project.run(*look)[1].split()
    temporary = project.run("--temporary", *look)[1].split()

    assert len(first) == 3
    assert first == second
    assert not set(first) & set(temporary)
    assert stat.S_IMODE((project.var / "development.env").stat().st_mode) == 0o600
    assert stat.S_IMODE(project.var.stat().st_mode) == 0o700


def test_without_servers_the_urls_lead_nowhere(project: Project) -> None:
    out = project.run("--no-servers", "--", "sh", "-c", "echo $DATABASE_URL $CELERY_BROKER_URL $HTTPS_ONLY")[1]

    assert out == "postgresql://nobody:none@127.0.0.1:9/none redis://127.0.0.1:9/0 false\n"


def test_it_needs_the_standard_library_only_and_says_what_to_install(project: Project) -> None:
    bare = ("-S", "-m", "config.embedded")
    code, _, error = project.run("--", "true", python=bare, env={"DATABASE_URL": "postgresql://x", "PATH": ""})

    assert code == 2
    assert "apt install redis-server" in error
    assert "Traceback" not in error


def test_help_and_a_missing_command(project: Project) -> None:
    code, out, _ = project.run("--help")
    assert code == 0
    assert "-- COMMAND" in out
    assert project.run("--temporary")[0] == 2
