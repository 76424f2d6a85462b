"""The first migrations stand for those of before: databases that have them all go on, others are refused."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.core.management.base import SystemCheckError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

pytestmark = pytest.mark.django_db
OURS = {"accounts", "goodwill", "workflows"}


def planned() -> list[str]:
    executor = MigrationExecutor(connection)
    return [str(migration) for migration, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def refused() -> list[str]:
    return [error.msg for error in run_checks(databases=["default"]) if error.id == "workflows.E008"]


def test_a_database_of_before_with_all_migrations_has_nothing_to_do() -> None:
    recorder = MigrationRecorder(connection)
    first = {key: migration for key, migration in MigrationLoader(connection).replacements.items() if key[0] in OURS}
    assert {app for app, _ in first} == OURS
    for (app, name), migration in first.items():
        recorder.record_unapplied(app, name)
        assert set(migration.replaces) <= recorder.applied_migrations().keys()
    assert planned() == []
    assert refused() == []


def test_a_database_with_a_part_of_them_is_refused_by_the_name_of_what_it_lacks() -> None:
    MigrationRecorder(connection).record_unapplied("goodwill", "0004_no_index_that_nobody_reads")
    with pytest.raises(SystemCheckError, match=r"are no more: goodwill\.0004_no_index_that_nobody_reads\."):
        call_command("migrate", skip_checks=False, verbosity=0)


def test_without_the_check_it_would_be_left_as_it_is() -> None:
    MigrationRecorder(connection).record_unapplied("goodwill", "0004_no_index_that_nobody_reads")
    assert planned() == []


def test_an_empty_database_is_not_refused() -> None:
    MigrationRecorder(connection).migration_qs.all().delete()
    assert refused() == []
