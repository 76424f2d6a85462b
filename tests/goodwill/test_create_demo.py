"""`create_demo`, without the processes around it (those are in tests/e2e)."""

from __future__ import annotations

import io
import json
import stat
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from accounts import oauth, ui_tokens
from accounts.actors import actors_of
from accounts.errors import NotAuthenticated
from accounts.hashers import digest
from accounts.models import Membership, ServiceAccountSecret, User
from accounts.set_up_phase import is_set_up
from goodwill.models import GoodwillRequest
from tests.factories import set_terms
from workflows import desk
from workflows.models import IntouchTarget, WorkflowPolicy, WorkflowRequest

CreateDemo = Callable[..., dict[str, Any]]

pytestmark = pytest.mark.django_db


@pytest.fixture
def secrets_file(tmp_path: Path) -> Path:
    return tmp_path / "demo-secrets.json"


@pytest.fixture
def create_demo(secrets_file: Path) -> CreateDemo:
    def create(*options: str, port: int = 8900) -> dict[str, Any]:
        out = io.StringIO()
        where = ["--sandbox-url", f"http://127.0.0.1:{port}", "--secrets", str(secrets_file), "--json"]
        call_command("create_demo", *where, *options, stdout=out)
        return json.loads(out.getvalue())

    return create


def proven(demo: dict[str, Any]) -> list[str]:
    """Whose credentials hold, asked where the service asks."""
    holding = [
        person["username"]
        for person in demo["people"]
        if User.objects.get(username=person["username"]).check_password(person["password"])
    ]
    secret = digest(demo["service_account"]["secret"])
    if ServiceAccountSecret.objects.filter(
        digest=secret, revoked_at=None, user__username=demo["service_account"]["username"]
    ).exists():
        holding.append("service account")
    try:
        oauth.issue_token(**demo["oauth"], address="127.0.0.1")
        holding.append("oauth client")
    except NotAuthenticated:
        pass
    return holding


ALL = ["maker", "checker", "checker2", "supervisor", "auditor", "admin", "admin2", "service account", "oauth client"]


def credentials(demo: dict[str, Any]) -> list[str]:
    passwords = [person["password"] for person in demo["people"]]
    return [*passwords, demo["service_account"]["secret"], demo["oauth"]["key"], demo["oauth"]["secret"]]


def test_every_printed_credential_holds_and_is_kept_for_its_owner_alone(
    create_demo: CreateDemo, secrets_file: Path
) -> None:
    demo = create_demo()
    assert proven(demo) == ALL
    assert ui_tokens.verify(demo["maker"]["ui_token"]).user_id == 232134
    assert ui_tokens.verify(demo["checker"]["ui_token"]).user_id == 233253
    assert stat.S_IMODE(secrets_file.stat().st_mode) == 0o600


def test_the_second_time_nothing_is_made_and_the_same_credentials_are_printed(create_demo: CreateDemo) -> None:
    first = create_demo()
    rows = [model.objects.count() for model in (User, WorkflowRequest, GoodwillRequest)]
    second = create_demo()
    assert (first["is_new"], second["is_new"]) == (True, False)
    assert (first["requests_made"], second["requests_made"]) == (44, 0)
    assert credentials(second) == credentials(first)
    assert proven(second) == ALL
    assert [model.objects.count() for model in (User, WorkflowRequest, GoodwillRequest)] == rows


def test_credentials_are_replaced_where_the_file_is_gone_or_broken(create_demo: CreateDemo, secrets_file: Path) -> None:
    last = create_demo()
    for content in (None, "", "[]", '{"maker": 1, "oauth": {}}'):
        secrets_file.unlink()
        if content is not None:
            secrets_file.write_text(content)
        renewed = create_demo()
        assert proven(renewed) == ALL, content
        assert proven(last) == [], content
        assert credentials(create_demo()) == credentials(renewed), content
        last = renewed


def test_a_file_of_another_database_is_made_true_for_people_and_replaced_for_machines(
    create_demo: CreateDemo, secrets_file: Path
) -> None:
    known = {"maker": "a-password-of-old", "demo-crm": "gws_of-old", "oauth": {"key": "old", "secret": "gws_old"}}
    secrets_file.write_text(json.dumps(known))
    demo = create_demo("--fresh")
    assert proven(demo) == ALL
    assert demo["maker"]["password"] == "a-password-of-old"
    assert demo["service_account"]["secret"] != "gws_of-old"


def test_a_new_port_moves_the_target_and_what_an_administrator_changed_stays(create_demo: CreateDemo) -> None:
    create_demo("--fresh")
    policy = WorkflowPolicy.objects.get()
    set_terms(policy, cap=7, rules=(), patience={})
    User.objects.filter(username="checker").update(name="Renamed")
    assert create_demo(port=8901)["requests_made"] == 2
    assert IntouchTarget.objects.get().base_url == "http://127.0.0.1:8901"
    policy.refresh_from_db()
    assert policy.terms.cap == 7
    assert User.objects.get(username="checker").name == "Renamed"


def test_the_organisation_is_set_up_and_its_target_moves_as_its_administrators_would_move_it(
    create_demo: CreateDemo,
) -> None:
    create_demo("--fresh")
    assert is_set_up(51250)
    create_demo(port=8901)
    move = WorkflowRequest.objects.get(request_type="SETTINGS-CHANGE")
    assert (move.maker.username, move.tasks.get().checker.username, move.state) == ("admin", "admin2", "credited")
    create_demo(port=8901)
    assert WorkflowRequest.objects.filter(request_type="SETTINGS-CHANGE").count() == 1


def test_somebody_without_rights_gets_no_ui_token_and_stops_nobody_else(create_demo: CreateDemo) -> None:
    create_demo("--fresh")
    Membership.objects.filter(user__username="maker").update(is_active=False)
    demo = create_demo()
    assert demo["maker"]["ui_token"] is None
    assert demo["checker"]["ui_token"] is not None
    assert 0 < demo["requests_made"] < 44


def test_the_varied_requests_wait_are_approved_rejected_and_withdrawn(create_demo: CreateDemo) -> None:
    create_demo()
    states = Counter(WorkflowRequest.objects.values_list("state", flat=True))
    assert states.keys() == {"waiting", "executing", "rejected", "withdrawn"}
    assert states.total() == 44
    assert WorkflowRequest.objects.values("maker").distinct().count() == 4
    assert WorkflowRequest.objects.values("customer_id").distinct().count() == 7


def test_the_varied_requests_show_every_band_and_a_limit_that_is_nearly_full(create_demo: CreateDemo) -> None:
    create_demo()
    bands = Counter(WorkflowRequest.objects.values_list("rule", flat=True))
    assert bands.keys() == {"up to 10", "up to 1,000", "default"}
    assert set(WorkflowRequest.objects.filter(rule="up to 10").values_list("auto_approved", flat=True)) == {True}
    both = [request for request in WorkflowRequest.objects.filter(steps=2) if request.tasks.count() == 2]
    assert {task.role for request in both for task in request.tasks.all()} == {"checker", "supervisor"}
    assert any(request.judgement["limits"][0]["after"] >= "1900" for request in WorkflowRequest.objects.filter(
        customer_id=382351203
    ))  # fmt: skip
    alike = WorkflowRequest.objects.filter(reference_id__in=["demo-0028", "demo-0035"])
    assert alike.values("customer_id", "amount", "reason").distinct().count() == 1


def test_a_checker_of_the_demo_has_a_list_worth_its_filters_and_finds_as_much_that_is_decided(
    create_demo: CreateDemo,
) -> None:
    create_demo()
    assert desk.waiting_for(actors_of(User.objects.get(username="checker").pk)).count() == 19
    assert WorkflowRequest.objects.exclude(state="waiting").count() >= 19


def test_a_fresh_demo_has_no_requests_and_is_refused_where_there_is_one(create_demo: CreateDemo) -> None:
    assert create_demo("--fresh")["requests_made"] == 0
    assert not WorkflowRequest.objects.exists()
    with pytest.raises(CommandError, match="has the demo organisation already"):
        create_demo("--fresh")


def test_ids_that_are_generated_come_after_the_one_of_the_imported_history(create_demo: CreateDemo) -> None:
    create_demo()
    assert GoodwillRequest.objects.order_by("id").values_list("id", flat=True)[0] == 317841
    assert GoodwillRequest.objects.filter(id__gt=317841).count() == 44
