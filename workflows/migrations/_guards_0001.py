"""What constraints cannot say, as triggers: rows that only grow, moves that exist, and four eyes.

Frozen with migration 0001; `tests/architecture` compares the moves with `workflows.states`.
"""

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION workflows_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: its rows are kept for ever', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'check_violation';
END $$;

CREATE FUNCTION workflows_guard_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NOT (NEW.state = 'waiting' OR (NEW.state = 'executing' AND (NEW.one_step OR NEW.auto_approved)))
           OR NEW.tries <> 0 THEN
            RAISE EXCEPTION 'a request begins as waiting, or approved by grant or policy'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'request_begins_undecided';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.organisation_id, NEW.request_type, NEW.reference_id, NEW.maker_id, NEW.maker_name, NEW.one_step,
        NEW.auto_approved, NEW.customer_id, NEW.amount, NEW.payload, NEW.digest, NEW.created_at,
        NEW.till_id, NEW.store_id, NEW.zone_id, NEW.concept_id, NEW.reason, NEW.source, NEW.target_id)
       IS DISTINCT FROM
       (OLD.id, OLD.organisation_id, OLD.request_type, OLD.reference_id, OLD.maker_id, OLD.maker_name, OLD.one_step,
        OLD.auto_approved, OLD.customer_id, OLD.amount, OLD.payload, OLD.digest, OLD.created_at,
        OLD.till_id, OLD.store_id, OLD.zone_id, OLD.concept_id, OLD.reason, OLD.source, OLD.target_id) THEN
        RAISE EXCEPTION 'what was asked for is never changed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'request_content_fixed';
    END IF;
    IF NEW.state <> OLD.state THEN
        IF NOT (OLD.state || '>' || NEW.state) = ANY (ARRAY[
            'waiting>executing', 'waiting>rejected', 'waiting>withdrawn', 'waiting>expired',
            'executing>credited', 'executing>failed', 'executing>unknown', 'unknown>credited', 'unknown>executing',
            'failed>waiting']) THEN
            RAISE EXCEPTION 'a request cannot go from % to %', OLD.state, NEW.state
                USING ERRCODE = 'check_violation', CONSTRAINT = 'request_move_exists';
        END IF;
        IF OLD.state = 'waiting' AND NEW.state IN ('executing', 'rejected') AND NOT EXISTS (
            SELECT FROM workflows_admintask t
            WHERE t.request_id = NEW.id AND t.checker_id <> NEW.maker_id
              AND t.level = (SELECT max(level) FROM workflows_admintask WHERE request_id = NEW.id)
              AND t.decision = CASE NEW.state WHEN 'executing' THEN 'approved' ELSE 'rejected' END) THEN
            RAISE EXCEPTION 'no checker has decided this'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'request_decided_by_checker';
        END IF;
        IF NEW.state = 'credited' AND NOT EXISTS (
            SELECT FROM workflows_intouchcall c WHERE c.request_id = NEW.id AND c.outcome = 'credited') THEN
            RAISE EXCEPTION 'no call has credited this'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'request_credited_by_call';
        END IF;
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION workflows_guard_task() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.decision IS NOT NULL OR NOT EXISTS (
            SELECT FROM workflows_workflowrequest r
            WHERE r.id = NEW.request_id AND r.maker_id = NEW.maker_id AND r.organisation_id = NEW.organisation_id) THEN
            RAISE EXCEPTION 'a task begins undecided and with the maker of its request'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'task_begins_undecided';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.decision IS NOT NULL
       OR (NEW.id, NEW.organisation_id, NEW.request_id, NEW.level, NEW.maker_id, NEW.opened_at, NEW.opened_by_id)
          IS DISTINCT FROM
          (OLD.id, OLD.organisation_id, OLD.request_id, OLD.level, OLD.maker_id, OLD.opened_at, OLD.opened_by_id) THEN
        RAISE EXCEPTION 'a decision is taken once'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'task_decided_once';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION workflows_guard_call() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.outcome IS NOT NULL
       OR (NEW.id, NEW.organisation_id, NEW.request_id, NEW.attempt, NEW.purpose, NEW.started_at)
       IS DISTINCT FROM (OLD.id, OLD.organisation_id, OLD.request_id, OLD.attempt, OLD.purpose, OLD.started_at) THEN
        RAISE EXCEPTION 'the outcome of a call is written once'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'call_outcome_once';
    END IF;
    RETURN NEW;
END $$;
"""

TRIGGERS = """
CREATE TRIGGER request_guard BEFORE INSERT OR UPDATE ON workflows_workflowrequest
    FOR EACH ROW EXECUTE FUNCTION workflows_guard_request();
CREATE TRIGGER task_guard BEFORE INSERT OR UPDATE ON workflows_admintask
    FOR EACH ROW EXECUTE FUNCTION workflows_guard_task();
CREATE TRIGGER call_guard BEFORE UPDATE ON workflows_intouchcall
    FOR EACH ROW EXECUTE FUNCTION workflows_guard_call();
CREATE TRIGGER audit_no_update BEFORE UPDATE ON workflows_auditevent
    FOR EACH ROW EXECUTE FUNCTION workflows_refuse();
"""

KEPT_FOR_EVER = ("workflows_workflowrequest", "workflows_admintask", "workflows_intouchcall", "workflows_auditevent")


def _kept_for_ever(table: str) -> str:
    # A row trigger does not fire on TRUNCATE, so there are two.
    return f"""
CREATE TRIGGER no_delete BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION workflows_refuse();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION workflows_refuse();
"""


OPERATIONS = [
    migrations.RunSQL(
        FUNCTIONS + TRIGGERS + "".join(_kept_for_ever(table) for table in KEPT_FOR_EVER),
        reverse_sql="DROP FUNCTION workflows_refuse, workflows_guard_request, workflows_guard_task,"
        " workflows_guard_call CASCADE;",
    )
]
