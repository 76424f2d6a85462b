"""Refusals that concern who is asking. Codes: the incumbent's."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from wire.errors import ApiError, NotAuthenticated

__all__ = [
    "ConflictingCredentials",
    "NotAuthenticated",
    "OrganisationHeaderInvalid",
    "OrganisationHeaderMissing",
    "PermissionDenied",
    "TooManyAttempts",
]


class ConflictingCredentials(NotAuthenticated):
    """Two credentials that do not belong together, or one header sent twice."""

    message = _("The credentials contradict each other: send one, or a UI token with those of the same organisation.")


class PermissionDenied(ApiError):
    """No member of the organisation, or one without the right; an organisation that does not exist looks the same."""

    code = 2001
    http_status = 403
    message = _("You have no permission for this in this organisation.")


class OrganisationHeaderInvalid(ApiError):
    code = 2005
    http_status = 400
    message = _("X-CAP-API-AUTH-ORG-ID must be one positive whole number: the id of your organisation.")


class OrganisationHeaderMissing(ApiError):
    code = 2026
    http_status = 400
    message = _("X-CAP-API-AUTH-ORG-ID is missing: send the id of your organisation.")


class TooManyAttempts(ApiError):
    """Too many wrong passwords or secrets lately."""

    code = 4290
    http_status = 429

    def __init__(self, seconds: int) -> None:
        super().__init__(
            _("Too many failed attempts. Try again in %(minutes)s minutes.") % {"minutes": -(-seconds // 60)},
            headers={"Retry-After": str(seconds)},
        )
