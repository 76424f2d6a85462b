"""Refusals are read in the reader's language on the desk; to clients of the API they are English, whatever is asked."""

from __future__ import annotations

import struct
from typing import Any

import pytest

from tests.admin.conftest import page_of
from tests.admin.test_making import PAGE, written
from tests.api.gateway import gateway_of
from tests.factories import set_terms
from tests.house import FAKE_CREDENTIAL
from workflows import set_up

SENTENCES = {
    "": "Content-Type: text/plain; charset=UTF-8\n",
    "You made this request yourself; somebody else must decide it.": "Das ist Ihre eigene Anfrage.",
    "must be greater than 0 and at most %(most)s": "muss zwischen 0 und %(most)s liegen",
    "The workflow of this type is switched off for the organisation. An administrator can switch it on.": "Aus.",
}
GERMAN = {"Accept-Language": "de"}


def compiled(sentences: dict[str, str]) -> bytes:
    """A catalogue as msgfmt would write it."""
    pairs = [(key.encode(), text.encode()) for key, text in sorted(sentences.items())]
    start = 28 + 16 * len(pairs)
    tables: list[list[tuple[int, int]]] = [[], []]
    heap = b""
    for column, table in enumerate(tables):
        for pair in pairs:
            table.append((len(pair[column]), start + len(heap)))
            heap += pair[column] + b"\0"
    head = struct.pack("<7I", 0x950412DE, 0, len(pairs), 28, 28 + 8 * len(pairs), 0, start)
    return head + b"".join(struct.pack("<2I", *entry) for table in tables for entry in table) + heap


@pytest.fixture(autouse=True)
def _a_second_language(tmp_path: Any, settings: Any) -> None:
    folder = tmp_path / "de" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.mo").write_bytes(compiled(SENTENCES))
    settings.LANGUAGES = [("en", "English"), ("de", "Deutsch")]
    settings.LOCALE_PATHS = [tmp_path]


def test_a_refusal_on_the_desk_is_in_the_readers_language(at_desk, house):
    client, request = at_desk(house.maker), house.submit()
    assert "Das ist Ihre eigene Anfrage." in client.get(page_of(request), headers=GERMAN).content.decode()
    assert "You made this request yourself" in client.get(page_of(request)).content.decode()


def test_a_wrong_field_on_the_desk_is_explained_in_the_readers_language(at_desk, house):
    set_up.keep_credential(house.target, FAKE_CREDENTIAL)
    client = at_desk(house.maker)
    page = client.post(PAGE, written(house, points="0"), headers=GERMAN).content.decode()
    assert "Muss zwischen 0 und 10000 liegen." in page


def test_what_stands_instead_of_a_form_is_in_the_readers_language(at_desk, house):
    set_terms(house.policy, is_enabled=False)
    assert "<bdi>Aus.</bdi>" in at_desk(house.maker).get(PAGE, headers=GERMAN).content.decode()


def test_the_api_answers_in_english_whatever_language_is_asked_for(house):
    answer = gateway_of(house).having(Accept_Language="de").submit(house.body(points=0))
    assert answer.json["errors"][0]["message"].endswith("body.points must be greater than 0 and at most 10000.")
    assert "Accept-Language" not in answer.headers.get("Vary", "")


def test_the_language_of_one_request_is_not_left_behind_for_the_next_one(at_desk, house):
    at_desk(house.maker).get(page_of(house.submit()), headers=GERMAN)
    answer = gateway_of(house).submit(house.body(points=0))
    assert "must be greater than 0" in answer.json["errors"][0]["message"]
