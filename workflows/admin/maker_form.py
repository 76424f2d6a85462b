"""The form of makers without API access: what every request type asks for; the type's app adds the fields of its own.

It makes the very envelope that a client of the API would send, so that one validation judges both.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS
from django.forms import BoundField
from django.utils.translation import gettext_lazy as _
from uuid6 import uuid7

from accounts.actors import Actor
from wire import strict_json
from wire.errors import ApiError, Problem
from workflows import desk
from workflows.admin.forms import OneLineField
from workflows.models import IntouchTarget, WorkflowRequest
from workflows.registry import RequestType
from workflows.submission import BODY_PATH, TASK_PAYLOAD
from workflows.terms.document import Terms

LONGEST_ENTITY = 64
# Field of the form, attribute of the membership that lists the ones in scope, and how it is called.
_ENTITIES = (
    ("concept", "concepts", _("Concept")),
    ("zone", "zones", _("Zone")),
    ("store", "stores", _("Store")),
    ("till", "tills", _("Till")),
)


def new_reference() -> str:
    """A reference of one page load, so that a form that is sent twice makes one request."""
    return f"admin-{uuid7()}"


class MakerForm(forms.Form):
    """Subclasses add fields, name them in `body_fields`, and write `body`.

    Attributes:
        body_fields: the name that the wire has for each field of the body.
        place_fields: those of them that say where the request comes from.
        obstacle: why nothing can be made in this organisation; empty where it can.
    """

    reference = forms.CharField(max_length=255, widget=forms.HiddenInput)
    body_fields: ClassVar[dict[str, str]] = {}
    place_fields: ClassVar[tuple[str, ...]] = ()
    obstacle: Any = ""

    def __init__(
        self, *args: Any, actor: Actor, kind: RequestType, terms: Terms, targets: list[IntouchTarget],
        **options: Any,
    ) -> None:  # fmt: skip
        super().__init__(*args, **options)
        self.actor, self.kind, self.terms = actor, kind, terms
        self._targets = {target.origin: target for target in targets}
        self.last = self._last_request()
        self.fields["reference"].initial = new_reference()
        for name, listed, label in _ENTITIES:
            self.fields[name] = self._entity_field(name, getattr(actor.membership, listed), label)
        if len(targets) > 1:
            choices = [(origin, origin) for origin in self._targets]
            self.fields["target"] = forms.ChoiceField(label=_("Intouch target"), choices=choices)

    def _last_request(self) -> WorkflowRequest | None:
        """What this maker asked for last, which usually came from the same till."""
        made = desk.made_by(self.actor).filter(request_type=self.kind.slug)
        return made.defer("secret", "payload", "result").order_by("-created_at", "-id").first()

    def _entity_field(self, name: str, allowed: list[str], label: Any) -> forms.Field:
        last: str | None = getattr(self.last, f"{name}_id", None)
        if allowed:
            initial = last if last in allowed else allowed[0]
            return forms.ChoiceField(label=label, choices=[(value, value) for value in allowed], initial=initial)
        return OneLineField(label=label, max_length=LONGEST_ENTITY, initial=last)

    def body(self) -> dict[str, Any]:
        """`payload.IntouchAPITask-Payload.body`, but for the reference, of a form that is valid."""
        raise NotImplementedError

    def envelope(self) -> Any:
        """What the API would have been sent, read back by the same strict parser."""
        given = self.cleaned_data
        origin = given.get("target") or next(iter(self._targets))
        task = {
            "hostname": origin, "path": self.kind.path, "method": self.kind.method, "pathParams": {}, "queryParams": {},
            "body": {"referenceId": given["reference"], **self.body()}, "headers": {"content-type": "application/json"},
        }  # fmt: skip
        entity = {f"{name}Id": given[name] for name, *_rest in _ENTITIES}
        return strict_json.parse(strict_json.dumps({"entityInfo": entity, "payload": {TASK_PAYLOAD: task}}).encode())

    def add_problems(self, refusal: ApiError) -> None:
        """Put every problem where it can be mended."""
        for problem in refusal.problems:
            field = self._field_of(problem.reference or "")
            text = _plain(problem) if field else str(problem.message)
            self.add_error(field, text)

    def _field_of(self, reference: str) -> str | None:
        places = {f"{BODY_PATH}{wire}": field for field, wire in self.body_fields.items()}
        places |= {f"entityInfo.{name}Id": name for name, *_rest in _ENTITIES}
        places[f"payload.{TASK_PAYLOAD}.hostname"] = "target"
        field = places.get(reference)
        return field if field in self.fields else None

    def renew_reference(self) -> None:
        """Show the form once more as a new one, with what was written."""
        self.data = {**self.data.dict(), "reference": new_reference()}  # type: ignore[attr-defined]  # a QueryDict

    @property
    def fields_of_type(self) -> list[BoundField]:
        return [self[name] for name in self.body_fields if name not in self.place_fields]

    @property
    def fields_of_place(self) -> list[BoundField]:
        names = (*(name for name, *_rest in _ENTITIES), *self.place_fields, "target")
        return [self[name] for name in names if name in self.fields]

    @property
    def mistakes(self) -> list[tuple[BoundField | None, str]]:
        """Every error with its field, in the order of the page; None for what concerns the whole."""
        whole = [(None, str(text)) for text in self.errors.get(NON_FIELD_ERRORS, [])]
        fields = [*self.fields_of_type, *self.fields_of_place, self["reference"]]
        at_fields = [(field, str(text)) for field in fields for text in field.errors]
        return [*whole, *at_fields]


def _plain(problem: Problem) -> str:
    """The sentence beside a field needs no path of the envelope."""
    text = str(problem.message).removeprefix(f"{problem.reference} ")
    return text[:1].upper() + text[1:]
