"""The short form of the soak; `make soak` is the long one."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from config.embedded.directories import PROJECT

pytestmark = [pytest.mark.xdist_group("processes"), pytest.mark.timeout(600)]
LINE = re.compile(
    r"N=100 seed=11 faults=\d+\+\d+ \| lost=0 duplicated=0 stuck=0 unknown-waiting=0 disagree=0 \| "
    r"settle p50/p99=[\d.]+/[\d.]+s max request ms=\d+ 5xx=\d+"
)


def test_nothing_is_lost_and_nothing_credited_twice_while_everything_is_being_killed():
    options = ["--requests", "100", "--workers", "3", "--load-seconds", "12", "--seconds", "400", "--seed", "11"]
    command = [sys.executable, "-m", "tests.faults.soak", *options]
    done = subprocess.run(command, cwd=PROJECT, env=os.environ, capture_output=True, text=True, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert LINE.match(done.stdout)
