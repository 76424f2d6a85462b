"""The schema as the first six migrations made it. Generated, but for the guards; fields stand in the order of the columns."""

import accounts.models
import django.contrib.auth.models
import django.contrib.auth.validators
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
import django.db.models.functions.text
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from accounts.migrations import _guards


class Migration(migrations.Migration):

    replaces = [
        ('accounts', '0001_initial'),
        ('accounts', '0002_fresh_password'),
        ('accounts', '0003_people_of_policy'),
        ('accounts', '0004_set_up_phase'),
        ('accounts', '0006_access'),
    ]

    initial = True

    dependencies = [
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = [
        migrations.CreateModel(
            name='User',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('username', models.CharField(max_length=150, unique=True, validators=[django.contrib.auth.validators.UnicodeUsernameValidator()], verbose_name='username')),
                ('email', models.EmailField(blank=True, max_length=254, verbose_name='e-mail address')),
                ('kind', models.CharField(choices=[('person', 'person'), ('service', 'service account')], default='person', max_length=10, verbose_name='kind')),
                ('name', models.CharField(blank=True, max_length=200, verbose_name='name')),
                ('code', models.CharField(blank=True, max_length=200, verbose_name='code')),
                ('description', models.CharField(blank=True, max_length=500, verbose_name='description')),
                ('user_type', models.CharField(default='ADMIN_USER', max_length=40, verbose_name='type')),
                ('reference_id', models.BigIntegerField(default=-1, verbose_name='reference id')),
                ('admin_type', models.CharField(default='GENERAL', max_length=40, verbose_name='admin type')),
                ('is_ou_enabled', models.BooleanField(default=False, verbose_name='organisational units enabled')),
                ('time_zone_id', models.IntegerField(default=0, verbose_name='time zone id')),
                ('currency_id', models.IntegerField(default=0, verbose_name='currency id')),
                ('language_id', models.IntegerField(default=0, verbose_name='language id')),
                ('is_default', models.BooleanField(default=False, verbose_name='default')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('is_staff', models.BooleanField(default=False, verbose_name='may log in to the admin')),
                ('ui_token_version', models.PositiveIntegerField(default=0, editable=False, help_text='Counted up, every UI token of the person issued so far ends.')),
                ('date_joined', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='date joined')),
                ('access_given_by', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, editable=False, size=None)),
                ('gave_access_to', django.contrib.postgres.fields.ArrayField(base_field=models.BigIntegerField(), blank=True, default=list, editable=False, size=None)),
                ('must_choose_password', models.BooleanField(default=False, editable=False)),
                ('session_version', models.PositiveIntegerField(default=0, editable=False, help_text='Counted up, every session of the person in the admin ends.')),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'verbose_name': 'user',
                'verbose_name_plural': 'users',
                'constraints': [models.UniqueConstraint(django.db.models.functions.text.Lower('email'), condition=models.Q(('email', ''), _negated=True), name='user_email_unique'), models.CheckConstraint(condition=models.Q(('kind', 'person'), models.Q(('is_staff', False), ('is_superuser', False)), _connector='OR'), name='user_service_account_no_admin')],
            },
            managers=[
                ('objects', django.contrib.auth.models.UserManager()),
            ],
        ),
        migrations.CreateModel(
            name='Organisation',
            fields=[
                ('id', models.BigIntegerField(primary_key=True, serialize=False, verbose_name='organisation id')),
                ('name', models.CharField(max_length=200, verbose_name='name')),
                ('time_zone', models.CharField(default='UTC', help_text='The API prints naive local times in this zone, as the incumbent did.', max_length=64, validators=[accounts.models.validate_time_zone], verbose_name='time zone')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('requires_second_factor', models.BooleanField(default=False, help_text='A one-time password beside their own, in the admin and for UI tokens.', verbose_name='checkers need a second factor')),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at')),
                ('fresh_password_above', models.DecimalField(blank=True, decimal_places=6, help_text='Whoever approves a larger amount gives their password once more. Empty: never asked for.', max_digits=20, null=True, validators=[django.core.validators.MinValueValidator(0)], verbose_name='password again above')),
                ('set_up_at', models.DateTimeField(blank=True, editable=False, help_text='Since it had two administrators: from then on one proposes a change and another approves it.', null=True, verbose_name='set up at')),
            ],
            options={
                'verbose_name': 'organisation',
                'verbose_name_plural': 'organisations',
                'ordering': ['name'],
                'constraints': [models.CheckConstraint(condition=models.Q(('id__gt', 0)), name='organisation_id_positive'), models.CheckConstraint(condition=models.Q(('fresh_password_above', None), ('fresh_password_above__gte', 0), _connector='OR'), name='organisation_fresh_password_not_negative')],
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('is_maker', models.BooleanField(default=False, help_text='CanMakeRequest', verbose_name='maker')),
                ('is_checker', models.BooleanField(default=False, help_text='CanCheckRequest', verbose_name='checker')),
                ('is_auditor', models.BooleanField(default=False, verbose_name='auditor')),
                ('is_operator', models.BooleanField(default=False, help_text='Pauses, requeues and reconciles; asks for retries.', verbose_name='operator')),
                ('may_issue_in_one_step', models.BooleanField(default=False, help_text='Without a checker; every such request is audited.', verbose_name='may issue in one step')),
                ('concepts', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, default=list, help_text='Ids, separated by commas. Empty: no restriction.', size=None, verbose_name='concepts')),
                ('zones', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, default=list, help_text='Ids, separated by commas. Empty: no restriction.', size=None, verbose_name='zones')),
                ('stores', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, default=list, help_text='Ids, separated by commas. Empty: no restriction.', size=None, verbose_name='stores')),
                ('tills', django.contrib.postgres.fields.ArrayField(base_field=models.CharField(max_length=64), blank=True, default=list, help_text='Ids, separated by commas. Empty: no restriction.', size=None, verbose_name='tills')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                ('organisation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='memberships', to='accounts.organisation')),
                ('decides_up_to', models.DecimalField(blank=True, decimal_places=6, help_text='Largest amount of a request that this checker may decide. Empty: any.', max_digits=20, null=True, verbose_name='decides up to')),
                ('is_administrator', models.BooleanField(default=False, help_text="Proposes and approves changes of the organisation's settings.", verbose_name='administrator')),
                ('is_supervisor', models.BooleanField(default=False, help_text='A checker who may decide what needs one, and hands tasks over.', verbose_name='supervisor')),
            ],
            options={
                'verbose_name': 'membership',
                'verbose_name_plural': 'memberships',
                'constraints': [models.UniqueConstraint(fields=('organisation', 'user'), name='membership_once'), models.CheckConstraint(condition=models.Q(('may_issue_in_one_step', False), ('is_maker', True), _connector='OR'), name='membership_one_step_is_maker'), models.CheckConstraint(condition=models.Q(('is_supervisor', False), ('is_checker', True), _connector='OR'), name='membership_supervisor_is_checker'), models.CheckConstraint(condition=models.Q(('decides_up_to', None), ('decides_up_to__gt', 0), _connector='OR'), name='membership_decides_up_to_positive')],
            },
        ),
        migrations.CreateModel(
            name='ServiceAccountSecret',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('digest', models.CharField(editable=False, max_length=64, unique=True)),
                ('created_at', models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name='created at')),
                ('revoked_at', models.DateTimeField(blank=True, null=True, verbose_name='revoked at')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='secrets', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'service account secret',
                'verbose_name_plural': 'service account secrets',
            },
        ),
        *_guards.OPERATIONS,
    ]
