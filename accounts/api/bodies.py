"""What the token endpoints take and answer."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class ClientCredentials(_Strict):
    """A client's key and secret, as `create_oauth_client` printed them."""

    key: str = Field(min_length=1, max_length=255)
    secret: str = Field(min_length=1, max_length=255)


class PersonCredentials(_Strict):
    """A person's own username and password, and the organisation to act in."""

    username: str = Field(min_length=1, max_length=150)
    password: str = Field(min_length=1, max_length=255)
    org_id: int = Field(alias="orgId", gt=0, le=2**63 - 1)
    otp: str | None = Field(
        default=None, max_length=32, description="The one-time password, of somebody who has set up a second factor."
    )


class AccessTokenData(BaseModel):
    accessToken: str
    ttlSeconds: int = Field(description="Seconds until the token expires.")


class AccessTokenAnswer(BaseModel):
    """A token; `errors` is null here and not an empty list."""

    data: AccessTokenData
    errors: None


class Revoked(BaseModel):
    revoked: bool


class RevokedAnswer(BaseModel):
    """All UI tokens have ended."""

    data: Revoked
    errors: None
