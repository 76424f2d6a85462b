"""E1 to E4: parse, call one service, show."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ViewSet

from accounts.actors import Actor
from accounts.api.authentication import actor_of, fresh_proof_of
from accounts.replica import reads_from
from wire.bodies import read_body
from wire.errors import MalformedBody, Problem
from wire.pages import NumberedPages
from wire.secrets import Secret
from workflows import policies, registry, selectors, services, submitting
from workflows.api import schema
from workflows.api.bodies import DecisionBody
from workflows.api.filters import RequestFilter
from workflows.api.presenters import present, warnings_of
from workflows.api.previews import present_preview
from workflows.errors import InvalidPayload, RequestNotFound, WrongAction
from workflows.models import Decision, WorkflowRequest
from workflows.rules import previews
from workflows.submission import as_sent, read_submission
from workflows.waiting import MOST_SECONDS, waiters

MAX_IDEMPOTENCY_KEY = 255


class RequestWorkflowViewSet(ViewSet):
    """The request-workflow gateway."""

    @schema.submit
    def create(self, request: Request, request_type: str) -> Response:
        actor = actor_of(request, header_required=True)
        policies.check_may_make(actor)
        one_step = _one_step(request)
        submitted, secret = _taken(request, actor, request_type, one_step)
        data = present(submitted.request, secret=secret, is_new=not submitted.replayed)
        headers = {"Idempotent-Replay": "true"} if submitted.replayed else {}
        return _one(submitted.request, headers, data=data)

    @schema.preview
    def preview(self, request: Request, request_type: str) -> Response:
        actor = actor_of(request, header_required=True)
        policies.check_may_make(actor)
        one_step = _one_step(request)
        submission = read_submission(request.data, organisation=actor.organisation, slug=request_type)
        found = previews.preview(actor=actor, submission=submission, one_step=one_step)
        return Response({"data": present_preview(found)}, headers={"Cache-Control": "no-store"})

    @schema.decide
    def update(self, request: Request, request_type: str) -> Response:
        actor = actor_of(request, header_required=True)
        slug = registry.get(request_type).slug
        body = read_body(DecisionBody, request.data)
        if body.action_name.lower() != "admintask":
            raise WrongAction(reference="actionName")
        request_id = _uuid(body.request_id)
        task = body.payload.task
        decision = Decision(task.action_decision)
        services.decide(
            actor=actor, request_id=request_id, decision=decision,
            message=task.action_message, digests=_if_match(request), proof=fresh_proof_of(request), slug=slug,
        )  # fmt: skip
        if decision == Decision.APPROVED:
            waiters.wait_for_end(request_id, _wait_seconds(request))
        return _one(selectors.find_request(actor, request_id))

    @schema.retrieve
    def retrieve(self, request: Request, request_id: str) -> Response:
        actor = actor_of(request, header_required=False)
        return _one(selectors.find_request(actor, _uuid(request_id)))

    @schema.listing
    def list(self, request: Request) -> Response:
        actor = actor_of(request, header_required=False)
        chosen = RequestFilter(
            request.query_params,
            queryset=selectors.requests_of(actor).using(reads_from()),
            organisation=actor.organisation,
        )
        pages = NumberedPages()
        found = pages.paginate_queryset(chosen.strict_qs, request)
        return pages.get_paginated_response([present(item) for item in found])


def _one(
    request: WorkflowRequest, headers: dict[str, str] | None = None, data: dict[str, Any] | None = None
) -> Response:
    body: dict[str, Any] = {"data": data or present(request)}
    warnings = warnings_of(request)
    if warnings:
        body["warnings"] = warnings
    return Response(body, headers={**(headers or {}), "ETag": f'"{request.digest}"', "Cache-Control": "no-store"})


def _taken(request: Request, actor: Actor, slug: str, one_step: bool) -> tuple[submitting.Submitted, Secret | None]:
    """The request of a submission, and the credential that came with it."""
    try:
        submission = read_submission(request.data, organisation=actor.organisation, slug=slug)
    except InvalidPayload:
        sent = as_sent(request.data, actor.organisation)
        before = submitting.sent_before(
            actor=actor, slug=slug, sent=sent, one_step=one_step, idempotency_key=_idempotency_key(request)
        )
        if sent is None or before is None:
            raise
        return before, sent.secret
    submitted = submitting.submit(
        actor=actor, submission=submission, one_step=one_step, idempotency_key=_idempotency_key(request)
    )
    return submitted, submission.secret


def _uuid(text: str) -> UUID:
    """A request id; what is none cannot be known either."""
    try:
        if len(text) == 36:
            return UUID(text)
    except ValueError:
        pass
    raise RequestNotFound(reference="requestId")


def _one_step(request: Request) -> bool:
    """`?is_one_step_change=true`; any other parameter of E1 is refused."""
    problems = [
        Problem(MalformedBody.code, f"{name[:80]} is not a parameter of this request.", name[:80])
        for name in request.query_params
        if name != "is_one_step_change"
    ]
    values = request.query_params.getlist("is_one_step_change")
    if len(values) > 1 or any(value not in ("true", "false", "") for value in values):
        problems.append(Problem(MalformedBody.code, "is_one_step_change must be true or false.", "is_one_step_change"))
    if problems:
        raise MalformedBody(problems=problems)
    return values == ["true"]


def _idempotency_key(request: Request) -> str | None:
    key = request.headers.get("Idempotency-Key")
    if key is not None and not (key.isascii() and key.isprintable() and 0 < len(key) <= MAX_IDEMPOTENCY_KEY):
        raise MalformedBody(
            f"Idempotency-Key must be 1 to {MAX_IDEMPOTENCY_KEY} printable ASCII characters.",
            reference="Idempotency-Key",
        )
    return key


def _if_match(request: Request) -> list[str]:
    """The digests that the client decides on; none where it takes any."""
    value = request.headers.get("If-Match", "").strip()
    if value in ("", "*"):
        return []
    # A proxy that compresses makes a tag weak (`W/`); the content is what is compared, so that makes no difference.
    return [tag.strip().removeprefix("W/").strip('"') for tag in value.split(",")]


def _wait_seconds(request: Request) -> float:
    """`Prefer: wait=n` and `respond-async` (RFC 7240); otherwise the configured time."""
    for preference in request.headers.get("Prefer", "").split(","):
        name, _, value = preference.strip().partition("=")
        if name.lower() == "respond-async":
            return 0.0
        if name.lower() == "wait" and value.isascii() and value.isdigit():
            return min(float(value[:4]), MOST_SECONDS)
    return float(settings.DECISION_WAIT_SECONDS)
