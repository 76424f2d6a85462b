"""The schema as the first four migrations made it. Generated, but for the sequence; fields stand in the order of the columns."""

import django.db.models.deletion
import django.db.models.expressions
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    replaces = [
        ('goodwill', '0001_initial'),
        ('goodwill', '0002_program_of_requests'),
        ('goodwill', '0003_imports'),
        ('goodwill', '0004_no_index_that_nobody_reads'),
    ]

    initial = True

    dependencies = [
        ('workflows', '0001_squashed_0036'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Numbers of the history; far above those that an incumbent may have handed out.
        migrations.RunSQL(
            "CREATE SEQUENCE goodwill_request_number START 100000001;",
            reverse_sql="DROP SEQUENCE goodwill_request_number;",
        ),
        migrations.CreateModel(
            name='Program',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('program_id', models.BigIntegerField(verbose_name='program id')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('description', models.CharField(blank=True, max_length=500, verbose_name='description')),
                ('points_to_currency_ratio', models.DecimalField(decimal_places=6, default=1, help_text='What one point is worth in money.', max_digits=16, verbose_name='points to currency ratio')),
                ('points_decimals', models.PositiveSmallIntegerField(default=0, help_text='How many decimal places points may have, 0 to 6.', verbose_name='decimals of points')),
                ('is_default', models.BooleanField(default=False, verbose_name='default')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='programs', to='accounts.organisation')),
            ],
            options={
                'verbose_name': 'program',
                'verbose_name_plural': 'programs',
                'ordering': ['name'],
                'constraints': [models.UniqueConstraint(fields=('organisation', 'program_id'), name='program_once'), models.UniqueConstraint(condition=models.Q(('is_default', True)), fields=('organisation',), name='program_one_default'), models.CheckConstraint(condition=models.Q(('program_id__gt', 0)), name='program_id_positive'), models.CheckConstraint(condition=models.Q(('points_decimals__lte', 6)), name='program_points_decimals'), models.CheckConstraint(condition=models.Q(('points_to_currency_ratio__gte', 0)), name='program_ratio_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='GoodwillRequest',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('request_number', models.BigIntegerField(db_default=models.Func(models.Value('goodwill_request_number'), function='nextval'), verbose_name='request id')),
                ('customer_id', models.BigIntegerField(verbose_name='customer')),
                ('goodwill_type', models.CharField(default='POINTS', max_length=20, verbose_name='type')),
                ('earning_entity_type', models.CharField(default='CUSTOMER', max_length=20, verbose_name='earning entity')),
                ('points', models.DecimalField(decimal_places=6, help_text='Empty in history that was imported without: the incumbent shows only what was approved.', max_digits=20, null=True, verbose_name='points')),
                ('status', models.CharField(choices=[('PENDING', 'pending'), ('APPROVED', 'approved'), ('REJECTED', 'rejected'), ('FAILURE', 'failure')], max_length=10, verbose_name='status')),
                ('reason', models.CharField(max_length=1000, verbose_name='reason')),
                ('comments', models.CharField(blank=True, max_length=1000, verbose_name='comments')),
                ('updated_comments', models.CharField(blank=True, max_length=2100, verbose_name='updated comments')),
                ('one_step', models.BooleanField(default=False, verbose_name='one step')),
                ('auto_approved', models.BooleanField(default=False, verbose_name='approved automatically')),
                ('added_on', models.DateTimeField(verbose_name='added on')),
                ('updated_on', models.DateTimeField(verbose_name='updated on')),
                ('added_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='added by')),
                ('entered_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='entered by')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
                ('updated_by', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='updated by')),
                ('workflow_request', models.OneToOneField(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='goodwill', to='workflows.workflowrequest')),
                ('program', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='goodwill.program')),
            ],
            options={
                'verbose_name': 'goodwill request',
                'verbose_name_plural': 'goodwill requests',
                'indexes': [models.Index(fields=['organisation', 'customer_id', '-added_on', '-id'], name='goodwill_of_customer'), models.Index(fields=['organisation', '-id'], name='goodwill_newest')],
                'constraints': [models.UniqueConstraint(fields=('organisation', 'request_number'), name='goodwill_request_number_once'), models.CheckConstraint(condition=models.Q(('points__gt', 0)), name='goodwill_points_positive'), models.CheckConstraint(condition=models.Q(('customer_id__gt', 0)), name='goodwill_customer_positive'), models.CheckConstraint(condition=models.Q(('status__in', ['PENDING', 'APPROVED', 'REJECTED', 'FAILURE'])), name='goodwill_status_known'), models.CheckConstraint(condition=models.Q(('workflow_request', None), ('updated_on__gte', models.F('added_on')), _connector='OR'), name='goodwill_updated_after_added'), models.CheckConstraint(condition=models.Q(('points__isnull', False), models.Q(('workflow_request', None), models.Q(('status', 'APPROVED'), _negated=True)), _connector='OR'), name='goodwill_points_known')],
            },
        ),
        migrations.CreateModel(
            name='GoodwillImport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('file_name', models.CharField(max_length=255, verbose_name='file')),
                ('file_hash', models.CharField(max_length=64, verbose_name='SHA-256 of the file')),
                ('options', models.JSONField(default=dict, verbose_name='options')),
                ('header', models.BinaryField(default=bytes)),
                ('stage', models.CharField(choices=[('running', 'running'), ('stopped', 'stopped'), ('finished', 'finished')], default='running', max_length=10, verbose_name='stage')),
                ('started_by_name', models.CharField(max_length=254, verbose_name='started by')),
                ('started_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='started at')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended at')),
                ('position', models.BigIntegerField(default=0, editable=False)),
                ('line', models.BigIntegerField(default=0, verbose_name='last line')),
                ('records', models.BigIntegerField(default=0, verbose_name='rows read')),
                ('inserted', models.BigIntegerField(default=0, verbose_name='new')),
                ('updated', models.BigIntegerField(default=0, verbose_name='updated')),
                ('unchanged', models.BigIntegerField(default=0, verbose_name='there already')),
                ('conflicts', models.BigIntegerField(default=0, verbose_name='conflicts')),
                ('rejected', models.BigIntegerField(default=0, help_text='The conflicts are among them.', verbose_name='rejected')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
                ('started_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='started by')),
            ],
            options={
                'verbose_name': 'import',
                'verbose_name_plural': 'imports',
                'indexes': [models.Index(fields=['organisation', '-id'], name='import_newest')],
                'constraints': [models.CheckConstraint(condition=models.Q(('records', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('inserted'), '+', models.F('updated')), '+', models.F('unchanged')), '+', models.F('rejected')))), name='import_counts_add_up'), models.CheckConstraint(condition=models.Q(('stage__in', ['running', 'stopped', 'finished'])), name='import_stage_known'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', False), ('stage', 'finished')), models.Q(models.Q(('stage', 'finished'), _negated=True), ('ended_at', None)), _connector='OR'), name='import_finished_has_time')],
            },
        ),
        migrations.CreateModel(
            name='GoodwillImportReject',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('line', models.BigIntegerField(verbose_name='line')),
                ('reason', models.CharField(max_length=2000, verbose_name='reason')),
                ('raw', models.BinaryField()),
                ('goodwill_import', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='rejects', to='goodwill.goodwillimport')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
            ],
            options={
                'verbose_name': 'rejected row',
                'verbose_name_plural': 'rejected rows',
                'constraints': [models.UniqueConstraint(fields=('goodwill_import', 'line'), name='import_reject_once')],
            },
        ),
    ]
