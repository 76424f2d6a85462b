"""Second factors of the library, as we keep them. Apart from 0001, because the library's tables need our users."""

from django.db import migrations

# A sealed seed is longer than a seed. The library's models do not say how long a key may be when they write one.
WIDEN = "ALTER TABLE otp_totp_totpdevice ALTER COLUMN key TYPE varchar(255);"
NARROW = "ALTER TABLE otp_totp_totpdevice ALTER COLUMN key TYPE varchar(80);"


class Migration(migrations.Migration):
    replaces = [("accounts", "0007_sealed_second_factor")]

    dependencies = [
        ("accounts", "0001_squashed_0006"),
        ("otp_static", "0003_add_timestamps"),
        ("otp_totp", "0003_add_timestamps"),
    ]

    operations = [
        migrations.RunSQL(WIDEN, reverse_sql=NARROW),
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
