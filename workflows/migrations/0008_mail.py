"""What members want to be told by mail, and the outbox of what is still to be sent."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

TIMINGS = [('at_once', 'at once'), ('digest', 'once an hour, all in one'), ('off', 'never')]


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('workflows', '0007_bulk_decisions'),
    ]

    operations = [
        migrations.CreateModel(
            name='MailChoice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('waiting', models.CharField(choices=TIMINGS, default='digest', max_length=8, verbose_name='when a request waits for me')),
                ('outcome', models.CharField(choices=TIMINGS, default='at_once', max_length=8, verbose_name='when a request of mine has ended')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'choice of mail',
                'verbose_name_plural': 'choices of mail',
                'constraints': [models.UniqueConstraint(fields=('organisation', 'user'), name='mail_choice_once')],
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('waiting', 'a request waits'), ('outcome', 'a request has ended')], max_length=8)),
                ('due_at', models.DateTimeField()),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
                ('recipient', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='workflows.workflowrequest')),
            ],
            options={
                'verbose_name': 'notice',
                'verbose_name_plural': 'notices',
                'indexes': [models.Index(fields=['due_at', 'id'], name='notice_queue')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('recipient__isnull', False)), fields=('organisation', 'recipient', 'request', 'kind'), name='notice_once_per_recipient')],
            },
        ),
    ]
