"""Canaries: secrets that stand nowhere else, every shape that one could be found in, and the search for them."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import quote

LEAST = 10


def _base64_texts(value: str) -> Iterable[str]:
    """The base64 of a text wherever in a longer text it begins, without the characters that its neighbours decide."""
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + value.encode()).decode().rstrip("=")
        yield encoded[-(-8 * shift // 6) : -1]


@dataclass(frozen=True)
class Canary:
    """One secret. `shown_in` names the answers that may hold it: those to whoever has just sent or asked for it."""

    name: str
    value: str
    shown_in: tuple[str, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """The value, without its scheme, decoded, and its password alone."""
        found = [self.value]
        scheme, _, bare = self.value.partition(" ")
        if bare:
            found.append(bare)
        if scheme == "Basic":
            decoded = base64.b64decode(bare).decode()
            found += [decoded, decoded.partition(":")[2]]
        return tuple(part for part in found if len(part) >= LEAST)

    @property
    def traces(self) -> frozenset[bytes]:
        """Everything that would give it away: each part as text, hexadecimal, base64, and quoted for an address."""
        return frozenset(
            trace.encode()
            for part in self.parts
            for trace in (part, part.encode().hex(), part.encode().hex().upper(), *_base64_texts(part), quote(part, ""))
        )

    def is_in(self, content: bytes) -> bool:
        return any(trace in content for trace in self.traces)


def basic_canary(name: str, *shown_in: str) -> Canary:
    """A Basic credential that nobody has ever had."""
    pair = f"canary-{name}:canary-secret-{secrets.token_hex(12)}"
    return Canary(name, f"Basic {base64.b64encode(pair.encode()).decode()}", shown_in)


def text_canary(name: str, prefix: str = "") -> Canary:
    return Canary(name, f"{prefix}canary-{name}-{secrets.token_hex(12)}")


def found(canaries: Iterable[Canary], places: Mapping[str, bytes]) -> dict[str, list[str]]:
    """The names of the canaries in each place that may not show them; empty where there is none."""
    hits = {
        place: sorted(canary.name for canary in canaries if place not in canary.shown_in and canary.is_in(content))
        for place, content in places.items()
    }
    return {place: names for place, names in hits.items() if names}
