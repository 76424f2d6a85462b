"""One class per refusal of the engine. Codes and statuses: contract section 9 (docs/api.md)."""

from __future__ import annotations

from accounts.errors import PermissionDenied
from wire.errors import ApiError

__all__ = [
    "AlreadyDecided",
    "ContentChanged",
    "InvalidPayload",
    "NoCredential",
    "OwnRequest",
    "PermissionDenied",
    "ReferenceReused",
    "RequestNotFound",
    "TypeNotSupported",
    "WorkflowDisabled",
    "WrongAction",
]


class RequestNotFound(ApiError):
    """Unknown, or of another organisation: nobody can tell the two apart."""

    code = 2007
    http_status = 404
    message = "There is no such request in this organisation. Check the requestId."


class WrongAction(ApiError):
    code = 2007
    http_status = 400
    message = "The action must be AdminTask."


class AlreadyDecided(ApiError):
    """Somebody was faster, or the request has ended in another way."""

    code = 2002
    http_status = 409
    message = "The request was already decided. Reload it to see by whom."


class OwnRequest(ApiError):
    """Four eyes: looked at before any permission, so that a superuser meets it too."""

    code = 9051
    http_status = 403
    message = "You made this request yourself; somebody else must decide it."


class InvalidPayload(ApiError):
    code = 2008
    http_status = 400
    message = "The payload is invalid."


class ReferenceReused(ApiError):
    code = 2008
    http_status = 409
    message = "This referenceId was already used for a request with other content. Use a new one."


class TypeNotSupported(ApiError):
    code = 2009
    http_status = 400
    message = "This request type is not supported."


class WorkflowDisabled(ApiError):
    code = 2021
    http_status = 503
    message = "The workflow of this type is switched off for the organisation. An administrator can switch it on."


class ContentChanged(ApiError):
    """If-Match named another digest than the request has: the checker saw something else."""

    code = 2002
    http_status = 412
    message = "The request is not the one that you looked at. Reload it and decide again."


class NoCredential(ApiError):
    """The maker's credential was erased when the request ended, and the target keeps none of its own."""

    code = 2023
    http_status = 409
    message = "There is no credential to call with: give the Intouch target one of its own first."
