"""`python -m tests.security.people --organisation ID --echo URL`: people for the admin, an OAuth client and a target.

The password of everybody is the variable CANARY_PASSWORD. Prints what callers need, as JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import Any

import django

ROLES = ("maker", "checker", "auditor", "operator")
ECHO_ORIGIN = "http://echo.default:1900"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--organisation", type=int, required=True)
    parser.add_argument("--echo", required=True, help="where the target that repeats what it is sent is served")
    arguments = parser.parse_args()
    django.setup()
    print(json.dumps(_people(arguments.organisation, arguments.echo, os.environ["CANARY_PASSWORD"])))
    return 0


def _people(organisation_id: int, echo_url: str, password: str) -> dict[str, Any]:
    from accounts import services
    from accounts.models import Organisation
    from tests.factories import MembershipFactory, ServiceAccountFactory, TargetFactory, UserFactory

    organisation = Organisation.objects.get(pk=organisation_id)
    for role in ROLES:
        person = UserFactory(username=f"canary-{role}", password=password)
        MembershipFactory(user=person, organisation=organisation, **{f"is_{role}": True})
    UserFactory(username="canary-administrator", password=password, is_superuser=True)
    TargetFactory(organisation=organisation, origin=ECHO_ORIGIN, base_url=echo_url)
    account = ServiceAccountFactory(username="canary-machine")
    MembershipFactory(user=account, organisation=organisation, is_maker=True)
    client = services.ensure_oauth_client(account, name="canary")
    return {"key": client.key, "secret": client.secret}


if __name__ == "__main__":
    sys.exit(main())
