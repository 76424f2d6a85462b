"""What reminders, escalations, warnings and expiry need, and what is known of requests that nobody can decide."""

from django.db import migrations, models

KINDS = [
    ("waiting", "a request waits"),
    ("outcome", "a request has ended"),
    ("reminder", "a request still waits"),
    ("backup", "a request has waited too long; others may decide it as well"),
    ("expiring", "a request will expire"),
    ("stuck", "nobody can decide a request"),
]


class Migration(migrations.Migration):
    dependencies = [("workflows", "0025_desk_customer_order")]

    operations = [
        migrations.AddField(
            model_name="notice",
            name="address",
            field=models.CharField(blank=True, db_default="", default="", max_length=254),
        ),
        migrations.AddField(
            model_name="workflowrequest",
            name="stuck_at",
            field=models.DateTimeField(
                blank=True,
                help_text="No different people can be found for all levels that are open or still to come.",
                null=True,
                verbose_name="nobody can decide it since",
            ),
        ),
        migrations.AddField(
            model_name="workflowrequest",
            name="warn_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="notice",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=8),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.UniqueConstraint(
                condition=~models.Q(address=""),
                fields=("organisation", "address", "request", "kind"),
                name="notice_once_per_address",
            ),
        ),
        migrations.AddConstraint(
            model_name="notice",
            constraint=models.CheckConstraint(
                condition=models.Q(recipient=None) | models.Q(address=""), name="notice_to_one"
            ),
        ),
    ]
