"""A furnished organisation for tests, and the seed's request to make in it."""

from __future__ import annotations

import copy
import itertools
from dataclasses import dataclass
from typing import Any

from accounts import services as account_services
from accounts.actors import Actor, actor_in
from accounts.models import Membership, Organisation, User
from goodwill.models import Program
from tests.factories import (
    MembershipFactory,
    OrganisationFactory,
    PolicyFactory,
    ProgramFactory,
    ServiceAccountFactory,
    TargetFactory,
    UserFactory,
)
from workflows import services, submitting
from workflows.models import IntouchTarget, WorkflowPolicy, WorkflowRequest
from workflows.submission import read_submission

FAKE_CREDENTIAL = "Basic ZmFrZTpmYWtl"
ORIGIN = "http://internal-intouch-api.default:1900"

SEED_BODY: dict[str, Any] = {
    "entityInfo": {"tillId": "50682289", "storeId": "50682288", "zoneId": "50682286", "conceptId": "50678331"},
    "payload": {
        "IntouchAPITask-Payload": {
            "hostname": ORIGIN,
            "path": "/internal/goodwill/",
            "method": "POST",
            "pathParams": {},
            "queryParams": {},
            "body": {
                "referenceId": "ref_id_1299314173",
                "reason": "reason",
                "baseType": "POINTS",
                "programId": 2739,
                "awardingTillId": 50682616,
                "earningEntityType": "CUSTOMER",
                "earningEntityId": 382332518,
                "points": 20,
                "source": "API",
            },
            "headers": {
                "Authorization": FAKE_CREDENTIAL,
                "content-type": "application/json",
                "X-CAP-API-AUTH-ORG-ID": "51250",
            },
        }
    },
}
PEOPLE = ("maker", "checker", "colleague", "auditor")
_numbers = itertools.count(1)


@dataclass
class House:
    """Organisation 51250 of the seeds; every member has the password of `tests.factories.PASSWORD`."""

    organisation: Organisation
    program: Program
    target: IntouchTarget
    policy: WorkflowPolicy
    maker: User
    checker: User
    colleague: User
    auditor: User
    service_account: User
    service_secret: str

    def actor(self, user: User) -> Actor:
        return actor_in(user_id=user.pk, organisation_id=self.organisation.pk)

    def membership(self, user: User) -> Membership:
        return Membership.objects.get(user=user, organisation=self.organisation)

    def body(self, **changes: Any) -> dict[str, Any]:
        """The seed's request with a reference of its own; `changes` go into the innermost body."""
        body = copy.deepcopy(SEED_BODY)
        task = body["payload"]["IntouchAPITask-Payload"]
        task["headers"]["X-CAP-API-AUTH-ORG-ID"] = str(self.organisation.pk)
        task["body"] |= {"programId": self.program.program_id, "referenceId": f"ref-{next(_numbers)}", **changes}
        return body

    def submit(self, *, maker: User | None = None, **changes: Any) -> WorkflowRequest:
        """Submit through the service, as the API does."""
        submission = read_submission(self.body(**changes), organisation=self.organisation, slug="GOODWILL-POINTS")
        return submitting.submit(actor=self.actor(maker or self.maker), submission=submission).request

    def approve(self, request: WorkflowRequest, *, checker: User | None = None) -> WorkflowRequest:
        from workflows.models import Decision

        return services.decide(
            actor=self.actor(checker or self.checker),
            request_id=request.pk,
            decision=Decision.APPROVED,
            message="approved in a test",
        )


def build_house(organisation_id: int = 51250, base_url: str = "http://127.0.0.1:9") -> House:
    """Create an organisation with one of everything, straight in the database."""
    organisation = OrganisationFactory(id=organisation_id)
    people = {role: UserFactory.build(username=f"{role}-{organisation_id}") for role in PEOPLE}
    account = ServiceAccountFactory.build(username=f"crm-{organisation_id}")
    User.objects.bulk_create([*people.values(), account])
    # The colleague is a second checker, so that the checker's own requests can be decided.
    rights = {role: "is_checker" if role == "colleague" else f"is_{role}" for role in PEOPLE}
    members = [(people[role], rights[role]) for role in PEOPLE] + [(account, "is_maker")]
    # In one statement each, and past the signals: nothing waits for anybody yet.
    Membership.objects.bulk_create(
        MembershipFactory.build(user=person, organisation=organisation, **{right: True}) for person, right in members
    )
    secret = account_services.ensure_service_secret(account).secret
    assert secret is not None
    return House(
        organisation=organisation,
        program=ProgramFactory(organisation=organisation, program_id=2739),
        target=TargetFactory(organisation=organisation, base_url=base_url),
        policy=PolicyFactory(organisation=organisation),
        **people,
        service_account=account,
        service_secret=secret,
    )
