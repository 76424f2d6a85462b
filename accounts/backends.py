"""Log-in to the admin: Django's, for people only and without Django's model permissions.

What somebody may see or do follows from memberships (`workflows.policies`) and from `is_superuser` for the platform's
own tables; a second, parallel system of permissions would be one that nobody reviews.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend

from accounts.models import User


class PeopleBackend(ModelBackend):
    def user_can_authenticate(self, user: Any) -> bool:
        return isinstance(user, User) and not user.is_service_account and super().user_can_authenticate(user)

    def get_all_permissions(self, user_obj: Any, obj: Any = None) -> set[str]:
        return set()
