"""Rules of the house that import-linter cannot say, read off the syntax tree.

Each rule takes a parsed module and yields the lines that break it, with a hint.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "goodwill", "workflows", "accounts", "wire")

Found = Iterator[tuple[ast.AST, str]]

# What decides about money: state of a request, decision of a task.
GUARDED = {"state", "decision"}
WRITERS = {"update", "create", "get_or_create", "update_or_create", "bulk_create", "bulk_update"}
HTTP_CLIENTS = {"requests", "urllib3", "httpx", "aiohttp"}
LOGGING = {"debug", "info", "warning", "error", "exception", "critical"}
# What opens a whole table, whoever asks; and the packages that answer people and machines.
TABLE_DOORS = {"objects", "_default_manager", "_base_manager", "get_object_or_404", "get_list_or_404"}
FRONT = tuple(
    f"{app}/{part}" for app in ("accounts", "workflows", "goodwill") for part in ("api/", "admin", "maker_form")
)
# Rows of one person, found by that person; no organisation has them.
PERSONAL = {"SavedView"}
SECRET_NAMES = {"secret", "password", "token", "authorization", "credential", "key"}


@dataclass(frozen=True)
class Rule:
    """A check of one module, the modules that may do what it forbids to the others, and where it holds at all."""

    check: Callable[[ast.AST], Found]
    allowed: tuple[str, ...] = ()
    within: tuple[str, ...] = ("",)

    @property
    def example(self) -> str:
        """A path at which the rule holds."""
        return f"{self.within[0]}planted.py"

    def problems(self, path: str, source: str) -> list[str]:
        if path.startswith(self.allowed) or not path.startswith(self.within):
            return []
        return [f"{path}:{getattr(node, 'lineno', 0)}: {hint}" for node, hint in self.check(ast.parse(source))]


def modules() -> Iterator[tuple[str, str]]:
    """Every module of the project but the generated migrations, as path and source."""
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            if not path.match("migrations/0*.py"):
                yield str(path.relative_to(ROOT)), path.read_text()


def _called(node: ast.AST) -> str:
    """The last name of what is called: `update` for `X.objects.filter(...).update(...)`."""
    if not isinstance(node, ast.Call):
        return ""
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _targets(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, ast.AnnAssign | ast.AugAssign) else []


def writes_state(tree: ast.AST) -> Found:
    hint = "state and decision are written by workflows.services alone: call one of its functions"
    for node in ast.walk(tree):
        if any(isinstance(target, ast.Attribute) and target.attr in GUARDED for target in _targets(node)):
            yield node, hint
        elif isinstance(node, ast.Call):
            named = {keyword.arg for keyword in node.keywords}
            if _called(node) in WRITERS and named & GUARDED:
                yield node, hint
            if _called(node) == "setattr" and isinstance(node.args[1], ast.Constant) and node.args[1].value in GUARDED:
                yield node, hint


def makes_requests(tree: ast.AST) -> Found:
    """A request is made by `submitting.submit`: neither the class is called nor its manager told to create."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        through_manager = _called(node) in WRITERS - {"update"} and "WorkflowRequest.objects" in ast.unparse(node.func)
        if _called(node) == "WorkflowRequest" or through_manager:
            yield node, "requests are made by workflows.submitting.submit alone"


def marks_safe(tree: ast.AST) -> Found:
    for node in ast.walk(tree):
        name = getattr(node, "id", None) or getattr(node, "attr", None)
        imported = isinstance(node, ast.ImportFrom) and any(alias.name == "mark_safe" for alias in node.names)
        if name == "mark_safe" or imported:
            yield node, "use format_html with placeholders"


def sends_messages(tree: ast.AST) -> Found:
    for node in ast.walk(tree):
        if _called(node) in {"delay", "apply_async", "send_task", "delay_on_commit"} or (
            _called(node) == "publish" and isinstance(node, ast.Call) and "producer" in ast.unparse(node.func)
        ):
            yield node, "messages are sent by workflows.queue alone, after commit"


def commits_late(tree: ast.AST) -> Found:
    for node in ast.walk(tree):
        if _called(node) == "on_commit" and isinstance(node, ast.Call) and _called(node.args[0]) != "partial":
            yield node, "on_commit takes a partial: a lambda in a loop fires the last value every time"


def opens_connections(tree: ast.AST) -> Found:
    for node in ast.walk(tree):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        if any(name.partition(".")[0] in HTTP_CLIENTS for name in names):
            yield node, "outgoing HTTP is workflows.intouch's: addresses, time limits and secrets are guarded there"


def logs_loosely(tree: ast.AST) -> Found:
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and _called(node) in LOGGING and "logger" in ast.unparse(node.func)):
            continue
        if not (isinstance(node.args[0], ast.Constant) and isinstance(node.args[0].value, str)):
            yield node, "the message of a log line is a constant; values are arguments, which are redacted"
        for value in [*node.args[1:], *(keyword.value for keyword in node.keywords)]:
            names = {getattr(part, "id", None) or getattr(part, "attr", None) for part in ast.walk(value)}
            if names & SECRET_NAMES:
                yield node, "no secret is logged, not even to be redacted"


def reads_whole_tables(tree: ast.AST) -> Found:
    """Pages and endpoints begin at a function that takes an actor, at a row that is theirs, or at `get_queryset`."""
    for node in ast.walk(tree):
        name = getattr(node, "attr", None) or getattr(node, "id", None)
        if name == "objects" and getattr(getattr(node, "value", None), "id", None) in PERSONAL:
            continue
        imported = isinstance(node, ast.ImportFrom) and node.module == "django.db"
        if name in TABLE_DOORS or (imported and any(alias.name == "connection" for alias in node.names)):
            yield node, "ask a function of selectors or desk that takes an actor: it begins with their organisation"


RULES = {
    "state has one writer": Rule(writes_state, ("workflows/services.py",)),
    "requests have one maker": Rule(makes_requests, ("workflows/submitting.py",)),
    "nothing is marked safe": Rule(marks_safe),
    "messages leave by one door": Rule(sends_messages, ("workflows/queue.py",)),
    "what follows a commit is bound at once": Rule(commits_late),
    # config/run is a client of this very service, for development.
    "connections leave by one door": Rule(opens_connections, ("workflows/intouch/", "config/run/")),
    "log lines hold no secret": Rule(logs_loosely),
    # Authentication finds out who is asking: before it has, there is no actor to begin with.
    "pages and endpoints begin with an actor": Rule(reads_whole_tables, ("accounts/api/authentication.py",), FRONT),
}


def lengths_of_functions() -> list[tuple[int, str]]:
    """Lines of every function, and where it is."""
    return [
        (node.end_lineno - node.lineno + 1, f"{path}:{node.lineno} {node.name}")
        for path, source in modules()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None
    ]
