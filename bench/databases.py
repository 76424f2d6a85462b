"""Databases with the migrations in them: one is migrated, which costs much, and the others are copies, which do not."""

from __future__ import annotations

import os
import subprocess
import sys
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from bench.report import PROJECT


def tidy() -> None:
    """Tell the planner how many rows there are by now, as the server's own housekeeping does within a minute.

    Until then it takes every table for an empty one, in which all indexes are alike: a reference is looked for among
    all requests of the organisation, and a decision among all that were ever taken.
    """
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("ANALYZE")


class Databases:
    """Copies of this process's database, which it is not to be connected with when one is made."""

    def __init__(self) -> None:
        self._server = urlsplit(os.environ["DATABASE_URL"])
        command = [sys.executable, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(command, cwd=PROJECT, check=True)

    def fresh(self, name: str) -> str:
        """The URL of another one that nobody has used."""
        migrated = sql.Identifier(self._server.path.removeprefix("/"))
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), migrated)
        with psycopg.connect(self._server.geturl(), autocommit=True) as connection:
            connection.execute(create)
        return self._server._replace(path=f"/{name}").geturl()
