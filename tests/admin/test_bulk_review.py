"""Looking at many tasks at once says of each what its own page says."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from tests.admin.test_filters import past_the_guards
from tests.factories import UserFactory
from tests.house import House
from workflows import bulk_review, bulk_selection, policies
from workflows.models import AdminTask, BulkRun, WorkflowRequest

LARGER_THAN_ALLOWED, FRESHLY_PROVED = 500, 300


def _chosen(house: House) -> BulkRun:
    tasks = AdminTask.objects.values_list("pk", "request__digest")
    return bulk_selection.choose_rows({house.organisation.pk: house.actor(house.checker)}, dict(tasks))


def _odd_tasks(house: House) -> list[dict[str, Any]]:
    """What may stand in a task's row and matters to who decides it."""
    other, me = UserFactory().pk, house.checker.pk
    escalated = {"escalated_at": timezone.now(), "role": "administrator"}
    return [
        {},
        {"role": "supervisor"}, {"role": "administrator"},
        {"users": [other]}, {"users": [me]},
        {"tills": ["1"]}, {"stores": ["1"]}, {"zones": ["1"]}, {"concepts": ["1"]},
        {"barred": [me]}, {"level": 2, "barred": [me]}, {"barred": [other]},
        {**escalated, "backup_role": "checker"}, {**escalated, "backup_role": "checker", "backup_users": [other]},
        {"assigned_to_id": other}, {"assigned_to_id": me},
        {"opened_by_id": me}, {"opened_by_id": other},
    ]  # fmt: skip


def test_it_says_of_each_task_what_the_policy_says_of_it_alone(house: House) -> None:
    membership = house.membership(house.checker)
    membership.decides_up_to = LARGER_THAN_ALLOWED - 1
    membership.save()
    for values in _odd_tasks(house):
        request = house.submit()
        with past_the_guards():
            AdminTask.objects.filter(request=request).update(**values)
    house.submit(points=LARGER_THAN_ALLOWED)
    elsewhere, ended = house.submit(), house.submit()
    membership.tills = [elsewhere.till_id]
    membership.save()
    with past_the_guards():
        WorkflowRequest.objects.filter(pk=elsewhere.pk).update(till_id="1")
        WorkflowRequest.objects.filter(pk=ended.pk).update(state="failed", ended_at=timezone.now(), secret=None)
    actor = house.actor(house.checker)
    alone = {
        task.pk: str(reason.detail) if (reason := policies.why_not_decide(actor, task.request, task)) else None
        for task in AdminTask.objects.select_related("request")
    }
    found = bulk_review.review(_chosen(house), actor)
    together = {line.task.id: why for why, lines in found.left_out.items() for line in lines}
    together |= {line.task.id: None for line in found.included}
    assert together == alone
    assert len(set(alone.values())) == 12  # every reason that lies in the rows of somebody else's request, and none


@pytest.mark.parametrize(("points", "is_asked"), [(FRESHLY_PROVED, False), (FRESHLY_PROVED + 1, True)])
def test_one_large_amount_asks_for_a_fresh_proof(house: House, points: int, is_asked: bool) -> None:
    house.organisation.fresh_password_above = FRESHLY_PROVED
    house.organisation.save()
    house.submit(points=10)
    house.submit(points=points)
    assert bulk_review.review(_chosen(house), house.actor(house.checker)).needs_fresh_proof is is_asked
