"""The set-up of organisations, people and service accounts, for platform administrators.

Django looks for an app's pages here; each module registers its own.
"""

from accounts.admin import memberships, oauth, organisations, users

__all__ = ["memberships", "oauth", "organisations", "users"]
