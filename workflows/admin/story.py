"""What happened to a request, as a person would tell it: events and calls as one list, oldest first."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from workflows.models import AuditEvent, CallOutcome, CallPurpose, IntouchCall
from workflows.selectors import Timeline


@dataclass(frozen=True, slots=True)
class Chapter:
    """One thing that happened. `quote` is what a person wrote, `lines` what the service adds."""

    at: datetime
    tone: str
    icon: str
    title: str
    quote: str = ""
    lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Telling:
    tone: str
    icon: str
    text: Any


_TELLINGS: Final[dict[str, _Telling]] = {
    "request.submitted": _Telling("wait", "pen", gettext_lazy("%(who)s made the request")),
    "request.withdrawn": _Telling("off", "back", gettext_lazy("%(who)s withdrew the request")),
    "request.expired": _Telling("off", "clock", gettext_lazy("Nobody decided in time; the request expired")),
    "request.retry_asked": _Telling("wait", "repeat", gettext_lazy("%(who)s asked for another try")),
    "task.approved": _Telling("good", "check", gettext_lazy("%(who)s approved")),
    "task.rejected": _Telling("no", "stop", gettext_lazy("%(who)s rejected")),
    "level.opened": _Telling("wait", "arrow", gettext_lazy("The next level waits for a decision")),
    "task.reminded": _Telling("wait", "clock", gettext_lazy("Those who may decide were reminded")),
    "task.escalated": _Telling("doubt", "clock", gettext_lazy("It has waited too long: others may decide it as well")),
    "task.claimed": _Telling("off", "eye", gettext_lazy("%(who)s began to look at it")),
    "task.released": _Telling("off", "eye", gettext_lazy("%(who)s left it to others")),
    "task.assigned": _Telling("work", "arrow", gettext_lazy("%(who)s handed it over")),
    "task.unassigned": _Telling("work", "arrow", gettext_lazy("%(who)s gave it back to everybody")),
    "request.expiry_warned": _Telling("doubt", "clock", gettext_lazy("It was told that the request will expire")),
    "request.stuck": _Telling("bad", "stop", gettext_lazy("No people can be found for all its levels")),
    "request.unstuck": _Telling("good", "check", gettext_lazy("People can be found for all its levels again")),
    "limits.out_of_step": _Telling("bad", "stop", gettext_lazy("The limits counted less than this request")),
    "call.credited": _Telling("good", "check", gettext_lazy("Intouch confirmed: credited")),
    "call.refused": _Telling("bad", "cross", gettext_lazy("Intouch refused: nothing was credited")),
    "call.not_sent": _Telling("wait", "clock", gettext_lazy("Not sent: nothing was credited by this try")),
    "call.unknown": _Telling("doubt", "question", gettext_lazy("No clear answer: the outcome is not known")),
    "call.absent": _Telling("work", "arrow", gettext_lazy("Looked up at Intouch: nothing has been credited")),
    "change.credited": _Telling("good", "check", gettext_lazy("The change was carried out")),
    "change.refused": _Telling("bad", "cross", gettext_lazy("The change could not be carried out")),
    "change.not_sent": _Telling("wait", "clock", gettext_lazy("Not carried out by this try")),
    "settings.changed": _Telling("good", "check", gettext_lazy("The settings were changed, as %(who)s proposed")),
    "settings.set_up": _Telling("good", "pen", gettext_lazy("%(who)s set this up directly")),
    "settings.administrator_appointed": _Telling("doubt", "pen", gettext_lazy("%(who)s appointed an administrator")),
    "person.password_set": _Telling("doubt", "pen", gettext_lazy("%(who)s set somebody's password")),
    "person.password_chosen": _Telling("good", "pen", gettext_lazy("%(who)s chose a password of their own")),
    "person.secret_made": _Telling("doubt", "pen", gettext_lazy("%(who)s made a new secret of a service account")),
    "person.second_factor_removed": _Telling("doubt", "pen", gettext_lazy("%(who)s removed a second factor")),
    "person.access_confirmed": _Telling("good", "check", gettext_lazy("%(who)s confirmed somebody's access")),
    "person.sessions_ended": _Telling("off", "stop", gettext_lazy("%(who)s ended somebody's sessions")),
    "call.late": _Telling("doubt", "question", gettext_lazy("An answer came after another worker had taken over")),
    "bulk.started": _Telling("wait", "pen", gettext_lazy("%(who)s decided many at once")),
    "bulk.ended": _Telling("good", "check", gettext_lazy("The bulk decision of %(who)s was carried out")),
    "export.made": _Telling("off", "send", gettext_lazy("%(who)s exported a list")),
    "operator.requeued": _Telling("work", "repeat", gettext_lazy("%(who)s made the next try due at once")),
    "operator.reconciled": _Telling("work", "repeat", gettext_lazy("%(who)s had Intouch asked again at once")),
    "operator.paused": _Telling("wait", "pause", gettext_lazy("%(who)s paused the carrying out")),
    "goodwill.import_started": _Telling("work", "arrow", gettext_lazy("%(who)s began to move history in")),
    "goodwill.import_resumed": _Telling("work", "repeat", gettext_lazy("%(who)s went on moving history in")),
    "goodwill.import_stopped": _Telling("wait", "pause", gettext_lazy("Moving history in was stopped")),
    "goodwill.import_finished": _Telling("good", "check", gettext_lazy("%(who)s moved history in")),
    "goodwill.export.started": _Telling("work", "arrow", gettext_lazy("%(who)s began to export the history")),
    "goodwill.export.finished": _Telling("good", "check", gettext_lazy("%(who)s exported the history")),
    "request.export.started": _Telling("work", "arrow", gettext_lazy("%(who)s began to export requests")),
    "request.export.finished": _Telling("good", "check", gettext_lazy("%(who)s exported requests")),
    "operator.resumed": _Telling("work", "arrow", gettext_lazy("%(who)s lifted the pause")),
}


def sentence(event: AuditEvent) -> str:
    """The event in words; the name of an action that has none yet."""
    telling = _TELLINGS.get(event.action)
    return str(telling.text) % {"who": event.actor_name} if telling else f"{event.action}: {event.actor_name}"


def tell(timeline: Timeline) -> list[Chapter]:
    """The chapters of a request. At the same instant a call began before it was answered."""
    told = [_of_call(call) for call in timeline.calls] + [_of_event(event) for event in timeline.events]
    return sorted(told, key=lambda chapter: chapter.at)


def _of_event(event: AuditEvent) -> Chapter:
    telling = _TELLINGS.get(event.action, _Telling("off", "dot", ""))
    details = event.details if isinstance(event.details, dict) else {}
    return Chapter(
        event.at, telling.tone, telling.icon, sentence(event), quote=_text(details, "message"),
        lines=tuple(_lines(details)),
    )  # fmt: skip


def _lines(details: dict[str, Any]) -> list[str]:
    lines = []
    if details.get("one_step"):
        lines.append(_("Issued in one step: no checker was asked."))
    if details.get("auto_approved"):
        lines.append(_("Approved by the policy: no checker was asked."))
    if error := _text(details, "error"):
        lines.append(error)
    if taker := _text(details, "to"):
        lines.append(_("To %(who)s") % {"who": taker})
    if reason := _text(details, "reason"):
        lines.append(reason)
    lines += _differences(details.get("difference"))
    return lines


def _differences(found: Any) -> list[str]:
    if not isinstance(found, list):
        return []
    texts = [
        {name: _text(each, name) or "–" for name in ("field", "before", "after")}
        for each in found
        if isinstance(each, dict)
    ]
    return [_("%(field)s: %(before)s → %(after)s") % text for text in texts]


def _text(details: dict[str, Any], name: str) -> str:
    value = details.get(name)
    return value if isinstance(value, str) else ""


def _of_call(call: IntouchCall) -> Chapter:
    if call.purpose == CallPurpose.LOOK_UP:
        title = _("Try %(attempt)s: the reference was looked up at Intouch") % {"attempt": call.attempt}
    elif call.purpose == CallPurpose.LOCAL:
        title = _("Try %(attempt)s: carried out here") % {"attempt": call.attempt}
    else:
        title = _("Try %(attempt)s: Intouch was called") % {"attempt": call.attempt}
    return Chapter(call.started_at, "work", "send", title, lines=(_answer(call),))


def _answer(call: IntouchCall) -> str:
    if call.finished_at is None:
        return _("No answer yet.")
    if call.purpose == CallPurpose.LOCAL:
        return _("Done.") if call.outcome == CallOutcome.CREDITED else call.error
    seconds = round((call.finished_at - call.started_at).total_seconds(), 1)
    took = _("after %(seconds)s s") % {"seconds": seconds}
    status = f"HTTP {call.http_status}" if call.http_status is not None else _("Ended without an answer")
    outcome = call.get_outcome_display()
    return f"{status}, {took}: {outcome}."
