"""From the outbox to the mail server. A message that is lost, or a worker that is killed, costs one sweep.

A mail is sent again only where it is not known that the server took it: the server did not answer, or the worker died
between its answer and our record. Both sendings carry the same Message-ID.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from smtplib import SMTPDataError, SMTPRecipientsRefused, SMTPSenderRefused

from django.core.cache import cache
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from redis import RedisError

from accounts.models import User
from workflows.mail.choices import addresses_of, recipients_of
from workflows.mail.letters import compose
from workflows.models import MailTiming, Notice, NoticeKind

logger = logging.getLogger(__name__)

LEASE = timedelta(minutes=10)
MOST_TRIES = 6
MOST_PER_MAIL = 50
MOST_STEPS = 500
# What the server says of one mail; anything else of it concerns all of them.
_ABOUT_THIS_MAIL = (SMTPRecipientsRefused, SMTPSenderRefused, SMTPDataError)
_ALONE = "mail:delivering"
_ALONE_SECONDS = 120


def deliver_due() -> int:
    """Send what is due; how many mails the server took. One worker at a time, so that a slow server holds no more."""
    if not _begin_alone():
        return 0
    sent = 0
    try:
        for _step in range(MOST_STEPS):
            notices = _claim()
            if notices is None:
                break
            if notices:
                sent += _send(notices)
                _stay_alone()
    except OSError as error:
        # The notices are due again by themselves; the others would fail in the same way.
        logger.warning("the mail server took no mail (%s); the rest waits", type(error).__name__)
    finally:
        _end_alone()
    return sent


def _claim() -> list[Notice] | None:
    """The notices of the next mail, which nobody else may send now; empty after a step that sends none.

    None means that nothing is due.
    """
    with transaction.atomic():
        due = Notice.objects.select_for_update(of=("self",), skip_locked=True).filter(due_at__lte=Now())
        first = due.select_related("request").order_by("due_at", "id").first()
        if first is None:
            return None
        if first.recipient_id is None and not first.address:
            _spread(first)
            return []
        if first.tries >= MOST_TRIES:
            _give_up(first)
            return []
        of_mail = due.filter(
            recipient=first.recipient_id, address=first.address, organisation=first.organisation_id, kind=first.kind
        )
        found = list(of_mail.select_related("request", "organisation", "recipient").order_by("id")[:MOST_PER_MAIL])
        for notice in found:
            notice.tries += 1
        Notice.objects.filter(pk__in=[notice.pk for notice in found]).update(tries=F("tries") + 1, due_at=Now() + LEASE)
        return found


def _spread(notice: Notice) -> None:
    """One row for everybody who wants to be told, in place of the one without a recipient."""
    Notice.objects.bulk_create(
        [
            Notice(
                organisation_id=notice.organisation_id, request_id=notice.request_id, kind=notice.kind, recipient=user,
                due_at=_next_hour() if timing == MailTiming.DIGEST else Now(),
            )
            for user, timing in recipients_of(notice)
        ] + [
            Notice(
                organisation_id=notice.organisation_id, request_id=notice.request_id, kind=notice.kind,
                address=address, due_at=Now(),
            )
            for address in addresses_of(notice)
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    notice.delete()


def _next_hour() -> datetime:
    return timezone.now().replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)


def _send(notices: Sequence[Notice]) -> int:
    """Send one mail about those of the notices that still hold, and record it; 1 if there was one.

    Raises:
        OSError: the server cannot be reached, or takes no mail at all.
    """
    recipient, kind = notices[0].recipient, NoticeKind(notices[0].kind)
    to = recipient.email if recipient is not None else notices[0].address
    wanted = [notice for notice in notices if _still_holds(notice, recipient)]
    try:
        if wanted:
            compose(to, kind, wanted, is_member=recipient is not None).send()
    except Exception as error:
        _put_back(notices)
        if isinstance(error, OSError) and not isinstance(error, _ABOUT_THIS_MAIL):
            raise
        # Its text may hold the address.
        logger.warning("a mail could not be sent (%s)", type(error).__name__)
        return 0
    for notice in notices:
        _claimed(notice).delete()
    return 1 if wanted else 0


def _still_holds(notice: Notice, recipient: User | None) -> bool:
    """Whether the recipient may still be told, and there is still something to tell; both may have changed since."""
    if recipient is None:
        return notice.address in addresses_of(notice)
    return any(True for _found in recipients_of(notice, only=recipient))


def _put_back(notices: Sequence[Notice]) -> None:
    """Due again later, the longer the more often it was tried; after the last try it is given up."""
    for notice in notices:
        if notice.tries >= MOST_TRIES:
            _give_up(notice)
        else:
            _claimed(notice).update(due_at=Now() + timedelta(minutes=2**notice.tries))


def _give_up(notice: Notice) -> None:
    logger.error("a mail was given up after %s tries", notice.tries, extra={"request_id": str(notice.request_id)})
    _claimed(notice).delete()


def _claimed(notice: Notice) -> QuerySet[Notice]:
    """The row, unless somebody else has claimed it since."""
    return Notice.objects.filter(pk=notice.pk, tries=notice.tries)


def _begin_alone() -> bool:
    """A lock that may fail open: leases keep two workers apart, this keeps a slow server from holding more than one."""
    try:
        return bool(cache.add(_ALONE, 1, _ALONE_SECONDS))
    except RedisError as error:
        logger.warning("the cache is away (%s)", type(error).__name__)
        return True


def _stay_alone() -> None:
    with contextlib.suppress(RedisError):
        cache.touch(_ALONE, _ALONE_SECONDS)


def _end_alone() -> None:
    with contextlib.suppress(RedisError):
        cache.delete(_ALONE)
