"""One strict reading of an origin: what two parsers could read differently is none."""

from __future__ import annotations

import pytest

from tests.factories import OrganisationFactory, TargetFactory
from workflows.targets import Origin, enabled_targets, parse_origin

GOOD = {
    "http://internal-intouch-api.default:1900": Origin("http", "internal-intouch-api.default", 1900),
    "https://intouch.example.com": Origin("https", "intouch.example.com", 443),
    "http://intouch.example.com": Origin("http", "intouch.example.com", 80),
    "intouch.example.com": Origin("https", "intouch.example.com", 443),
    "intouch.example.com:8443": Origin("https", "intouch.example.com", 8443),
    "HTTPS://Intouch.Example.COM": Origin("https", "intouch.example.com", 443),
    "https://intouch.example.com/": Origin("https", "intouch.example.com", 443),
    "http://10.0.0.1:80": Origin("http", "10.0.0.1", 80),
    "http://a:65535": Origin("http", "a", 65535),
}
BAD = [
    "", "/", "//", "http://", "http:///", "https://:443", ":443", "ftp://a.test", "file:///etc/passwd", "gopher://a.test",
    "http:a.test", "http:/a.test", "javascript://a.test", "http://http://a.test", "http://a.test/path", "http://a.test//",
    "http://a.test?x", "http://a.test#x", "http://a.test/?", "http://user@a.test", "http://user:pass@a.test",
    "http://a.test@evil.test", "http://evil.test\\@a.test", "http://a.test\\@evil.test", "http://a.test\\",
    "http://a.test\t.evil.test", "http://a.test\n", "\nhttp://a.test", " http://a.test", "http://a.test ",
    "http://a .test",
    "http://a.test\r\nHost: evil.test", "http://a.test\x00.evil.test", "http://a.test%00.evil.test", "http://a%2etest",
    "http://allowed。test", "http://ⓐ.test", "http://bücher.test", "http://a.test\u200b", "ｈttp://a.test", "http://ſ.test",
    "http://\u212a.test", "http://a.test:٨٠", "http://a.test:", "http://a.test:0", "http://a.test:080",
    "http://a.test:65536", "http://a.test:99999", "http://a.test:-1", "http://a.test:+80", "http://a.test:80:80",
    "http://a.test: 80", "http://a..test", "http://.a.test", "http://a.test.", "http://-a.test", "http://a.test-",
    "http://a_b.test", "http://*.test", "http://[::1]", "http://[::1]:80", "http://::1", "http://[::ffff:127.0.0.1]",
    f"http://{'a' * 254}.test",
]  # fmt: skip
# A resolver reads these as addresses, each by rules of its own.
NUMBERS = [
    "http://2130706433", "http://0x7f000001", "http://0x7f.1", "http://127.1", "http://127.0.1", "http://0177.0.0.1",
    "http://017700000001", "http://1", "http://0", "http://1.2.3.4.5", "http://256.1.1.1", "http://1.2.3.04",
    "http://a.test.1", "http://a.0x7f", "http://10.0.0.1.0x", "http://127.0.0.0x1",
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_scheme_host_and_port_are_read(text: str) -> None:
    assert parse_origin(text) == GOOD[text]


@pytest.mark.parametrize("text", GOOD)
def test_the_canonical_text_is_read_as_the_same_origin(text: str) -> None:
    assert parse_origin(str(GOOD[text])) == GOOD[text]


@pytest.mark.parametrize("text", BAD)
def test_anything_else_is_no_origin(text: str) -> None:
    assert parse_origin(text) is None


@pytest.mark.parametrize("text", NUMBERS)
def test_a_host_that_ends_in_a_number_is_an_ipv4_address_or_nothing(text: str) -> None:
    assert parse_origin(text) is None


@pytest.mark.django_db
def test_targets_are_found_by_origin_and_only_the_enabled_ones_of_the_organisation() -> None:
    mine = TargetFactory(origin="http://a.test:80")
    TargetFactory(organisation=mine.organisation, origin="http://b.test", is_enabled=False)
    TargetFactory(organisation=OrganisationFactory(), origin="http://c.test")
    assert enabled_targets(mine.organisation) == {Origin("http", "a.test", 80): mine}
