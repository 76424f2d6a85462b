"""The limit that a submission is compared with: WSGI, psycopg and two INSERTs; nothing is checked."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any
from uuid import uuid4

import psycopg

TABLES = """
CREATE TABLE IF NOT EXISTS bench_request (id uuid PRIMARY KEY, made_at timestamptz DEFAULT now(), body jsonb);
CREATE TABLE IF NOT EXISTS bench_audit (id bigserial PRIMARY KEY, request_id uuid, action text)
"""
_kept = threading.local()


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """Reads the JSON, writes two rows in one transaction over a connection that the thread keeps."""
    body = environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"]))
    json.loads(body)
    request_id = uuid4()
    if not hasattr(_kept, "connection"):
        _kept.connection = psycopg.connect(os.environ["DATABASE_URL"])
    with _kept.connection.transaction():
        _kept.connection.execute("INSERT INTO bench_request (id, body) VALUES (%s, %s)", [request_id, body.decode()])
        _kept.connection.execute("INSERT INTO bench_audit (request_id, action) VALUES (%s, 'made')", [request_id])
    answer = json.dumps({"data": {"requestId": str(request_id)}}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
    return [answer]
