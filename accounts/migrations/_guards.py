"""What constraints cannot say, as triggers: an organisation that is set up stays so, and ended tokens stay ended.

Frozen with the first migration.
"""

from django.db import migrations

# Whoever makes a user without them, such as the code of a release before, gets what a new user has.
DEFAULTS = """
ALTER TABLE accounts_user
    ALTER COLUMN access_given_by SET DEFAULT '{}', ALTER COLUMN gave_access_to SET DEFAULT '{}',
    ALTER COLUMN must_choose_password SET DEFAULT false, ALTER COLUMN session_version SET DEFAULT 0;
"""

# The row of the organisation is locked, so that of two administrators added at once the second sees the first.
NOTE_SET_UP = """
CREATE FUNCTION accounts_note_set_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM accounts_organisation WHERE id = NEW.organisation_id FOR NO KEY UPDATE;
    IF (SELECT count(*) FROM accounts_membership
         WHERE organisation_id = NEW.organisation_id AND is_administrator AND is_active) >= 2 THEN
        UPDATE accounts_organisation SET set_up_at = now() WHERE id = NEW.organisation_id AND set_up_at IS NULL;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER membership_notes_set_up AFTER INSERT OR UPDATE ON accounts_membership
    FOR EACH ROW WHEN (NEW.is_administrator AND NEW.is_active) EXECUTE FUNCTION accounts_note_set_up();

CREATE FUNCTION accounts_keep_set_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.set_up_at := OLD.set_up_at;
    RETURN NEW;
END $$;

CREATE TRIGGER organisation_stays_set_up BEFORE UPDATE ON accounts_organisation
    FOR EACH ROW WHEN (OLD.set_up_at IS NOT NULL) EXECUTE FUNCTION accounts_keep_set_up();
"""

# Every way to a new password ends the UI tokens, whoever writes it; and a row that was read earlier takes no end back.
KEEP_VERSIONS = """
CREATE FUNCTION accounts_keep_versions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.session_version := greatest(NEW.session_version, OLD.session_version);
    NEW.ui_token_version := greatest(NEW.ui_token_version, OLD.ui_token_version);
    IF NEW.password IS DISTINCT FROM OLD.password THEN
        NEW.ui_token_version := greatest(NEW.ui_token_version, OLD.ui_token_version + 1);
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER user_keeps_versions BEFORE UPDATE OF password, session_version, ui_token_version ON accounts_user
    FOR EACH ROW EXECUTE FUNCTION accounts_keep_versions();
"""

OPERATIONS = [
    migrations.RunSQL(
        DEFAULTS + NOTE_SET_UP + KEEP_VERSIONS,
        reverse_sql="DROP FUNCTION accounts_note_set_up, accounts_keep_set_up, accounts_keep_versions CASCADE;",
    )
]
