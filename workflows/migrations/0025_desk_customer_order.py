"""Not every request concerns a customer any more: the order by customer takes them all in."""

from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Coalesce


class Migration(migrations.Migration):
    atomic = False  # an index that is built concurrently cannot be in a transaction

    dependencies = [
        ("workflows", "0024_policy_drafts"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="workflowrequest",
            index=models.Index(
                models.F("organisation"),
                Coalesce("customer_id", models.Value(0)),
                models.F("id"),
                condition=models.Q(("state", "waiting")),
                name="request_waiting_by_customer",
            ),
        ),
        RemoveIndexConcurrently(model_name="workflowrequest", name="request_waiting_customer"),
    ]
