"""Where mail goes: one address in the environment, read into what Django wants to know of a mail server."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

_BACKENDS = "django.core.mail.backends"
# Port, STARTTLS, TLS from the first byte.
_KINDS: dict[str, tuple[int, bool, bool]] = {
    "smtp": (25, False, False),
    "smtp+tls": (587, True, False),
    "smtps": (465, False, True),
}


@dataclass(frozen=True, slots=True)
class MailServer:
    """Django's `EMAIL_*` settings; by default nowhere, so that no mail is sent."""

    backend: str = f"{_BACKENDS}.dummy.EmailBackend"
    host: str = "localhost"
    port: int = 25
    user: str = ""
    password: str = ""
    starts_tls: bool = False
    is_tls: bool = False

    def __repr__(self) -> str:
        return f"<mail server {self.host}:{self.port}>"


def read(url: str) -> MailServer:
    """Read `smtp[s|+tls]://[user:password@]host[:port]`, or `console:`, or nothing.

    Raises:
        ValueError: it is none of these; the text holds no part of it.
    """
    if not url:
        return MailServer()
    if url == "console:":
        return MailServer(backend=f"{_BACKENDS}.console.EmailBackend")
    parts = urlsplit(url)
    kind = _KINDS.get(parts.scheme)
    if kind is None or not parts.hostname or parts.path not in ("", "/") or parts.query or parts.fragment:
        raise ValueError("must be smtp://, smtp+tls:// or smtps:// with [user:password@]host[:port], or console:")
    port, starts_tls, is_tls = kind
    return MailServer(
        backend=f"{_BACKENDS}.smtp.EmailBackend", host=parts.hostname, port=parts.port or port,
        user=unquote(parts.username or ""), password=unquote(parts.password or ""),
        starts_tls=starts_tls, is_tls=is_tls,
    )  # fmt: skip
