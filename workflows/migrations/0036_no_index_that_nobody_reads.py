"""No index on a key that nobody reads by, or whose beginning another index repeats: each costs every insert.

Nothing that they point at is ever deleted, so no foreign key needs them either.
"""

import django.db.models.deletion
from django.db import migrations, models


def _key(to: str, related_name: str = "+", **options: object) -> models.ForeignKey:
    return models.ForeignKey(
        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name=related_name, to=to, **options
    )


# By hand: AlterField would drop every index on this column alone, and `call_one_in_flight` is one of them.
DROP_INDEX_OF_REQUEST = """
DO $$ DECLARE found text; BEGIN
    SELECT i.indexrelid::regclass INTO STRICT found
      FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
     WHERE i.indrelid = 'workflows_intouchcall'::regclass AND a.attname = 'request_id'
       AND i.indnatts = 1 AND NOT i.indisunique AND i.indpred IS NULL;
    EXECUTE 'DROP INDEX ' || found;
END $$;
"""
MAKE_INDEX_OF_REQUEST = "CREATE INDEX workflows_intouchcall_request_id ON workflows_intouchcall (request_id);"
USER = "accounts.user"
REQUEST = "workflows.workflowrequest"


class Migration(migrations.Migration):
    atomic = False  # each lock for the moment of its own statement

    dependencies = [("accounts", "0007_sealed_second_factor"), ("workflows", "0035_filtered_lists")]

    operations = [
        *(
            migrations.AlterField(
                model_name="admintask", name=name, field=_key(USER, null=True, blank=True, verbose_name=verbose_name)
            )
            for name, verbose_name in (
                ("assigned_to", "assigned to"),
                ("claimed_by", "being studied by"),
                ("opened_by", "retry asked for by"),
            )
        ),
        migrations.AlterField("admintask", "maker", _key(USER)),
        migrations.AlterField("auditevent", "actor", _key(USER, null=True, blank=True)),
        migrations.AlterField("auditevent", "request", _key(REQUEST, "events", null=True, blank=True)),
        migrations.AlterField(
            "bulkitem",
            "run",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="items",
                to="workflows.bulkrun",
            ),
        ),
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(DROP_INDEX_OF_REQUEST, reverse_sql=MAKE_INDEX_OF_REQUEST)],
            state_operations=[migrations.AlterField("intouchcall", "request", _key(REQUEST, "calls"))],
        ),
        migrations.AlterField("policydraft", "policy", _key("workflows.workflowpolicy", "drafts")),
        migrations.AlterField("policyversion", "policy", _key("workflows.workflowpolicy", "versions")),
        migrations.AlterField("workflowrequest", "maker", _key(USER, verbose_name="maker")),
        migrations.AlterField(
            "workflowrequest",
            "policy_version",
            _key("workflows.policyversion", null=True, editable=False, verbose_name="judged by"),
        ),
        migrations.AlterField("workflowrequest", "target", _key("workflows.intouchtarget", null=True, blank=True)),
    ]
