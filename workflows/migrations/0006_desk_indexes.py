"""Indexes for the desk, built while the service goes on."""

import django.db.models.functions.comparison
from decimal import Decimal
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False  # an index that is built concurrently cannot be in a transaction

    dependencies = [
        ('workflows', '0005_desk_lists'),
    ]

    operations = [
        AddIndexConcurrently(
            model_name='admintask',
            index=models.Index(fields=['organisation', 'maker', 'id'], name='task_of_maker'),
        ),
        AddIndexConcurrently(
            model_name='admintask',
            index=models.Index(condition=models.Q(('decision__isnull', False)), fields=['organisation', 'decided_at', 'id'], include=('decision', 'checker', 'opened_at'), name='task_decided'),
        ),
        AddIndexConcurrently(
            model_name='workflowrequest',
            index=models.Index(models.F('organisation'), django.db.models.functions.comparison.Coalesce('amount', models.Value(Decimal('0')), output_field=models.DecimalField(decimal_places=6, max_digits=36)), models.F('id'), condition=models.Q(('state', 'waiting')), name='request_waiting_points'),
        ),
        AddIndexConcurrently(
            model_name='workflowrequest',
            index=models.Index(models.F('organisation'), django.db.models.functions.comparison.Coalesce('money', models.Value(Decimal('0')), output_field=models.DecimalField(decimal_places=6, max_digits=36)), models.F('id'), condition=models.Q(('state', 'waiting')), name='request_waiting_money'),
        ),
        AddIndexConcurrently(
            model_name='workflowrequest',
            index=models.Index(condition=models.Q(('state', 'waiting')), fields=['organisation', 'customer_id', 'id'], name='request_waiting_customer'),
        ),
        AddIndexConcurrently(
            model_name='workflowrequest',
            index=models.Index(condition=models.Q(('state__in', ['executing', 'failed', 'unknown'])), fields=['organisation', 'state', 'ended_at'], name='request_unsettled'),
        ),
        AddIndexConcurrently(
            model_name='workflowrequest',
            index=models.Index(condition=models.Q(('state', 'credited')), fields=['organisation', 'ended_at', 'id'], name='request_credited'),
        ),
    ]
