"""Indexes of what is to be warned of and of what is stuck, built while the service goes on."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index that is built concurrently cannot be in a transaction

    dependencies = [("workflows", "0026_patience")]

    operations = [
        AddIndexConcurrently(
            model_name="workflowrequest",
            index=models.Index(
                condition=models.Q(state="waiting", warn_at__isnull=False), fields=["warn_at"], name="request_to_warn"
            ),
        ),
        AddIndexConcurrently(
            model_name="workflowrequest",
            index=models.Index(
                condition=models.Q(state="waiting", stuck_at__isnull=False),
                fields=["organisation", "stuck_at"],
                name="request_stuck",
            ),
        ),
    ]
