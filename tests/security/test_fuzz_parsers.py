"""What reads untrusted text never raises, never takes a doubt for a credit, and never lets a secret through."""

from __future__ import annotations

import json
import string
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from goodwill.request_type import GOODWILL_POINTS
from wire import strict_json
from wire.redaction import MASK, redact
from workflows.intouch import outcomes
from workflows.intouch.client import MAX_ANSWER_BYTES, Answer
from workflows.models import CallOutcome
from workflows.targets import parse_origin

BOUNDED = settings(
    max_examples=150, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
SECRET = "Basic c2VjcmV0OnRoYXQtaXMtZmFrZQ"
KNOWN = (SECRET, SECRET.partition(" ")[2])

texts = st.text(max_size=60)
wholes = st.integers(min_value=-(2**70), max_value=2**70)
leaves = st.none() | st.booleans() | wholes | st.floats(allow_nan=False, allow_infinity=False) | texts
# The words that decide about an outcome come often enough to be met in every combination.
names = texts | st.sampled_from(
    ["createdId", "errors", "response", "status", "success", "message", "item_status", "customers", "warnings"]
)
words = leaves | st.sampled_from(["true", "false", False, True, "Reference number already exists", "", 38])
values = st.recursive(words, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4))
confirming = st.fixed_dictionaries(
    {"createdId": wholes}, optional={"errors": values, "response": values, "customers": values, "warnings": values}
)
bodies = (
    st.binary(max_size=200)
    | (values | confirming).map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass"))
    | st.sampled_from([b"[" * 100_000, b'{"a":' * 5000 + b"1" + b"}" * 5000, b'{"createdId": ' + b"9" * 5000 + b"}"])
)
headers = st.dictionaries(
    texts | st.sampled_from(["Retry-After", "retry-after"]), st.lists(texts, min_size=1, max_size=2)
)


@BOUNDED
@given(status=st.integers(100, 999) | st.sampled_from([200, 201, 204]), headers=headers, body=bodies)
def test_no_answer_confuses_the_classifier(status: int, headers: dict[str, list[str]], body: bytes) -> None:
    outcome = outcomes.classify(Answer(status, headers, body), GOODWILL_POINTS, KNOWN)

    assert outcome.shown is not None
    strict_json.dumps(outcome.shown).encode()
    assert "\0" not in outcome.error
    assert len(outcome.error) <= 300
    if outcome.kind == CallOutcome.CREDITED:
        assert 200 <= status < 300
        assert GOODWILL_POINTS.confirms(json.loads(body))
        assert not json.loads(body).get("errors")
    if outcome.retry_after is not None:
        assert outcomes.RETRY_AFTER_LEAST <= outcome.retry_after <= outcomes.RETRY_AFTER_MOST


def test_the_same_classifier_does_see_a_credit() -> None:
    answer = Answer(201, {}, b'{"createdId": 38, "warnings": []}')

    assert outcomes.classify(answer, GOODWILL_POINTS, KNOWN).kind == CallOutcome.CREDITED


hosts = st.text(alphabet="abcxyz019.-", min_size=1, max_size=20)
origins = texts | st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "http://", "https://", "HTTP://", "ftp://", "//", "http:/"]),
    hosts | texts,
    st.sampled_from(
        ["", ":80", ":443", ":1900", ":0", ":65535", ":65536", ":x", "@evil.test", "\\@evil.test", "#", "?"]
    ),
    st.sampled_from(["", "/", "//", "/x", "\n", "\t", " "]),
)


@BOUNDED
@given(text=origins)
@example("http://allowed.test\\@evil.test/")
@example("http://127.1/")
@example("http://٢.test")
def test_an_origin_is_read_once_and_for_all(text: str) -> None:
    origin = parse_origin(text)
    if origin is None:
        return

    assert parse_origin(str(origin)) == origin
    assert parse_origin(text.upper()) == origin
    assert origin.scheme in ("http", "https")
    assert 0 < origin.port < 65536
    assert set(origin.host) <= set(string.ascii_lowercase + string.digits + ".-")
    assert str(origin).removeprefix(f"{origin.scheme}://").partition(":")[0] == origin.host


def buried(secret: str) -> st.SearchStrategy[Any]:
    """Values with a secret somewhere: in a text, a name, a list, at any depth."""
    holding = st.builds(lambda before, after: f"{before}{secret}{after}", texts, texts)
    return st.recursive(
        holding,
        lambda inner: (
            st.lists(inner | leaves, min_size=1, max_size=3)
            | st.tuples(leaves, inner)
            | st.dictionaries(texts | holding, inner | leaves, min_size=1, max_size=3)
        ),
        max_leaves=8,
    )


@BOUNDED
@given(value=buried(SECRET) | buried(KNOWN[1]))
def test_a_known_secret_survives_in_no_nesting(value: Any) -> None:
    assume(KNOWN[1] in repr(value))

    assert KNOWN[1] not in repr(redact(value, KNOWN))


UNKNOWN = ["Basic c2VjcmV0OnRoYXQ", "bearer abcdef.ghijkl", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0.c2ln",
           "gws_abcdefghijklmnopqrstuvwxyz", "redis://user:hunter2hunter2@host:6379/0"]  # fmt: skip


@pytest.mark.parametrize("secret", UNKNOWN)
def test_a_secret_that_nobody_knows_is_known_by_its_shape(secret: str) -> None:
    for value in (secret, {"a": [f"x {secret}"]}, {f"x {secret} y": 1}):
        masked = repr(redact(value))
        assert MASK in masked
        assert "hunter2" not in masked
        assert secret not in masked


@pytest.mark.parametrize("cut", range(1960, 2001, 8))
def test_a_secret_that_ends_behind_what_is_shown_is_masked_too(cut: int) -> None:
    body = b"x" * cut + KNOWN[1].encode() + b" and more"

    shown = outcomes.classify(Answer(200, {}, body), GOODWILL_POINTS, KNOWN).shown

    assert shown is not None
    assert KNOWN[1][:4] not in shown["body"]


# Each makes a careless expression look at the text again and again: minutes for a megabyte, where all is well.
TIRING = [
    "-eyJaaaaaaaa",
    "reference          ",
    "basic ",
    "basic\t",
    "://a:",
    "gws_a-",
    "eyJaaaaaaaa.",
    "already ",
    "://:",
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("text", TIRING)
def test_the_longest_answer_costs_no_more_than_its_length(text: str) -> None:
    whole = text * (MAX_ANSWER_BYTES // len(text))

    for body in (whole.encode(), json.dumps({"errors": [{"message": whole}]}).encode()):
        assert outcomes.classify(Answer(201, {}, body), GOODWILL_POINTS, KNOWN).kind != CallOutcome.CREDITED


@pytest.mark.timeout(60)
@pytest.mark.parametrize("words", ["reference", "reference number", "reference id was", "reference was already"])
def test_a_megabyte_of_spaces_is_no_known_reference(words: str) -> None:
    assert GOODWILL_POINTS.already_known.search(words + " " * MAX_ANSWER_BYTES) is None
    assert GOODWILL_POINTS.already_known.search("Reference number  was already  used")
