"""Settings that a developer need not think of. Not for production: the secrets lie in the project."""

import base64
import fcntl
import os
import secrets
from collections.abc import Callable
from pathlib import Path

SETTINGS = {
    "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]",
    "HTTPS_ONLY": "false",
    "INTOUCH_ALLOW_LOOPBACK": "true",
    "LOG_FORMAT": "console",
}


def new_key() -> str:
    return f"dev1:{base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()}"


SECRETS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(50),
    "FIELD_ENCRYPTION_KEYS": new_key,
    "UI_TOKEN_KEYS": new_key,
}


def kept_secrets(path: Path) -> dict[str, str]:
    """The secrets of this file, made once. Locked, so that two first starts agree on them."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text = file.read()
        kept = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
        missing = {name: make() for name, make in SECRETS.items() if name not in kept}
        file.write("" if text.endswith("\n") or not text else "\n")
        file.writelines(f"{name}={value}\n" for name, value in missing.items())
    return {name: (kept | missing)[name] for name in SECRETS}
