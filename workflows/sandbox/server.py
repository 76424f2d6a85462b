"""The HTTP server of the sandbox: what it answers, and where.

POST   /internal/goodwill/   credit points, once per organisation and reference
GET    /ledger               what was credited (?referenceId= ?customerId= ?orgId=)
GET    /internal/goodwill/lookup, or
GET    /ledger/lookup        was this credited? (?referenceId=, organisation in the header or ?orgId=)
DELETE /ledger               forget everything
POST, GET, DELETE /faults    order, show and clear what is to go wrong
"""

from __future__ import annotations

import logging
import socketserver
import sys
import threading
from collections.abc import Callable
from functools import partial
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from workflows.sandbox.awards import Award, problems, read_award, read_org
from workflows.sandbox.faults import Fault, FaultQueue, Perform, read_fault
from workflows.sandbox.ledger import Credit, Ledger, LedgerError, LedgerGone
from workflows.sandbox.wire import Answer, Wire, read_json

MAX_BODY = 1024 * 1024
ORG_HEADER = "X-CAP-API-AUTH-ORG-ID"
DUPLICATE_CODE = 9045
FILTERS: dict[str, Callable[[Credit], str]] = {
    "referenceId": lambda credit: credit.award.reference_id,
    "customerId": lambda credit: str(credit.award.customer_id),
    "orgId": lambda credit: str(credit.award.org_id),
}

logger = logging.getLogger(__name__)


class Refused(Exception):
    """The call cannot be carried out; carries the answer that says why."""

    def __init__(self, status: int, *messages: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.answer = Answer.error(status, *messages, headers=headers)


class Unreadable(Refused):
    """The body's end is not known, so the connection cannot be used any further."""


class SandboxServer(ThreadingHTTPServer):
    """Serves until `shutdown`; `server_close` also frees the ledger and ends every wait of a fault.

    A server that cannot bind its port closes itself, ledger included.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], ledger: Ledger) -> None:
        self.ledger = ledger
        self.faults = FaultQueue()
        self.stopping = threading.Event()
        super().__init__(address, Handler)

    @property
    def url(self) -> str:
        return f"http://{self.server_name}:{self.server_port}"

    def server_bind(self) -> None:
        """Bind without asking the name service who we are, which can take seconds."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def server_close(self) -> None:
        self.stopping.set()
        super().server_close()
        self.ledger.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about clients that went away; anything else is a bug and is logged."""
        if not isinstance(sys.exception(), OSError):
            logger.exception("a connection ended with a bug")


def make_server(host: str, port: int, ledger_path: Path | None = None) -> SandboxServer:
    """Return a server that listens already; port 0 takes a free one.

    Raises OSError if it cannot listen, LedgerError if the file cannot be used.
    """
    return SandboxServer((host, port), Ledger(ledger_path))


class Handler(BaseHTTPRequestHandler):
    """One connection. Reads a call whole, finds its route, answers in one packet.

    The Authorization header is looked at and forgotten: nothing here stores or logs a header.
    """

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 300
    server: SandboxServer

    def setup(self) -> None:
        super().setup()
        self.wire = Wire(self.connection, self.server.stopping)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the ledger is the record, and a line per call would slow down a load test."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer a request that is no HTTP in JSON too, without repeating what was sent."""
        self.close_connection = True
        self._refuse_and_close(Answer.error(code, HTTPStatus(code).phrase))

    def _dispatch(self) -> None:
        self.wire.keep_alive = not self.close_connection and self.request_version == "HTTP/1.1"
        try:
            self._body = self._read_body()
            self._route()()
        except Unreadable as refused:
            self._refuse_and_close(refused.answer)
        except Refused as refused:
            self.wire.send(refused.answer)
        except LedgerError as error:
            self.wire.send(Answer.error(500, str(error)))
        except LedgerGone:
            self.wire.reset()
        except OSError:
            raise
        except Exception:
            logger.exception("a call ended with a bug")
            self._refuse_and_close(Answer.error(500, "the sandbox has a bug"))
        finally:
            self.close_connection = not self.wire.keep_alive

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = _dispatch

    def _refuse_and_close(self, answer: Answer) -> None:
        self.wire.keep_alive = False
        self.wire.send(answer)
        self.wire.linger()

    def _read_body(self) -> bytes:
        if "Transfer-Encoding" in self.headers:
            raise Unreadable(411, "send a content-length; other framing is not understood")
        lengths = set(self.headers.get_all("Content-Length", ["0"]))
        text = lengths.pop()
        if lengths or not (text.isascii() and text.isdecimal()):
            raise Unreadable(400, "content-length must be one whole number")
        if len(text) > 18 or int(text) > MAX_BODY:
            raise Unreadable(413, f"the body may have at most {MAX_BODY} bytes")
        body = self.rfile.read(int(text))
        if len(body) < int(text):
            raise ConnectionAbortedError("the client left before the end of its body")
        return body

    def _route(self) -> Callable[[], None]:
        path = self.path.partition("?")[0].removesuffix("/")
        routes = _ROUTES.get(path)
        if routes is None:
            raise Refused(404, f"no such path; known are {', '.join(_ROUTES)}")
        route = routes.get(self.command)
        if route is None:
            allowed = ", ".join(routes)
            raise Refused(405, f"only {allowed} is allowed here", headers={"allow": allowed})
        return partial(route, self)

    def _query(self, *known: str) -> dict[str, str]:
        """Read the query; a name that is not known is refused, for a mistyped filter would show too much."""
        try:
            query = parse_qs(self.path.partition("?")[2], keep_blank_values=True, max_num_fields=10)
        except ValueError as error:
            raise Refused(400, "the query has too many parameters") from error
        for name, values in query.items():
            if name not in known or len(values) > 1:
                raise Refused(400, f"the query may have {', '.join(known)}, each once")
        return {name: values[0] for name, values in query.items()}

    def _json(self) -> object:
        try:
            return read_json(self._body)
        except ValueError as error:
            raise Refused(400, "the body is not JSON in UTF-8") from error

    def _carry_out(self, perform: Perform, fault: Fault | None) -> None:
        """Answer rightly or, if a fault was ordered for this call, wrongly."""
        if fault is None:
            self.wire.send(perform())
        else:
            fault.act(self.wire, perform)

    def post_goodwill(self) -> None:
        """Credit points. Faults befall only calls that are right, so a wrong one uses none up."""
        epoch = self.server.ledger.arrive()
        award = self._read_award()
        fault = self.server.faults.take(lookup=False, reference_id=award.reference_id)
        if fault is not None and not fault.credits:
            self.server.ledger.pass_over(award)
        self._carry_out(partial(self._credit, award, epoch), fault)

    def _read_award(self) -> Award:
        if not self.headers.get("Authorization", "").strip():
            raise Refused(401, "Authorization is missing", headers={"www-authenticate": "Basic"})
        org_id = read_org(self.headers.get(ORG_HEADER))
        if org_id is None:
            raise Refused(400, f"{ORG_HEADER} must be the id of an organisation")
        body = self._json()
        wrong = problems(body)
        if wrong or not isinstance(body, dict):
            raise Refused(400, *wrong)
        return read_award(org_id, body)

    def _credit(self, award: Award, epoch: int) -> Answer:
        credit = self.server.ledger.credit(award, epoch=epoch)
        if credit is None:
            return Answer.error(400, "Reference number already exists", code=DUPLICATE_CODE)
        # The real API sends this header, on success too: a client must not take it for an outcome.
        return Answer.of(201, {"createdId": credit.created_id, "warnings": []}, {"success": "0"})

    def get_lookup(self) -> None:
        """Tell whether a reference was credited, for a caller who never got to know."""
        query = self._query("referenceId", "orgId")
        org_id = read_org(query.get("orgId", self.headers.get(ORG_HEADER)))
        reference_id = query.get("referenceId")
        if org_id is None or not reference_id:
            raise Refused(400, f"referenceId and the organisation (orgId, or {ORG_HEADER}) are needed")
        fault = self.server.faults.take(lookup=True, reference_id=reference_id)
        self._carry_out(partial(self._look_up, org_id, reference_id), fault)

    def _look_up(self, org_id: int, reference_id: str) -> Answer:
        credit = self.server.ledger.find(org_id, reference_id)
        created_id = credit.created_id if credit else None
        content = {"referenceId": reference_id, "credited": credit is not None, "createdId": created_id}
        return Answer.of(200, content)

    def get_ledger(self) -> None:
        query = self._query(*FILTERS)
        snapshot = self.server.ledger.snapshot(
            lambda credit: all(FILTERS[name](credit) == value for name, value in query.items())
        )
        self.wire.send(Answer(200, snapshot.as_json.encode()))

    def delete_ledger(self) -> None:
        self.server.ledger.clear()
        self.get_ledger()

    def post_fault(self) -> None:
        fault = read_fault(self._json())
        if isinstance(fault, list):
            raise Refused(400, *fault)
        self.server.faults.add(fault)
        self.wire.send(Answer.of(201, fault.as_dict()))

    def get_faults(self) -> None:
        self.wire.send(Answer.of(200, {"faults": self.server.faults.pending()}))

    def delete_faults(self) -> None:
        self.server.faults.clear()
        self.get_faults()


_ROUTES: dict[str, dict[str, Callable[[Handler], None]]] = {
    "/internal/goodwill": {"POST": Handler.post_goodwill},
    "/ledger": {"GET": Handler.get_ledger, "DELETE": Handler.delete_ledger},
    "/ledger/lookup": {"GET": Handler.get_lookup},
    "/internal/goodwill/lookup": {"GET": Handler.get_lookup},
    "/faults": {"GET": Handler.get_faults, "POST": Handler.post_fault, "DELETE": Handler.delete_faults},
}
