"""The document that a policy version holds: rules in order, limits over time, and how long things may wait.

Amounts are `Decimal` and stand as text in the stored JSON. Ranges say `over` (exclusive) and `up_to` (inclusive), so
that bands that follow each other leave no gap and do not overlap.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

MOST_RULES: Final = 100
MOST_LIMITS: Final = 20
MOST_LEVELS: Final = 3
MOST_PEOPLE: Final = 5
MOST_ITEMS: Final = 500
MOST_HOURS: Final = 24 * 366


def _plain(amount: Decimal) -> Decimal:
    """The one spelling of an amount, so that 10 and 10.0 make no difference between two versions."""
    return Decimal(f"{amount.normalize():f}")


Amount = Annotated[Decimal, Field(gt=0, max_digits=20, decimal_places=6, allow_inf_nan=False), AfterValidator(_plain)]
Bound = Annotated[Decimal, Field(ge=0, max_digits=20, decimal_places=6, allow_inf_nan=False), AfterValidator(_plain)]
Hours = Annotated[int, Field(gt=0, le=MOST_HOURS)]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Sentence = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]
EntityIds = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=64)], ...], Field(max_length=MOST_ITEMS)]
Ids = Annotated[tuple[Annotated[int, Field(gt=0, lt=2**63)], ...], Field(max_length=MOST_ITEMS)]


class Part(BaseModel):
    """Frozen, so that a version that was read once can be shared by all requests of a process."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Range(Part):
    """`over` < amount <= `up_to`; an end that is missing is open."""

    over: Bound | None = None
    up_to: Bound | None = None

    def holds(self, amount: Decimal) -> bool:
        return (self.over is None or amount > self.over) and (self.up_to is None or amount <= self.up_to)


class SoFar(Part):
    """What the customer has been given or promised in the days before, this request included, is more than this."""

    days: Literal[30, 90, 365]
    measure: Literal["points", "requests"]
    more_than: Bound


class MakerKind(StrEnum):
    PERSON = "person"
    SERVICE = "service"
    CHECKER = "checker"
    SUPERVISOR = "supervisor"
    OPERATOR = "operator"


class Conditions(Part):
    """All that are given must hold. A list holds where the request's value is one of it; an empty one is no condition.

    Attributes:
        look_alike: whether the same customer was to get the same amount for the same reason lately.
        splitting: whether requests of this maker for this customer pass the threshold only together.
    """

    points: Range | None = None
    money: Range | None = None
    programs: Ids = ()
    makers: Ids = ()
    maker_kinds: tuple[MakerKind, ...] = ()
    sources: tuple[Literal["api", "admin", "file"], ...] = ()
    concepts: EntityIds = ()
    zones: EntityIds = ()
    stores: EntityIds = ()
    tills: EntityIds = ()
    reasons: Annotated[tuple[str, ...], Field(max_length=MOST_ITEMS)] = ()
    so_far: SoFar | None = None
    look_alike: bool | None = None
    splitting: bool | None = None

    @property
    def is_empty(self) -> bool:
        return self == _NO_CONDITIONS


_NO_CONDITIONS = Conditions()


class Role(StrEnum):
    CHECKER = "checker"
    SUPERVISOR = "supervisor"
    ADMINISTRATOR = "administrator"


class People(Part):
    """Who may decide: everybody with the role, or of them only the named; and only those whose own scope lies here."""

    role: Role = Role.CHECKER
    users: Ids = ()
    concepts: EntityIds = ()
    zones: EntityIds = ()
    stores: EntityIds = ()
    tills: EntityIds = ()


class Backup(Part):
    """Who may fill a place as well once it has waited too long; still one place per person."""

    role: Role = Role.SUPERVISOR
    users: Ids = ()


class Level(People):
    """So many different people must approve."""

    people: Annotated[int, Field(ge=1, le=MOST_PEOPLE)] = 1
    backup: Backup | None = None


class Result(Part):
    """What becomes of a request: carried out at once, put before people level by level, or refused with a sentence."""

    kind: Literal["approve", "levels", "refuse"]
    levels: Annotated[tuple[Level, ...], Field(max_length=MOST_LEVELS)] = ()
    message: Sentence | None = None


ONE_CHECKER: Final = Result(kind="levels", levels=(Level(),))


class Rule(Part):
    """The first rule whose conditions hold decides."""

    name: Name
    when: Conditions
    then: Result


class Per(StrEnum):
    CUSTOMER = "customer"
    MAKER = "maker"
    PROGRAM = "program"
    STORE = "store"


class Window(StrEnum):
    """Days of the organisation's calendar; a rolling window ends today and takes today in."""

    DAY = "day"
    WEEK = "7"
    MONTH = "30"
    YEAR = "365"
    CALENDAR_MONTH = "month"


class Limit(Part):
    """At most so much per customer, maker, program or store in a window. What is pending counts.

    Attributes:
        programs: counts, and holds for, requests of these programs only; for limits per program.
        at_limit: refuse the request, or ask for this level beside those of its rule.
    """

    name: Name
    per: Per
    measure: Literal["points", "requests"]
    window: Window
    most: Bound
    programs: Ids = ()
    at_limit: Literal["refuse"] | Level = "refuse"

    @property
    def is_hard(self) -> bool:
        return self.at_limit == "refuse"


class LookAlike(Part):
    """Same customer, amount and reason within so many days.

    Attributes:
        always: look for them with every request, and not only where something else asks about the customer.
    """

    days: Annotated[int, Field(ge=1, le=90)] = 7
    always: bool = False


class Splitting(Part):
    """Several requests of one maker for one customer that pass `threshold` together and not alone."""

    days: Annotated[int, Field(ge=1, le=90)] = 7
    threshold: Amount | None = None


Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]


class Patience(Part):
    """Hours that a request may wait. None: never. Each level starts reminder and escalation anew."""

    remind_after: Hours | None = None
    escalate_after: Hours | None = None
    expire_after: Hours | None = None
    warn_before: Hours | None = None

    @property
    def warn_after(self) -> int | None:
        """Hours from the submission to the warning that it will expire."""
        if self.expire_after is None or self.warn_before is None:
            return None
        return self.expire_after - self.warn_before


class Terms(Part):
    """All that an organisation has decided about one request type.

    What follows from it is worked out once, so a changed document is validated anew and never a `model_copy`.
    """

    is_enabled: bool = True
    cap: Amount | None = None
    auto_approval: Literal["off", "all", "up_to"] = "off"
    auto_approval_up_to: Amount | None = None
    reconciling: Literal["repeat", "look_up"] = "repeat"
    reasons: Annotated[tuple[Reason, ...] | None, Field(max_length=MOST_ITEMS)] = None
    notify: Annotated[tuple[Annotated[str, Field(max_length=254)], ...], Field(max_length=20)] = ()
    patience: Patience = Patience()
    rules: Annotated[tuple[Rule, ...], Field(max_length=MOST_RULES)] = ()
    default: Result = ONE_CHECKER
    limits: Annotated[tuple[Limit, ...], Field(max_length=MOST_LIMITS)] = ()
    look_alike: LookAlike = LookAlike()
    splitting: Splitting = Splitting()

    @cached_property
    def asks_about_customer(self) -> bool:
        """Whether anything wants to know what the customer has got, or what looks alike or split."""
        return (
            self.look_alike.always
            or self.splitting.threshold is not None
            or any(
                rule.when.so_far is not None or rule.when.look_alike is not None or rule.when.splitting is not None
                for rule in self.rules
            )
        )

    @cached_property
    def counted(self) -> frozenset[Per]:
        """What has to be counted for the limits."""
        return frozenset(limit.per for limit in self.limits)

    def as_json(self) -> dict[str, Any]:
        """The document as it is stored and compared; what has its default is left out."""
        document: dict[str, Any] = self.model_dump(mode="json", exclude_defaults=True)
        return document
