"""Reading a body with a compiled schema, so that every wrong field is reported at once and with its place."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.utils.translation import gettext_lazy as _
from pydantic import BaseModel, Field, ValidationError
from pydantic_core import ErrorDetails

from wire.errors import MalformedBody, Problem

Model = TypeVar("Model", bound=BaseModel)

# The type of a validator's own refusal names the contract's code: `code_2015`.
CODED = "code_"
_PLAIN: dict[str, Any] = {
    "missing": _("is missing"),
    "extra_forbidden": _("is not a field of this request"),
    "int_type": _("must be a whole JSON number"),
    "string_type": _("must be a JSON text"),
    "bool_type": _("must be true or false"),
    "dict_type": _("must be a JSON object"),
    "model_type": _("must be a JSON object"),
    "model_attributes_type": _("must be a JSON object"),
    "string_too_short": _("must not be empty"),
}


class ErrorItem(BaseModel):
    """One problem: the code says what kind, the reference says where."""

    status: bool = Field(default=False, description="Always false.")
    code: int = Field(description="See the table of codes.", examples=[2008])
    message: str = Field(description="What is wrong and what would be right.")
    reference: str | None = Field(default=None, description="The dotted path of the field, or the header's name.")


class ErrorEnvelope(BaseModel):
    """The body of every refusal."""

    data: None = None
    errors: list[ErrorItem]
    warnings: list[Any] = []


def sentence(error: ErrorDetails) -> str:
    """What is wrong with one field, without ever repeating the value that was sent."""
    plain = _PLAIN.get(error["type"])
    if plain is not None:
        return str(plain)
    if error["type"].startswith(CODED):
        return error["msg"]
    context = error.get("ctx", {})
    match error["type"]:
        case "string_too_long":
            return str(_("must be at most %(max_length)s characters long") % context)
        case "greater_than":
            return str(_("must be greater than %(gt)s") % context)
        case "less_than_equal":
            return str(_("must be at most %(le)s") % context)
        case "literal_error":
            return str(_("must be %(expected)s") % context)
        case "value_error":
            return str(context["error"])
    return error["msg"][:1].lower() + error["msg"][1:]


def path_of(location: Sequence[str | int]) -> str:
    """The dotted path of a field, as `reference` shows it; a client's own key is cut to a readable length."""
    return ".".join(str(part)[:80] for part in location)


def read_body(model: type[Model], body: Any, code_of: Callable[[str], int] = lambda path: MalformedBody.code) -> Model:
    """Validate a parsed body.

    Args:
        code_of: the error code for a field's path, where the contract names a special one.

    Raises:
        MalformedBody: with one problem per wrong field.
    """
    try:
        return model.model_validate(body)
    except ValidationError as error:
        raise MalformedBody(problems=problems_of(error, code_of)) from None


def problems_of(error: ValidationError, code_of: Callable[[str], int]) -> list[Problem]:
    """The problems of a validation error, one per field, in the order of the model."""
    found: dict[str, Problem] = {}
    for detail in error.errors(include_url=False, include_input=False):
        kind = detail["type"]
        # A validator of a whole object refuses several of its keys at once.
        each: dict[str, str] = detail.get("ctx", {}).get("each") or {"": sentence(detail)}
        for key, text in each.items():
            path = path_of((*detail["loc"], key) if key else detail["loc"])
            code = int(kind.removeprefix(CODED)) if kind.startswith(CODED) else code_of(path)
            found.setdefault(path, Problem(code, f"{path or _('The body')} {text}.", path or None))
    return list(found.values())
