"""Memberships: what somebody may do in an organisation. Nobody gives rights to themselves.

Their page is in `workflows.admin.memberships`: once an organisation is set up, its changes are requests.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.admin_guard import PlatformForm, PlatformInline
from accounts.models import RIGHTS, Membership, User

ROLES = RIGHTS[1:]
SCOPE = ("concepts", "zones", "stores", "tills")


def _label(name: str) -> str:
    field: Any = Membership._meta.get_field(name)
    return str(field.verbose_name)


def roles_in_words(membership: Membership) -> str:
    names = [_label(name) for name in ROLES if getattr(membership, name)]
    return ", ".join(names) or _("none")


def scope_in_words(membership: Membership) -> str:
    limits = [f"{_label(name)}: {', '.join(getattr(membership, name))}" for name in SCOPE if getattr(membership, name)]
    return "; ".join(limits) or _("whole organisation")


class MembershipForm(PlatformForm):
    editor: ClassVar[User]

    class Meta:
        model = Membership
        fields = ("user", "organisation", "is_active", *ROLES, "decides_up_to", *SCOPE)

    def clean_user(self) -> User:
        user: User = self.cleaned_data["user"]
        if user == self.editor:
            raise ValidationError(_("You cannot give rights to yourself; another administrator can."))
        return user

    def clean(self) -> dict[str, Any]:
        given = super().clean() or self.cleaned_data
        if given.get("may_issue_in_one_step") and not given.get("is_maker"):
            self.add_error("may_issue_in_one_step", _("Only a maker can issue in one step."))
        if given.get("is_supervisor") and not given.get("is_checker"):
            self.add_error("is_supervisor", _("Only a checker can be a supervisor."))
        return given


class MembershipInline(PlatformInline):
    """The memberships of a user, to read beside the user."""

    model = Membership
    fields = ("organisation", "roles", "scope", "is_active")
    readonly_fields = fields

    @admin.display(description=gettext_lazy("roles"))
    def roles(self, membership: Membership) -> str:
        return roles_in_words(membership)

    @admin.display(description=gettext_lazy("scope"))
    def scope(self, membership: Membership) -> str:
        return scope_in_words(membership)
