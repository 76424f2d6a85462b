"""The one base of every refusal that a client sees: a code, an HTTP status and a sentence that says what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrOrPromise


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where.

    `code` is the incumbent's (docs/api.md lists them), `reference` the dotted path of the field or the name of the
    header or parameter.
    """

    code: int
    message: str
    reference: str | None = None

    def as_json(self) -> dict[str, object]:
        item: dict[str, object] = {"status": False, "code": self.code, "message": self.message}
        if self.reference is not None:
            item["reference"] = self.reference
        return item


class ApiError(Exception):
    """A refusal. Subclasses fix `code`, `http_status` and a default `message`; one class per refusal.

    Sentences are translated when the error is raised: into the reader's language on the desk, and for the API into
    English, which clients match on (`wire.language`).
    An error may carry several problems (one per wrong field); its own code and message are then the first one's.
    """

    code: int = 5000
    http_status: int = 500
    message: StrOrPromise = _("Something unforeseen happened.")

    def __init__(
        self,
        message: StrOrPromise = "",
        *,
        reference: str | None = None,
        problems: Sequence[Problem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems) or (
            Problem(self.code, str(message or self.message), reference),
        )
        self.headers: dict[str, str] = dict(headers or {})
        super().__init__(self.problems[0].message)

    @property
    def detail(self) -> str:
        """The first problem's sentence: what the admin shows."""
        return self.problems[0].message


def envelope(problems: Sequence[Problem]) -> dict[str, object]:
    """The body of every refusal of the gateway."""
    return {"data": None, "errors": [problem.as_json() for problem in problems], "warnings": []}


class NotAuthenticated(ApiError):
    """Nobody proved who they are. One sentence for every cause, so that nothing can be probed."""

    code = 2013
    http_status = 401
    message: StrOrPromise = _(
        "Credentials are missing, wrong or expired. Send Basic, a Bearer token or X-CAP-UI-AUTH-TOKEN."
    )

    def __init__(self, message: StrOrPromise = "", **kwargs: object) -> None:
        super().__init__(message, headers={"WWW-Authenticate": 'Basic realm="goodwill", charset="UTF-8"'})


class MalformedBody(ApiError):
    """The body is not JSON that this service reads."""

    code = 2008
    http_status = 400
    message = _("The body must be one JSON object.")
