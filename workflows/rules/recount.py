"""Counting for limits anew, from what is stored: for what a version counts for the first time, and to mend.

Nobody submits, ends or tries a request again meanwhile: `beside_nobody` waits for everybody who is at it, and lets
none begin until the transaction ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.db import connection, transaction
from django.utils import timezone

from accounts.actors import Actor
from accounts.models import Organisation
from workflows import audit, policies
from workflows.models import WorkflowPolicy
from workflows.rules import usage
from workflows.terms.document import Per

_SUBJECT_COLUMNS: Final = {
    Per.CUSTOMER: "customer_id::text", Per.MAKER: "maker_id::text", Per.PROGRAM: "program_id::text",
    Per.STORE: "nullif(store_id, '')",
}  # fmt: skip


def beside_nobody() -> None:
    """Wait until no request is being written, and keep it so; only one transaction at a time gets past this."""
    with connection.cursor() as cursor:
        cursor.execute("LOCK TABLE workflows_workflowrequest IN SHARE ROW EXCLUSIVE MODE")


def rebuild(organisation: Organisation, request_type: str, per: Iterable[Per]) -> None:
    """Count these kinds anew, behind `beside_nobody`. Whole days of the organisation's calendar, as they are kept."""
    since = usage.today_of(organisation, timezone.now()) - timedelta(days=usage.REBUILT_DAYS)
    with connection.cursor() as cursor:
        for kind in per:
            column = _SUBJECT_COLUMNS[kind]
            cursor.execute(
                "DELETE FROM workflows_limituse WHERE organisation_id = %s AND request_type = %s AND per = %s",
                [organisation.pk, request_type, str(kind)],
            )
            # The time bounds what is read, by an index; the day bounds what is counted.
            cursor.execute(
                f"""
                INSERT INTO workflows_limituse (organisation_id, request_type, per, subject, day, points, requests)
                SELECT organisation_id, request_type, %(per)s, {column}, counted_on, sum(coalesce(amount, 0)), count(*)
                  FROM workflows_workflowrequest
                 WHERE organisation_id = %(organisation)s AND request_type = %(type)s AND {column} IS NOT NULL
                   AND state <> ALL (%(freed)s)
                   AND counted_on >= %(since)s AND created_at >= %(since)s::date - interval '3 days'
                 GROUP BY 1, 2, 4, 5
                """,  # noqa: S608 - the column is one of four constants
                {
                    "per": str(kind), "organisation": organisation.pk, "type": request_type,
                    "freed": list(usage.FREED), "since": since,
                },
            )  # fmt: skip


@transaction.atomic(durable=True)
def recount(*, actor: Actor, request_type: str) -> list[Per]:
    """Count everything anew that the policy in force counts; what that is.

    Raises:
        PermissionDenied: no operator.
    """
    policies.check_may_operate(actor)
    policy = WorkflowPolicy.objects.select_for_update().get(
        organisation=actor.organisation, request_type=request_type
    )  # fmt: skip
    counted = [Per(name) for name in policy.counted]
    beside_nobody()
    rebuild(actor.organisation, request_type, counted)
    audit.record(
        "operator.limits_recounted", actor=actor.user, organisation_id=actor.organisation.pk, request_type=request_type,
        per=[str(per) for per in counted],
    )  # fmt: skip
    return counted
