"""Everywhere that a secret could be found in: tables as a dump has them, Redis values, log files and data files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

import psycopg
from redis import Redis

from tests.faults.service import Service

REDIS_DATABASES = 16


def tables(service: Service) -> dict[str, bytes]:
    """Every row of every table, as `COPY … TO STDOUT` writes it: bytea in hexadecimal, JSON as text."""
    with psycopg.connect(service.database_url) as connection:
        names = connection.execute(
            "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        return {f"table {name}": b"".join(_copied(connection, name)) for (name,) in names}


def _copied(connection: psycopg.Connection[Any], name: str) -> Iterator[bytes]:
    with connection.cursor().copy(f"COPY (SELECT * FROM {name}) TO STDOUT") as copy:  # type: ignore[arg-type]
        for row in copy:
            yield bytes(row)


def redis_values(service: Service) -> dict[str, bytes]:
    """Every key of every database with its value: the broker's, the cache's, and the ones that should be empty."""
    found = {}
    address = service.broker_url.rpartition("/")[0]
    for number in range(REDIS_DATABASES):
        with Redis.from_url(f"{address}/{number}", socket_timeout=5) as client:
            for key in client.scan_iter():
                found[f"redis {number} {key.decode('utf-8', 'replace')}"] = key + b"\n" + _value(client, key)
    return found


def _value(client: Redis, key: bytes) -> bytes:
    """Bytes of lists and hashes stand as they are: a repr would escape them."""
    readers: dict[bytes, Callable[[], Any]] = {
        b"string": lambda: [client.get(key)],
        b"list": lambda: client.lrange(key, 0, -1),
        b"hash": lambda: [part for pair in client.hgetall(key).items() for part in pair],
        b"set": lambda: client.smembers(key),
        b"zset": lambda: client.zrange(key, 0, -1),
    }
    return b"\n".join(part or b"" for part in readers[client.type(key)]())


def files(directory: Path) -> dict[str, bytes]:
    """Every file below a directory: logs, the ledgers, and what the servers keep on disk, old row versions included."""
    found = {}
    for path in sorted(directory.rglob("*")):
        try:
            if path.is_file():
                found[f"file {path.relative_to(directory)}"] = path.read_bytes()
        except FileNotFoundError:  # the servers are running, and tidy up
            continue
    return found


class Links(HTMLParser):
    """The addresses that a page links to, and the actions of its forms."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get("href")
        if tag == "a" and address:
            self.found.append(address)


def walk(read: Callable[[str], str], start: str, *, most: int) -> list[str]:
    """Read the page at `start` and every page of the admin that can be reached from it by links, breadth first."""
    seen, waiting = [start], [start]
    while waiting:
        at = waiting.pop(0)
        for link in Links(read(at)).found:
            address = urlsplit(urljoin(at, link))
            where = address.path + (f"?{address.query}" if address.query else "")
            if address.path.startswith("/admin/") and where not in seen and len(seen) < most:
                seen.append(where)
                waiting.append(where)
    return seen
