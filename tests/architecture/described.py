"""The service's own OpenAPI description, as a client gets it, and checking instances against it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from django.test import Client
from jsonschema import Draft202012Validator, FormatChecker

METHODS = ("get", "put", "post", "patch", "delete")


@dataclass(frozen=True)
class Operation:
    """One method of one address."""

    path: str
    method: str
    content: dict[str, Any]

    @property
    def name(self) -> str:
        return f"{self.method.upper()} {self.path}"


@dataclass(frozen=True)
class Description:
    """The parsed document."""

    document: dict[str, Any]

    def operations(self) -> Iterator[Operation]:
        for path, item in self.document["paths"].items():
            for method in METHODS:
                if method in item:
                    yield Operation(path, method, item[method])

    def operation(self, operation_id: str) -> dict[str, Any]:
        [found] = [item.content for item in self.operations() if item.content["operationId"] == operation_id]
        return found

    def problems_of(self, instance: Any, schema: dict[str, Any]) -> list[str]:
        """What is wrong with an instance; a key that is not described is wrong too, at every depth."""
        whole = {**_closed(schema), "components": _closed(self.document["components"])}
        validator = Draft202012Validator(whole, format_checker=FormatChecker())
        return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(instance)]

    def problems_of_answer(self, operation_id: str, status: int, body: Any) -> list[str]:
        """What is wrong with an answer to this operation."""
        responses = self.operation(operation_id)["responses"]
        if str(status) not in responses:
            return [f"{operation_id} is not described to answer {status}"]
        return self.problems_of(body, responses[str(status)]["content"]["application/json"]["schema"])

    def examples(self) -> Iterator[tuple[str, Any, dict[str, Any]]]:
        """Every example of a body: where it stands, its value, its schema."""
        for operation in self.operations():
            bodies = {"request": operation.content.get("requestBody", {}), **operation.content["responses"]}
            for place, body in bodies.items():
                for media in body.get("content", {}).values():
                    for name, example in media.get("examples", {}).items():
                        yield f"{operation.name} {place} {name}", example["value"], media["schema"]


def read_description() -> Description:
    response = Client().get("/api/schema/")
    assert response.status_code == 200
    return Description(yaml.safe_load(response.content))


def _closed(node: Any) -> Any:
    """The same schema with no room for keys that it does not name."""
    if isinstance(node, list):
        return [_closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    closed = {key: _closed(item) for key, item in node.items()}
    if "properties" in node and isinstance(node["properties"], dict):
        closed.setdefault("additionalProperties", False)
    return closed
