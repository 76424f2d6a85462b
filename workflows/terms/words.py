"""What a document says, in words: the editor, the history of versions and the differences show the same ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from workflows.amounts import readable
from workflows.terms.document import (
    Backup,
    Conditions,
    Level,
    Limit,
    MakerKind,
    Per,
    Range,
    Result,
    Role,
    SoFar,
    Terms,
    Window,
)

Said = tuple[str, str]

PER: Final[dict[Per, Any]] = {
    Per.CUSTOMER: gettext_lazy("customer"),
    Per.MAKER: gettext_lazy("maker"),
    Per.PROGRAM: gettext_lazy("program"),
    Per.STORE: gettext_lazy("store"),
}
WINDOWS: Final[dict[Window, Any]] = {
    Window.DAY: gettext_lazy("one day"),
    Window.WEEK: gettext_lazy("7 days"),
    Window.MONTH: gettext_lazy("30 days"),
    Window.YEAR: gettext_lazy("365 days"),
    Window.CALENDAR_MONTH: gettext_lazy("a calendar month"),
}
ROLES: Final[dict[Role, Any]] = {
    Role.CHECKER: gettext_lazy("checker"),
    Role.SUPERVISOR: gettext_lazy("supervisor"),
    Role.ADMINISTRATOR: gettext_lazy("administrator"),
}
MAKER_KINDS: Final[dict[MakerKind, Any]] = {
    MakerKind.PERSON: gettext_lazy("a person"),
    MakerKind.SERVICE: gettext_lazy("a service account"),
    MakerKind.CHECKER: gettext_lazy("a checker as well"),
    MakerKind.SUPERVISOR: gettext_lazy("a supervisor as well"),
    MakerKind.OPERATOR: gettext_lazy("an operator as well"),
}
SOURCES: Final[dict[str, Any]] = {
    "api": gettext_lazy("the API"),
    "admin": gettext_lazy("the admin's form"),
    "file": gettext_lazy("a file"),
}
MEASURES: Final[dict[str, Any]] = {"points": gettext_lazy("points"), "requests": gettext_lazy("requests")}
AUTOMATIC: Final[dict[str, Any]] = {
    "off": gettext_lazy("off"),
    "all": gettext_lazy("every request"),
    "up_to": gettext_lazy("up to an amount"),
}
AFTER_UNKNOWN: Final[dict[str, Any]] = {
    "repeat": gettext_lazy("ask again with the same reference"),
    "look_up": gettext_lazy("look the reference up first"),
}
SCOPES: Final[dict[str, Any]] = {
    "concepts": gettext_lazy("concepts"),
    "zones": gettext_lazy("zones"),
    "stores": gettext_lazy("stores"),
    "tills": gettext_lazy("tills"),
}


@dataclass(frozen=True, slots=True)
class Names:
    """What the numbers in a document stand for; one that is not known is shown as it is."""

    users: Mapping[int, str] = field(default_factory=dict)
    programs: Mapping[int, str] = field(default_factory=dict)

    def of_users(self, ids: Sequence[int]) -> str:
        return ", ".join(self.users.get(number, str(number)) for number in ids)

    def of_programs(self, ids: Sequence[int]) -> str:
        return ", ".join(self.programs.get(number, str(number)) for number in ids)


def of_settings(terms: Terms) -> list[Said]:
    """Everything but rules, default and limits."""
    none = _("none")
    return [
        (_("Enabled"), _("yes") if terms.is_enabled else _("no")),
        (_("Cap per request"), none if terms.cap is None else readable(terms.cap)),
        (_("Automatic approval"), _automatic(terms)),
        (_("Reasons that may be given"), _quoted(terms.reasons) if terms.reasons is not None else _("free text")),
        (_("Told by mail"), ", ".join(terms.notify) or none),
        (_("Reminder"), _hours(terms.patience.remind_after)),
        (_("Others may step in"), _hours(terms.patience.escalate_after)),
        (_("Expiry"), _hours(terms.patience.expire_after)),
        (_("Warning of the expiry"), _warning(terms.patience.warn_before)),
        (_("Looks alike within"), _days(terms.look_alike.days)),
        (_("Looked for with every request"), _("yes") if terms.look_alike.always else _("no")),
        (_("Splitting is looked for within"), _days(terms.splitting.days)),
        (
            _("Splitting is what passes together"),
            none if terms.splitting.threshold is None else readable(terms.splitting.threshold),
        ),
        (_("After an unknown outcome"), str(AFTER_UNKNOWN[terms.reconciling])),
    ]


def _quoted(texts: Sequence[str]) -> str:
    return ", ".join(f"“{text}”" for text in texts)


def _automatic(terms: Terms) -> str:
    if terms.auto_approval == "up_to" and terms.auto_approval_up_to is not None:
        return _("up to %(amount)s") % {"amount": readable(terms.auto_approval_up_to)}
    if terms.auto_approval_up_to is not None:
        return f"{AUTOMATIC[terms.auto_approval]} ({readable(terms.auto_approval_up_to)})"
    return str(AUTOMATIC[terms.auto_approval])


def _hours(hours: int | None) -> str:
    if hours is None:
        return _("never")
    return ngettext("after %(number)s hour", "after %(number)s hours", hours) % {"number": hours}


def _warning(hours: int | None) -> str:
    if hours is None:
        return _("none")
    return ngettext("%(number)s hour before", "%(number)s hours before", hours) % {"number": hours}


def _days(days: int) -> str:
    return ngettext("%(number)s day", "%(number)s days", days) % {"number": days}


def of_conditions(when: Conditions, names: Names) -> list[Said]:
    """One line per condition that is given; all of them must hold."""
    return [(label, text) for label, text in _conditions(when, names) if text]


def _conditions(when: Conditions, names: Names) -> Iterator[Said]:
    yield _("Points"), _range(when.points)
    yield _("Worth in money"), _range(when.money)
    yield _("Program"), names.of_programs(when.programs)
    yield _("Maker"), names.of_users(when.makers)
    yield _("The maker is"), _any_of(MAKER_KINDS, when.maker_kinds)
    yield _("Comes by"), _any_of(SOURCES, when.sources)
    for name, label in (
        ("concepts", _("Concept")), ("zones", _("Zone")), ("stores", _("Store")), ("tills", _("Till")),
    ):  # fmt: skip
        yield label, ", ".join(getattr(when, name))
    yield _("Reason"), _quoted(when.reasons)
    yield _("Customer's goodwill so far"), _so_far(when.so_far)
    yield _("Looks like another"), _yes_or_no(when.look_alike)
    yield _("Looks split"), _yes_or_no(when.splitting)


def _any_of(words: Mapping[Any, Any], values: Sequence[Any]) -> str:
    return _(" or ").join(str(words[value]) for value in values)


def _yes_or_no(value: bool | None) -> str:
    return "" if value is None else _("yes") if value else _("no")


def _range(span: Range | None) -> str:
    if span is None:
        return ""
    parts = []
    if span.over is not None:
        parts.append(_("over %(amount)s") % {"amount": readable(span.over)})
    if span.up_to is not None:
        parts.append(_("up to %(amount)s") % {"amount": readable(span.up_to)})
    return ", ".join(parts) or _("any")


def _so_far(so_far: SoFar | None) -> str:
    if so_far is None:
        return ""
    return _("more than %(amount)s %(measure)s in %(days)s days, this one included") % {
        "amount": readable(so_far.more_than), "measure": MEASURES[so_far.measure], "days": so_far.days,
    }  # fmt: skip


def of_result(result: Result, names: Names) -> list[Said]:
    """What becomes of a request, level by level."""
    kinds = {
        "approve": _("carried out at once, nobody is asked"),
        "levels": ngettext(
            "asks people, on %(number)s level", "asks people, on %(number)s levels", len(result.levels)
        ) % {"number": len(result.levels)},
        "refuse": _("refused"),
    }  # fmt: skip
    told = [(_("Result"), kinds[result.kind])]
    if result.message is not None:
        told.append((_("The maker is told"), result.message))
    for number, level in enumerate(result.levels, start=1):
        told.append((_("Level %(number)s") % {"number": number}, of_level(level, names)))
    return told


def of_level(level: Level, names: Names) -> str:
    """`2 people: supervisors, of them only asha, ben; whose scope lies within stores 7`."""
    parts = [
        ngettext("%(number)s %(role)s", "%(number)s different people, each a %(role)s", level.people)
        % {"number": level.people, "role": ROLES[level.role]}
    ]
    if level.users:
        parts.append(_("only %(names)s") % {"names": names.of_users(level.users)})
    for name, label in SCOPES.items():
        ids = getattr(level, name)
        if ids:
            parts.append(_("responsible only for %(kind)s %(ids)s") % {"kind": label, "ids": ", ".join(ids)})
    if level.backup is not None:
        parts.append(_("later also %(who)s") % {"who": _backup(level.backup, names)})
    return "; ".join(parts)


def _backup(backup: Backup, names: Names) -> str:
    role = _("any %(role)s") % {"role": ROLES[backup.role]}
    return f"{role} ({names.of_users(backup.users)})" if backup.users else role


def of_limit(limit: Limit, names: Names) -> list[Said]:
    told = [
        (_("At most"), f"{readable(limit.most)} {MEASURES[limit.measure]}"),
        (_("Per"), str(PER[limit.per])),
        (_("In"), str(WINDOWS[limit.window])),
    ]
    if limit.programs:
        told.append((_("Of the programs"), names.of_programs(limit.programs)))
    at_limit = limit.at_limit
    said = _("refused") if isinstance(at_limit, str) else _("one level more: %(level)s") % {
        "level": of_level(at_limit, names)
    }  # fmt: skip
    told.append((_("What would pass it"), said))
    return told
