"""Requests from before the engine kept program and worth are given theirs, at today's ratio."""

from django.db import migrations

FILL = """
UPDATE workflows_workflowrequest r
   SET program_id = p.program_id, program_name = p.name, money = round(r.amount * p.points_to_currency_ratio, 6)
  FROM goodwill_goodwillrequest g JOIN goodwill_program p ON p.id = g.program_id
 WHERE g.workflow_request_id = r.id AND r.program_id IS NULL
"""


class Migration(migrations.Migration):
    dependencies = [
        ("goodwill", "0001_initial"),
        ("workflows", "0003_program_and_money"),
    ]

    operations = [migrations.RunSQL(FILL, reverse_sql=migrations.RunSQL.noop)]
