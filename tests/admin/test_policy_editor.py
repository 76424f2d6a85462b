"""The editor of a policy: a draft in plain forms, every problem in words, nothing in force before it is put there."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.factories import MembershipFactory, UserFactory, set_terms
from workflows.admin import policy_replay
from workflows.drafting import drafts
from workflows.models import PolicyDraft, PolicyVersion, WorkflowPolicy, WorkflowRequest
from workflows.terms.document import Terms

BANDS: dict[str, Any] = {
    "rules": [
        {"name": "small", "when": {"points": {"up_to": 10}}, "then": {"kind": "approve"}},
        {"name": "middle", "when": {"points": {"over": 10, "up_to": 1000}},
         "then": {"kind": "levels", "levels": [{}]}},
    ],
}  # fmt: skip


class Desk:
    """An administrator at the pages of one policy."""

    def __init__(self, client: Any, policy: WorkflowPolicy) -> None:
        self.client = client
        self.base = f"/admin/workflows/workflowpolicy/{policy.pk}/"

    def get(self, verb: str = "change/") -> str:
        answer = self.client.get(self.base + verb)
        assert answer.status_code == 200, answer.content.decode()
        return str(answer.content.decode())

    def stamp(self) -> str:
        found = re.search(r'name="stamp" value="([^"]*)"', self.get("settings/"))
        assert found is not None
        return found[1]

    def post(self, verb: str, **values: Any) -> Any:
        return self.client.post(self.base + verb, {"stamp": self.stamp(), **values})

    def save(self, verb: str, **values: Any) -> None:
        answer = self.post(verb, **values)
        assert answer.status_code == 302, re.findall(r'field-error">.*|<li>.*?</li>', answer.content.decode())


@pytest.fixture
def administrator(house):
    person = UserFactory(username="administrator")
    MembershipFactory(user=person, organisation=house.organisation, is_administrator=True)
    return person


@pytest.fixture
def desk(at_desk, house, administrator):
    return Desk(at_desk(administrator), house.policy)


def rule(name: str, **values: Any) -> dict[str, Any]:
    """The form of a rule, as the browser sends it."""
    return {"name": name, "then-kind": "levels", "level1-people": "1", "level1-role": "checker",
            "level2-role": "checker", "level3-role": "checker"} | {
        key.replace("__", "-"): value for key, value in values.items()
    }  # fmt: skip


SETTINGS = {
    "is_enabled": "on", "cap": "10,000", "auto_approval": "off", "reconciling": "repeat", "look_alike_days": "7",
    "splitting_days": "7", "reasons_are": "free",
}  # fmt: skip


def draft_terms() -> Terms:
    return PolicyDraft.objects.get().terms


def test_the_three_bands_are_set_up_by_hand(desk, house, second_checker):
    MembershipFactory(user=UserFactory(), organisation=house.organisation, is_checker=True, is_supervisor=True)
    desk.save("rule/", **rule("small", points_up_to="10", then__kind="approve"))
    desk.save("rule/", **rule("middle", points_over="10", points_up_to="1,000"))
    desk.save("default/", **rule("", level1__people="1", level2__people="1", level2__role="supervisor"))
    desk.save("limit/", name="per customer", most="2,000", measure="points", per="customer", window="30",
              at_limit="refuse", **{"level1-role": "checker"})  # fmt: skip
    assert house.policy.versions.count() == 1
    page = desk.get("force/")
    assert "per customer" in page
    assert "up to 1,000" in page
    desk.save("force/", note="three bands", against=str(house.policy.active_id))
    house.policy.refresh_from_db()
    terms = house.policy.terms
    assert [rule.name for rule in terms.rules] == ["small", "middle"]
    assert [level.role for level in terms.default.levels] == ["checker", "supervisor"]
    assert (terms.limits[0].most, terms.limits[0].is_hard) == (2000, True)
    assert not PolicyDraft.objects.exists()
    assert house.submit(points=10).auto_approved
    assert (house.submit(points=20).rule, house.submit(points=1001).steps) == ("middle", 2)


def test_reasons_may_hold_commas(desk):
    desk.save("settings/", **SETTINGS | {"reasons_are": "listed", "reasons": "late, again\r\n\r\nlost"})
    assert draft_terms().reasons == ("late, again", "lost")
    assert "late, again\nlost</textarea>" in desk.get("settings/")
    desk.save("settings/", **SETTINGS)
    assert draft_terms().reasons is None


def test_the_request_names_the_rule_and_the_version_that_judged_it(desk, house, administrator):
    set_terms(house.policy, **BANDS)
    page = desk.client.get(f"/admin/workflows/workflowrequest/{house.submit(points=20).pk}/change/").content.decode()
    assert "Rule “middle” of version 2" in page
    assert f"/admin/workflows/workflowpolicy/{house.policy.pk}/versions/#version-2" in page


def test_a_draft_judges_nothing(desk, house):
    desk.save("settings/", **SETTINGS | {"auto_approval": "all"})
    assert draft_terms().auto_approval == "all"
    assert house.submit().auto_approved is False


def test_every_field_of_a_rule_comes_back_as_it_was_entered(desk, house):
    desk.save("rule/", **rule(
        "everything", points_over="1", points_up_to="2000", money_up_to="99.5", programs=["2739"],
        makers=house.maker.username, maker_kinds=["person", "checker"], sources=["file"], reasons="late\nlost, again",
        concepts="1", zones="2, 3", stores="4", tills="5", so_far_days="90", so_far_more_than="50",
        so_far_measure="requests", look_alike="yes", splitting="no", level1__people="2",
        level1__users=f"{house.checker.username}, {house.colleague.username}", level1__zones="2",
        level1__backup_role="supervisor", level1__backup_users=house.auditor.username,
    ))  # fmt: skip
    [made] = draft_terms().rules
    assert made.when.model_dump(mode="json", exclude_defaults=True) == {
        "points": {"over": "1", "up_to": "2000"}, "money": {"up_to": "99.5"}, "programs": [2739],
        "makers": [house.maker.pk], "maker_kinds": ["person", "checker"], "sources": ["file"],
        "concepts": ["1"], "zones": ["2", "3"], "stores": ["4"], "tills": ["5"], "reasons": ["late", "lost, again"],
        "so_far": {"days": 90, "measure": "requests", "more_than": "50"}, "look_alike": True, "splitting": False,
    }  # fmt: skip
    [level] = made.then.levels
    assert level.users == (house.checker.pk, house.colleague.pk)
    assert (level.people, level.zones, level.backup.users) == (2, ("2",), (house.auditor.pk,))
    page = desk.get("rule/?at=0")
    for shown in (house.maker.username, "lost, again", "2, 3", "99.5", f"{house.checker.username}, "):
        assert shown in page


def test_a_rule_and_a_limit_are_moved_edited_and_deleted(desk, house):
    set_terms(house.policy, **BANDS)
    desk.save("move/", part="rules", at="1", to="up")
    assert [rule.name for rule in draft_terms().rules] == ["middle", "small"]
    desk.save("move/", part="rules", at="0", to="up")
    assert [rule.name for rule in draft_terms().rules] == ["middle", "small"]
    desk.save("rule/?at=1", **rule("tiny", points_up_to="5", then__kind="refuse", then__message="Too little."))
    assert draft_terms().rules[1].then.message == "Too little."
    desk.save("drop/", part="rules", at="0")
    assert [rule.name for rule in draft_terms().rules] == ["tiny"]


def test_all_problems_are_shown_at_once_and_keep_the_draft_from_being_put_in_force(desk, house):
    desk.save("settings/", **SETTINGS | {"expire_after": "5", "remind_after": "9", "notify": "nobody"})
    desk.save("rule/", **rule("wide", points_up_to="100"))
    desk.save("rule/", **rule("never", points_up_to="50", level1__people="5"))
    page = desk.get()
    for sentence in ("before the request expires", "is no e-mail address", "is never reached", "not enough people"):
        assert sentence in page
    assert desk.post("force/", note="all the same", against=str(house.policy.active_id)).status_code == 422
    assert house.policy.versions.count() == 1


@pytest.mark.parametrize(
    ("verb", "values", "sentence"),
    [
        ("settings/", SETTINGS | {"cap": "-1"}, "greater than or equal to 0"),
        ("settings/", SETTINGS | {"cap": "NaN"}, "Enter a number"),
        ("settings/", SETTINGS | {"reasons_are": "listed", "reasons": " "}, "nobody could ask for anything"),
        ("settings/", SETTINGS | {"reasons": "late"}, "With free text the list means nothing"),
        ("settings/", SETTINGS | {"splitting_days": "91"}, "less than or equal to 90"),
        ("settings/", SETTINGS | {"splitting_threshold": "0"}, "greater than 0"),
        ("rule/", rule("x", level1__users="nobody-of-that-name"), "No active member"),
        ("rule/", rule("x", so_far_days="30"), "Say both"),
        ("rule/", rule("x", then__kind="refuse"), "Say why"),
        ("rule/", rule(""), "required"),
        ("rule/", rule("x", level1__people="6"), "less than or equal to 5"),
        ("rule/", rule("x", programs=["1"]), "not one of the available choices"),
        ("limit/", {"name": "x", "most": "1", "measure": "points", "per": "customer", "window": "30",
                    "at_limit": "level", "level1-role": "checker"}, "Say how many people"),
    ],
)  # fmt: skip
def test_what_no_document_can_hold_is_refused_at_its_field(desk, verb, values, sentence):
    answer = desk.post(verb, **values)
    assert answer.status_code == 422
    assert sentence in answer.content.decode()
    assert not PolicyDraft.objects.exists()


def test_a_page_that_shows_an_older_draft_changes_nothing(desk, house):
    set_terms(house.policy, **BANDS)
    old = desk.stamp()
    desk.save("move/", part="rules", at="1", to="up")
    for verb, values in (("drop/", {"part": "rules", "at": "0"}), ("settings/", SETTINGS), ("rule/", rule("new"))):
        answer = desk.client.post(desk.base + verb, {"stamp": old, **values})
        assert (answer.status_code, "has changed since" in answer.content.decode()) == (409, True)
    assert [rule.name for rule in draft_terms().rules] == ["middle", "small"]


@pytest.mark.parametrize("values", [{"part": "rules", "at": "7"}, {"part": "x", "at": "0"}, {"part": "rules"}])
def test_a_place_that_is_not_there_is_refused(desk, values):
    assert desk.post("drop/", **values).status_code == 409
    assert desk.client.get(f"{desk.base}rule/?at=7").status_code == 409


def test_in_an_organisation_that_is_set_up_another_administrator_decides(desk, house, at_desk, administrator):
    second = UserFactory()
    MembershipFactory(user=second, organisation=house.organisation, is_administrator=True)
    desk.save("settings/", **SETTINGS | {"cap": "5"})
    desk.save("force/", note="smaller", against=str(house.policy.active_id))
    assert WorkflowPolicy.objects.get(pk=house.policy.pk).terms.cap == 10_000
    assert not PolicyDraft.objects.exists()
    proposed = WorkflowRequest.objects.get(request_type="SETTINGS-CHANGE")
    assert (proposed.maker, proposed.state) == (administrator, "waiting")


def test_where_requests_were_made_a_single_administrator_changes_nothing(desk, house):
    """People rely on its rules already, so it takes two; `appoint_administrator` names the second."""
    house.submit()
    desk.save("settings/", **SETTINGS | {"auto_approval": "all"})
    answer = desk.post("force/", note="for me alone", against=str(house.policy.active_id))
    assert "second administrator is needed" in answer.content.decode()
    assert WorkflowPolicy.objects.get(pk=house.policy.pk).active_id == house.policy.active_id
    assert not WorkflowRequest.objects.filter(request_type="SETTINGS-CHANGE").exists()


def test_a_version_that_came_in_between_stops_the_putting_in_force(desk, house):
    desk.save("settings/", **SETTINGS | {"cap": "5"})
    shown = house.policy.active_id
    set_terms(house.policy, cap=7)
    answer = desk.post("force/", note="mine", against=str(shown))
    assert answer.status_code == 409
    assert WorkflowPolicy.objects.get(pk=house.policy.pk).terms.cap == 7


def test_the_history_says_who_when_why_and_what(desk, house, administrator):
    desk.save("settings/", **SETTINGS | {"cap": "5"})
    desk.save("force/", note="smaller from today", against=str(house.policy.active_id))
    page = desk.get("versions/")
    for shown in ("Version 2", "Version 1", administrator.display_name, "smaller from today", "10,000", ">5<"):
        assert shown in page
    version = PolicyVersion.objects.get(policy=house.policy, number=2)
    assert (version.created_by, version.note) == (administrator, "smaller from today")


def test_putting_in_force_needs_a_reason_and_a_draft(desk, house):
    assert desk.post("force/", note="nothing to do", against=str(house.policy.active_id)).status_code == 409
    desk.save("settings/", **SETTINGS | {"cap": "5"})
    assert desk.post("force/", note=" ", against=str(house.policy.active_id)).status_code == 422
    assert house.policy.versions.count() == 1


def test_a_draft_can_be_thrown_away(desk, house):
    desk.save("settings/", **SETTINGS | {"cap": "5"})
    desk.save("discard/")
    assert not PolicyDraft.objects.exists()
    assert house.policy.terms.cap == 10_000


def test_everybody_has_a_draft_of_their_own(desk, house, at_desk, administrator, root):
    desk.save("settings/", **SETTINGS | {"cap": "5"})
    other = Desk(at_desk(root), house.policy)
    assert "This is your draft" not in other.get()
    other.save("settings/", **SETTINGS | {"cap": "6"})
    assert drafts.draft_of(house.policy, administrator).terms.cap == 5


@pytest.mark.parametrize("verb", ["change/", "settings/", "rule/", "default/", "limit/", "force/", "versions/", "try/"])
def test_the_pages_are_for_administrators_of_this_organisation_alone(at_desk, house, other_house, verb, administrator):
    page = f"/admin/workflows/workflowpolicy/{house.policy.pk}/{verb}"
    foreign = UserFactory()
    MembershipFactory(user=foreign, organisation=other_house.organisation, is_administrator=True)
    assert at_desk(administrator).get(page).status_code == 200
    for person in (house.maker, house.checker, house.auditor, foreign):
        client = at_desk(person)
        assert client.get(page).status_code in (302, 403)
        assert client.post(page, SETTINGS | {"stamp": "new"}).status_code in (302, 403, 405)
    assert not PolicyDraft.objects.exists()


def test_a_draft_is_tried_on_a_request_that_somebody_thinks_up(desk, house):
    desk.save("rule/", **rule("small", points_up_to="10", then__kind="approve"))
    asked = {"customer": "1", "reason": "late", "maker": house.maker.username, "source": "api"}
    for points, sentence in (("10", "carried out at once"), ("11", "wait for people"), ("10,001", "be refused")):
        answer = desk.client.post(f"{desk.base}try/", asked | {"points": points})
        assert (answer.status_code, sentence in answer.content.decode()) == (200, True), points
    nobody = desk.client.post(f"{desk.base}try/", asked | {"points": "1", "maker": "nobody-of-that-name"})
    assert (nobody.status_code, "No active member" in nobody.content.decode()) == (422, True)
    assert house.policy.versions.count() == 1


@pytest.mark.parametrize(("per", "field", "value"), [("store", "store_id", "50682288"), ("program", "program", "2739")])
def test_whom_a_limit_is_counted_for_has_to_be_said_when_a_draft_is_tried(desk, house, per, field, value):
    set_terms(house.policy, limits=[{"name": "most", "per": per, "measure": "points", "window": "30", "most": 100}])
    asked = {"customer": "1", "reason": "late", "maker": house.maker.username, "source": "api", "points": "101"}
    missing = desk.client.post(f"{desk.base}try/", asked)
    assert (missing.status_code, "This field is required" in missing.content.decode()) == (422, True)
    answer = desk.client.post(f"{desk.base}try/", asked | {field: value})
    assert (answer.status_code, "would pass the limit “most”" in answer.content.decode()) == (200, True)


def test_a_replay_is_shown_against_what_happened_with_links_to_what_differs(desk, house, root, at_desk, monkeypatch):
    made = [house.submit(points=5) for _ in range(3)]
    large = house.submit(points=500)
    desk.save("rule/", **rule("small", points_up_to="10", then__kind="approve"))
    assert "Nothing has been replayed yet" in desk.get("replay/")
    desk.save("replay/")
    monkeypatch.setattr(policy_replay, "PAGE", 2)
    page = desk.get("replay/")
    assert "4 requests, 3 of which" in page
    shown = [request.reference_id in page for request in (*made, large)]
    assert shown == [True, True, False, False]
    assert made[2].reference_id in desk.get("replay/?page=2&after=0")
    assert made[0].reference_id not in desk.get("replay/?after=1")
    for nonsense in ("?page=0", "?page=x", "?page=9999", "?after=x"):
        assert "4 requests" in desk.get(f"replay/{nonsense}")
    desk.save("settings/", **SETTINGS | {"cap": "9"})
    assert "has changed since this was worked out" in desk.get("replay/")


def test_who_only_runs_the_platform_sees_figures_and_no_requests(desk, house, root, at_desk):
    made = house.submit(points=5)
    platform = Desk(at_desk(root), house.policy)
    platform.save("rule/", **rule("small", points_up_to="10", then__kind="approve"))
    platform.save("replay/")
    page = platform.get("replay/")
    assert "1 request, 1 of which" in page
    assert made.reference_id not in page
