"""The incumbent's own examples, key by key and digit by digit."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from accounts.models import Organisation, User
from goodwill.models import GoodwillRequest, Program
from tests.api.gateway import Answer, Gateway, gateway_of
from tests.factories import MembershipFactory, UserFactory
from tests.house import House
from wire import strict_json

SEEDS = Path(__file__).parent.parent / "seeds"


def seed(name: str) -> Any:
    return strict_json.loads((SEEDS / f"{name}.json").read_text())


@pytest.fixture(params=["Asia/Kolkata", "UTC"])
def seed_gateway(house: House, request: pytest.FixtureRequest) -> Gateway:
    """Organisation 51250 with the maker of the seed."""
    Organisation.objects.filter(pk=house.organisation.pk).update(time_zone=request.param)
    maker = UserFactory(id=232134, username="tomswayer", email="tomswayer@tipent.com")
    MembershipFactory(user=maker, organisation=house.organisation, is_maker=True)
    return gateway_of(house, maker)


def test_the_seeds_request_is_answered_with_the_seeds_response(seed_gateway: Gateway) -> None:
    answer = seed_gateway.submit((SEEDS / "submit_request.json").read_bytes())

    assert answer.status == 200
    assert strict_json.dumps(_without_what_is_ours(answer)) == strict_json.dumps(seed("submit_response"))


def _without_what_is_ours(answer: Answer) -> Any:
    """The answer with the id and the time of the seed, and without the two keys that are added at the end."""
    data = answer.data
    assert list(data)[-2:] == ["startTimeUtc", "endTimeUtc"]
    del data["startTimeUtc"], data["endTimeUtc"]
    expected = seed("submit_response")["data"]
    assert len(data["requestId"]) == len(expected["requestId"])
    assert len(data["startTime"]) == len(expected["startTime"])
    return {**answer.json, "data": data | {name: expected[name] for name in ("requestId", "startTime")}}


def test_local_and_universal_times_are_the_same_moment(seed_gateway: Gateway) -> None:
    organisation = Organisation.objects.get(pk=seed_gateway.house.organisation.pk)
    data = seed_gateway.submit((SEEDS / "submit_request.json").read_bytes()).data

    local = datetime.fromisoformat(data["startTime"]).replace(tzinfo=organisation.zone)
    assert local == datetime.fromisoformat(data["startTimeUtc"])
    assert data["startTimeUtc"].endswith("Z")
    assert data["endTime"] is data["endTimeUtc"] is None


def test_the_secret_is_shown_in_this_one_answer_only(seed_gateway: Gateway) -> None:
    request_id = seed_gateway.submit((SEEDS / "submit_request.json").read_bytes()).data["requestId"]

    shown = seed_gateway.show(request_id)

    expected = seed("submit_response")["data"]["details"]
    expected["IntouchAPITask-Payload"]["headers"]["Authorization"] = "***"
    assert strict_json.dumps(shown.data["details"]) == strict_json.dumps(expected)


def _admin_user(shown: dict[str, Any]) -> User:
    user: User = UserFactory(
        id=shown["id"],
        code=shown["code"],
        description=shown["description"],
        name=shown["name"],
        user_type=shown["type"],
        reference_id=shown["referenceId"],
        admin_type=shown["adminType"],
        is_active=shown["isActive"],
        is_ou_enabled=shown["isOuEnabled"],
        time_zone_id=shown["timeZoneId"],
        currency_id=shown["currencyId"],
        language_id=shown["languageId"],
        is_default=shown["default"],
    )
    return user


def _store_history_row(house: House, shown: dict[str, Any]) -> None:
    program = Program.objects.create(
        organisation=house.organisation,
        program_id=shown["program"]["programId"],
        name=shown["program"]["programName"],
        points_to_currency_ratio=shown["program"]["pointsToCurrencyRatio"],
        description=shown["program"]["programDescription"],
        is_default=shown["program"]["default"],
    )
    editor = _admin_user(shown["addedBy"])
    GoodwillRequest.objects.create(
        id=shown["id"],
        organisation=house.organisation,
        program=program,
        request_number=shown["requestId"],
        customer_id=shown["userId"],
        goodwill_type=shown["goodwillType"],
        earning_entity_type=shown["earningEntityType"],
        points=shown["approvedValue"],
        status=shown["goodwillStatus"],
        reason=shown["reason"],
        comments=shown["comments"],
        updated_comments=shown["updatedComments"],
        one_step=shown["oneStep"],
        added_by=editor,
        updated_by=editor,
        added_on=shown["addedOn"],
        updated_on=shown["updatedOn"],
    )


def test_the_seeds_history_is_answered_to_the_letter(seed_gateway: Gateway) -> None:
    expected = seed("history_response")
    [row] = expected["data"]
    _store_history_row(seed_gateway.house, row)

    answer = seed_gateway.history(row["userId"])

    assert answer.status == 200
    assert answer.text == strict_json.dumps(expected)


def test_no_seed_holds_a_real_credential() -> None:
    for path in SEEDS.glob("*.json"):
        words = json.dumps(json.loads(path.read_text())).split("Basic ")[1:]
        assert all(word.startswith('ZmFrZTpmYWtl"') for word in words), path.name
