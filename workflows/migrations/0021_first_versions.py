"""What a policy said in its columns becomes its version 1; requests get the day that limits count them on."""

from django.db import migrations

DOCUMENT = """
SELECT jsonb_strip_nulls(jsonb_build_object(
           'is_enabled', CASE WHEN NOT p.is_enabled THEN false END,
           'cap', trim_scale(p.cap)::text,
           'auto_approval', nullif(p.auto_approval, 'off'),
           'auto_approval_up_to', trim_scale(p.auto_approval_up_to)::text,
           'reconciling', nullif(p.reconciling, 'repeat'),
           'reasons', CASE WHEN cardinality(p.reasons) > 0 THEN to_jsonb(p.reasons) END)) AS document
"""

FIRST_VERSIONS = f"""
INSERT INTO workflows_policyversion (policy_id, number, document, note, created_at)
SELECT p.id, 1, d.document, '', now() FROM workflows_workflowpolicy p, LATERAL ({DOCUMENT}) d;
UPDATE workflows_workflowpolicy p SET active_id = v.id FROM workflows_policyversion v WHERE v.policy_id = p.id;
UPDATE workflows_workflowrequest r
   SET counted_on = (r.created_at AT TIME ZONE o.time_zone)::date
  FROM accounts_organisation o WHERE o.id = r.organisation_id;
SET CONSTRAINTS ALL IMMEDIATE;
"""


class Migration(migrations.Migration):
    dependencies = [("workflows", "0020_policy_versions")]

    operations = [migrations.RunSQL(FIRST_VERSIONS, reverse_sql=migrations.RunSQL.noop)]
