"""Keys change without losing a credential, and a worker without a key does not start."""

from __future__ import annotations

import pytest
from celery.signals import worker_init
from django.core.checks import run_checks
from django.core.management import call_command

from accounts import second_factor
from config.celery import app
from tests.workflows.journeys import attempt
from wire import secrets
from wire.secrets import SecretUnreadable
from workflows import key_rotation, set_up
from workflows.bindings import secret_binding
from workflows.models import WorkflowRequest
from workflows.states import State

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


def test_seeds_of_second_factors_are_sealed_anew_too(house, settings):
    settings.FIELD_ENCRYPTION_KEYS = OLD
    device = second_factor.begin_set_up(house.checker)
    seed = device.bin_key
    settings.FIELD_ENCRYPTION_KEYS = {**NEW, **OLD}
    assert key_rotation.stored_key_ids() == {"old"}
    assert key_rotation.rotate() == 1
    assert (key_rotation.stored_key_ids(), key_rotation.rotate()) == ({"new"}, 0)
    settings.FIELD_ENCRYPTION_KEYS = NEW
    assert second_factor.begin_set_up(house.checker).bin_key == seed


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


def test_a_worker_that_was_not_restarted_yet_leaves_the_request_to_one_that_was(calling_house, settings):
    settings.FIELD_ENCRYPTION_KEYS = {**NEW, **OLD}
    request = calling_house.approve(calling_house.submit())
    settings.FIELD_ENCRYPTION_KEYS = OLD
    request = attempt(request)
    assert (request.state, request.secret is None) == (State.EXECUTING, False)
    settings.FIELD_ENCRYPTION_KEYS = {**NEW, **OLD}
    assert attempt(request).state == State.CREDITED
