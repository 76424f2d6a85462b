"""The environment variables of the service: read once, typed, all missing ones named at once.

`python -m config.environment` prints the table that the README shows.
"""

from __future__ import annotations

import base64
import binascii
import re
from typing import Annotated, Any, Literal

from django.core.exceptions import ImproperlyConfigured
from pydantic import AfterValidator, BeforeValidator, Field, ValidationError, ValidationInfo
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from config import mail


def _comma_list(value: Any) -> Any:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _key_ring(value: Any) -> Any:
    """`id:base64url[,id:base64url…]`: the first key is used for new things, all are accepted."""
    if not isinstance(value, str):
        return value
    ring: dict[str, bytes] = {}
    for entry in _comma_list(value):
        key_id, colon, encoded = entry.partition(":")
        if not colon or not key_id.isalnum():
            raise ValueError("must be id:base64url[,id:base64url…] with ids of letters and digits")
        try:
            ring[key_id] = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
        except (binascii.Error, ValueError):
            raise ValueError(f"the key {key_id} is not base64url") from None
    return ring


def _long_enough(ring: dict[str, bytes]) -> dict[str, bytes]:
    if not ring or any(len(key) < 32 for key in ring.values()):
        raise ValueError("needs at least one key, and every key at least 32 bytes")
    return ring


def _aes_256(ring: dict[str, bytes]) -> dict[str, bytes]:
    if not ring or any(len(key) != 32 for key in ring.values()):
        raise ValueError("needs at least one key, and every key exactly 32 bytes")
    return ring


def _mail_url(value: str) -> str:
    mail.read(value)
    return value


def _public_url(value: str, info: ValidationInfo) -> str:
    if not value and info.data.get("EMAIL_URL"):
        raise ValueError("is needed where EMAIL_URL is set: mail holds links to the desk")
    if value and not _ORIGIN.fullmatch(value):
        raise ValueError("must be https://host[:port]")
    return value.rstrip("/")


_ORIGIN = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?/?")
CommaList = Annotated[list[str], NoDecode, BeforeValidator(_comma_list)]
SigningRing = Annotated[dict[str, bytes], NoDecode, BeforeValidator(_key_ring), AfterValidator(_long_enough)]
AESRing = Annotated[dict[str, bytes], NoDecode, BeforeValidator(_key_ring), AfterValidator(_aes_256)]


class Environment(BaseSettings):
    """Every variable, its type, its default and what it is for. No default: the service does not start without it."""

    model_config = SettingsConfigDict(extra="ignore", hide_input_in_errors=True, case_sensitive=True)

    SECRET_KEY: str = Field(min_length=50, description="Django's signing key, at least 50 random characters.")
    DATABASE_URL: str = Field(description="`postgresql://user:password@host:5432/name`; PostgreSQL 15 or newer.")
    CELERY_BROKER_URL: str = Field(description="`redis://:password@host:6379/0`; Redis or Valkey, `noeviction`.")
    ALLOWED_HOSTS: CommaList = Field(description="Host names that the service answers to, separated by commas.")
    FIELD_ENCRYPTION_KEYS: AESRing = Field(
        description="`id:base64url` of 32 bytes each, separated by commas; the first encrypts, all decrypt."
    )
    UI_TOKEN_KEYS: SigningRing = Field(
        description="`id:base64url`: 32 random bytes or more (HS256), or a PEM private key (RS256); the first signs."
    )

    UI_TOKEN_ALGORITHM: Literal["HS256", "RS256"] = Field("HS256", description="How UI tokens are signed.")
    UI_TOKEN_TTL_SECONDS: int = Field(3600, ge=60, le=3600, description="Lifetime of a UI token.")
    UI_TOKEN_ISSUER: str = Field("goodwill", description="`iss` of UI tokens.")
    UI_TOKEN_AUDIENCE: str = Field("goodwill", description="`aud` of UI tokens.")
    OAUTH_TOKEN_TTL_SECONDS: int = Field(300, ge=60, le=3600, description="Lifetime of an OAuth access token.")
    CACHE_URL: str = Field(
        "", description="Redis or Valkey database for counting failed log-ins; default: database 15 of the broker."
    )
    TRUSTED_PROXIES: int = Field(0, ge=0, le=10, description="How many of our proxies append to `X-Forwarded-For`.")
    CSRF_TRUSTED_ORIGINS: CommaList = Field([], description="Origins of the admin behind a proxy: `https://host`.")
    HTTPS_ONLY: bool = Field(True, description="Redirect to https, HSTS, secure cookies. Off for development only.")
    PROXY_SENDS_FORWARDED_PROTO: bool = Field(
        False, description="The front proxy sets `X-Forwarded-Proto` and drops it when a client sends it."
    )
    DATABASE_REPLICA_URL: str = Field(
        "", description="A read replica, for lists and exports; without one the primary serves them."
    )
    DATABASE_POOL_SIZE: int = Field(20, ge=1, le=500, description="Most connections per process.")
    DATABASE_PREPARED_STATEMENTS: bool = Field(
        True, description="Hot statements are planned once per connection. Off behind a pooler that cannot carry that."
    )
    DECISION_WAIT_SECONDS: float = Field(
        3.0, ge=0, le=10, description="How long an approval over the API waits for the outcome."
    )
    DECISION_WAITERS: int = Field(
        8, ge=0, le=1000, description="Most requests per process that wait so; the next ones answer at once."
    )
    INTOUCH_CONNECT_SECONDS: float = Field(3.0, gt=0, le=60, description="Time-out for reaching Intouch.")
    INTOUCH_READ_SECONDS: float = Field(10.0, gt=0, le=120, description="Time-out between two bytes of its answer.")
    INTOUCH_TOTAL_SECONDS: float = Field(20.0, gt=0, le=300, description="Time-out of the whole call.")
    INTOUCH_LEASE_SECONDS: float = Field(
        60.0, gt=0, le=3600, description="How long a worker owns a request; longer than twice the whole call."
    )
    INTOUCH_MAX_TRIES: int = Field(
        20, ge=1, le=1000, description="Most calls for one approval; none is spent while Intouch is out of reach."
    )
    INTOUCH_MAX_AGE_HOURS: float = Field(24.0, gt=0, description="Longest time that Intouch may be out of reach.")
    INTOUCH_BACKOFF_SECONDS: float = Field(2.0, gt=0, description="Wait before the second try; doubles with each.")
    INTOUCH_BACKOFF_MOST_SECONDS: float = Field(300.0, gt=0, description="Longest wait between two tries.")
    INTOUCH_SETTLE_SECONDS: float = Field(
        120.0,
        gt=0,
        description="Longest that Intouch may work on a call; until then a look-up proves no absence.",
    )
    INTOUCH_BREAKER_FAILURES: int = Field(8, ge=1, description="Failures in a row after which a target is left alone.")
    INTOUCH_BREAKER_SECONDS: float = Field(15.0, gt=0, description="How long it is left alone; more with each probe.")
    INTOUCH_ALLOW_LOOPBACK: bool = Field(False, description="Targets on this very host. Development only.")
    SWEEP_SECONDS: float = Field(10.0, ge=1, le=3600, description="How often due requests are sent to the queue again.")
    PATIENCE_SECONDS: float = Field(
        60.0, ge=1, le=3600, description="How often reminders, escalations and expiries that are due are looked for."
    )
    NIGHTLY_HOUR: int = Field(
        2, ge=0, le=23, description="Hour (UTC) at which it is checked that somebody can decide each waiting request."
    )
    EMAIL_URL: Annotated[str, AfterValidator(_mail_url)] = Field(
        "",
        description="`smtp+tls://user:password@host:587`, `smtps://…`, `smtp://…` or `console:`; without one no mail.",
    )
    EMAIL_FROM: str = Field("Goodwill <goodwill@localhost>", description="Sender of the mail.")
    PUBLIC_URL: Annotated[str, AfterValidator(_public_url)] = Field(
        "", validate_default=True, description="`https://host` of the desk, for links in mail; needed with `EMAIL_URL`."
    )
    METRICS_TOKEN: str = Field("", description="Bearer token of `/metrics`; without one the page does not exist.")
    LOG_LEVEL: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="Least level logged.")
    LOG_FORMAT: Literal["json", "console"] = Field("json", description="One JSON object per line, or for reading.")


def read() -> Environment:
    """Read the environment.

    Raises:
        ImproperlyConfigured: naming every variable that is missing or wrong, and never a value.
    """
    try:
        return Environment()
    except ValidationError as error:
        lines = [
            f"  {detail['loc'][0]}: {'is missing' if detail['type'] == 'missing' else detail['msg']}"
            for detail in error.errors(include_url=False, include_input=False)
        ]
        raise ImproperlyConfigured(
            "These environment variables are missing or wrong (the README lists them all):\n" + "\n".join(lines)
        ) from None


def table() -> str:
    """The variables as a Markdown table."""
    rows = ["| variable | default | meaning |", "|---|---|---|"]
    for name, field in Environment.model_fields.items():
        default = "**required**" if field.is_required() else _as_written(field.default)
        rows.append(f"| `{name}` | {default} | {field.description} |")
    return "\n".join(rows)


def _as_written(default: Any) -> str:
    """A default as one would write it in the environment."""
    if default in ("", []):
        return "none"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"


if __name__ == "__main__":
    print(table())
