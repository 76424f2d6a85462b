"""The OpenAPI description is an artefact like any other: valid, complete, and true."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, resolve
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.api.gateway import Answer, Gateway, decision_body, gateway_of
from tests.api.test_seeds import seed
from tests.architecture.described import Description, read_description
from tests.house import House
from wire import strict_json
from workflows import execution, registry
from workflows.intouch.outcomes import Outcome
from workflows.models import CallOutcome

# Pages, and Django views of a library that follow a standard of their own.
NOT_DESCRIBED = {"home", "schema", "docs", "healthz", "readyz", "metrics", "oauth2-token", "oauth2-revoke-token"}
SAMPLES = {"request_type": "GOODWILL-POINTS", "request_id": "0198f0c2-6f5e-7b3a-9c41-2f1d7a6be0aa", "customer_id": "7"}


@pytest.fixture(scope="module")
def description() -> Description:
    return read_description()


def _faults(document: dict[str, Any]) -> list[str]:
    return [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]


def test_the_description_is_valid_openapi_3_1(description: Description) -> None:
    assert description.document["openapi"].startswith("3.1.")
    assert _faults(description.document) == []


def test_the_validator_sees_a_planted_fault(description: Description) -> None:
    broken = copy.deepcopy(description.document)
    del broken["paths"]["/auth/ui-token"]["post"]["responses"]
    broken["paths"]["/auth/ui-token"]["post"]["parameters"] = [{"name": "x", "in": "nowhere"}]
    assert _faults(broken)


def _names(patterns: list[Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for pattern in patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield route, pattern
        elif isinstance(pattern, URLResolver):
            yield from _names(pattern.url_patterns, route)


def _methods(callback: Any) -> set[str]:
    """The methods that a DRF view answers to."""
    if hasattr(callback, "actions"):
        return set(callback.actions) - {"head"}
    return {name for name in ("get", "post", "put", "patch", "delete") if hasattr(callback.cls, name)}


def test_every_address_of_the_api_is_described(description: Description) -> None:
    described: dict[str | None, set[str]] = {}
    for operation in description.operations():
        match = resolve(re.sub(r"\{(\w+)\}", lambda found: SAMPLES[found[1]], operation.path))
        described.setdefault(match.url_name, set()).add(operation.method)
    found = [p for route, p in _names(get_resolver().url_patterns) if not route.startswith("admin/")]
    addresses = {p.name: _methods(p.callback) for p in found if p.name not in NOT_DESCRIBED}
    assert described == addresses
    assert {p.name for p in found} >= NOT_DESCRIBED


def test_addresses_are_shown_as_clients_write_them(description: Description) -> None:
    paths = list(description.document["paths"])
    assert paths
    for path in paths:
        assert re.fullmatch(r"(?:/(?:[A-Za-z0-9_-]+|\{[a-z_]+\}))+", path), path


def test_every_operation_says_what_it_does_and_how_it_refuses(description: Description) -> None:
    tags = {tag["name"] for tag in description.document["tags"]}
    identifiers = []
    for operation in description.operations():
        content = operation.content
        identifiers.append(content["operationId"])
        assert content["summary"], operation.name
        assert content["description"], operation.name
        assert set(content["tags"]) <= tags, operation.name
        assert {"200", "401", "429", "500", "503"} <= set(content["responses"]), operation.name
        assert all(parameter["description"] for parameter in content["parameters"]), operation.name
        for status, response in content["responses"].items():
            assert response["description"], f"{operation.name} {status}"
            assert response["headers"]["X-CAP-REQUEST-ID"], f"{operation.name} {status}"
            assert response["content"]["application/json"]["examples"], f"{operation.name} {status}"
    assert len(identifiers) == len(set(identifiers))


def test_every_refusal_names_its_codes_and_shows_each(description: Description) -> None:
    for operation in description.operations():
        for status, response in operation.content["responses"].items():
            if status == "200":
                continue
            named = {int(code) for code in re.findall(r"^\* `(\d+)`", response["description"], re.M)}
            examples = response["content"]["application/json"]["examples"].values()
            shown = {item["code"] for example in examples for item in example["value"]["errors"]}
            assert named, f"{operation.name} {status}"
            assert named == shown, f"{operation.name} {status}"


def test_the_request_types_are_the_registered_ones(description: Description) -> None:
    slugs = [item.slug for item in registry.of_clients()]
    decided = [item.slug for item in registry.all_types()]
    for operation_id, known in (("submit_request", slugs), ("decide_request", decided)):
        [parameter] = [p for p in description.operation(operation_id)["parameters"] if p["in"] == "path"]
        assert parameter["schema"]["enum"] == known
    assert "SETTINGS-CHANGE" in set(decided) - set(slugs)
    bodies = description.document["components"]["schemas"]["SubmissionBody"]
    assert len(bodies.get("oneOf", [bodies])) == len(slugs)


@pytest.mark.parametrize("scheme", ["basic", "oauth2", "oauthHeader", "uiToken"])
def test_a_request_can_be_submitted_with_each_credential(description: Description, scheme: str) -> None:
    assert any(list(way) == [scheme] for way in description.operation("submit_request")["security"])
    assert scheme in description.document["components"]["securitySchemes"]


def test_a_token_is_asked_for_without_one(description: Description) -> None:
    assert "security" not in description.operation("generate_oauth_token")
    assert "security" not in description.operation("issue_ui_token")


def test_every_example_is_valid_by_its_own_schema(description: Description) -> None:
    examples = list(description.examples())
    assert len(examples) > 50
    wrong = {
        place: problems for place, value, schema in examples if (problems := description.problems_of(value, schema))
    }
    assert wrong == {}


def test_the_check_of_examples_sees_an_undescribed_key(description: Description) -> None:
    _, value, schema = next(item for item in description.examples() if "submit_request" not in item[0])
    assert description.problems_of({**value, "colour": "red"}, schema)


def test_the_examples_are_the_incumbents_own(description: Description) -> None:
    operation = description.operation("submit_request")
    request = operation["requestBody"]["content"]["application/json"]["examples"]["GOODWILL-POINTS"]["value"]
    answer = operation["responses"]["200"]["content"]["application/json"]["examples"]["GOODWILL-POINTS"]["value"]
    history = description.operation("list_goodwill_history")["responses"]["200"]["content"]["application/json"]
    ours = {"requestId", "startTimeUtc", "endTimeUtc"}

    assert request == _plain(seed("submit_request"))
    assert {name: value for name, value in answer["data"].items() if name not in ours} == {
        name: value for name, value in _plain(seed("submit_response"))["data"].items() if name not in ours
    }
    assert history["examples"]["History"]["value"] == _plain(seed("history_response"))


def _plain(value: Any) -> Any:
    """Decimals as floats, as the description's parser reads them."""
    return json.loads(strict_json.dumps(value))


@pytest.fixture
def story(house: House, description: Description) -> Story:
    return Story(house, description)


class Story:
    """Asks the API and holds every answer against the description."""

    def __init__(self, house: House, description: Description) -> None:
        self.maker: Gateway = gateway_of(house)
        self.checker: Gateway = gateway_of(house, house.checker)
        self._description = description

    def check(self, operation_id: str, status: int, answer: Answer) -> Any:
        body = json.loads(answer.text)
        assert answer.status == status, answer.text
        assert self._description.problems_of_answer(operation_id, status, body) == []
        headers = self._description.operation(operation_id)["responses"][str(status)]["headers"]
        assert {name for name in ("ETag", "Idempotent-Replay", "Retry-After") if name in answer.headers} <= set(headers)
        return body

    def submitted(self, **changes: Any) -> Any:
        body = self.maker.house.body(**changes)
        assert self._description.problems_of(body, {"$ref": "#/components/schemas/SubmissionBody"}) == []
        return self.check("submit_request", 200, self.maker.submit(body))["data"]


def test_the_answers_of_a_story_that_ends_well_are_as_described(story: Story) -> None:
    request_id = story.submitted()["requestId"]
    checker = story.checker.having(Prefer="respond-async")

    story.check("decide_request", 200, checker.decide(request_id))
    _credit(request_id)

    assert story.check("get_request", 200, story.maker.show(request_id))["data"]["state"] == "approved"
    assert len(story.check("list_requests", 200, story.maker.list())["data"]) == 1
    assert len(story.check("list_goodwill_history_of_customer", 200, story.maker.history())["data"]) == 1


def _credit(request_id: str) -> None:
    claim = execution.claim_due(request_id)  # type: ignore[arg-type]
    assert claim is not None
    shown = {"status": 201, "headers": {"Server": ["x"]}, "body": {"createdId": 38, "warnings": []}}
    execution.record(claim, Outcome(CallOutcome.CREDITED, http_status=201, shown=shown))


def test_the_answers_of_a_story_that_ends_badly_are_as_described(story: Story) -> None:
    request_id = story.submitted()["requestId"]

    story.check("decide_request", 403, story.maker.decide(request_id))
    story.check("decide_request", 412, story.checker.having(If_Match='"other"').decide(request_id))
    story.check("decide_request", 200, story.checker.decide(request_id, "rejected"))
    story.check("decide_request", 409, story.checker.decide(request_id))

    assert story.check("get_request", 200, story.maker.show(request_id))["data"]["state"] == "rejected"
    story.check("list_goodwill_history_of_customer", 404, story.maker.history(8))


def test_refusals_are_as_described(story: Story) -> None:
    wrong = story.maker.house.body(points=-1, programId=1, reason="")
    unknown = "0198f0c2-6f5e-7b3a-9c41-2f1d7a6be0aa"

    assert len(story.check("submit_request", 400, story.maker.submit(wrong))["errors"]) == 3
    story.check("submit_request", 400, story.maker.submit(b'{"a": 1, "a": 2}'))
    story.check("submit_request", 415, story.maker.submit(b"x", content_type="text/plain"))
    story.check("submit_request", 401, story.maker.having(Authorization=None).submit())
    story.check("submit_request", 403, story.checker.submit())
    story.check("decide_request", 404, story.checker.decide(unknown))
    story.check("get_request", 404, story.maker.show(unknown))
    story.check("list_requests", 400, story.maker.list("colour=red&sortBy=points"))


def test_tokens_are_as_described(story: Story, house: House) -> None:
    asked = {"username": house.maker.username, "password": "a-password-of-a-test", "orgId": house.organisation.pk}

    story.check("issue_ui_token", 200, story.maker.call("POST", "/auth/ui-token", asked))
    story.check("issue_ui_token", 401, story.maker.call("POST", "/auth/ui-token", {**asked, "password": "wrong"}))
    story.check("generate_oauth_token", 400, story.maker.call("POST", "/v3/oauth/token/generate", {}))
    story.check("revoke_ui_tokens", 200, story.maker.call("POST", "/auth/ui-token/revoke"))


def test_a_body_that_is_not_described_is_refused(story: Story) -> None:
    """The twin of the story: what the description forbids, the service does not take."""
    body = {**story.maker.house.body(), "colour": "red"}
    assert story._description.problems_of(body, {"$ref": "#/components/schemas/SubmissionBody"})
    story.check("submit_request", 400, story.maker.submit(body))


def test_the_page_of_the_api_runs_without_inline_scripts_and_foreign_hosts() -> None:
    response = Client().get("/api/docs/")
    page = response.content.decode()

    assert response.status_code == 200
    assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", page) == []
    sources = re.findall(r"(?:src|href)=\"([^\"]+)\"", page)
    assert len(sources) >= 5
    assert all(source.startswith("/") for source in sources)
    assert "unsafe" not in response.headers["Content-Security-Policy"]


def test_the_decision_body_of_the_tests_is_the_described_one(description: Description) -> None:
    schema = description.operation("decide_request")["requestBody"]["content"]["application/json"]["schema"]
    assert description.problems_of(decision_body("x"), schema) == []
