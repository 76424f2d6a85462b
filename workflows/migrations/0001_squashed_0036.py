"""The schema as migrations 0001 to 0036 made it. Generated, but for the guards; fields stand in the order of the columns."""

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.comparison
import django.db.models.functions.text
import django.utils.timezone
import uuid6
from decimal import Decimal
from django.conf import settings
from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models

from workflows.migrations import _guards


def _asks_nobody(place: str) -> models.Q:
    return models.Q(
        models.Func(
            'document',
            models.Value(f'{place} ? (@.kind == "levels" && !exists(@.levels[0]))'),
            function='jsonb_path_exists',
            output_field=models.BooleanField(),
        )
    )


class Migration(migrations.Migration):

    replaces = [
        ('workflows', '0001_initial'),
        ('workflows', '0002_delivery'),
        ('workflows', '0003_program_and_money'),
        ('workflows', '0004_calls_begin_open'),
        ('workflows', '0005_desk_lists'),
        ('workflows', '0006_desk_indexes'),
        ('workflows', '0007_bulk_decisions'),
        ('workflows', '0008_mail'),
        ('workflows', '0020_policy_versions'),
        ('workflows', '0021_first_versions'),
        ('workflows', '0022_policy_in_force'),
        ('workflows', '0023_settings_change'),
        ('workflows', '0024_policy_drafts'),
        ('workflows', '0025_desk_customer_order'),
        ('workflows', '0026_patience'),
        ('workflows', '0027_patience_indexes'),
        ('workflows', '0028_tasks_by_worth'),
        ('workflows', '0029_what_calls_told'),
        ('workflows', '0032_desk_again'),
        ('workflows', '0033_versions_ask_somebody'),
        ('workflows', '0034_bulk_is_cut'),
        ('workflows', '0035_filtered_lists'),
        ('workflows', '0036_no_index_that_nobody_reads'),
    ]

    initial = True

    dependencies = [
        ('accounts', '0002_squashed_0007'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        # Not needed, but cheaper: each step of a library renders all models that know users anew, and as yet they are few.
        ('admin', '0003_logentry_add_action_flag_choices'),
        ('oauth2_provider', '0022_refreshtoken_token_family_index'),
    ]

    operations = [
        migrations.CreateModel(
            name='IntouchTarget',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('origin', models.CharField(help_text='What clients write as hostname: http(s)://host[:port].', max_length=300, verbose_name='origin')),
                ('base_url', models.CharField(help_text='Where it is served: http(s)://host[:port].', max_length=300, verbose_name='base URL')),
                ('allows_internal', models.BooleanField(default=False, help_text='The name may resolve to a private address. Metadata addresses are refused always.', verbose_name='internal addresses allowed')),
                ('is_enabled', models.BooleanField(default=True, verbose_name='enabled')),
                ('credential', models.BinaryField(blank=True, null=True)),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='targets', to='accounts.organisation')),
            ],
            options={
                'verbose_name': 'Intouch target',
                'verbose_name_plural': 'Intouch targets',
                'constraints': [models.UniqueConstraint(fields=('organisation', 'origin'), name='target_once')],
            },
        ),
        migrations.CreateModel(
            name='TargetBreaker',
            fields=[
                ('target', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='breaker', serialize=False, to='workflows.intouchtarget')),
                ('failures', models.PositiveIntegerField(default=0, verbose_name='failures in a row')),
                ('open_until', models.DateTimeField(blank=True, help_text='No calls before this time; then one probe.', null=True, verbose_name='open until')),
                ('last_error', models.CharField(blank=True, max_length=500, verbose_name='last error')),
            ],
            options={
                'verbose_name': 'circuit breaker',
                'verbose_name_plural': 'circuit breakers',
            },
        ),
        migrations.CreateModel(
            name='Pause',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('request_type', models.CharField(blank=True, help_text='Empty: every type.', max_length=40, verbose_name='request type')),
                ('reason', models.CharField(max_length=500, verbose_name='reason')),
                ('paused_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='paused at')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
                ('paused_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='paused by')),
            ],
            options={
                'verbose_name': 'pause',
                'verbose_name_plural': 'pauses',
                'constraints': [models.UniqueConstraint(fields=('organisation', 'request_type'), name='pause_once')],
            },
        ),
        migrations.CreateModel(
            name='WorkflowPolicy',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('request_type', models.CharField(max_length=40, verbose_name='request type')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='policies', to='accounts.organisation')),
                ('counted', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=8), blank=True, default=list, editable=False, size=None)),
            ],
            options={
                'verbose_name': 'workflow policy',
                'verbose_name_plural': 'workflow policies',
                'constraints': [models.UniqueConstraint(fields=('organisation', 'request_type'), name='policy_once')],
            },
        ),
        migrations.CreateModel(
            name='DayCredits',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(verbose_name='day')),
                ('program_id', models.BigIntegerField(verbose_name='program')),
                ('program_name', models.CharField(blank=True, max_length=200, verbose_name='program')),
                ('number', models.PositiveIntegerField(verbose_name='requests')),
                ('points', models.DecimalField(decimal_places=6, max_digits=36, verbose_name='points')),
                ('money', models.DecimalField(decimal_places=6, max_digits=40, verbose_name='money')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
            ],
            options={
                'verbose_name': 'credits of a day',
                'verbose_name_plural': 'credits of days',
                'constraints': [models.UniqueConstraint(fields=('organisation', 'day', 'program_id'), name='credits_once_a_day')],
            },
        ),
        migrations.CreateModel(
            name='DayFigures',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField(verbose_name='day')),
                ('approved', models.PositiveIntegerField(default=0, verbose_name='approved')),
                ('rejected', models.PositiveIntegerField(default=0, verbose_name='rejected')),
                ('automatic', models.PositiveIntegerField(default=0, verbose_name='approved automatically')),
                ('median_seconds', models.FloatField(null=True, verbose_name='median time to decision')),
                ('p95_seconds', models.FloatField(null=True, verbose_name='95th percentile')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
            ],
            options={
                'verbose_name': 'figures of a day',
                'verbose_name_plural': 'figures of days',
                'constraints': [models.UniqueConstraint(fields=('organisation', 'day'), name='figures_once_a_day')],
            },
        ),
        migrations.CreateModel(
            name='SavedView',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('page', models.CharField(help_text='The model of the list: admintask.', max_length=40, verbose_name='list')),
                ('name', models.CharField(max_length=60, verbose_name='name')),
                ('query', models.CharField(help_text='What stands after the question mark.', max_length=2000, verbose_name='address')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'saved view',
                'verbose_name_plural': 'saved views',
                'ordering': ['name'],
                'constraints': [models.UniqueConstraint(models.F('user'), models.F('page'), django.db.models.functions.text.Lower('name'), name='view_name_once')],
            },
        ),
        migrations.CreateModel(
            name='BulkRun',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('person_name', models.CharField(max_length=254, verbose_name='by')),
                ('phase', models.CharField(choices=[('chosen', 'chosen, not confirmed'), ('running', 'being decided'), ('ended', 'done')], default='chosen', max_length=8, verbose_name='phase')),
                ('verdict', models.CharField(choices=[('approved', 'approved'), ('rejected', 'rejected')], max_length=8, null=True, verbose_name='decision')),
                ('message', models.CharField(blank=True, max_length=1000, verbose_name='message')),
                ('filter', models.CharField(blank=True, max_length=2000, verbose_name='filter')),
                ('total', models.PositiveIntegerField(default=0, verbose_name='chosen')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, verbose_name='chosen at')),
                ('proved_at', models.DateTimeField(null=True, verbose_name='password given at')),
                ('started_at', models.DateTimeField(null=True, verbose_name='confirmed at')),
                ('ended_at', models.DateTimeField(null=True, verbose_name='ended at')),
                ('lease_expires_at', models.DateTimeField(null=True)),
                ('claims', models.PositiveIntegerField(default=0)),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='by')),
                ('is_cut', models.BooleanField(db_default=False, default=False)),
            ],
            options={
                'verbose_name': 'bulk decision',
                'verbose_name_plural': 'bulk decisions',
                'indexes': [models.Index(fields=['organisation', '-id'], name='bulk_newest'), models.Index(condition=models.Q(('phase', 'running')), fields=['lease_expires_at'], name='bulk_queue')],
                'constraints': [models.CheckConstraint(condition=models.Q(('phase__in', ['chosen', 'running', 'ended'])), name='bulk_phase_known'), models.CheckConstraint(condition=models.Q(models.Q(('phase', 'chosen'), ('started_at', None), ('verdict', None)), models.Q(models.Q(('phase', 'chosen'), _negated=True), ('started_at__isnull', False), ('verdict__in', ['approved', 'rejected']), ('verdict__isnull', False), models.Q(('message', ''), _negated=True)), _connector='OR'), name='bulk_started_has_verdict'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', False), ('phase', 'ended')), models.Q(models.Q(('phase', 'ended'), _negated=True), ('ended_at', None)), _connector='OR'), name='bulk_ended_has_time'), models.CheckConstraint(condition=models.Q(('lease_expires_at', None), ('phase', 'running'), _connector='OR'), name='bulk_only_running_is_leased')],
            },
        ),
        migrations.CreateModel(
            name='MailChoice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('waiting', models.CharField(choices=[('at_once', 'at once'), ('digest', 'once an hour, all in one'), ('off', 'never')], default='digest', max_length=8, verbose_name='when a request waits for me')),
                ('outcome', models.CharField(choices=[('at_once', 'at once'), ('digest', 'once an hour, all in one'), ('off', 'never')], default='at_once', max_length=8, verbose_name='when a request of mine has ended')),
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
            name='LimitUse',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('request_type', models.CharField(max_length=40)),
                ('per', models.CharField(max_length=8)),
                ('subject', models.CharField(max_length=64)),
                ('day', models.DateField()),
                ('points', models.DecimalField(decimal_places=6, max_digits=30)),
                ('requests', models.IntegerField()),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
            ],
            options={
                'verbose_name': 'use of limits',
                'verbose_name_plural': 'use of limits',
                'constraints': [models.UniqueConstraint(fields=('organisation', 'request_type', 'per', 'subject', 'day'), name='limit_use_once'), models.CheckConstraint(condition=models.Q(('points__gte', 0), ('requests__gte', 0)), name='limit_use_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='PolicyVersion',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.PositiveIntegerField(verbose_name='number')),
                ('document', models.JSONField(verbose_name='document')),
                ('note', models.CharField(blank=True, max_length=500, verbose_name='why')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('policy', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='versions', to='workflows.workflowpolicy')),
            ],
            options={
                'verbose_name': 'policy version',
                'verbose_name_plural': 'policy versions',
                'constraints': [models.UniqueConstraint(fields=('policy', 'number'), name='policy_version_once')],
            },
        ),
        migrations.AddField(
            model_name='workflowpolicy',
            name='active',
            field=models.ForeignKey(blank=True, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='workflows.policyversion', verbose_name='version in force'),
        ),
        migrations.CreateModel(
            name='WorkflowRequest',
            fields=[
                ('id', models.UUIDField(default=uuid6.uuid7, editable=False, primary_key=True, serialize=False)),
                ('request_type', models.CharField(max_length=40, verbose_name='request type')),
                ('reference_id', models.CharField(max_length=255, verbose_name='reference')),
                ('idempotency_key', models.CharField(blank=True, max_length=255, null=True)),
                ('maker_name', models.CharField(max_length=254, verbose_name='maker')),
                ('source', models.CharField(choices=[('api', 'API'), ('admin', 'admin form'), ('file', 'file')], default='api', max_length=8, verbose_name='source')),
                ('state', models.CharField(choices=[('waiting', 'waiting for a checker'), ('executing', 'approved, being carried out'), ('unknown', 'called, outcome unknown'), ('credited', 'credited'), ('failed', 'failed, nothing was credited'), ('rejected', 'rejected'), ('withdrawn', 'withdrawn by the maker'), ('expired', 'expired')], max_length=12, verbose_name='state')),
                ('one_step', models.BooleanField(default=False, verbose_name='one step')),
                ('auto_approved', models.BooleanField(default=False, verbose_name='approved automatically')),
                ('till_id', models.CharField(max_length=64, verbose_name='till')),
                ('store_id', models.CharField(max_length=64, verbose_name='store')),
                ('zone_id', models.CharField(max_length=64, verbose_name='zone')),
                ('concept_id', models.CharField(max_length=64, verbose_name='concept')),
                ('customer_id', models.BigIntegerField(blank=True, null=True, verbose_name='customer')),
                ('amount', models.DecimalField(decimal_places=6, max_digits=20, null=True, verbose_name='amount')),
                ('reason', models.CharField(max_length=1000, verbose_name='reason')),
                ('payload', models.TextField(verbose_name='payload')),
                ('digest', models.CharField(max_length=64, verbose_name='digest')),
                ('secret', models.BinaryField(null=True)),
                ('correlation_id', models.CharField(max_length=64, verbose_name='correlation id')),
                ('created_at', models.DateTimeField(verbose_name='created at')),
                ('updated_at', models.DateTimeField(verbose_name='updated at')),
                ('ended_at', models.DateTimeField(blank=True, null=True, verbose_name='ended at')),
                ('result', models.TextField(blank=True, null=True, verbose_name='answer of Intouch')),
                ('last_error', models.CharField(blank=True, max_length=500, verbose_name='last error')),
                ('due_at', models.DateTimeField(blank=True, null=True, verbose_name='due at')),
                ('tries', models.PositiveIntegerField(default=0, verbose_name='tries')),
                ('lease_expires_at', models.DateTimeField(blank=True, null=True, verbose_name='lease expires at')),
                ('maker', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='maker')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
                ('target', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='workflows.intouchtarget')),
                ('money', models.DecimalField(blank=True, decimal_places=6, help_text="By the program's ratio at the time of the request.", max_digits=36, null=True, verbose_name='worth in money')),
                ('program_id', models.BigIntegerField(blank=True, null=True, verbose_name='program')),
                ('program_name', models.CharField(blank=True, max_length=200, verbose_name='program')),
                ('counted_on', models.DateField(editable=False, null=True)),
                ('expires_at', models.DateTimeField(blank=True, null=True, verbose_name='expires at')),
                ('judgement', models.JSONField(default=dict, editable=False)),
                ('rule', models.CharField(blank=True, max_length=100, verbose_name='rule')),
                ('steps', models.PositiveSmallIntegerField(default=1, verbose_name='approvals needed')),
                ('policy_version', models.ForeignKey(db_index=False, editable=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='workflows.policyversion', verbose_name='judged by')),
                ('stuck_at', models.DateTimeField(blank=True, help_text='No different people can be found for all levels that are open or still to come.', null=True, verbose_name='nobody can decide it since')),
                ('warn_at', models.DateTimeField(blank=True, null=True)),
            ],
            options={
                'verbose_name': 'workflow request',
                'verbose_name_plural': 'workflow requests',
                'ordering': ['-created_at', '-id'],
                'indexes': [models.Index(fields=['organisation', '-created_at', '-id'], name='request_newest'), models.Index(fields=['organisation', 'maker', '-created_at', '-id'], name='request_of_maker'), models.Index(fields=['organisation', 'customer_id', '-created_at', '-id'], name='request_of_customer'), models.Index(condition=models.Q(('state__in', ['executing', 'unknown'])), fields=['due_at'], name='request_queue'), models.Index(condition=models.Q(('state__in', ['executing', 'failed', 'unknown'])), fields=['organisation', 'state', 'ended_at'], name='request_unsettled'), models.Index(condition=models.Q(('state', 'credited')), fields=['organisation', 'ended_at', 'id'], name='request_credited'), models.Index(condition=models.Q(('expires_at__isnull', False), ('state', 'waiting')), fields=['expires_at'], name='request_expiring'), models.Index(condition=models.Q(('state', 'waiting'), ('warn_at__isnull', False)), fields=['warn_at'], name='request_to_warn'), models.Index(condition=models.Q(('state', 'waiting'), ('stuck_at__isnull', False)), fields=['organisation', 'stuck_at'], name='request_stuck'), models.Index(condition=models.Q(('state', 'waiting')), fields=['organisation', 'id'], name='request_waiting'), models.Index(fields=['organisation', 'concept_id'], name='request_of_concept'), models.Index(fields=['organisation', 'zone_id'], name='request_of_zone'), models.Index(fields=['organisation', 'store_id'], name='request_of_store'), models.Index(fields=['organisation', 'till_id'], name='request_of_till'), models.Index(condition=models.Q(('state', 'credited'), _negated=True), fields=['organisation', 'state', '-created_at', '-id'], name='request_not_credited')],
                'constraints': [models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'executing', 'unknown', 'credited', 'failed', 'rejected', 'withdrawn', 'expired'])), name='request_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('ended_at__isnull', False), ('state__in', ['credited', 'expired', 'failed', 'rejected', 'withdrawn'])), models.Q(models.Q(('state__in', ['credited', 'expired', 'failed', 'rejected', 'withdrawn']), _negated=True), ('ended_at', None)), _connector='OR'), name='request_ended_has_time'), models.CheckConstraint(condition=models.Q(('secret', None), models.Q(('state__in', ['credited', 'expired', 'failed', 'rejected', 'withdrawn']), _negated=True), _connector='OR'), name='request_ended_has_no_secret'), models.CheckConstraint(condition=models.Q(('state__in', ['executing', 'unknown']), models.Q(('due_at', None), ('lease_expires_at', None)), _connector='OR'), name='request_only_queued_is_due'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'executing'), _negated=True), ('due_at__isnull', False), _connector='OR'), name='request_executing_is_due'), models.CheckConstraint(condition=models.Q(('amount', None), ('amount__gt', 0), _connector='OR'), name='request_amount_positive'), models.CheckConstraint(condition=models.Q(('customer_id__gt', 0)), name='request_customer_positive'), models.UniqueConstraint(fields=('organisation', 'request_type', 'reference_id'), name='request_reference_once'), models.UniqueConstraint(condition=models.Q(('idempotency_key__isnull', False)), fields=('organisation', 'maker', 'idempotency_key'), name='request_idempotency_key_once'), models.CheckConstraint(condition=models.Q(models.Q(('auto_approved', False), ('customer_id', None), ('one_step', False), ('request_type', 'SETTINGS-CHANGE'), ('target', None)), models.Q(models.Q(('request_type', 'SETTINGS-CHANGE'), _negated=True), ('customer_id__isnull', False), ('target__isnull', False)), _connector='OR'), name='request_has_customer_and_target')],
            },
        ),
        migrations.CreateModel(
            name='IntouchCall',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('attempt', models.PositiveIntegerField(verbose_name='attempt')),
                ('purpose', models.CharField(choices=[('credit', 'credit'), ('look_up', 'look-up'), ('local', 'carried out here')], default='credit', max_length=8, verbose_name='purpose')),
                ('started_at', models.DateTimeField(verbose_name='started at')),
                ('finished_at', models.DateTimeField(null=True, verbose_name='finished at')),
                ('outcome', models.CharField(choices=[('credited', 'credited'), ('refused', 'refused: nothing was credited'), ('not_sent', 'not sent: nothing was credited'), ('unknown', 'unknown'), ('absent', 'looked up: not credited')], max_length=10, null=True, verbose_name='outcome')),
                ('http_status', models.PositiveSmallIntegerField(null=True, verbose_name='HTTP status')),
                ('error', models.CharField(blank=True, max_length=500, verbose_name='error')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
                ('request', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='calls', to='workflows.workflowrequest')),
                ('already_known', models.BooleanField(db_default=False, default=False, verbose_name='Intouch knew the reference')),
                ('is_outage', models.BooleanField(db_default=False, default=False, verbose_name='Intouch was out of reach')),
            ],
            options={
                'verbose_name': 'Intouch call',
                'verbose_name_plural': 'Intouch calls',
                'constraints': [models.UniqueConstraint(fields=('request', 'attempt'), name='call_once_per_attempt'), models.UniqueConstraint(condition=models.Q(('outcome', None)), fields=('request',), name='call_one_in_flight'), models.UniqueConstraint(condition=models.Q(('outcome', 'credited')), fields=('request',), name='call_credited_once'), models.CheckConstraint(condition=models.Q(models.Q(('finished_at', None), ('outcome', None)), models.Q(('finished_at__isnull', False), ('outcome__isnull', False)), _connector='OR'), name='call_outcome_has_time')],
            },
        ),
        migrations.CreateModel(
            name='AuditEvent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('action', models.CharField(max_length=60, verbose_name='action')),
                ('actor_name', models.CharField(max_length=254, verbose_name='by')),
                ('at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='at')),
                ('correlation_id', models.CharField(blank=True, max_length=64, verbose_name='correlation id')),
                ('details', models.JSONField(blank=True, default=dict, verbose_name='details')),
                ('actor', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
                ('request', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='events', to='workflows.workflowrequest')),
            ],
            options={
                'verbose_name': 'audit event',
                'verbose_name_plural': 'audit events',
                'indexes': [models.Index(fields=['organisation', '-id'], name='audit_newest'), models.Index(fields=['request', 'id'], name='audit_of_request')],
            },
        ),
        migrations.CreateModel(
            name='AdminTask',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('level', models.PositiveSmallIntegerField(default=1, verbose_name='level')),
                ('opened_at', models.DateTimeField(verbose_name='opened at')),
                ('decision', models.CharField(choices=[('approved', 'approved'), ('rejected', 'rejected'), ('withdrawn', 'withdrawn by the maker'), ('expired', 'expired')], max_length=10, null=True, verbose_name='decision')),
                ('checker_name', models.CharField(blank=True, max_length=254, verbose_name='checker')),
                ('decided_at', models.DateTimeField(null=True, verbose_name='decided at')),
                ('message', models.CharField(blank=True, max_length=1000, verbose_name='message')),
                ('digest', models.CharField(blank=True, max_length=64, verbose_name='digest decided on')),
                ('checker', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='checker')),
                ('maker', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('opened_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='retry asked for by')),
                ('organisation', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
                ('request', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='tasks', to='workflows.workflowrequest')),
                ('assigned_to', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='assigned to')),
                ('backup_role', models.CharField(blank=True, max_length=16)),
                ('backup_users', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None)),
                ('barred', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None)),
                ('claimed_at', models.DateTimeField(blank=True, null=True)),
                ('claimed_by', models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='being studied by')),
                ('concepts', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, default=list, size=None)),
                ('escalate_at', models.DateTimeField(blank=True, null=True)),
                ('escalated_at', models.DateTimeField(blank=True, null=True, verbose_name='escalated at')),
                ('remind_at', models.DateTimeField(blank=True, null=True)),
                ('role', models.CharField(default='checker', max_length=16, verbose_name='role')),
                ('stage', models.PositiveSmallIntegerField(default=1, verbose_name='stage')),
                ('stores', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, default=list, size=None)),
                ('tills', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, default=list, size=None)),
                ('users', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, size=None)),
                ('zones', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, default=list, size=None)),
                ('customer_id', models.BigIntegerField(blank=True, null=True, verbose_name='customer')),
                ('amount', models.DecimalField(blank=True, decimal_places=6, max_digits=20, null=True, verbose_name='amount')),
                ('money', models.DecimalField(blank=True, decimal_places=6, max_digits=36, null=True, verbose_name='worth in money')),
            ],
            options={
                'verbose_name': 'admin task',
                'verbose_name_plural': 'admin tasks',
                'indexes': [models.Index(condition=models.Q(('decision', None)), fields=['organisation', 'id'], name='task_inbox'), models.Index(fields=['organisation', '-id'], name='task_newest'), models.Index(fields=['organisation', 'maker', 'id'], name='task_of_maker'), models.Index(condition=models.Q(('decision__isnull', False)), fields=['organisation', 'decided_at', 'id'], include=('decision', 'checker', 'opened_at'), name='task_decided'), models.Index(condition=models.Q(('decision', None), ('remind_at__isnull', False)), fields=['remind_at'], name='task_to_remind'), models.Index(condition=models.Q(('decision', None), ('escalate_at__isnull', False)), fields=['escalate_at'], name='task_to_escalate'), models.Index(models.F('organisation'), django.db.models.functions.comparison.Coalesce('amount', models.Value(Decimal('0')), output_field=models.DecimalField(decimal_places=6, max_digits=36)), models.F('id'), condition=models.Q(('decision', None)), name='task_by_points'), models.Index(models.F('organisation'), django.db.models.functions.comparison.Coalesce('money', models.Value(Decimal('0')), output_field=models.DecimalField(decimal_places=6, max_digits=36)), models.F('id'), condition=models.Q(('decision', None)), name='task_by_money'), models.Index(models.F('organisation'), django.db.models.functions.comparison.Coalesce('customer_id', models.Value(0)), models.F('id'), condition=models.Q(('decision', None)), name='task_by_customer'), models.Index(condition=models.Q(('decision', None)), fields=['organisation', 'maker', 'id'], name='task_open_of_maker')],
                'constraints': [models.CheckConstraint(condition=models.Q(('checker', None), models.Q(('checker', models.F('maker')), _negated=True), _connector='OR'), name='task_maker_is_not_checker'), models.CheckConstraint(condition=models.Q(('checker', None), ('opened_by', None), models.Q(('checker', models.F('opened_by')), _negated=True), _connector='OR'), name='task_opener_is_not_checker'), models.CheckConstraint(condition=models.Q(models.Q(('checker', None), ('decided_at', None), ('decision', None)), models.Q(('checker__isnull', False), ('decided_at__isnull', False), ('decision__in', ('approved', 'rejected')), ('decision__isnull', False)), models.Q(('checker', None), ('decided_at__isnull', False), ('decision__in', ('withdrawn', 'expired')), ('decision__isnull', False)), _connector='OR'), name='task_undecided_has_no_checker'), models.CheckConstraint(condition=models.Q(models.Q(('decision__in', ('approved', 'rejected')), _negated=True), models.Q(models.Q(('message', ''), _negated=True), models.Q(('digest', ''), _negated=True)), _connector='OR'), name='task_decision_has_message_and_digest'), models.UniqueConstraint(fields=('request', 'level'), name='task_once_per_level'), models.UniqueConstraint(condition=models.Q(('decision', None)), fields=('request',), name='task_one_open_per_request'), models.UniqueConstraint(condition=models.Q(('checker__isnull', False), ('opened_by', None)), fields=('request', 'checker'), name='task_one_per_checker'), models.CheckConstraint(condition=models.Q(models.Q(('claimed_at', None), ('claimed_by', None)), models.Q(('claimed_at__isnull', False), ('claimed_by__isnull', False)), _connector='OR'), name='task_claim_has_time')],
            },
        ),
        migrations.CreateModel(
            name='Delivery',
            fields=[
            ],
            options={
                'verbose_name': 'delivery',
                'verbose_name_plural': 'deliveries',
                'proxy': True,
                'indexes': [],
                'constraints': [],
            },
            bases=('workflows.workflowrequest',),
        ),
        migrations.CreateModel(
            name='BulkItem',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(max_length=64, verbose_name='digest chosen')),
                ('outcome', models.CharField(choices=[('decided', 'decided'), ('refused', 'not decided'), ('left_out', 'left out')], max_length=8, null=True, verbose_name='outcome')),
                ('sentence', models.CharField(blank=True, max_length=1000, verbose_name='what happened')),
                ('at', models.DateTimeField(null=True, verbose_name='at')),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='workflows.workflowrequest')),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='workflows.admintask')),
                ('run', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='items', to='workflows.bulkrun')),
            ],
            options={
                'verbose_name': 'item of a bulk decision',
                'verbose_name_plural': 'items of a bulk decision',
                'indexes': [models.Index(condition=models.Q(('outcome', None)), fields=['run', 'id'], name='bulk_item_open')],
                'constraints': [models.UniqueConstraint(fields=('run', 'task'), name='bulk_item_once'), models.CheckConstraint(condition=models.Q(models.Q(('at', None), ('outcome', None)), models.Q(('at__isnull', False), ('outcome__in', ['decided', 'refused', 'left_out']), ('outcome__isnull', False)), _connector='OR'), name='bulk_item_outcome_has_time')],
            },
        ),
        migrations.CreateModel(
            name='Notice',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('waiting', 'a request waits'), ('outcome', 'a request has ended'), ('reminder', 'a request still waits'), ('backup', 'a request has waited too long; others may decide it as well'), ('expiring', 'a request will expire'), ('stuck', 'nobody can decide a request')], max_length=8)),
                ('due_at', models.DateTimeField()),
                ('tries', models.PositiveSmallIntegerField(default=0)),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.organisation')),
                ('recipient', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('request', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='workflows.workflowrequest')),
                ('address', models.CharField(blank=True, db_default='', default='', max_length=254)),
            ],
            options={
                'verbose_name': 'notice',
                'verbose_name_plural': 'notices',
                'indexes': [models.Index(fields=['due_at', 'id'], name='notice_queue')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('recipient__isnull', False)), fields=('organisation', 'recipient', 'request', 'kind'), name='notice_once_per_recipient'), models.UniqueConstraint(condition=models.Q(('address', ''), _negated=True), fields=('organisation', 'address', 'request', 'kind'), name='notice_once_per_address'), models.CheckConstraint(condition=models.Q(('recipient', None), ('address', ''), _connector='OR'), name='notice_to_one')],
            },
        ),
        migrations.CreateModel(
            name='PolicyDraft',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('document', models.JSONField(blank=True, default=dict, verbose_name='document')),
                ('updated_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='updated at')),
                ('replay', models.JSONField(blank=True, editable=False, null=True)),
                ('replay_asked_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('author', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL, verbose_name='author')),
                ('policy', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='drafts', to='workflows.workflowpolicy')),
                ('replay_lease_expires_at', models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                'verbose_name': 'policy draft',
                'verbose_name_plural': 'policy drafts',
                'constraints': [models.UniqueConstraint(fields=('policy', 'author'), name='policy_draft_once')],
            },
        ),
        # Not valid, as in databases of before, which may keep versions that ask nobody: they are judged, and refuse.
        AddConstraintNotValid(
            model_name='policyversion',
            constraint=models.CheckConstraint(
                condition=~_asks_nobody('$.default') & ~_asks_nobody('$.rules[*].then'),
                name='policy_version_asks_somebody',
            ),
        ),
        *_guards.OPERATIONS,
    ]
