"""Whoever has chosen from a list comes back to that very list, at every step of a bulk decision."""

from __future__ import annotations

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from tests.admin.conftest import task_of
from tests.factories import MembershipFactory, UserFactory, set_terms
from workflows.models import BulkRun

LIST, RUNS = "/admin/workflows/admintask/", "/admin/workflows/bulkrun/"
SEARCHED = {"show": "waiting", "q": "382332518", "points_from": "5", "order": "most-points"}


@pytest.fixture
def checker(at_desk, house):
    return at_desk(house.checker)


def choose(client: Any, *requests: Any, query: str) -> str:
    """The page that follows on choosing these requests, or all, on the list of this address."""
    chosen = [f"{task_of(request).pk}:{request.digest}" for request in requests]
    answer = client.post(f"{RUNS}choose/", {"query": query, "chosen": chosen, **({} if requests else {"all": "1"})})
    return str(answer["Location"])


def links(page: str) -> list[dict[str, list[str]]]:
    """What the links to the list, in the page itself, say of it."""
    content = page[page.index('id="content-main"') :]
    return [parse_qs(urlsplit(unescape(link)).query) for link in re.findall(rf'href="({LIST}(?:\?[^"]*)?)"', content)]


def back(client: Any, page: str) -> dict[str, str]:
    (found,) = links(client.get(page).content.decode())
    return {name: text for name, (text,) in found.items()}


@pytest.mark.parametrize("how", ["rows", "all"])
def test_the_way_back_keeps_search_filters_and_order_of_chosen_rows_and_of_all(checker, house, how):
    made = [house.submit() for _ in range(2)]
    page = choose(checker, *(made if how == "rows" else []), query=urlencode(SEARCHED))
    assert back(checker, page) == SEARCHED


def test_it_is_kept_through_a_mistake_the_result_and_a_second_choice(checker, house):
    made = house.submit()
    page = choose(checker, made, query=urlencode(SEARCHED))
    shown = checker.get(page)
    action = unescape(re.findall(rf'action="({RUNS}\d+/start/[^"]*)"', shown.content.decode())[0])
    given = {"decision": "approved", "message": "fine", "confirmed": shown.context["confirmed"]}
    refused = checker.post(action, given | {"message": ""})
    assert refused.status_code == 422
    assert [parse["q"] for parse in links(refused.content.decode())] == [["382332518"]]
    house.approve(made, checker=house.colleague)
    result = checker.post(action, given)["Location"]
    assert back(checker, result) == SEARCHED
    again = re.findall(rf'action="({RUNS}\d+/again/[^"]*)"', checker.get(result).content.decode())
    assert back(checker, checker.post(unescape(again[0]))["Location"]) == SEARCHED


def test_without_a_list_it_leads_to_the_inbox(checker, house):
    assert back(checker, choose(checker, house.submit(), query="")) == {}


def test_nothing_but_what_a_list_knows_is_taken_from_the_address(checker, house):
    choose(checker, house.submit(), query="")
    page = f"{RUNS}{BulkRun.objects.get().pk}/change/?{urlencode({'list': 'show=waiting&next=//evil.example&a=b'})}"
    assert back(checker, page) == {"show": "waiting"}


def test_what_another_level_has_to_approve_says_so(checker, house):
    set_terms(house.policy, default={"kind": "levels", "levels": [{}, {}]})
    MembershipFactory(user=UserFactory(), organisation=house.organisation, is_checker=True)
    page = choose(checker, house.submit(), query="")
    given = {"decision": "approved", "message": "fine", "confirmed": checker.get(page).context["confirmed"]}
    result = checker.post(page.replace("change", "start"), given)["Location"]
    (row,) = checker.get(result).context["rows"]
    assert (str(row.chip.label), str(row.state.label)) == ("Decided", "Waits for another approval")


def test_the_list_of_bulk_decisions_offers_no_search_that_would_find_nothing(checker, house):
    choose(checker, house.submit(), query="")
    assert 'id="searchbar"' not in checker.get(RUNS).content.decode()
    assert 'id="searchbar"' in checker.get(LIST).content.decode()
