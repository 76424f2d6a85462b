from django.db import migrations

from workflows.migrations import _guards_0022


class Migration(migrations.Migration):
    dependencies = [("workflows", "0021_first_versions")]

    operations = [
        migrations.RemoveConstraint(
            model_name='workflowpolicy',
            name='policy_cap_positive',
        ),
        migrations.RemoveConstraint(
            model_name='workflowpolicy',
            name='policy_auto_approval_amount',
        ),
        migrations.RemoveField(
            model_name='workflowpolicy',
            name='auto_approval',
        ),
        migrations.RemoveField(
            model_name='workflowpolicy',
            name='auto_approval_up_to',
        ),
        migrations.RemoveField(
            model_name='workflowpolicy',
            name='cap',
        ),
        migrations.RemoveField(
            model_name='workflowpolicy',
            name='is_enabled',
        ),
        migrations.RemoveField(
            model_name='workflowpolicy',
            name='reasons',
        ),
        migrations.RemoveField(
            model_name='workflowpolicy',
            name='reconciling',
        ),
        migrations.RunSQL(_guards_0022.FUNCTIONS, reverse_sql=_guards_0022.REVERSE),
    ]
