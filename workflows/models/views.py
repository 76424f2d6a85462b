"""What people keep for themselves at the desk."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from accounts.models import User


class SavedView(models.Model):
    """A list with its filters, under a name that its owner gave it. Nobody else sees it, and it holds no request."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    page = models.CharField(_("list"), max_length=40, help_text=_("The model of the list: admintask."))
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(_("address"), max_length=2000, help_text=_("What stands after the question mark."))

    class Meta:
        verbose_name = _("saved view")
        verbose_name_plural = _("saved views")
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint("user", "page", Lower("name"), name="view_name_once"),
        ]

    def __str__(self) -> str:
        return self.name
