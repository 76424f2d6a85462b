"""Keys change without losing a credential, and a worker without a key does not start."""

from __future__ import annotations

import pytest
from celery.signals import worker_init
from django.core.checks import run_checks
from django.core.management import call_command

from config.celery import app
from workflows import key_rotation, secrets, set_up
from workflows.models import WorkflowRequest
from workflows.secrets import SecretUnreadable, secret_binding

OLD, NEW = {"old": b"o" * 32}, {"new": b"n" * 32}


@pytest.fixture
def waiting(house, settings) -> WorkflowRequest:
    settings.FIELD_ENCRYPTION_KEYS = OLD
    set_up.allow_target(
        organisation=house.organisation, origin=house.target.origin, base_url=house.target.base_url,
        credential="Basic b3duOm93bg==",
    )  # fmt: skip
    return house.submit()


def test_rotation_seals_everything_under_the_first_key(waiting, settings):
    settings.FIELD_ENCRYPTION_KEYS = {**NEW, **OLD}
    assert key_rotation.stored_key_ids() == {"old"}
    assert key_rotation.rotate() == 2
    assert key_rotation.stored_key_ids() == {"new"}
    settings.FIELD_ENCRYPTION_KEYS = NEW
    waiting.refresh_from_db()
    assert secrets.decrypt(bytes(waiting.secret), secret_binding(waiting.pk)).value == "Basic ZmFrZTpmYWtl"


def test_a_second_rotation_changes_nothing(waiting, settings):
    settings.FIELD_ENCRYPTION_KEYS = {**NEW, **OLD}
    key_rotation.rotate()
    sealed = bytes(WorkflowRequest.objects.get().secret)
    assert key_rotation.rotate() == 0
    assert bytes(WorkflowRequest.objects.get().secret) == sealed


def test_rotation_without_the_old_key_raises_and_changes_nothing(waiting, settings):
    settings.FIELD_ENCRYPTION_KEYS = NEW
    with pytest.raises(SecretUnreadable):
        key_rotation.rotate()
    assert key_rotation.stored_key_ids() == {"old"}


def test_the_start_up_check_names_the_missing_key(waiting, settings):
    assert [error.id for error in run_checks(databases=["default"]) if error.id == "workflows.E004"] == []
    settings.FIELD_ENCRYPTION_KEYS = NEW
    (error,) = [error for error in run_checks(databases=["default"]) if error.id == "workflows.E004"]
    assert "old" in error.msg


def test_a_worker_without_the_key_does_not_start(waiting, settings):
    settings.FIELD_ENCRYPTION_KEYS = NEW
    with pytest.raises(SystemExit, match="old"):
        worker_init.send(sender=app)


def test_the_command_tells_which_keys_are_in_use(waiting, settings, capsys):
    settings.FIELD_ENCRYPTION_KEYS = {**NEW, **OLD}
    call_command("rotate_secrets", "--dry-run")
    call_command("rotate_secrets")
    assert capsys.readouterr().out.splitlines()[-1] == "keys in use: new"
