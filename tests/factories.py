"""factory-boy factories; the smallest valid row of each kind."""

from __future__ import annotations

from typing import Any

import factory
from factory.django import DjangoModelFactory

from accounts.models import Membership, Organisation, User, UserKind
from goodwill.models import Program
from workflows.models import IntouchTarget, WorkflowPolicy
from workflows.rules import versions
from workflows.terms.document import Terms

PASSWORD = "a-password-of-a-test"


class OrganisationFactory(DjangoModelFactory):
    class Meta:
        model = Organisation

    id = factory.Sequence(lambda n: 70000 + n)
    name = factory.Sequence(lambda n: f"Organisation {n}")
    time_zone = "UTC"


class UserFactory(DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    kind = UserKind.PERSON
    is_staff = True
    password = factory.django.Password(PASSWORD)


class ServiceAccountFactory(DjangoModelFactory):
    class Meta:
        model = User

    username = factory.Sequence(lambda n: f"service{n}")
    kind = UserKind.SERVICE


class MembershipFactory(DjangoModelFactory):
    class Meta:
        model = Membership

    user = factory.SubFactory(UserFactory)
    organisation = factory.SubFactory(OrganisationFactory)


class ProgramFactory(DjangoModelFactory):
    class Meta:
        model = Program

    organisation = factory.SubFactory(OrganisationFactory)
    program_id = factory.Sequence(lambda n: 2739 + n)
    name = factory.Sequence(lambda n: f"Program {n}")


class TargetFactory(DjangoModelFactory):
    class Meta:
        model = IntouchTarget

    organisation = factory.SubFactory(OrganisationFactory)
    origin = "http://internal-intouch-api.default:1900"
    base_url = "http://127.0.0.1:9"
    allows_internal = True


class PolicyFactory(DjangoModelFactory):
    """A policy with version 1 in force; what is not a column goes into its terms."""

    class Meta:
        model = WorkflowPolicy

    organisation = factory.SubFactory(OrganisationFactory)
    request_type = "GOODWILL-POINTS"
    cap = 10_000

    @classmethod
    def _create(
        cls, model_class: type[WorkflowPolicy], *args: Any, organisation: Organisation, request_type: str, **terms: Any
    ) -> WorkflowPolicy:
        version = versions.put_in_force(
            organisation=organisation, slug=request_type, terms=Terms(**terms), author=None, checked=False
        )
        return version.policy


def set_terms(policy: WorkflowPolicy, **changes: Any) -> WorkflowPolicy:
    """Put a next version in force, with these changes, whether or not anybody could decide by it."""
    version = versions.put_in_force(
        organisation=policy.organisation, slug=policy.request_type,
        terms=Terms.model_validate({**policy.terms.model_dump(), **changes}), author=None, checked=False,
    )  # fmt: skip
    policy.refresh_from_db()
    assert policy.active_id == version.pk
    return policy
