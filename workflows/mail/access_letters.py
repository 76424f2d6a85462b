"""What somebody is told of their access: what an administrator has done to it, and that this may be news to them."""

from __future__ import annotations

import logging
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.access import Change
from accounts.models import User

logger = logging.getLogger(__name__)

_HEADERS = {"Auto-Submitted": "auto-generated"}
_SENTENCES: dict[str, Any] = {
    Change.PASSWORD_SET: gettext_lazy("An administrator has set your password. Log in and choose one of your own."),
    Change.SECRET_MADE: gettext_lazy("An administrator has made a new secret of this service account."),
    Change.SECOND_FACTOR_REMOVED: gettext_lazy("An administrator has removed your second factor."),
    Change.ACCESS_CONFIRMED: gettext_lazy("An administrator has confirmed your access. You may decide again."),
    Change.SESSIONS_ENDED: gettext_lazy("An administrator has ended all your sessions."),
}


def send(user_id: int, what: str) -> bool:
    """Send the letter; False where there is nobody to tell, nothing to say, or no mail server that takes it."""
    person = User.objects.filter(pk=user_id, is_active=True).exclude(email="").first()
    if person is None or what not in _SENTENCES:
        return False
    with translation.override(settings.LANGUAGE_CODE):
        body = "\n\n".join([
            str(_SENTENCES[what]), _("Account:") + f" {person.username}", settings.PUBLIC_URL + "/admin/",
            _("If you did not expect this, tell another administrator at once."),
        ])  # fmt: skip
        subject = "[Goodwill] " + _("Your access was changed")
    mail = EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, [person.email], headers=_HEADERS)
    try:
        mail.send()
    except OSError as error:
        # Its text may hold the address.
        logger.warning("a mail about somebody's access could not be sent (%s)", type(error).__name__)
        return False
    return True
