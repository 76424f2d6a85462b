"""What a policy costs a submission: one of 50 rules and 5 limits against one that says nothing.

    python -m config.embedded --temporary -- python -m bench.policy [--rounds 7] [--times 100] [--quick] [--docs]

Prints CPU microseconds of this process per submission through the service (median of rounds of pairs), what is more
with the policy, what of it is judging alone, and the number of statements of each.
"""

from __future__ import annotations

import itertools
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import django

from bench.report import Row, Table, parser, publish

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

ORGANISATION = 51250
MOST = 10**9


def fifty_rules() -> list[dict[str, Any]]:
    """None of them matches but the last, so that all are looked at; some ask about the customer."""
    rules: list[dict[str, Any]] = [
        {"name": f"zone {number}", "when": {"zones": [str(number)], "points": {"over": number}}, "then": _ONE}
        for number in range(40)
    ]
    rules += [
        {
            "name": f"so far {days} {number}",
            "when": {
                "so_far": {"days": days, "measure": "points", "more_than": MOST - number},
                "makers": [MOST + number],
            },
            "then": _ONE,
        }
        for days in (30, 90, 365)
        for number in range(3)
    ]
    return [*rules, {"name": "no look-alike", "when": {"points": {"up_to": MOST}}, "then": _ONE}]


_ONE = {"kind": "levels", "levels": [{}]}


def five_limits() -> list[dict[str, Any]]:
    spans = [("customer", "30"), ("customer", "365"), ("maker", "day"), ("program", "month"), ("store", "7")]
    return [
        {"name": f"{per} {window}", "per": per, "window": window, "measure": "points", "most": MOST}
        for per, window in spans
    ]


def main() -> None:
    found = parser(__doc__)
    found.add_argument("--rounds", type=int, default=7)
    found.add_argument("--times", type=int, default=100)
    options = found.parse_args()
    if options.quick:
        options.rounds, options.times = 3, 50
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    publish(measure(options.rounds, options.times), options)


def measure(rounds: int, times: int) -> Table:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from tests.factories import set_terms
    from tests.house import build_house
    from workflows.models import RequestSource
    from workflows.rules import verdicts
    from workflows.submission import read_submission
    from workflows.terms.judging import judge

    plain, ruled = build_house(ORGANISATION), build_house(ORGANISATION + 1)
    set_terms(plain.policy, rules=[], limits=[])
    set_terms(ruled.policy, rules=fifty_rules(), limits=five_limits())
    submits = {"nothing": _submitting(plain), "policy": _submitting(ruled)}
    figures: dict[str, list[float]] = {name: [] for name in submits}
    statements: dict[str, int] = {}
    for number in range(rounds + 1):
        spent = _alternating(submits, times)
        for name, micros in spent.items() if number else ():
            figures[name].append(micros)
    for name, submit in submits.items():
        with CaptureQueriesContext(connection) as found:
            submit()
        statements[name] = len(found)
    judged = read_submission(ruled.body(), organisation=ruled.organisation, slug="GOODWILL-POINTS")
    actor = ruled.actor(ruled.maker)
    so_far = verdicts.look_and_judge(actor, judged, RequestSource.API)
    case, used = verdicts.gather(actor, judged, RequestSource.API, so_far.at)
    started = time.process_time()
    for _ in range(1000):
        judge(judged.terms, case, used)
    judging = (time.process_time() - started) * 1000
    said = f"{rounds} rounds of {times} pairs of submissions through the service, in process; CPU of this process."
    return Table("policy", said, _rows(figures, statements, judging))


def _submitting(house: Any) -> Callable[[], None]:
    from workflows import submitting
    from workflows.submission import read_submission

    actor, customers = house.actor(house.maker), itertools.cycle(range(1, 1000))

    def submit() -> None:
        body = house.body(earningEntityId=next(customers))
        submission = read_submission(body, organisation=house.organisation, slug="GOODWILL-POINTS")
        submitting.submit(actor=actor, submission=submission)

    return submit


def _alternating(submits: dict[str, Callable[[], None]], times: int) -> dict[str, float]:
    """CPU microseconds of each, taken in turns: whatever else the machine does then, it does to both alike."""
    spent = dict.fromkeys(submits, 0.0)
    for _ in range(times):
        for name, submit in submits.items():
            started = time.process_time()
            submit()
            spent[name] += time.process_time() - started
    return {name: seconds / times * 1e6 for name, seconds in spent.items()}


def _rows(figures: dict[str, list[float]], statements: dict[str, int], judging: float) -> list[Row]:
    plain, full = figures["nothing"], figures["policy"]
    more = [one - other for one, other in zip(full, plain, strict=True)]
    asked = statements["policy"] - statements["nothing"]
    ratio = statistics.median(one / other for one, other in zip(full, plain, strict=True))
    most = statistics.median(more)
    return [
        Row.of("a submission without rules or limits", plain, "µs"),
        Row.of("with 50 rules and 5 limits", full, "µs", ratio=ratio, higher_is_better=False),
        Row.of("more CPU", more, "µs", target="< 1,000 µs", met=most < 1000),
        Row("of which judging alone", judging, "µs", judging, judging),
        Row("more statements", asked, "", asked, asked, target="≤ 2", met=asked <= 2),
    ]


if __name__ == "__main__":
    main()
