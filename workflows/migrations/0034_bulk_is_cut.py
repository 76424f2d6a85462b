from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("workflows", "0033_versions_ask_somebody")]

    operations = [
        migrations.AddField("bulkrun", "is_cut", models.BooleanField(default=False, db_default=False)),
    ]
