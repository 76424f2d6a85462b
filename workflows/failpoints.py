"""Named places at which a test can kill, stop or delay this very process. Nothing happens unless FAILPOINT is set.

`FAILPOINT=call.sent:kill` or `record.before:sleep=2,publish.before:kill`. `manage.py check --deploy` refuses it.
"""

from __future__ import annotations

import os
import signal
import time

VARIABLE = "FAILPOINT"


def _armed(text: str) -> dict[str, str]:
    return dict(entry.split(":", 1) for entry in text.split(",") if ":" in entry)


_actions = _armed(os.environ.get(VARIABLE, ""))


def failpoint(name: str) -> None:
    """Do what FAILPOINT asks for at this place: `kill`, `raise`, or `sleep=SECONDS`."""
    if not _actions:
        return
    action, _, argument = _actions.get(name, "").partition("=")
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif action == "raise":
        raise RuntimeError(f"failpoint {name}")
    elif action == "sleep":
        time.sleep(float(argument))
