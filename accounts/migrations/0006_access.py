import django.contrib.postgres.fields
from django.db import migrations, models

# The code of the release before goes on making users while this one's is started.
DEFAULTS = """
ALTER TABLE accounts_user
    ALTER COLUMN access_given_by SET DEFAULT '{}', ALTER COLUMN gave_access_to SET DEFAULT '{}',
    ALTER COLUMN must_choose_password SET DEFAULT false, ALTER COLUMN session_version SET DEFAULT 0;
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

REVERSE = "DROP FUNCTION accounts_keep_versions CASCADE;"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_set_up_phase")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="access_given_by",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), blank=True, default=list, editable=False, size=None
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="gave_access_to",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), blank=True, default=list, editable=False, size=None
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="must_choose_password",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name="user",
            name="session_version",
            field=models.PositiveIntegerField(
                default=0, editable=False, help_text="Counted up, every session of the person in the admin ends."
            ),
        ),
        migrations.RunSQL(DEFAULTS, reverse_sql=migrations.RunSQL.noop),
        migrations.RunSQL(KEEP_VERSIONS, reverse_sql=REVERSE),
    ]
