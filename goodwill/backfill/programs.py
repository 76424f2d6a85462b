"""The programs of the organisation that an import may name, and the ones that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from accounts.models import Organisation
from goodwill.backfill.columns import as_told, points
from goodwill.models import Program
from wire.records import UnusableFile

# More than any organisation has; a column that was mapped wrong would make one for each row.
MOST_NEW: Final = 1000


class Programs:
    """By the incumbent's id, the key of the table's row; both as the text that COPY writes.

    Args:
        creates: whether an unknown one is made; a dry run only says that it would be.
    """

    def __init__(self, organisation: Organisation, *, creates: bool, dry_run: bool = False) -> None:
        self._organisation, self._creates, self._dry_run = organisation, creates, dry_run
        rows = Program.objects.filter(organisation=organisation).values_list("program_id", "pk")
        self.known = {str(program_id): str(pk) for program_id, pk in rows}
        self.made: list[int] = []

    def make(self, program_id: str, details: Mapping[str, str]) -> str:
        """The key of a new program.

        Raises:
            ValueError: it is unknown, and none is to be made.
            UnusableFile: so many are unknown that something else is wrong.
        """
        if not self._creates:
            raise ValueError(
                f"programId {program_id} is no program of this organisation; --create-programs would make it"
            )
        if len(self.made) >= MOST_NEW:
            raise UnusableFile(f"The file names more than {MOST_NEW} new programs. Is programId mapped right?")
        self.known[program_id] = "0" if self._dry_run else str(self._ensure(int(program_id), details).pk)
        self.made.append(int(program_id))
        return self.known[program_id]

    def _ensure(self, program_id: int, details: Mapping[str, str]) -> Program:
        """At once and not with the batch: a program that no row uses yet does no harm."""
        name = as_told(details.get("programName", f"Program {program_id}"), 200)
        program, _ = Program.objects.get_or_create(
            organisation=self._organisation, program_id=program_id,
            defaults={
                "name": name, "description": as_told(details.get("programDescription", ""), 500),
                "points_to_currency_ratio": _ratio(details.get("pointsToCurrencyRatio", "")),
            },
        )  # fmt: skip
        return program


def _ratio(text: str) -> Decimal:
    try:
        ratio = Decimal(points(text))
    except ValueError:
        ratio = Decimal(1)
    return ratio if ratio < 10**10 else Decimal(1)
