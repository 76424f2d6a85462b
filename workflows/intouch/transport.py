"""urllib3's connections, made to resolve once, check the address, connect to that address, and know what was sent.

urllib3 does not bound a whole call (one byte per half second goes on for ever), cannot say whether a byte left before
the failure, and looks the name up again at every connect. All three decide about money here. requests, which stands on
it, brings redirects, proxies, cookies and ~/.netrc, all unwanted here, and takes three times as long for a call.
"""

from __future__ import annotations

import contextlib
import math
import socket
import threading
import time
from contextvars import ContextVar
from typing import Any

import certifi
from urllib3 import HTTPConnectionPool, HTTPResponse, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from workflows.failpoints import failpoint
from workflows.intouch.addresses import AddressPolicy
from workflows.intouch.errors import Unavailable

MOST_ADDRESSES = 3


class _Watchdog:
    """One thread of this process that ends every attempt at its deadline: to start one for each call takes longer than
    to send it.
    """

    def __init__(self) -> None:
        self._watched: set[Attempt] = set()
        self._changed = threading.Condition()
        self._wakes_at = math.inf
        self._thread: threading.Thread | None = None

    def watch(self, attempt: Attempt) -> None:
        with self._changed:
            self._watched.add(attempt)
            if self._thread is None or not self._thread.is_alive():  # a fork has none of its parent's threads
                self._wakes_at = math.inf
                self._thread = threading.Thread(target=self._run, name="call-deadlines", daemon=True)
                self._thread.start()
            elif attempt.deadline < self._wakes_at:
                self._changed.notify()

    def forget(self, attempt: Attempt) -> None:
        with self._changed:
            self._watched.discard(attempt)

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for attempt in [each for each in self._watched if each.deadline <= now]:
                    attempt.cut()
                    self._watched.discard(attempt)
                self._wakes_at = min((each.deadline for each in self._watched), default=math.inf)
                self._changed.wait(None if self._wakes_at == math.inf else self._wakes_at - now)


_watchdog = _Watchdog()


class Attempt:
    """One call's clock and memory: whether bytes were sent; the watchdog ends it at its deadline."""

    def __init__(self, total_seconds: float) -> None:
        self.deadline = time.monotonic() + total_seconds
        self.sent = False
        self.timed_out = False
        self._socket: socket.socket | None = None
        self._guard = threading.Lock()

    def __enter__(self) -> Attempt:
        _watchdog.watch(self)
        _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _watchdog.forget(self)
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

    def cut(self) -> None:
        """The time is up: whoever connects, sends or reads is stopped."""
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


def _guarded_manager(policy: AddressPolicy) -> PoolManager:
    """One keep-alive connection; no retries, no proxy; TLS is verified against the name."""
    manager = PoolManager(num_pools=1, maxsize=1, retries=False, cert_reqs="CERT_REQUIRED", ca_certs=certifi.where())
    namespace = {"policy": policy}
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
    return manager


class _PerThread(threading.local):
    """A keep-alive connection per thread and target: no look-up and no handshake for the next call."""

    def __init__(self) -> None:
        self.managers: dict[tuple[int, AddressPolicy], PoolManager] = {}


_per_thread = _PerThread()


def connections_to(target_id: int, policy: AddressPolicy) -> PoolManager:
    """This thread's connections to a target; a changed policy gets new ones."""
    key = (target_id, policy)
    manager = _per_thread.managers.get(key)
    if manager is None:
        manager = _per_thread.managers[key] = _guarded_manager(policy)
    return manager
