"""Imports in the admin: to read, for operators and auditors, with the rejected rows to download."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from accounts.models import User
from goodwill.models import GoodwillImport, GoodwillImportReject
from tests.factories import MembershipFactory, UserFactory
from tests.house import House, build_house

pytestmark = pytest.mark.django_db

LIST = "/admin/goodwill/goodwillimport/"
OPTIONS = {"format": "csv", "delimiter": ",", "encoding": "utf-8", "map": {}}


def an_import(house: House, name: str = "history.csv") -> GoodwillImport:
    found = GoodwillImport.objects.create(
        organisation=house.organisation, file_name=name, file_hash="ab" * 32, options=OPTIONS,
        header=b"requestId,reason\n", started_by_name="root", records=1002, inserted=1000, rejected=2, line=1003,
    )  # fmt: skip
    for line, raw in ((5, b'7,"=1+1, x"\n'), (9, b'@8,"open\n')):
        GoodwillImportReject.objects.create(
            organisation=house.organisation, goodwill_import=found, line=line, reason="=it is wrong", raw=raw
        )
    return found


def at_desk(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_an_auditor_reads_what_became_of_a_file(house: House) -> None:
    found = an_import(house)
    client = at_desk(house.auditor)
    assert "history.csv" in client.get(LIST).content.decode()
    page = client.get(f"{LIST}{found.pk}/change/").content.decode()
    assert "1,002" in page
    assert "ab" * 32 in page
    assert "=it is wrong" in page


@pytest.mark.parametrize("query", ["history", "HISTORY", "ab" * 32])
def test_an_import_is_found_by_name_and_hash(house: House, query: str) -> None:
    an_import(house)
    client = at_desk(house.auditor)
    assert "history.csv" in client.get(LIST, {"q": query}).content.decode()
    assert "history.csv" not in client.get(LIST, {"q": "cd" * 32}).content.decode()


def test_the_rejected_rows_are_downloaded_without_formulas(house: House) -> None:
    found = an_import(house)
    response: Any = at_desk(house.auditor).get(f"{LIST}{found.pk}/rejects/")
    assert response["Content-Disposition"] == 'attachment; filename="history.rejects.csv"'
    assert "no-store" in response["Cache-Control"]
    assert b"".join(response.streaming_content).decode().splitlines() == [
        "reject_line,reject_reason,requestId,reason",
        "5,'=it is wrong,7,\"'=1+1, x\"",
        '9,\'=it is wrong,"\'@8,""open',
        '"',
    ]


def test_makers_and_checkers_see_no_imports(house: House) -> None:
    found = an_import(house)
    for person in (house.maker, house.checker):
        client = at_desk(person)
        assert client.get(LIST).status_code == 403
        assert client.get(f"{LIST}{found.pk}/rejects/").status_code == 302


def test_an_auditor_elsewhere_sees_only_the_imports_of_there(house: House) -> None:
    found, other = an_import(house), an_import(build_house(70001), "other.csv")
    person = UserFactory(username="both")
    MembershipFactory(user=person, organisation=house.organisation, is_maker=True)
    MembershipFactory(user=person, organisation=other.organisation, is_auditor=True)
    client = at_desk(person)
    page = client.get(LIST).content.decode()
    assert "other.csv" in page
    assert "history.csv" not in page
    assert client.get(f"{LIST}{found.pk}/rejects/").status_code == 302
    assert client.post(f"{LIST}{other.pk}/rejects/").status_code == 405
