"""What is wrong with a document, said before anybody waits on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

import pydantic
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from workflows.terms.document import Conditions, Level, Limit, Patience, Per, Range, Result, Terms, Window
from workflows.terms.reach import taken_by


def problems_of(terms: Terms) -> list[str]:
    """One sentence per contradiction; none where the document can be used."""
    return [
        *_of_amounts(terms),
        *_of_reasons(terms),
        *_of_rules(terms),
        *_of_result(_("The default"), terms.default),
        *_of_limits(terms),
        *_of_patience(terms.patience),
        *_of_backups(terms),
        *_of_addresses(terms),
    ]


def _of_amounts(terms: Terms) -> Iterator[str]:
    if terms.auto_approval == "up_to" and terms.auto_approval_up_to is None:
        yield _("Automatic approval up to an amount needs that amount.")
    if terms.auto_approval != "up_to" and terms.auto_approval_up_to is not None:
        yield _("An amount for automatic approval is given, but automatic approval is not “up to an amount”.")
    if terms.cap is not None and terms.auto_approval_up_to is not None and terms.auto_approval_up_to > terms.cap:
        yield _("Automatic approval up to %(up_to)s is above the cap of %(cap)s.") % {
            "up_to": terms.auto_approval_up_to, "cap": terms.cap,
        }  # fmt: skip
    if terms.default.kind == "approve":
        yield _("The default cannot approve: use automatic approval for that, so that the cap of it is seen.")
    if terms.default.kind == "refuse" and terms.auto_approval == "all":
        yield _("The default refuses, but is never reached: everything else is approved automatically.")
    takers = taken_by(terms.rules, _automatic(terms)) if terms.auto_approval == "up_to" else ()
    if takers:
        yield _("Automatic approval is never reached: %(earlier)s before it take all that it could match.") % {
            "earlier": ", ".join(f"“{name}”" for name in takers)
        }


def _automatic(terms: Terms) -> Conditions:
    return Conditions(points=Range(up_to=terms.auto_approval_up_to))


def _of_reasons(terms: Terms) -> Iterator[str]:
    if terms.reasons is None:
        return
    if not terms.reasons:
        yield _("The reason catalogue has no reasons, so nobody could ask for anything.")
    for reason, times in Counter(terms.reasons).items():
        if times > 1:
            yield _("The reason “%(reason)s” stands in the catalogue twice.") % {"reason": reason}


def _of_rules(terms: Terms) -> Iterator[str]:
    for name, times in Counter(rule.name for rule in terms.rules).items():
        if times > 1:
            yield _("Two rules are called “%(name)s”.") % {"name": name}
    for number, rule in enumerate(terms.rules):
        where = _("Rule “%(name)s”") % {"name": rule.name}
        yield from _of_conditions(where, rule.when, terms)
        yield from _of_result(where, rule.then)
        if rule.when.is_empty:
            yield _("%(where)s has no conditions: what holds for everything else belongs into the default.") % {
                "where": where
            }
        takers = taken_by(terms.rules[:number], _below_cap(rule.when, terms.cap))
        if takers:
            yield ngettext(
                "%(where)s is never reached: %(earlier)s before it takes all that it could match.",
                "%(where)s is never reached: %(earlier)s before it take all that it could match.",
                len(takers),
            ) % {"where": where, "earlier": ", ".join(f"“{name}”" for name in takers)}


def _below_cap(when: Conditions, cap: Decimal | None) -> Conditions:
    """The conditions without the amounts that the cap forbids anyway."""
    span = when.points or Range()
    over = span.over or Decimal(0)
    if cap is None or over >= cap or (span.up_to is not None and span.up_to <= cap):
        return when
    return when.model_copy(update={"points": Range(over=span.over, up_to=cap)})


def _of_conditions(where: str, when: Conditions, terms: Terms) -> Iterator[str]:
    for label, span in ((_("points"), when.points), (_("money"), when.money)):
        if span is None:
            continue
        if span.over is None and span.up_to is None:
            yield _("%(where)s: the range of %(what)s is empty on both sides.") % {"where": where, "what": label}
        elif span.up_to is not None and span.up_to <= (span.over or 0):
            yield _("%(where)s: no %(what)s are over %(over)s and at most %(up_to)s.") % {
                "where": where, "what": label, "over": span.over or 0, "up_to": span.up_to,
            }  # fmt: skip
    if when.points is not None and terms.cap is not None and (when.points.over or 0) >= terms.cap:
        yield _("%(where)s is never reached: it begins at the cap of %(cap)s.") % {"where": where, "cap": terms.cap}
    unknown = set(when.reasons) - set(terms.reasons or when.reasons)
    if unknown:
        yield _("%(where)s: “%(reason)s” is not in the reason catalogue.") % {
            "where": where, "reason": sorted(unknown)[0],
        }  # fmt: skip
    if when.splitting is not None and terms.splitting.threshold is None:
        yield _("%(where)s asks about splitting, but no threshold is set.") % {"where": where}


def _of_result(where: str, result: Result) -> Iterator[str]:
    if result.kind == "levels" and not result.levels:
        yield _("%(where)s asks for people, but names no level.") % {"where": where}
    if result.kind != "levels" and result.levels:
        yield _("%(where)s names levels, but asks nobody.") % {"where": where}
    if result.kind == "refuse" and result.message is None:
        yield _("%(where)s refuses without a message that says why.") % {"where": where}


def _of_limits(terms: Terms) -> Iterator[str]:
    for name, times in Counter(limit.name for limit in terms.limits).items():
        if times > 1:
            yield _("Two limits are called “%(name)s”.") % {"name": name}
    for limit in terms.limits:
        yield from _of_limit(_("Limit “%(name)s”") % {"name": limit.name}, limit)
        for other in terms.limits:
            if _is_always_met_first(other, limit):
                yield _("Limit “%(name)s” is never reached: “%(other)s” refuses before it, over more days.") % {
                    "name": limit.name, "other": other.name,
                }  # fmt: skip


_DAYS = {Window.DAY: 1, Window.WEEK: 7, Window.MONTH: 30, Window.YEAR: 365}


def _is_always_met_first(other: Limit, limit: Limit) -> bool:
    """Whether what would pass the limit has passed the other one, which refuses. Calendar months are not compared."""
    return (
        (other.per, other.measure, other.programs) == (limit.per, limit.measure, limit.programs)
        and other.at_limit == "refuse"
        and _DAYS.get(other.window, 0) > _DAYS.get(limit.window, 366)
        and other.most <= limit.most
    )


def _of_limit(where: str, limit: Limit) -> Iterator[str]:
    if limit.most == 0:
        yield _("%(where)s of 0 would refuse everything: switch the workflow off instead.") % {"where": where}
    if limit.measure == "requests" and limit.most != int(limit.most):
        yield _("%(where)s counts requests, so it must be a whole number.") % {"where": where}
    if limit.programs and limit.per != Per.PROGRAM:
        yield _("%(where)s names programs, but is not counted per program.") % {"where": where}


def _of_patience(patience: Patience) -> Iterator[str]:
    remind, escalate, expire = patience.remind_after, patience.escalate_after, patience.expire_after
    if remind is not None and escalate is not None and remind >= escalate:
        yield _("The reminder comes after the escalation.")
    if expire is not None and max(remind or 0, escalate or 0) >= expire:
        yield _("Reminder and escalation must come before the request expires.")
    if patience.warn_before is not None and (expire is None or patience.warn_before >= expire):
        yield _("The warning must come between the submission and the expiry.")
    if expire is not None and patience.warn_before is None:
        yield _("Requests expire, but how many hours before that somebody is warned is not set.")


def named_levels(terms: Terms) -> Iterator[tuple[str, Level]]:
    """Every level of the document, with the name of what it belongs to."""
    for rule in terms.rules:
        yield from ((rule.name, level) for level in rule.then.levels)
    yield from ((_("default"), level) for level in terms.default.levels)
    yield from ((limit.name, limit.at_limit) for limit in terms.limits if isinstance(limit.at_limit, Level))


def _of_backups(terms: Terms) -> Iterator[str]:
    having = dict.fromkeys(name for name, level in named_levels(terms) if level.backup is not None)
    if terms.patience.escalate_after is not None:
        if not having:
            yield _("After how many hours others may step in is set, but no level names a backup who could.")
        return
    for name in having:
        yield _("“%(name)s” names a backup, but after how many hours others may step in is not set.") % {"name": name}


def _of_addresses(terms: Terms) -> Iterator[str]:
    for address in terms.notify:
        try:
            validate_email(address)
        except ValidationError:
            yield _("“%(address)s” is no e-mail address.") % {"address": address}


def sentences_of(error: pydantic.ValidationError) -> list[str]:
    """What pydantic found wrong with the form of a document, one sentence per place."""
    return [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors(include_url=False)]
