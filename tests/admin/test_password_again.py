"""Above an amount that the organisation names, whoever approves gives their password once more."""

from __future__ import annotations

import logging

import pytest

from accounts import attempts, freshness
from accounts.models import Organisation
from tests.admin.conftest import decision, page_of, task_of
from tests.factories import PASSWORD
from tests.security.tables import changed, checksums
from workflows.models import Decision
from workflows.states import State

FIELD = 'name="password"'
WRONG = "wrong-password-of-a-canary"


@pytest.fixture
def strict_house(house):
    house.organisation.fresh_password_above = 100
    house.organisation.save()
    return house


@pytest.fixture
def request_(strict_house):
    return strict_house.submit(points=101)


@pytest.fixture
def checker(at_desk, strict_house):
    return at_desk(strict_house.checker)


def test_the_page_of_a_large_amount_asks_for_the_password(checker, request_):
    page = checker.get(page_of(request_)).content.decode()
    assert FIELD in page
    assert 'autocomplete="current-password"' in page


@pytest.mark.parametrize(("limit", "asked"), [(None, False), ("101", False), ("100.999999", True), ("0", True)])
def test_the_limit_itself_needs_none(checker, strict_house, request_, limit, asked):
    Organisation.objects.update(fresh_password_above=limit)
    assert (FIELD in checker.get(page_of(request_)).content.decode()) is asked

    answer = checker.post(page_of(request_, "decide"), decision(request_))

    assert answer.status_code == (422 if asked else 302)
    request_.refresh_from_db()
    assert request_.state == (State.WAITING if asked else State.EXECUTING)


def test_with_the_password_it_is_approved(checker, strict_house, request_):
    answer = checker.post(page_of(request_, "decide"), decision(request_, password=PASSWORD))
    assert answer.status_code == 302
    assert (task_of(request_).decision, task_of(request_).checker) == (Decision.APPROVED, strict_house.checker)


WRONG_PASSWORDS = [
    "", WRONG, PASSWORD.upper(), f"{PASSWORD} ", f" {PASSWORD}", f"{PASSWORD}\0", "x" * 1001, "pässwörd-of-a-test",
]  # fmt: skip


@pytest.mark.parametrize("password", WRONG_PASSWORDS, ids=ascii)
def test_without_it_nothing_is_decided_and_what_was_written_stays(checker, request_, password):
    before = checksums()

    answer = checker.post(page_of(request_, "decide"), decision(request_, message="written so far", password=password))

    page = answer.content.decode()
    assert answer.status_code == 422
    assert "Nothing was decided." in page
    assert "written so far" in page
    assert len(password) < 2 or password.strip() not in page
    assert changed(before) == set()


def test_the_password_of_somebody_else_is_none(checker, second_checker, request_):
    second_checker.set_password("another-password-of-a-test")
    second_checker.save()
    answer = checker.post(page_of(request_, "decide"), decision(request_, password="another-password-of-a-test"))
    assert answer.status_code == 422


def test_a_rejection_needs_none(checker, request_):
    answer = checker.post(page_of(request_, "decide"), decision(request_, decision="rejected"))
    assert answer.status_code == 302
    assert task_of(request_).decision == Decision.REJECTED


def test_wrong_passwords_are_counted_like_failed_log_ins(checker, strict_house, request_):
    form = decision(request_, password=WRONG)
    for _ in range(attempts.PAIR_LIMIT):
        assert checker.post(page_of(request_, "decide"), form).status_code == 422
    before = checksums()

    answer = checker.post(page_of(request_, "decide"), form)

    assert answer.status_code == 429
    assert "Too many failed attempts" in answer.content.decode()
    assert changed(before) == set()
    login = {"username": strict_house.checker.username, "password": PASSWORD}
    assert checker.__class__().post("/admin/login/", login).status_code == 200, "the log-in page again, no session"


def test_a_password_is_in_no_log_and_no_report_of_an_error(checker, request_, caplog, monkeypatch):
    monkeypatch.setattr(freshness, "by_password", _broken)
    checker.raise_request_exception = False
    with caplog.at_level(logging.DEBUG):
        assert checker.post(page_of(request_, "decide"), decision(request_, password=WRONG)).status_code == 500
    assert any(record.exc_info for record in caplog.records), "it was reported"
    assert WRONG not in caplog.text


def _broken(*_):
    raise RuntimeError("a fault of ours")


def test_a_limit_that_was_set_while_the_page_was_open_counts(checker, strict_house, request_):
    """The page was made without the field; the form comes without a password, and the page with one is shown."""
    Organisation.objects.update(fresh_password_above=None)
    assert FIELD not in checker.get(page_of(request_)).content.decode()
    Organisation.objects.update(fresh_password_above=1)

    answer = checker.post(page_of(request_, "decide"), decision(request_))

    assert answer.status_code == 422
    assert FIELD in answer.content.decode()


def test_the_platform_sets_the_limit(at_desk, root, house):
    page = f"/admin/accounts/organisation/{house.organisation.pk}/change/"
    form = {"name": "Example", "time_zone": "UTC", "is_active": "on", "fresh_password_above": "250.5"}
    assert at_desk(root).post(page, form).status_code == 302
    house.organisation.refresh_from_db()
    assert house.organisation.fresh_password_above == pytest.approx(250.5)
    assert at_desk(root).post(page, {**form, "fresh_password_above": "-1"}).status_code == 200
