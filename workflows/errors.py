"""One class per refusal of the engine. Codes and statuses: contract section 9 (docs/api.md)."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from accounts.errors import PermissionDenied
from wire.errors import ApiError

__all__ = [
    "AlreadyDecided",
    "CannotChoose",
    "ContentChanged",
    "InvalidPayload",
    "LimitReached",
    "NoCredential",
    "NobodyCanDecide",
    "OwnRequest",
    "PermissionDenied",
    "PolicyChanged",
    "ReferenceReused",
    "RefusedByPolicy",
    "RequestNotFound",
    "TypeNotSupported",
    "WorkflowDisabled",
    "WrongAction",
]


class RequestNotFound(ApiError):
    """Unknown, or of another organisation: nobody can tell the two apart."""

    code = 2007
    http_status = 404
    message = _("There is no such request in this organisation. Check the requestId.")


class WrongAction(ApiError):
    code = 2007
    http_status = 400
    message = _("The action must be AdminTask.")


class AlreadyDecided(ApiError):
    """Somebody was faster, or the request has ended in another way."""

    code = 2002
    http_status = 409
    message = _("The request was already decided. Reload it to see by whom.")


class CannotChoose(ApiError):
    """What was sent chooses nothing that can be decided in one go."""

    code = 2008
    http_status = 400


class OwnRequest(ApiError):
    """Four eyes: looked at before any permission, so that a superuser meets it too."""

    code = 9051
    http_status = 403
    message = _("You made this request yourself; somebody else must decide it.")


class InvalidPayload(ApiError):
    code = 2008
    http_status = 400
    message = _("The payload is invalid.")


class ReferenceReused(ApiError):
    code = 2008
    http_status = 409
    message = _("This referenceId was already used for a request with other content. Use a new one.")


class TypeNotSupported(ApiError):
    code = 2009
    http_status = 400
    message = _("This request type is not supported.")


class WorkflowDisabled(ApiError):
    code = 2021
    http_status = 503
    message = _("The workflow of this type is switched off for the organisation. An administrator can switch it on.")


class ContentChanged(ApiError):
    """If-Match named another digest than the request has: the checker saw something else."""

    code = 2002
    http_status = 412
    message = _("The request is not the one that you looked at. Reload it and decide again.")


class NoCredential(ApiError):
    """The maker's credential was erased when the request ended, and the target keeps none of its own."""

    code = 2023
    http_status = 409
    message = _("There is no credential to call with: give the Intouch target one of its own first.")


class RefusedByPolicy(ApiError):
    """A rule of the organisation refuses such requests; the sentence is the rule's."""

    code = 2008
    http_status = 400
    message = _("The organisation's policy refuses such requests.")


class LimitReached(ApiError):
    """With this request a hard limit would be passed."""

    code = 2015
    http_status = 400
    message = _("This would pass a limit of the organisation.")


class NobodyCanDecide(ApiError):
    """No different people can be found for what policy asks: refused at once, instead of waiting for ever."""

    code = 2021
    http_status = 503
    message = _("Nobody could decide this request. An administrator must name people for it.")


class PolicyChanged(ApiError):
    """Another version came into force between judging and storing."""

    code = 2021
    http_status = 503
    message = _("The policy has changed at this very moment. Send the request again.")
