"""The generated credentials of the demo accounts, kept so that the next start prints the same ones."""

from __future__ import annotations

import json
import os
import secrets
from pathlib import Path
from typing import Any

from django.contrib.auth.hashers import check_password
from oauth2_provider.models import Application

from accounts import services
from accounts.hashers import digest
from accounts.models import ServiceAccountSecret, User

PASSWORD_BYTES = 15


class KeptSecrets:
    """Credentials by account. One that the file does not know, or that no longer proves anything, is replaced."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Any] = _read(path)

    def password(self, person: User) -> str:
        """The person's password, made true."""
        known = self._known.get(person.username)
        if isinstance(known, str) and person.check_password(known):
            return known
        password = known if isinstance(known, str) else secrets.token_urlsafe(PASSWORD_BYTES)
        services.set_password(person, password)
        self._known[person.username] = password
        return password

    def service_secret(self, account: User) -> dict[str, str]:
        """Username and secret of a service account."""
        known = self._known.get(account.username)
        if not isinstance(known, str) or not _is_live(account, known):
            known = services.ensure_service_secret(account, rotate=True).secret
            self._known[account.username] = known
        return {"username": account.username, "secret": str(known)}

    def oauth_client(self, account: User, name: str) -> dict[str, str]:
        """Key and secret of the account's OAuth client."""
        known = self._known.get("oauth")
        if not isinstance(known, dict) or not _proves(account, known):
            issued = services.ensure_oauth_client(account, name=name, rotate=True)
            known = {"key": issued.key, "secret": issued.secret}
            self._known["oauth"] = known
        return {"key": str(known["key"]), "secret": str(known["secret"])}

    def save(self) -> None:
        """Write the file, whole or not at all, for its owner only."""
        draft = self._path.with_suffix(".new")
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(self._known, file, indent=2)
        draft.replace(self._path)


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _is_live(account: User, secret: str) -> bool:
    return ServiceAccountSecret.objects.filter(user=account, digest=digest(secret), revoked_at=None).exists()


def _proves(account: User, known: dict[str, Any]) -> bool:
    client = Application.objects.filter(user=account, client_id=known.get("key")).first()
    return client is not None and check_password(str(known.get("secret")), client.client_secret)
