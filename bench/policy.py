"""What a policy costs a submission: one of 50 rules and 5 limits against one that says nothing.

    python -m config.embedded --temporary -- python -m bench.policy [--rounds 60] [--times 10] [--quick] [--docs]

Prints CPU microseconds per submission through the service, of this process and its database, in turn in two
organisations of which one has such a policy; what is more with it, and how many statements more.
"""

from __future__ import annotations

import itertools
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import django

from bench.in_turn import Cost, Way, in_turn, ratio
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
        {"name": f"{per} {window}", "per": per, "window": window, "measure": "points", "most": MOST + place}
        for place, (per, window) in enumerate(spans)
    ]


def main() -> None:
    found = parser(__doc__)
    found.add_argument("--rounds", type=int, default=60)
    found.add_argument("--times", type=int, default=10)
    options = found.parse_args()
    if options.quick:
        options.rounds, options.times = 16, 8
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    publish(measure(options.rounds, options.times), options)


def measure(rounds: int, times: int) -> Table:
    from tests.factories import set_terms
    from tests.house import build_house

    plain, full = (build_house(ORGANISATION + number) for number in range(2))
    set_terms(plain.policy, rules=[], limits=[])
    set_terms(full.policy, rules=fifty_rules(), limits=five_limits())
    costs = in_turn({"plain": Way(submitting_in(plain), times), "full": Way(submitting_in(full), times)}, rounds)
    said = f"{rounds} rounds of {times} submissions each through the service, in process; CPU of process and database."
    more = statements(full) - statements(plain)
    return Table("policy", said, _rows(costs["plain"], costs["full"], more, judging(full)))


def submitting_in(house: Any) -> Callable[[], object]:
    """A submission with these terms through the service, each for another customer."""
    from workflows import submitting
    from workflows.submission import read_submission

    actor, customers = house.actor(house.maker), itertools.cycle(range(1, 1000))

    def submit() -> object:
        body = house.body(earningEntityId=next(customers))
        submission = read_submission(body, organisation=house.organisation, slug="GOODWILL-POINTS")
        return submitting.submit(actor=actor, submission=submission)

    return submit


def statements(house: Any) -> int:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as found:
        submitting_in(house)()
    return len(found)


def judging(house: Any) -> float:
    """Microseconds of CPU for the verdict alone, with all that it asks about at hand."""
    from workflows.models import RequestSource
    from workflows.rules import verdicts
    from workflows.submission import read_submission
    from workflows.terms.judging import judge

    judged = read_submission(house.body(), organisation=house.organisation, slug="GOODWILL-POINTS")
    so_far = verdicts.look_and_judge(house.actor(house.maker), judged, RequestSource.API)
    case, used = verdicts.gather(house.actor(house.maker), judged, RequestSource.API, so_far.at)
    started = time.process_time()
    for _ in range(1000):
        judge(judged.terms, case, used)
    return (time.process_time() - started) * 1000


def _rows(plain: Cost, full: Cost, asked: int, judged: float) -> list[Row]:
    more = [one - other for one, other in zip(full.own, plain.own, strict=True)]
    database = [all_of - own for all_of, own in zip(full.cpu, full.own, strict=True)]
    before = [all_of - own for all_of, own in zip(plain.cpu, plain.own, strict=True)]
    most = statistics.median(more)
    return [
        Row.of("a submission without rules or limits", plain.cpu, "µs"),
        Row.of("with 50 rules and 5 limits", full.cpu, "µs", ratio=ratio(full, plain), higher_is_better=False),
        Row.of("more CPU of the process", more, "µs", target="< 1,000 µs", met=most < 1000),
        Row.of("more CPU of the database", [one - two for one, two in zip(database, before, strict=True)], "µs"),
        Row("judging alone", judged, "µs", judged, judged),
        Row("more statements", asked, "", asked, asked, target="≤ 2", met=asked <= 2),
    ]


if __name__ == "__main__":
    main()
