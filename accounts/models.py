"""Organisations, users and what binds them. Every id that the incumbent handed out is kept as it was."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo, available_timezones

from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin, UserManager
from django.contrib.auth.validators import UnicodeUsernameValidator
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from accounts.devices import Authenticator, RecoveryCodes  # noqa: F401 - Django looks for models here


def validate_time_zone(name: str) -> None:
    """Only a zone of the IANA database; a wrong one would break every page that shows a time."""
    if name not in available_timezones():
        raise ValidationError(_("%(name)s is no time zone of the IANA database."), params={"name": name})


class Organisation(models.Model):
    """A tenant. Its id is the incumbent's and is given, so that clients keep their header."""

    id = models.BigIntegerField(primary_key=True, verbose_name=_("organisation id"))
    name = models.CharField(_("name"), max_length=200)
    time_zone = models.CharField(
        _("time zone"), max_length=64, default="UTC", validators=[validate_time_zone],
        help_text=_("The API prints naive local times in this zone, as the incumbent did."),
    )  # fmt: skip
    is_active = models.BooleanField(_("active"), default=True)
    requires_second_factor = models.BooleanField(
        _("checkers need a second factor"), default=False,
        help_text=_("A one-time password beside their own, in the admin and for UI tokens."),
    )  # fmt: skip
    fresh_password_above = models.DecimalField(
        _("password again above"), max_digits=20, decimal_places=6, null=True, blank=True,
        validators=[MinValueValidator(0)],
        help_text=_("Whoever approves a larger amount gives their password once more. Empty: never asked for."),
    )  # fmt: skip
    set_up_at = models.DateTimeField(
        _("set up at"), null=True, blank=True, editable=False,
        help_text=_("Since it had two administrators: from then on one proposes a change and another approves it."),
    )  # fmt: skip
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")
        ordering: ClassVar[list[str]] = ["name"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(id__gt=0), name="organisation_id_positive"),
            models.CheckConstraint(
                condition=Q(fresh_password_above=None) | Q(fresh_password_above__gte=0),
                name="organisation_fresh_password_not_negative",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


class UserKind(models.TextChoices):
    PERSON = "person", _("person")
    SERVICE = "service", _("service account")


class User(AbstractBaseUser, PermissionsMixin):
    """A person or a service account: whoever can be named as maker, checker, `addedBy` or `updatedBy`.

    `code` to `is_default` are the incumbent's fields of an admin user; the history API shows them as they are.
    A trigger counts `ui_token_version` up with every new password, whoever writes it, and lets neither version go back.
    """

    id = models.BigAutoField(primary_key=True)
    username = models.CharField(_("username"), max_length=150, unique=True, validators=[UnicodeUsernameValidator()])
    email = models.EmailField(_("e-mail address"), blank=True)
    kind = models.CharField(_("kind"), max_length=10, choices=UserKind.choices, default=UserKind.PERSON)
    name = models.CharField(_("name"), max_length=200, blank=True)
    code = models.CharField(_("code"), max_length=200, blank=True)
    description = models.CharField(_("description"), max_length=500, blank=True)
    user_type = models.CharField(_("type"), max_length=40, default="ADMIN_USER")
    reference_id = models.BigIntegerField(_("reference id"), default=-1)
    admin_type = models.CharField(_("admin type"), max_length=40, default="GENERAL")
    is_ou_enabled = models.BooleanField(_("organisational units enabled"), default=False)
    time_zone_id = models.IntegerField(_("time zone id"), default=0)
    currency_id = models.IntegerField(_("currency id"), default=0)
    language_id = models.IntegerField(_("language id"), default=0)
    is_default = models.BooleanField(_("default"), default=False)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("may log in to the admin"), default=False)
    ui_token_version = models.PositiveIntegerField(
        default=0, editable=False, help_text=_("Counted up, every UI token of the person issued so far ends.")
    )
    session_version = models.PositiveIntegerField(
        default=0, editable=False, help_text=_("Counted up, every session of the person in the admin ends.")
    )
    # Kept on both rows, so that nothing more has to be read where somebody decides; written by `accounts.access`.
    access_given_by = ArrayField(models.BigIntegerField(), default=list, blank=True, editable=False)
    gave_access_to = ArrayField(models.BigIntegerField(), default=list, blank=True, editable=False)
    must_choose_password = models.BooleanField(default=False, editable=False)
    date_joined = models.DateTimeField(_("date joined"), default=timezone.now, editable=False)

    objects = UserManager()

    USERNAME_FIELD = "username"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["email"]

    class Meta:
        verbose_name = _("user")
        verbose_name_plural = _("users")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            # One person, one account: two accounts of one person would be maker and checker of one request.
            models.UniqueConstraint(Lower("email"), name="user_email_unique", condition=~Q(email="")),
            models.CheckConstraint(
                condition=Q(kind="person") | Q(is_staff=False, is_superuser=False),
                name="user_service_account_no_admin",
            ),
        ]

    def __str__(self) -> str:
        return self.display_name

    @property
    def display_name(self) -> str:
        """The `userName` of the API: the e-mail address, or the username of somebody who has none."""
        return self.email or self.username

    @property
    def is_service_account(self) -> bool:
        return self.kind == UserKind.SERVICE

    def get_session_auth_hash(self) -> str:
        return f"{self.session_version}:{super().get_session_auth_hash()}"

    def get_session_auth_fallback_hash(self) -> Iterator[str]:
        for digest in super().get_session_auth_fallback_hash():
            yield f"{self.session_version}:{digest}"

    def get_full_name(self) -> str:
        return self.name or self.display_name

    def get_short_name(self) -> str:
        return self.name or self.username


class ServiceAccountSecret(models.Model):
    """A generated secret of a service account; two may live side by side while clients change over.

    256 random bits need no slow hash: the digest cannot be guessed back, and verifying costs one indexed look-up.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="secrets")
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_at = models.DateTimeField(_("created at"), default=timezone.now, editable=False)
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)

    class Meta:
        verbose_name = _("service account secret")
        verbose_name_plural = _("service account secrets")

    def __str__(self) -> str:
        return f"secret {self.pk} of {self.user_id}"


class ActiveMembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> ActiveMembershipQuerySet:
        """Memberships that count: the membership, its user and its organisation are all active."""
        return self.filter(is_active=True, user__is_active=True, organisation__is_active=True)


def _entity_list(label: Any) -> ArrayField[Any, Any]:
    return ArrayField(
        models.CharField(max_length=64), default=list, blank=True, verbose_name=label,
        help_text=_("Ids, separated by commas. Empty: no restriction."),
    )  # fmt: skip


RIGHTS: Final = (
    "is_active", "is_maker", "is_checker", "is_auditor", "is_operator", "may_issue_in_one_step", "is_supervisor",
    "is_administrator",
)  # fmt: skip


class Membership(models.Model):
    """What a user may do in one organisation, and for which of its entities. There are no rights without one."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    organisation = models.ForeignKey(Organisation, on_delete=models.PROTECT, related_name="memberships")
    is_active = models.BooleanField(_("active"), default=True)
    is_maker = models.BooleanField(_("maker"), default=False, help_text="CanMakeRequest")
    is_checker = models.BooleanField(_("checker"), default=False, help_text="CanCheckRequest")
    is_auditor = models.BooleanField(_("auditor"), default=False)
    is_operator = models.BooleanField(
        _("operator"),
        default=False,
        help_text=_("Pauses, requeues and reconciles; asks for retries."),
    )
    may_issue_in_one_step = models.BooleanField(
        _("may issue in one step"), default=False, help_text=_("Without a checker; every such request is audited.")
    )
    is_supervisor = models.BooleanField(
        _("supervisor"), default=False, help_text=_("A checker who may decide what needs one, and hands tasks over.")
    )
    is_administrator = models.BooleanField(
        _("administrator"), default=False, help_text=_("Proposes and approves changes of the organisation's settings.")
    )
    decides_up_to = models.DecimalField(
        _("decides up to"), max_digits=20, decimal_places=6, null=True, blank=True,
        help_text=_("Largest amount of a request that this checker may decide. Empty: any."),
    )  # fmt: skip
    concepts = _entity_list(_("concepts"))
    zones = _entity_list(_("zones"))
    stores = _entity_list(_("stores"))
    tills = _entity_list(_("tills"))

    objects = ActiveMembershipQuerySet.as_manager()

    class Meta:
        verbose_name = _("membership")
        verbose_name_plural = _("memberships")
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["organisation", "user"], name="membership_once"),
            models.CheckConstraint(
                condition=Q(may_issue_in_one_step=False) | Q(is_maker=True), name="membership_one_step_is_maker"
            ),
            models.CheckConstraint(
                condition=Q(is_supervisor=False) | Q(is_checker=True), name="membership_supervisor_is_checker"
            ),
            models.CheckConstraint(
                condition=Q(decides_up_to=None) | Q(decides_up_to__gt=0), name="membership_decides_up_to_positive"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user} @ {self.organisation}"

    @property
    def permissions(self) -> list[str]:
        """The incumbent's names, as they stand in a UI token."""
        names = []
        if self.is_maker:
            names.append("CanMakeRequest")
        if self.is_checker:
            names.append("CanCheckRequest")
        return names

    def covers(self, *, concept: str, zone: str, store: str, till: str) -> bool:
        """Whether the scope takes in an entity: every list that is not empty must hold its id."""
        pairs = ((self.concepts, concept), (self.zones, zone), (self.stores, store), (self.tills, till))
        return all(not allowed or value in allowed for allowed, value in pairs)
