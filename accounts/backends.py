"""Log-in to the admin: Django's, for people only and without Django's model permissions.

What somebody may see or do follows from memberships (`workflows.policies`) and from `is_superuser` for the platform's
own tables; a second, parallel system of permissions would be one that nobody reviews.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from accounts.credentials import person_by_password
from accounts.errors import TooManyAttempts
from accounts.models import User
from wire.addresses import client_address


class PeopleBackend(ModelBackend):
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **_: Any
    ) -> User | None:
        """Password log-in, counted like that of the API.

        Raises:
            PermissionDenied: too many failed attempts; Django then asks no other backend.
        """
        if request is None or username is None or password is None:
            return None
        try:
            return person_by_password(username, password, client_address(request))
        except TooManyAttempts as error:
            raise PermissionDenied(error.detail) from None

    def user_can_authenticate(self, user: Any) -> bool:
        return isinstance(user, User) and not user.is_service_account and super().user_can_authenticate(user)

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set()
