"""Indexes of what waits, by maker and by request; none that repeats another one's beginning; replays that go on."""

import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


def _key(to: str, related_name: str) -> models.ForeignKey:
    return models.ForeignKey(
        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name=related_name, to=to
    )


# By hand: AlterField would drop every index on this column alone, and `task_one_open_per_request` is one of them.
DROP_INDEX_OF_REQUEST = """
DO $$ DECLARE found text; BEGIN
    SELECT i.indexrelid::regclass INTO STRICT found
      FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
     WHERE i.indrelid = 'workflows_admintask'::regclass AND a.attname = 'request_id'
       AND i.indnatts = 1 AND NOT i.indisunique AND i.indpred IS NULL;
    EXECUTE 'DROP INDEX ' || found;
END $$;
"""
MAKE_INDEX_OF_REQUEST = "CREATE INDEX workflows_admintask_request_id ON workflows_admintask (request_id);"


class Migration(migrations.Migration):
    atomic = False  # an index that is built concurrently cannot be in a transaction

    dependencies = [("accounts", "0004_set_up_phase"), ("workflows", "0029_what_calls_told")]

    operations = [
        migrations.AddField(
            model_name="policydraft",
            name="replay_lease_expires_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
        AddIndexConcurrently(
            model_name="admintask",
            index=models.Index(
                fields=["organisation", "maker", "id"], name="task_open_of_maker", condition=Q(decision=None)
            ),
        ),
        AddIndexConcurrently(
            model_name="workflowrequest",
            index=models.Index(fields=["organisation", "id"], name="request_waiting", condition=Q(state="waiting")),
        ),
        migrations.AlterField(
            model_name="admintask", name="organisation", field=_key("accounts.organisation", "+")
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(DROP_INDEX_OF_REQUEST, reverse_sql=MAKE_INDEX_OF_REQUEST)],
            state_operations=[
                migrations.AlterField(
                    model_name="admintask", name="request", field=_key("workflows.workflowrequest", "tasks")
                ),
            ],
        ),
    ]
