"""A call begins without an outcome, for whoever writes: no row can claim a credit that was never in flight."""

from django.db import migrations

GUARD = """
CREATE FUNCTION workflows_guard_new_call() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.outcome IS NOT NULL OR NEW.finished_at IS NOT NULL OR NEW.http_status IS NOT NULL OR NOT EXISTS (
        SELECT FROM workflows_workflowrequest r
        WHERE r.id = NEW.request_id AND r.organisation_id = NEW.organisation_id) THEN
        RAISE EXCEPTION 'a call begins in flight and in the organisation of its request'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'call_begins_in_flight';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER call_insert_guard BEFORE INSERT ON workflows_intouchcall
    FOR EACH ROW EXECUTE FUNCTION workflows_guard_new_call();
"""


class Migration(migrations.Migration):
    dependencies = [("workflows", "0003_program_and_money")]

    operations = [
        migrations.RunSQL(GUARD, reverse_sql="DROP FUNCTION workflows_guard_new_call CASCADE;"),
    ]
