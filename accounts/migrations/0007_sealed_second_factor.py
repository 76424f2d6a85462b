from django.db import migrations

from accounts.devices import code_digest, seed_binding
from wire import secrets
from wire.secrets import Secret

# A sealed seed is longer than a seed. The library's models do not say how long a key may be when they write one.
WIDEN = "ALTER TABLE otp_totp_totpdevice ALTER COLUMN key TYPE varchar(255);"
NARROW = "ALTER TABLE otp_totp_totpdevice ALTER COLUMN key TYPE varchar(80);"


def seal(apps, schema_editor):
    for device in apps.get_model("otp_totp", "TOTPDevice").objects.all():
        device.key = secrets.as_text(secrets.encrypt(Secret(device.key), seed_binding(device.pk)))
        device.save(update_fields=["key"])
    for token in apps.get_model("otp_static", "StaticToken").objects.all():
        token.token = code_digest(token.token)
        token.save(update_fields=["token"])


def unseal(apps, schema_editor):
    """Seeds alone: recovery codes cannot be read back, and their owners make new ones."""
    for device in apps.get_model("otp_totp", "TOTPDevice").objects.all():
        device.key = secrets.decrypt(secrets.from_text(device.key), seed_binding(device.pk)).value
        device.save(update_fields=["key"])


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0006_access"),
        ("otp_totp", "0003_add_timestamps"),
        ("otp_static", "0003_add_timestamps"),
    ]

    operations = [
        migrations.RunSQL(WIDEN, reverse_sql=NARROW),
        migrations.RunPython(seal, unseal),
        migrations.CreateModel(
            name="Authenticator",
            fields=[],
            options={"proxy": True, "indexes": [], "constraints": []},
            bases=("otp_totp.totpdevice",),
        ),
        migrations.CreateModel(
            name="RecoveryCodes",
            fields=[],
            options={"proxy": True, "indexes": [], "constraints": []},
            bases=("otp_static.staticdevice",),
        ),
    ]
