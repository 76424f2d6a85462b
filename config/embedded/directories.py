"""Where the servers keep their files: in `var/`, or where the account that root becomes can reach them."""

import hashlib
import os
import stat
import tempfile
from contextlib import ExitStack
from pathlib import Path

from config.embedded.processes import Account, StartError

PROJECT = Path(__file__).resolve().parents[2]
PROJECT_ID = hashlib.sha256(os.fsencode(PROJECT)).hexdigest()[:12]


def make_private(path: Path, account: Account | None = None, mode: int = 0o700) -> Path:
    """Make a directory for one account, or accept it as its own. An existing one is never changed."""
    owner = account.uid if account else os.geteuid()
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        found = path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner or found.st_mode & 0o022:
            raise StartError(
                f"{path} must be a directory that only the user with id {owner} can write: remove it, "
                "or give it to that user"
            ) from None
        return path
    if mode != 0o700:  # umask may have taken what others need
        path.chmod(mode)
    if account:
        os.chown(path, account.uid, account.gid, follow_symlinks=False)
    return path


def state_directory(stack: ExitStack, *, temporary: bool) -> Path:
    """The launcher's own files: secrets, locks, logs. A temporary one is removed when `stack` closes."""
    if temporary:
        return _temporary_directory(stack, tempfile.gettempdir())
    path = PROJECT / "var"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def postgres_home(stack: ExitStack, state: Path, account: Account | None, *, temporary: bool) -> Path:
    """Where `account` keeps clusters: in `state` only for an ordinary user. Root's project may lie below a
    directory that is closed to `account`, such as /root, and no directory is ever opened for it."""
    if account is None:
        return state
    for base in (tempfile.gettempdir() if temporary else "/var/lib", "/var/tmp"):
        if not _open_to_all(Path(base).resolve()):
            continue
        try:
            if not temporary:
                shared = make_private(Path(base) / "goodwill-embedded", mode=0o711)
                return make_private(shared / PROJECT_ID, account)
            path = _temporary_directory(stack, base)
        except OSError:  # read-only
            continue
        os.chown(path, account.uid, account.gid)
        return path
    raise StartError(f"neither /var/lib nor /var/tmp can hold a database of the user {account.name}: set DATABASE_URL")


def _temporary_directory(stack: ExitStack, base: str) -> Path:
    made = tempfile.TemporaryDirectory(prefix="goodwill-", dir=base, ignore_cleanup_errors=True)
    return Path(stack.enter_context(made))


def _open_to_all(path: Path) -> bool:
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in (path, *path.parents))
