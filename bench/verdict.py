"""Which targets are met, and why the others are not: read from the tables that the benchmarks wrote into the document.

    python -m bench.verdict [--docs]

What is missed without a reason ends with code 1: a target is met, or it is said why it cannot be. The profile that
shows it is `bench.profile`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from bench.report import DOCUMENT, splice

SECTION = "bench/verdict.py"
_SECTIONS = re.compile(r"<!-- begin bench/(\w+)\.py -->\n(.*?)<!-- end bench/\1\.py -->", re.S)
_SHELL = (
    "a submission finds out who asks and what they may, reads policy, targets and program, looks for the same"
    " reference, asks who could decide, and writes four rows of a hundred values behind 30 indexes, 15 foreign keys and"
    " two guards; the bare function writes two rows of five values with two indexes. By the profile, PostgreSQL alone"
    " spends more on that than the bare service spends in all, and psycopg with the socket, Django and DRF twice as"
    " much: with all of our own code free of charge it would still be more than three times the bare service. Less"
    " takes rights and policies that are remembered, and could be stale, fewer indexes, for which the desk pays, or"
    " doing without Django."
)
_LIFE = (
    "two requests over HTTP, each of which costs about half of the whole target by the reasons above; three"
    " transactions with their audit; a call; and a hint that is published, fetched and acknowledged by Celery, which is"
    " about a third of the worker."
)
_PEERS = (
    "its lives are the same writes to four tables without a guard, right, policy, digest, encryption or audit of who"
    " did what; ours have all of them, and keep both cores busy. By the profile, rules and models are half of what our"
    " process does beside the call and the database, and PostgreSQL works four fifths as long again behind its indexes"
    " and guards."
)
# By benchmark and the beginning of a row's name.
REASONS = {
    ("submit", "E1, requests against bare"): _SHELL,
    ("submit", "E1, CPU against bare"): _SHELL,
    ("life", "ours, over HTTP"): _LIFE,
    ("life", "stock to ours"): _LIFE,
    ("peers", "procrastinate"): _PEERS,
    ("peers", "spiffworkflow"): _PEERS,
}


@dataclass(frozen=True, slots=True)
class Target:
    """A row of a table that has a target."""

    benchmark: str
    name: str
    figure: str
    ratio: str
    target: str
    is_met: bool

    @property
    def reason(self) -> str | None:
        """Why it is missed; None where nobody has said so."""
        for (benchmark, beginning), reason in REASONS.items():
            if benchmark == self.benchmark and self.name.startswith(beginning):
                return reason
        return None

    def __str__(self) -> str:
        return f"bench.{self.benchmark}, {self.name}: {self.ratio or self.figure}, target {self.target}"


def targets(document: str) -> Iterator[Target]:
    """Every row that has a target, in the order of the document."""
    for benchmark, text in _SECTIONS.findall(document):
        head: list[str] = []
        for line in text.splitlines():
            cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| ") else []
            if cells[:1] == ["what"]:
                head = cells
            elif cells and head and dict(zip(head, cells, strict=True))["met"]:
                row = dict(zip(head, cells, strict=True))
                yield Target(benchmark, row["what"], row["median"], row["ratio"], row["target"], row["met"] == "yes")


def told(found: list[Target]) -> str:
    """How many are met, and each of the others with its reason."""
    missed = [target for target in found if not target.is_met]
    lines = [f"{len(found) - len(missed)} of {len(found)} targets are met."]
    reasons: dict[str, list[Target]] = {}
    for target in missed:
        reasons.setdefault(target.reason or "nobody has said why.", []).append(target)
    for reason, same in reasons.items():
        lines += ["", *(f"* {target}" for target in same), "", f"  Why: {reason}"]
    return "\n".join(lines)


def main() -> None:
    found = list(targets(DOCUMENT.read_text()))
    text = told(found)
    print(text)
    if "--docs" in sys.argv[1:]:
        splice(SECTION, text)
    unexplained = [str(target) for target in found if not target.is_met and target.reason is None]
    if unexplained:
        raise SystemExit("missed, and nobody has said why: " + "; ".join(unexplained))


if __name__ == "__main__":
    main()
