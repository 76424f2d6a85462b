"""A preview says what a submission would meet, and leaves no trace."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.gateway import BODY, STORED, SUBMIT, Answer, Gateway, put
from tests.factories import MembershipFactory, UserFactory, set_terms
from workflows.models import WorkflowRequest
from workflows.models.policy import LimitUse

PREVIEW = f"{SUBMIT}/preview"
SUPERVISED = {"role": "supervisor"}
BANDS: dict[str, Any] = {
    "rules": [
        {"name": "never for goodwill", "when": {"reasons": ["abuse"]}, "then": {"kind": "refuse", "message": "No."}},
        {"name": "asked twice", "when": {"look_alike": True},
         "then": {"kind": "levels", "levels": [SUPERVISED]}},
        {"name": "small", "when": {"points": {"up_to": 10}}, "then": {"kind": "approve"}},
        {"name": "nobody", "when": {"points": {"over": 900}},
         "then": {"kind": "levels", "levels": [{"role": "administrator"}]}},
        {"name": "large", "when": {"points": {"over": 500}}, "then": {"kind": "levels", "levels": [{}, SUPERVISED]}},
    ],
    "limits": [
        {"name": "per customer", "per": "customer", "measure": "points", "window": "30", "most": 1500},
        {"name": "per store", "per": "store", "measure": "requests", "window": "day", "most": 40,
         "at_limit": {"role": "supervisor"}},
    ],
}  # fmt: skip


@pytest.fixture
def banded(gateway: Gateway) -> Gateway:
    supervisor = UserFactory()
    MembershipFactory(
        user=supervisor, organisation=gateway.house.organisation, is_checker=True, is_supervisor=True
    )  # fmt: skip
    set_terms(gateway.house.policy, **BANDS)
    return gateway


def _preview(gateway: Gateway, body: Any, query: str = "") -> Answer:
    return gateway.call("POST", PREVIEW, body, query=query)


def _traces() -> list[int]:
    return [model.objects.count() for model in (*STORED, LimitUse)]


requests = st.fixed_dictionaries(
    {
        "points": st.sampled_from([1, 10, 11, 100, 500, 501, 900, 901, 1400]),
        "reason": st.sampled_from(["late", "broken", "abuse"]),
        "earningEntityId": st.sampled_from([1, 2, 3, 4, 5]),
    }
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=st.lists(requests, min_size=1, max_size=6))
def test_a_preview_equals_the_outcome(banded: Gateway, asked: list[dict[str, Any]]) -> None:
    for changes in asked:
        body = banded.house.body(**changes)
        before = _traces()
        preview = _preview(banded, body)
        assert preview.status == 200
        assert _traces() == before
        submitted = banded.submit(body)
        _assert_kept(preview.data, submitted)


def _assert_kept(preview: dict[str, Any], submitted: Answer) -> None:
    if preview["outcome"] == "refuse":
        assert submitted.status in (400, 503)
        assert submitted.json["errors"] == preview["errors"]
        return
    assert (submitted.status, preview["errors"]) == (200, [])
    request = WorkflowRequest.objects.get(pk=submitted.data["requestId"])
    assert request.rule == preview["rule"]
    assert request.auto_approved == (preview["outcome"] == "approve")
    assert request.steps == sum(level["people"] for level in preview["levels"])
    assert request.judgement["look_alikes"] == preview["lookAlikes"]
    kept = {(item["name"], float(item["after"])) for item in request.judgement["limits"]}
    assert kept == {(item["name"], float(item["after"])) for item in preview["limits"]}


def test_it_shows_the_rule_its_levels_and_how_full_the_limits_are(banded: Gateway) -> None:
    banded.submit(banded.house.body(points=600, reason="first"))
    shown = _preview(banded, banded.house.body(points=700, reason="second")).data
    nobody = {"concepts": [], "zones": [], "stores": [], "tills": [], "users": [], "backup": None, "people": 1}
    assert (shown["outcome"], shown["rule"]) == ("levels", "large")
    assert shown["levels"] == [{**nobody, "role": "checker"}, {**nobody, "role": "supervisor"}]
    assert shown["limits"][0] == {
        "name": "per customer", "per": "customer", "measure": "points", "window": "30", "used": 600, "after": 1300,
        "most": 1500, "hard": True,
    }  # fmt: skip
    assert shown["limits"][1]["hard"] is False


def test_a_limit_that_would_be_passed_is_named_with_the_code_of_the_refusal(banded: Gateway) -> None:
    banded.submit(banded.house.body(points=900))
    shown = _preview(banded, banded.house.body(points=899, reason="another")).data
    assert shown["outcome"] == "refuse"
    assert [(error["code"], error["reference"]) for error in shown["errors"]] == [(2015, f"{BODY}.points")]
    assert "per customer" in shown["errors"][0]["message"]


def test_what_nobody_could_decide_is_refused_with_a_sentence(banded: Gateway) -> None:
    shown = _preview(banded, banded.house.body(points=1000)).data
    assert (shown["outcome"], shown["rule"]) == ("refuse", "nobody")
    assert "Nobody could decide" in shown["errors"][0]["message"]


def test_wrong_fields_are_refused_like_those_of_a_submission(banded: Gateway) -> None:
    wrong = put(put(banded.house.body(), f"{BODY}.points", 0), f"{BODY}.programId", 1)
    asked = _preview(banded, wrong)
    assert asked.status == 400
    assert asked.problems == banded.submit(wrong).problems


def test_a_reference_that_is_taken_is_seen(banded: Gateway) -> None:
    body = banded.house.body()
    made = banded.submit(body).data["requestId"]
    again = _preview(banded, copy.deepcopy(body)).data
    assert (again["existing"], again["outcome"], again["errors"]) == (made, "levels", [])
    other = _preview(banded, put(body, f"{BODY}.points", 21)).data
    assert (other["existing"], other["outcome"], other["errors"][0]["code"]) == (None, "refuse", 2008)


def test_one_step_needs_the_grant_and_asks_nobody(banded: Gateway) -> None:
    body = banded.house.body(points=600)
    assert _preview(banded, body, "is_one_step_change=true").status == 403
    membership = banded.house.membership(banded.house.maker)
    membership.may_issue_in_one_step = True
    membership.save()
    shown = _preview(banded, body, "is_one_step_change=true").data
    assert (shown["outcome"], shown["rule"], shown["levels"]) == ("approve", "one step", [])


def test_it_takes_a_fixed_number_of_queries(banded: Gateway) -> None:
    counts = set()
    _preview(banded, banded.house.body())  # the password is looked up once
    for _ in range(3):
        with CaptureQueriesContext(connection) as queries:
            assert _preview(banded, banded.house.body(points=600, reason="same")).status == 200
        counts.add(len(queries))
        banded.submit(banded.house.body(points=5, reason="same"))
    assert len(counts) == 1
