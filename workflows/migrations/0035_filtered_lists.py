"""Indexes of what the API's list is filtered by, built while the service goes on."""

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

ENTITIES = ("concept", "zone", "store", "till")


class Migration(migrations.Migration):
    atomic = False  # an index that is built concurrently cannot be in a transaction

    dependencies = [("workflows", "0034_bulk_is_cut")]

    operations = [
        *(
            AddIndexConcurrently(
                model_name="workflowrequest",
                index=models.Index(fields=["organisation", f"{name}_id"], name=f"request_of_{name}"),
            )
            for name in ENTITIES
        ),
        AddIndexConcurrently(
            model_name="workflowrequest",
            index=models.Index(
                condition=~models.Q(state="credited"),
                fields=["organisation", "state", "-created_at", "-id"],
                name="request_not_credited",
            ),
        ),
    ]
