"""`python -m tests.faults.odd_worker [--clock SECONDS] [--visibility-timeout SECONDS] -- WORKER'S ARGUMENTS`

A worker of the service whose clock is wrong, or whose broker hands messages out again too soon. Says on its standard
output which request every message was for.
"""

from __future__ import annotations

import argparse
import datetime
import sys
import time


def main() -> None:
    cut = sys.argv.index("--")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clock", type=float, default=0.0)
    parser.add_argument("--visibility-timeout", type=float)
    options = parser.parse_args(sys.argv[1:cut])
    if options.clock:
        _shift_clock(options.clock)
    from celery.signals import task_received

    from config.celery import app

    if options.visibility_timeout:
        soon = {"visibility_timeout": options.visibility_timeout, "unacked_restore_interval": 1}
        app.conf.broker_transport_options = app.conf.broker_transport_options | soon | {"unacked_restore_throttle": 1}
    task_received.connect(_say, weak=False)
    app.worker_main(sys.argv[cut + 1 :])


def _shift_clock(seconds: float) -> None:
    """What Python code reads as the time of day is wrong from now on; the monotonic clock is not, as in life."""
    real_time, real_datetime = time.time, datetime.datetime

    class Shifted(real_datetime):
        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> datetime.datetime:
            return real_datetime.now(tz) + datetime.timedelta(seconds=seconds)

    time.time = lambda: real_time() + seconds
    from django.utils import timezone

    timezone.now = lambda: Shifted.now(datetime.UTC)


def _say(request: object = None, **_: object) -> None:
    print("received", getattr(request, "args", None), flush=True)


if __name__ == "__main__":
    main()
