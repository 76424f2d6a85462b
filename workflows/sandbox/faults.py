"""What the sandbox does wrong, and how often: the queue of faults and the way each one is acted out."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import Any

from workflows.sandbox.wire import Answer, Wire

MAX_TIMES = 1_000_000
MAX_DELAY = 3600
HUGE_BYTES = 100 * 1024 * 1024
DRIP_SECONDS = 0.5
PAUSE_SECONDS = 5.0
REDIRECTS = (301, 302, 303, 307, 308)

Perform = Callable[[], Answer]
"""Does what was asked for (the credit or the look-up) and returns the right answer to it."""


@dataclass(frozen=True)
class Fault:
    """One order to fail. `times` counts what is left of it, 0 means until cleared."""

    name: str
    times: int = 1
    reference_id: str | None = None
    delay: float | None = None
    retry_after: str | int | None = None
    location: str | None = None
    status: int = 307
    lookup: bool = False

    def as_dict(self) -> dict[str, object]:
        """Show it under the names by which it was ordered."""
        shown = {name: getattr(self, field.attribute) for name, field in FIELDS.items()}
        return {"fault": self.name} | {name: value for name, value in shown.items() if value is not None}

    @property
    def credits(self) -> bool:
        """Whether the call is carried out in spite of the fault."""
        return KINDS[self.name].credits

    def act(self, wire: Wire, perform: Perform) -> None:
        """Answer wrongly, in the way of this fault."""
        KINDS[self.name].act(wire, self, perform)


Act = Callable[[Wire, Fault, Perform], None]


@dataclass(frozen=True)
class Kind:
    """A kind of fault: whether the call is carried out all the same, and what the caller gets to see."""

    credits: bool
    act: Act


class FaultQueue:
    """The faults that are still to happen, in the order in which they were asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pending: list[Fault] = []

    def add(self, fault: Fault) -> None:
        with self._lock:
            self._pending.append(fault)

    def take(self, *, lookup: bool, reference_id: str) -> Fault | None:
        """Return the first fault that is meant for this call, and count it as used."""
        with self._lock:
            for place, fault in enumerate(self._pending):
                if fault.lookup == lookup and fault.reference_id in (None, reference_id):
                    if fault.times == 1:
                        del self._pending[place]
                    elif fault.times > 1:
                        self._pending[place] = replace(fault, times=fault.times - 1)
                    return fault
        return None

    def pending(self) -> list[dict[str, object]]:
        with self._lock:
            return [fault.as_dict() for fault in self._pending]

    def clear(self) -> None:
        with self._lock:
            self._pending.clear()


def read_fault(body: object) -> Fault | list[str]:
    """Read an order to fail; returns what is wrong with it if it is none."""
    if not isinstance(body, dict):
        return ["the body must be a JSON object"]
    name = body.get("fault")
    if not isinstance(name, str) or name not in KINDS:
        return [f"fault must be one of {', '.join(KINDS)}"]
    given = {key: value for key, value in body.items() if key != "fault" and value is not None}
    wrong = [f"{key} is unknown; known are fault, {', '.join(FIELDS)}" for key in given if key not in FIELDS]
    known = {key: field for key, field in FIELDS.items() if key in given}
    wrong += [f"{key} {field.rule}" for key, field in known.items() if not field.fits(given[key])]
    if name == "redirect" and "location" not in given:
        wrong.append("location is needed for a redirect")
    if wrong:
        return wrong
    return Fault(name, **{field.attribute: field.read(given[key]) for key, field in known.items()})


@dataclass(frozen=True)
class Field:
    """One option of a fault: where it is kept, which values it takes, and how they are read."""

    attribute: str
    fits: Callable[[object], bool]
    rule: str
    read: Callable[[Any], Any] = lambda value: value


def _is_whole(value: object, most: int = MAX_TIMES) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


def _is_delay(value: object) -> bool:
    return isinstance(value, int | Decimal) and not isinstance(value, bool) and 0 <= value <= MAX_DELAY


def _is_header(value: object) -> bool:
    """Printable ASCII only: a line break would let a fault write headers of its own."""
    return isinstance(value, str) and value.isascii() and value.isprintable() and 0 < len(value) <= 2000


FIELDS: dict[str, Field] = {
    "times": Field("times", _is_whole, f"must be an integer from 0 to {MAX_TIMES}"),
    "referenceId": Field("reference_id", lambda value: isinstance(value, str), "must be text"),
    "delay": Field("delay", _is_delay, f"must be a number of seconds from 0 to {MAX_DELAY}", float),
    "retryAfter": Field(
        "retry_after",
        lambda value: _is_whole(value, 10**12) or _is_header(value),
        "must be a number of seconds, or the text of the header",
    ),
    "location": Field("location", _is_header, "must be the address to redirect to"),
    "status": Field(
        "status",
        lambda value: _is_whole(value, 999) and value in REDIRECTS,
        f"must be one of {', '.join(map(str, REDIRECTS))}; it is for redirects",
    ),
    "lookup": Field("lookup", lambda value: isinstance(value, bool), "must be true or false"),
}


def _wait(fault: Fault, otherwise: float = PAUSE_SECONDS) -> float:
    return otherwise if fault.delay is None else fault.delay


def _refuse(status: int, wire: Wire, fault: Fault, perform: Perform) -> None:
    if fault.credits:
        perform()
    headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
    wire.send(Answer.error(status, f"the sandbox was told to answer {fault.name}", headers=headers))


def _say(content: object, wire: Wire, fault: Fault, perform: Perform) -> None:
    wire.send(Answer.of(200, content))


def _slow(wire: Wire, fault: Fault, perform: Perform) -> None:
    wire.pause(_wait(fault))
    wire.send(perform())


def _late_answer(wire: Wire, fault: Fault, perform: Perform) -> None:
    answer = perform()
    wire.pause(_wait(fault))
    wire.send(answer)


def _late_credit(wire: Wire, fault: Fault, perform: Perform) -> None:
    wire.close()
    wire.pause(_wait(fault))
    perform()


def _drop(wire: Wire, fault: Fault, perform: Perform) -> None:
    if fault.credits:
        perform()
    wire.reset()


def _drip(wire: Wire, fault: Fault, perform: Perform) -> None:
    wire.drip(perform().render(keep_alive=False), _wait(fault, DRIP_SECONDS))


def _drip_body(wire: Wire, fault: Fault, perform: Perform) -> None:
    answer = perform()
    wire.send_last(answer.head(f"content-length: {len(answer.body)}", keep_alive=False))
    wire.drip(answer.body, _wait(fault, DRIP_SECONDS))


def _huge(wire: Wire, fault: Fault, perform: Perform) -> None:
    wire.send_padded(perform(), HUGE_BYTES)


def _replace_body(body: bytes, wire: Wire, fault: Fault, perform: Perform) -> None:
    wire.send(replace(perform(), body=body))


def _cut_status_line(wire: Wire, fault: Fault, perform: Perform) -> None:
    wire.send_last(perform().head("", keep_alive=False).split(b"\r\n", 1)[0] + b"\r\n")


def _cut_body(wire: Wire, fault: Fault, perform: Perform) -> None:
    answer = perform()
    framing = f"content-length: {len(answer.body) + 100}"
    wire.send_last(answer.head(framing, keep_alive=False) + answer.body)


def _redirect(wire: Wire, fault: Fault, perform: Perform) -> None:
    wire.send(Answer(fault.status, b"{}", {"location": fault.location or "/"}))


_FAILURE = {
    "response": {"status": {"success": "false", "code": 500, "message": "All requests have failed"}},
}
_ITEM_FAILURE = {
    "response": {
        "status": {"success": "true", "code": 200, "message": "SUCCESS"},
        "item": [{"item_status": {"success": "false", "code": 818, "message": "Points could not be issued"}}],
    },
}
_ERRORS = {"data": None, "errors": [{"code": 1234, "message": "Points could not be issued"}]}

KINDS: dict[str, Kind] = {
    **{str(status): Kind(False, partial(_refuse, status)) for status in (500, 503, 429, 400, 401, 404, 409)},
    "500-after-credit": Kind(True, partial(_refuse, 500)),
    "503-after-credit": Kind(True, partial(_refuse, 503)),
    "failure-body": Kind(False, partial(_say, _FAILURE)),
    "item-failure-body": Kind(False, partial(_say, _ITEM_FAILURE)),
    "errors-body": Kind(False, partial(_say, _ERRORS)),
    "wrong-body": Kind(False, partial(_say, {})),
    "slow": Kind(True, _slow),
    "late-answer": Kind(True, _late_answer),
    "late-credit": Kind(True, _late_credit),
    "drop-before-credit": Kind(False, _drop),
    "drop-after-credit": Kind(True, _drop),
    "drip": Kind(True, _drip),
    "drip-body": Kind(True, _drip_body),
    "huge": Kind(True, _huge),
    "garbage": Kind(True, partial(_replace_body, b"<html>It works!</html>")),
    "empty": Kind(True, partial(_replace_body, b"")),
    "cut-status-line": Kind(True, _cut_status_line),
    "cut-body": Kind(True, _cut_body),
    "redirect": Kind(False, _redirect),
}
