"""`python -m tests.faults.furnish --sandbox URL [--sandbox URL]`: migrate, and one organisation per sandbox.

The first organisation asks again after an unknown outcome, the second looks the reference up first. Prints what its
clients need, as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

import django

FIRST_ORGANISATION = 51250
MAKERS, CHECKERS = 4, 3


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sandbox", action="append", required=True)
    sandboxes = parser.parse_args().sandbox
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    print(json.dumps([_organisation(FIRST_ORGANISATION + place, url) for place, url in enumerate(sandboxes)]))
    return 0


def _organisation(organisation_id: int, sandbox_url: str) -> dict[str, Any]:
    from tests.factories import OrganisationFactory, PolicyFactory, ProgramFactory, TargetFactory
    from workflows.models import Reconciling

    organisation = OrganisationFactory(id=organisation_id)
    looks_up = organisation_id != FIRST_ORGANISATION
    reconciling = Reconciling.LOOK_UP if looks_up else Reconciling.REPEAT
    PolicyFactory(organisation=organisation, reconciling=reconciling)
    program = ProgramFactory(organisation=organisation)
    target = TargetFactory(organisation=organisation, base_url=sandbox_url)
    return {
        "organisation": organisation_id,
        "program": program.program_id,
        "origin": target.origin,
        "makers": [_account(organisation, f"maker-{organisation_id}-{n}", is_maker=True) for n in range(MAKERS)],
        "checkers": [
            _account(organisation, f"checker-{organisation_id}-{n}", is_checker=True) for n in range(CHECKERS)
        ],
    }


def _account(organisation: Any, name: str, **roles: bool) -> tuple[str, str]:
    from accounts import services
    from tests.factories import MembershipFactory, ServiceAccountFactory

    account = ServiceAccountFactory(username=name)
    MembershipFactory(user=account, organisation=organisation, **roles)
    secret = services.ensure_service_secret(account).secret
    assert secret is not None
    return name, secret


if __name__ == "__main__":
    sys.exit(main())
