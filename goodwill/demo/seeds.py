"""What the incumbent's two public examples say: a goodwill request to make, and one that was made long ago."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

from accounts import services
from accounts.models import Organisation, UserKind
from goodwill.models import GoodwillRequest, GoodwillStatus, Program
from goodwill.request_type import EXAMPLE_BODY

ORGANISATION_ID = 51250
PROGRAM_ID = 2739
DEFAULT_PROGRAM_ID = 973
INTOUCH_HOSTNAME = "http://internal-intouch-api.default:1900"
FAKE_CREDENTIAL = "Basic ZmFrZTpmYWtl"  # fake:fake, which is all that the sandbox asks for
ENTITY = {"tillId": "50682289", "storeId": "50682288", "zoneId": "50682286", "conceptId": "50678331"}
HISTORY_CUSTOMER_ID = 565039505
_HISTORY_ID = 317841


def submission(body: dict[str, Any], entity: dict[str, str]) -> dict[str, Any]:
    """A body of E1 around the body of a goodwill request."""
    headers = {
        "Authorization": FAKE_CREDENTIAL,
        "content-type": "application/json",
        "X-CAP-API-AUTH-ORG-ID": str(ORGANISATION_ID),
    }
    task = {
        "hostname": INTOUCH_HOSTNAME, "path": "/internal/goodwill/", "method": "POST", "pathParams": {},
        "queryParams": {}, "body": body, "headers": headers,
    }  # fmt: skip
    return {"entityInfo": entity, "payload": {"IntouchAPITask-Payload": task}}


def seed_request() -> dict[str, Any]:
    """The request of the example, with a fake credential."""
    return submission(dict(EXAMPLE_BODY), ENTITY)


@transaction.atomic
def ensure_history(organisation: Organisation, program: Program) -> None:
    """The approved request of the example, as if imported: its very ids and times, which contradict each other."""
    known = {"organisation": organisation, "request_number": 13039305}
    if GoodwillRequest.objects.filter(**known).exists():
        return
    editor, _ = services.create_user(
        username="1739864911_aditi", kind=UserKind.PERSON, user_id=75160042, name="1739864911_aditi",
        code="1739864912683_",
    )  # fmt: skip
    GoodwillRequest.objects.create(
        id=_HISTORY_ID, **known, program=program, customer_id=HISTORY_CUSTOMER_ID, points=Decimal(500),
        status=GoodwillStatus.APPROVED, reason="GoodGuy", comments="yes", updated_comments="yes; AUTO_APPROVED",
        auto_approved=True, added_by=editor, updated_by=editor,
        added_on=datetime(2025, 4, 22, 16, 1, 45, tzinfo=UTC), updated_on=datetime(2025, 4, 22, 10, 31, 45, tzinfo=UTC),
    )  # fmt: skip
    _step_over_given_id()


def _step_over_given_id() -> None:
    """The next generated id comes after the one that was given by hand."""
    table = GoodwillRequest._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT setval(sequence, greatest(%s, nextval(sequence)))"
            " FROM (SELECT pg_get_serial_sequence(%s, 'id') AS sequence) AS named",
            [_HISTORY_ID, table],
        )
