"""Open tasks know what their requests are worth, so that lists of what waits are ordered and summed by one table."""

from decimal import Decimal

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce

FILL = """
UPDATE workflows_admintask t SET customer_id = r.customer_id, amount = r.amount, money = r.money
  FROM workflows_workflowrequest r WHERE r.id = t.request_id AND t.decision IS NULL
"""


def _or_nothing(column: str) -> Coalesce:
    return Coalesce(column, Value(Decimal(0)), output_field=models.DecimalField(max_digits=36, decimal_places=6))


def _index(name: str, expression: Coalesce) -> AddIndexConcurrently:
    index = models.Index(F("organisation"), expression, F("id"), name=name, condition=Q(decision=None))
    return AddIndexConcurrently(model_name="admintask", index=index)


class Migration(migrations.Migration):
    atomic = False  # an index that is built concurrently cannot be in a transaction

    dependencies = [("workflows", "0027_patience_indexes")]

    operations = [
        migrations.AddField(
            model_name="admintask",
            name="customer_id",
            field=models.BigIntegerField(blank=True, null=True, verbose_name="customer"),
        ),
        migrations.AddField(
            model_name="admintask",
            name="amount",
            field=models.DecimalField(blank=True, decimal_places=6, max_digits=20, null=True, verbose_name="amount"),
        ),
        migrations.AddField(
            model_name="admintask",
            name="money",
            field=models.DecimalField(
                blank=True, decimal_places=6, max_digits=36, null=True, verbose_name="worth in money"
            ),
        ),
        migrations.RunSQL(FILL, reverse_sql=migrations.RunSQL.noop),
        _index("task_by_points", _or_nothing("amount")),
        _index("task_by_money", _or_nothing("money")),
        _index("task_by_customer", Coalesce("customer_id", Value(0))),
        RemoveIndexConcurrently(model_name="workflowrequest", name="request_waiting_points"),
        RemoveIndexConcurrently(model_name="workflowrequest", name="request_waiting_money"),
        RemoveIndexConcurrently(model_name="workflowrequest", name="request_waiting_by_customer"),
    ]
