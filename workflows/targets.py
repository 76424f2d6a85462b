"""Where a call may go: one strict reading of an origin, and the organisation's own list of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address
from typing import NamedTuple

from accounts.models import Organisation
from wire.kept_queries import Given, KeptQuery
from wire.messages import Statement, send
from workflows.models import IntouchTarget

_ORIGIN = re.compile(r"(?:(https?)://)?([a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?)(?::([1-9][0-9]{0,4}))?/?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LONGEST = 300  # a host name has 253 characters at most


class Origin(NamedTuple):
    """Scheme, host and port: what two spellings of one origin have in common."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        port = "" if _DEFAULT_PORTS[self.scheme] == self.port else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"


def parse_origin(text: str) -> Origin | None:
    """Read `http(s)://host[:port]`, a bare host meaning https; None for anything else.

    One expression instead of a URL parser: parsers disagree about user-info, backslashes, tabs and Unicode, and what
    they disagree about is how a request gets to another host.
    """
    return _parsed(text) if len(text) <= _LONGEST and text.isascii() else None


@lru_cache(maxsize=256)
def _parsed(text: str) -> Origin | None:
    match = _ORIGIN.fullmatch(text.lower())
    if match is None:
        return None
    scheme, host, port_text = match[1] or "https", match[2], match[3]
    port = int(port_text) if port_text else _DEFAULT_PORTS[scheme]
    if port > 65535 or ".." in host or _is_odd_number(host):
        return None
    return Origin(scheme, host, port)


def _is_odd_number(host: str) -> bool:
    """Whether a resolver may take the host for an address by rules of its own: `127.1`, `0x7f000001`, `0177.0.0.1`."""
    if _NUMBER.fullmatch(host.rpartition(".")[2]) is None:
        return False
    try:
        return str(IPv4Address(host)) != host
    except ValueError:
        return True


_ENABLED = KeptQuery(lambda: IntouchTarget.objects.filter(organisation=Given("organisation"), is_enabled=True))


def enabled_targets(organisation: Organisation) -> dict[Origin, IntouchTarget]:
    """The organisation's targets by origin."""
    targets: dict[Origin, IntouchTarget] = send(enabled_asked(organisation))[0]
    return targets


def enabled_asked(organisation: Organisation) -> Statement[dict[Origin, IntouchTarget]]:
    """The statement of `enabled_targets`, to be sent with others."""
    return _ENABLED.asked(organisation=organisation.pk).then(_by_origin)


def _by_origin(found: Iterable[IntouchTarget]) -> dict[Origin, IntouchTarget]:
    return {origin: target for target in found if (origin := parse_origin(target.origin)) is not None}
