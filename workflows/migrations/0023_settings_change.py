import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):
    dependencies = [("accounts", "0004_set_up_phase"), ("workflows", "0022_policy_in_force")]

    operations = [
        migrations.AlterField(
            model_name="intouchcall",
            name="purpose",
            field=models.CharField(
                choices=[("credit", "credit"), ("look_up", "look-up"), ("local", "carried out here")],
                default="credit",
                max_length=8,
                verbose_name="purpose",
            ),
        ),
        migrations.AlterField(
            model_name="workflowrequest",
            name="customer_id",
            field=models.BigIntegerField(blank=True, null=True, verbose_name="customer"),
        ),
        migrations.AlterField(
            model_name="workflowrequest",
            name="target",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="workflows.intouchtarget",
            ),
        ),
        migrations.AddConstraint(
            model_name="workflowrequest",
            constraint=models.CheckConstraint(
                condition=Q(
                    request_type="SETTINGS-CHANGE", customer_id=None, target=None, one_step=False, auto_approved=False
                )
                | (~Q(request_type="SETTINGS-CHANGE") & Q(customer_id__isnull=False, target__isnull=False)),
                name="request_has_customer_and_target",
            ),
        ),
    ]
