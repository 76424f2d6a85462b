"""A requests adapter that resolves once, checks the address, connects to that address, and knows what was sent.

requests and urllib3 do not bound a whole call (one byte per half second goes on for ever), cannot say whether a byte
left before the failure, and look the name up again at every connect. All three decide about money here.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from contextvars import ContextVar
from http.cookiejar import Cookie, DefaultCookiePolicy
from typing import Any
from urllib.request import Request

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from workflows.failpoints import failpoint
from workflows.intouch.addresses import AddressPolicy
from workflows.intouch.errors import Unavailable

MOST_ADDRESSES = 3


class Attempt:
    """One call's clock and memory: whether bytes were sent, and a watchdog that ends it at its deadline."""

    def __init__(self, total_seconds: float) -> None:
        self.deadline = time.monotonic() + total_seconds
        self.sent = False
        self.timed_out = False
        self._socket: socket.socket | None = None
        self._guard = threading.Lock()
        self._timer = threading.Timer(total_seconds, self._cut)
        self._timer.daemon = True

    def __enter__(self) -> Attempt:
        self._timer.start()
        _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        _current.set(None)
        with self._guard:
            self._socket = None

    def watch(self, sock: socket.socket | None) -> None:
        """From now on this socket is shut at the deadline."""
        with self._guard:
            self._socket = sock

    def remaining(self) -> float:
        """Seconds left.

        Raises:
            Unavailable: none are; only asked before anything was sent.
        """
        left = self.deadline - time.monotonic()
        if left <= 0 or self.timed_out:
            raise Unavailable("the time for the call was used up before anything was sent")
        return left

    def _cut(self) -> None:
        with self._guard:
            self.timed_out = True
            if self._socket is not None:
                # Shutting down, unlike closing, wakes the thread that is reading.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)


_current: ContextVar[Attempt | None] = ContextVar("attempt", default=None)


def _attempt() -> Attempt:
    attempt = _current.get()
    if attempt is None:
        raise RuntimeError("a guarded connection is used inside `with Attempt(...)` only")
    return attempt


class _Guarded:
    """Mixed into urllib3's connections: the address is checked where it is used, and the first byte is noticed."""

    policy: AddressPolicy
    sock: Any

    def _new_conn(self: Any) -> socket.socket:
        attempt = _attempt()
        try:
            found = socket.getaddrinfo(self._dns_host, self.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise NameResolutionError(self.host, self, socket.gaierror(str(error))) from None
        allowed = [entry for entry in found if self.policy.allows(str(entry[4][0]))]
        if not allowed:
            raise NewConnectionError(self, "the name leads to an address that may not be called")
        return _connect_to_first(self, attempt, allowed[:MOST_ADDRESSES])

    def send(self: Any, data: Any) -> None:
        attempt = _attempt()
        if self.sock is None:
            self.connect()
        attempt.watch(self.sock)
        attempt.remaining()
        attempt.sent = True
        super().send(data)  # type: ignore[misc]  # of the class that this is mixed into

    def getresponse(self: Any) -> HTTPResponse:
        failpoint("call.sent")  # here and not in `send`, which is called for the head and for the body
        return super().getresponse()  # type: ignore[misc,no-any-return]


def _connect_to_first(connection: Any, attempt: Attempt, addresses: list[Any]) -> socket.socket:
    failure: OSError | None = None
    for family, kind, protocol, _, address in addresses:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(min(attempt.remaining(), connection.timeout or attempt.remaining()))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            attempt.watch(sock)
            sock.connect(address)
            return sock
        except OSError as error:
            failure = error
            sock.close()
    if isinstance(failure, TimeoutError):
        raise ConnectTimeoutError(connection, "connecting took too long")
    raise NewConnectionError(connection, f"no connection: {failure.strerror if failure else 'no address'}")


class GuardedAdapter(HTTPAdapter):
    """An adapter for one target. No retries, no redirects, no proxy; TLS is verified against the name."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)

    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **kwargs: Any) -> None:
        manager = PoolManager(num_pools=connections, maxsize=maxsize, block=block, retries=False, **kwargs)
        namespace = {"policy": self._policy}
        manager.pool_classes_by_scheme = {
            "http": type(
                "GuardedHTTPPool", (HTTPConnectionPool,),
                {"ConnectionCls": type("GuardedHTTP", (_Guarded, HTTPConnection), namespace)},
            ),
            "https": type(
                "GuardedHTTPSPool", (HTTPSConnectionPool,),
                {"ConnectionCls": type("GuardedHTTPS", (_Guarded, HTTPSConnection), namespace)},
            ),
        }  # fmt: skip
        self.poolmanager = manager


class _NoCookies(DefaultCookiePolicy):
    """Every call stands alone."""

    def set_ok(self, cookie: Cookie, request: Request) -> bool:
        return False


class _Session(requests.Session):
    """Follows nothing. Without this, requests reads the body of a redirect whole before it is asked not to follow."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


class _PerThread(threading.local):
    """A keep-alive session per thread and target: no look-up and no handshake for the next call."""

    def __init__(self) -> None:
        self.sessions: dict[tuple[int, AddressPolicy], requests.Session] = {}


_per_thread = _PerThread()


def session_for(target_id: int, policy: AddressPolicy) -> requests.Session:
    """This thread's session for a target; a changed policy gets a new one."""
    key = (target_id, policy)
    session = _per_thread.sessions.get(key)
    if session is None:
        session = _Session()
        session.trust_env = False  # no proxy and no ~/.netrc from the environment
        session.headers.clear()
        session.cookies.set_policy(_NoCookies())
        adapter = GuardedAdapter(policy)
        session.mount("http://", adapter)
        session.mount("https://", adapter)
        _per_thread.sessions[key] = session
    return session
