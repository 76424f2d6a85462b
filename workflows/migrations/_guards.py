"""What constraints cannot say, as triggers: rows that only grow, moves that exist, four eyes, and the policy in force.

A request is judged by the version in force and needs as many different people as that asked for; versions never
change. Frozen with the first migration; `tests/architecture` compares the moves with `workflows.states`.
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
           OR NEW.tries <> 0 OR (NEW.state = 'waiting') <> (NEW.steps > 0) THEN
            RAISE EXCEPTION 'a request begins as waiting, or approved by grant or policy'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'request_begins_undecided';
        END IF;
        -- Whoever judged by an older version judges again: no request slips in beside a change of policy.
        IF NOT EXISTS (
            SELECT FROM workflows_workflowpolicy p
            WHERE p.organisation_id = NEW.organisation_id AND p.request_type = NEW.request_type
              AND p.active_id = NEW.policy_version_id) THEN
            RAISE EXCEPTION 'a request is judged by the policy in force'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'request_judged_by_policy_in_force';
        END IF;
        RETURN NEW;
    END IF;
    IF (NEW.id, NEW.organisation_id, NEW.request_type, NEW.reference_id, NEW.maker_id, NEW.maker_name, NEW.one_step,
        NEW.auto_approved, NEW.customer_id, NEW.amount, NEW.payload, NEW.digest, NEW.created_at,
        NEW.till_id, NEW.store_id, NEW.zone_id, NEW.concept_id, NEW.reason, NEW.source, NEW.target_id,
        NEW.program_id, NEW.program_name, NEW.money, NEW.policy_version_id, NEW.rule, NEW.judgement, NEW.steps,
        NEW.counted_on)
       IS DISTINCT FROM
       (OLD.id, OLD.organisation_id, OLD.request_type, OLD.reference_id, OLD.maker_id, OLD.maker_name, OLD.one_step,
        OLD.auto_approved, OLD.customer_id, OLD.amount, OLD.payload, OLD.digest, OLD.created_at,
        OLD.till_id, OLD.store_id, OLD.zone_id, OLD.concept_id, OLD.reason, OLD.source, OLD.target_id,
        OLD.program_id, OLD.program_name, OLD.money, OLD.policy_version_id, OLD.rule, OLD.judgement, OLD.steps,
        OLD.counted_on) THEN
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
        IF OLD.state = 'waiting' AND NEW.state = 'executing' AND NEW.steps > (
            SELECT count(DISTINCT t.checker_id) FROM workflows_admintask t
            WHERE t.request_id = NEW.id AND t.decision = 'approved' AND t.opened_by_id IS NULL) THEN
            RAISE EXCEPTION 'not as many people have approved this as policy asked for'
                USING ERRCODE = 'check_violation', CONSTRAINT = 'request_approved_by_all_levels';
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
       OR (NEW.id, NEW.organisation_id, NEW.request_id, NEW.level, NEW.maker_id, NEW.opened_at, NEW.opened_by_id,
           NEW.stage, NEW.role, NEW.users, NEW.concepts, NEW.zones, NEW.stores, NEW.tills, NEW.barred,
           NEW.backup_role, NEW.backup_users)
          IS DISTINCT FROM
          (OLD.id, OLD.organisation_id, OLD.request_id, OLD.level, OLD.maker_id, OLD.opened_at, OLD.opened_by_id,
           OLD.stage, OLD.role, OLD.users, OLD.concepts, OLD.zones, OLD.stores, OLD.tills, OLD.barred,
           OLD.backup_role, OLD.backup_users)
       OR (OLD.escalated_at IS NOT NULL AND NEW.escalated_at IS DISTINCT FROM OLD.escalated_at) THEN
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

-- For whoever writes: no row can claim a credit that was never in flight.
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

CREATE FUNCTION workflows_guard_policy() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.active_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM workflows_policyversion v WHERE v.id = NEW.active_id AND v.policy_id = NEW.id) THEN
        RAISE EXCEPTION 'a policy is in force by a version of its own'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'policy_version_of_its_own';
    END IF;
    RETURN NEW;
END $$;

-- What was chosen is never changed, and what became of it is written once; only choices that nobody confirmed go away.
CREATE FUNCTION workflows_guard_bulk_item() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.outcome IS NOT NULL THEN
        RAISE EXCEPTION 'the outcome of a bulk decision is written once'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'bulk_item_outcome_once';
    END IF;
    IF TG_OP = 'UPDATE' AND (NEW.run_id, NEW.organisation_id, NEW.task_id, NEW.request_id, NEW.digest)
       IS DISTINCT FROM (OLD.run_id, OLD.organisation_id, OLD.task_id, OLD.request_id, OLD.digest) THEN
        RAISE EXCEPTION 'what was chosen for a bulk decision is never changed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'bulk_item_fixed';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END $$;
"""

# Whoever opens a task without saying for whom asks for any checker.
DEFAULTS = """
ALTER TABLE workflows_admintask
    ALTER stage SET DEFAULT 1, ALTER role SET DEFAULT 'checker', ALTER users SET DEFAULT '{}',
    ALTER concepts SET DEFAULT '{}', ALTER zones SET DEFAULT '{}', ALTER stores SET DEFAULT '{}',
    ALTER tills SET DEFAULT '{}', ALTER barred SET DEFAULT '{}', ALTER backup_role SET DEFAULT '',
    ALTER backup_users SET DEFAULT '{}';
"""

TRIGGERS = """
CREATE TRIGGER request_guard BEFORE INSERT OR UPDATE ON workflows_workflowrequest
    FOR EACH ROW EXECUTE FUNCTION workflows_guard_request();
CREATE TRIGGER task_guard BEFORE INSERT OR UPDATE ON workflows_admintask
    FOR EACH ROW EXECUTE FUNCTION workflows_guard_task();
CREATE TRIGGER call_insert_guard BEFORE INSERT ON workflows_intouchcall
    FOR EACH ROW EXECUTE FUNCTION workflows_guard_new_call();
CREATE TRIGGER call_guard BEFORE UPDATE ON workflows_intouchcall
    FOR EACH ROW EXECUTE FUNCTION workflows_guard_call();
CREATE TRIGGER policy_guard BEFORE INSERT OR UPDATE ON workflows_workflowpolicy
    FOR EACH ROW EXECUTE FUNCTION workflows_guard_policy();
CREATE TRIGGER bulk_item_guard BEFORE UPDATE OR DELETE ON workflows_bulkitem
    FOR EACH ROW EXECUTE FUNCTION workflows_guard_bulk_item();
CREATE TRIGGER audit_no_update BEFORE UPDATE ON workflows_auditevent
    FOR EACH ROW EXECUTE FUNCTION workflows_refuse();
CREATE TRIGGER version_no_update BEFORE UPDATE ON workflows_policyversion
    FOR EACH ROW EXECUTE FUNCTION workflows_refuse();
"""

KEPT_FOR_EVER = (
    "workflows_workflowrequest",
    "workflows_admintask",
    "workflows_intouchcall",
    "workflows_auditevent",
    "workflows_policyversion",
)


def _kept_for_ever(table: str) -> str:
    # A row trigger does not fire on TRUNCATE, so there are two.
    return f"""
CREATE TRIGGER no_delete BEFORE DELETE ON {table} FOR EACH ROW EXECUTE FUNCTION workflows_refuse();
CREATE TRIGGER no_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION workflows_refuse();
"""


OPERATIONS = [
    migrations.RunSQL(
        FUNCTIONS + DEFAULTS + TRIGGERS + "".join(_kept_for_ever(table) for table in KEPT_FOR_EVER),
        reverse_sql="DROP FUNCTION workflows_refuse, workflows_guard_request, workflows_guard_task,"
        " workflows_guard_call, workflows_guard_new_call, workflows_guard_policy, workflows_guard_bulk_item CASCADE;",
    )
]
