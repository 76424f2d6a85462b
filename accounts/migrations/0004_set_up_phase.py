from django.db import migrations, models

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

REVERSE = "DROP FUNCTION accounts_note_set_up, accounts_keep_set_up CASCADE;"


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_people_of_policy")]

    operations = [
        migrations.AddField(
            model_name="organisation",
            name="set_up_at",
            field=models.DateTimeField(
                blank=True,
                editable=False,
                help_text="Since it had two administrators: from then on one proposes a change and another approves it.",
                null=True,
                verbose_name="set up at",
            ),
        ),
        migrations.RunSQL(NOTE_SET_UP, reverse_sql=REVERSE),
    ]
