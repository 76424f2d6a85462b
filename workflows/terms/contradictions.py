"""What is wrong with a document, said before anybody waits on it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pydantic
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from workflows.terms.document import Conditions, Limit, Patience, Per, Range, Result, Terms

_LISTS = ("programs", "makers", "maker_kinds", "sources", "concepts", "zones", "stores", "tills", "reasons")


def problems_of(terms: Terms) -> list[str]:
    """One sentence per contradiction; none where the document can be used."""
    return [
        *_of_amounts(terms),
        *_of_reasons(terms),
        *_of_rules(terms),
        *_of_result(_("The default"), terms.default),
        *_of_limits(terms),
        *_of_patience(terms.patience),
        *_of_addresses(terms),
    ]


def _of_amounts(terms: Terms) -> Iterator[str]:
    if terms.auto_approval == "up_to" and terms.auto_approval_up_to is None:
        yield _("Automatic approval up to an amount needs that amount.")
    if terms.auto_approval != "up_to" and terms.auto_approval_up_to is not None:
        yield _("An amount for automatic approval is given, but automatic approval is not “up to an amount”.")
    if terms.default.kind == "approve":
        yield _("The default cannot approve: use automatic approval for that, so that the cap of it is seen.")


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
        for earlier in terms.rules[:number]:
            if covers(earlier.when, rule.when):
                yield _("%(where)s is never reached: “%(earlier)s” before it takes all that it could match.") % {
                    "where": where, "earlier": earlier.name,
                }  # fmt: skip
                break


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


def _of_addresses(terms: Terms) -> Iterator[str]:
    for address in terms.notify:
        try:
            validate_email(address)
        except ValidationError:
            yield _("“%(address)s” is no e-mail address.") % {"address": address}


def sentences_of(error: pydantic.ValidationError) -> list[str]:
    """What pydantic found wrong with the form of a document, one sentence per place."""
    return [f"{'.'.join(str(part) for part in item['loc'])}: {item['msg']}" for item in error.errors(include_url=False)]


def covers(wide: Conditions, narrow: Conditions) -> bool:
    """Whether everything that `narrow` can match is matched by `wide`."""
    return (
        _range_covers(wide.points, narrow.points)
        and _range_covers(wide.money, narrow.money)
        and all(_list_covers(getattr(wide, name), getattr(narrow, name)) for name in _LISTS)
        and _so_far_covers(wide, narrow)
        and wide.look_alike in (None, narrow.look_alike)
        and wide.splitting in (None, narrow.splitting)
    )


def _range_covers(wide: Range | None, narrow: Range | None) -> bool:
    if wide is None:
        return True
    if narrow is None:
        # Amounts are above zero, so an open lower end and `over` 0 are the same; an open upper end is not.
        return not wide.over and wide.up_to is None
    return (wide.over or 0) <= (narrow.over or 0) and (
        wide.up_to is None or (narrow.up_to is not None and narrow.up_to <= wide.up_to)
    )


def _list_covers(wide: tuple[object, ...], narrow: tuple[object, ...]) -> bool:
    return not wide or (bool(narrow) and set(narrow) <= set(wide))


def _so_far_covers(wide: Conditions, narrow: Conditions) -> bool:
    if wide.so_far is None:
        return True
    return (
        narrow.so_far is not None
        and (narrow.so_far.days, narrow.so_far.measure) == (wide.so_far.days, wide.so_far.measure)
        and narrow.so_far.more_than >= wide.so_far.more_than
    )
