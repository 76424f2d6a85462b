"""What the house asks of its code. Each check has a twin that shows it catching a planted violation."""

from __future__ import annotations

import base64
import re
import subprocess

import pytest
from django.apps import apps

from tests.architecture.house_rules import PERSONAL, ROOT, RULES, lengths_of_functions, modules
from workflows.migrations import _guards
from workflows.states import TRANSITIONS

PLANTED = {
    "state has one writer": [
        "request.state = State.CREDITED",
        "task.decision: str = 'approved'",
        "WorkflowRequest.objects.filter(pk=1).update(state='credited', tries=2)",
        "setattr(request, 'state', 'credited')",
    ],
    "requests have one maker": [
        "WorkflowRequest(state='waiting').save()",
        "WorkflowRequest.objects.create(id=1)",
        "WorkflowRequest.objects.filter(id=1).get_or_create(id=1)",
        "models.WorkflowRequest.objects.bulk_create([])",
    ],
    "nothing is marked safe": ["from django.utils.safestring import mark_safe", "html.mark_safe('<b>')"],
    "messages leave by one door": ["execute.delay('x')", "tasks.execute.apply_async(args=())"],
    "what follows a commit is bound at once": [
        "transaction.on_commit(lambda: publish(i))",
        "on_commit(publish, robust=True)",
    ],
    "connections leave by one door": ["import requests", "from urllib3.util import Retry", "import httpx as client"],
    "log lines hold no secret": [
        "logger.info(f'sent {value}')",
        "logger.warning('refused: %s', request.secret)",
        "logger.error('no', extra={'value': secret.value})",
    ],
    "pages and endpoints begin with an actor": [
        "WorkflowRequest.objects.filter(organisation=1)",
        "models.SavedView.objects.all()",
        "manager = model._default_manager",
        "models.Pause._base_manager.all()",
        "row = get_object_or_404(AdminTask, pk=1)",
        "from django.db import DataError, connection",
    ],
}
HARMLESS = {
    "state has one writer": "WorkflowRequest.objects.filter(state='waiting').update(tries=2, lease_expires_at=None)",
    "requests have one maker": "WorkflowRequest.objects.filter(pk=1).update(tries=1)",
    "nothing is marked safe": "format_html('<b>{}</b>', name)",
    "messages leave by one door": "queue.publish([1])",
    "what follows a commit is bound at once": "transaction.on_commit(partial(publish, [1]), robust=True)",
    "connections leave by one door": "from workflows.intouch import client",
    "log lines hold no secret": "logger.warning('the broker took no message (%s)', type(error).__name__)",
    "pages and endpoints begin with an actor": "list(row.tasks.all()) + list(requests_of(actor)) + SavedView.objects.x",
}


@pytest.mark.parametrize("name", RULES)
def test_the_house_keeps_its_rule(name: str) -> None:
    assert [problem for path, source in modules() for problem in RULES[name].problems(path, source)] == []


@pytest.mark.parametrize(("name", "line"), [(name, line) for name, lines in PLANTED.items() for line in lines])
def test_the_rule_catches_a_planted_violation(name: str, line: str) -> None:
    assert RULES[name].problems(RULES[name].example, line)


@pytest.mark.parametrize("name", RULES)
def test_the_rule_lets_a_harmless_line_pass(name: str) -> None:
    assert RULES[name].problems(RULES[name].example, HARMLESS[name]) == []


def test_an_exempt_module_does_use_what_it_is_exempt_from() -> None:
    """An exemption that nobody needs any more would hide the next violation."""
    for name, rule in RULES.items():
        for prefix in rule.allowed:
            sources = [source for path, source in modules() if path.startswith(prefix)]
            assert any(rule.problems(rule.example, source) for source in sources), f"{name}: {prefix}"


def test_rows_of_one_person_belong_to_no_organisation() -> None:
    models = {model.__name__: model for model in apps.get_models()}
    for name in PERSONAL & set(models):
        assert {"organisation", "request", "target"}.isdisjoint(field.name for field in models[name]._meta.get_fields())


def test_a_rule_for_some_packages_holds_for_modules_that_exist() -> None:
    for name, rule in RULES.items():
        covered = [path for path, _ in modules() if path.startswith(rule.within)]
        assert len(covered) > 20, name


def _moves_of_the_trigger(text: str) -> set[tuple[str, str]]:
    return set(re.findall(r"'([a-z]+)>([a-z]+)'", text))


def test_the_trigger_knows_the_very_moves_of_the_state_machine() -> None:
    moves = {
        (before.value, after.value)
        for before, targets in TRANSITIONS.items()
        if before is not None
        for after in targets
    }
    assert len(moves) > 5
    assert _moves_of_the_trigger(_guards.FUNCTIONS) == moves
    assert _moves_of_the_trigger(_guards.FUNCTIONS.replace("'failed>waiting'", "")) != moves


def _tracked() -> list[tuple[str, str]]:
    """Path and text of every file of the repository that is text."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found = []
    for name in filter(None, listed.split("\0")):
        path = ROOT / name
        if path.is_file() and not name.startswith("requirements"):
            text = path.read_bytes()
            if b"\0" not in text:
                found.append((name, text.decode("utf-8", "replace")))
    return found


MACHINE_PATH = re.compile(r"(?<![\w.$}>~])/(?:work|root|home|Users)/[\w.]")


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    files = _tracked()
    assert len(files) > 100
    assert [name for name, text in files if MACHINE_PATH.search(text)] == []
    assert MACHINE_PATH.search("see /" + "root/project/x.py")


BASIC = re.compile(r"\bBasic ([A-Za-z0-9+/]{8,}={0,2})")


def _real_looking_credentials(text: str) -> list[str]:
    """Basic credentials with a long secret that holds a digit, as generated ones and hashes do."""
    found = []
    for encoded in BASIC.findall(text):
        try:
            _, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            continue
        if len(secret) >= 12 and re.search(r"[0-9]", secret):
            found.append(encoded)
    return found


def test_no_file_holds_a_credential_that_may_be_real() -> None:
    assert {name: found for name, text in _tracked() if (found := _real_looking_credentials(text))} == {}
    assert _real_looking_credentials("Basic " + base64.b64encode(b"tom:9f8e7d6c5b4a3928").decode())
    assert not _real_looking_credentials("Basic ZmFrZTpmYWtl")


def test_nine_in_ten_functions_are_short() -> None:
    lengths = sorted(lengths_of_functions())
    assert len(lengths) > 300
    assert lengths[len(lengths) * 9 // 10][0] < 30
    assert [place for length, place in lengths if length > 60] == []


def test_modules_are_named_for_what_they_do() -> None:
    vague = {"utils.py", "helpers.py", "common.py", "misc.py", "util.py"}
    assert [path for path, _ in modules() if path.rpartition("/")[2] in vague] == []
