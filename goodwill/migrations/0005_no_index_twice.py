"""An index of the organisation alone is the beginning of others: dropped, as every insert has paid for it."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0002_squashed_0007'),
        ('goodwill', '0001_squashed_0004'),
    ]

    operations = [
        migrations.AlterField(
            model_name='goodwillrequest',
            name='organisation',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation'),
        ),
    ]
