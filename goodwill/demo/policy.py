"""The policy of the demo organisation: the three bands that docs/policy.md walks through."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from accounts.models import Organisation
from goodwill.demo.varied import SLUG
from workflows.models import WorkflowPolicy
from workflows.rules import versions
from workflows.terms.document import (
    Backup,
    Conditions,
    Level,
    Limit,
    Patience,
    Per,
    Range,
    Result,
    Role,
    Rule,
    Terms,
    Window,
)

THREE_BANDS: Final = Terms(
    cap=Decimal(10_000),
    patience=Patience(remind_after=24, escalate_after=48, expire_after=24 * 14, warn_before=24),
    rules=(
        Rule(name="up to 10", when=Conditions(points=Range(up_to=Decimal(10))), then=Result(kind="approve")),
        Rule(
            name="up to 1,000",
            when=Conditions(points=Range(over=Decimal(10), up_to=Decimal(1000))),
            then=Result(kind="levels", levels=(Level(backup=Backup()),)),
        ),
    ),
    default=Result(kind="levels", levels=(Level(), Level(role=Role.SUPERVISOR))),
    limits=(
        Limit(
            name="2,000 per customer", per=Per.CUSTOMER, measure="points", window=Window.MONTH, most=Decimal(2000)
        ),
    ),
)  # fmt: skip


def ensure_policy(organisation: Organisation) -> None:
    """Put the bands in force where the organisation has no policy yet; what somebody changed stays."""
    if WorkflowPolicy.objects.filter(organisation=organisation, request_type=SLUG).exists():
        return
    # The people come after the policy: nobody waits on it yet.
    versions.put_in_force(
        organisation=organisation, slug=SLUG, terms=THREE_BANDS, author=None, note="three bands", checked=False
    )
