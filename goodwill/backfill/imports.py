"""The record of an import: found again by file, organisation and options, and told of in the audit trail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import Organisation, User
from goodwill.models import GoodwillImport, ImportStage
from workflows import audit

COUNTS = ("records", "inserted", "updated", "unchanged", "rejected", "conflicts")


@dataclass(frozen=True, slots=True)
class Starter:
    """Who started the command: a user of ours, or else the account of the machine."""

    user: User | None
    name: str


@transaction.atomic
def begin(
    *,
    organisation: Organisation,
    file_name: str,
    file_hash: str,
    options: dict[str, Any],
    header: bytes,
    starter: Starter,
) -> GoodwillImport:
    """The import of this file that was not finished, or a new one; it runs from here on."""
    # Two that start at once must not both begin: the later one waits here and then finds the earlier one's record.
    Organisation.objects.select_for_update(no_key=True).get(pk=organisation.pk)
    found = (
        GoodwillImport.objects.select_for_update()
        .filter(organisation=organisation, file_hash=file_hash, options=options)
        .exclude(stage=ImportStage.FINISHED)
        .order_by("-id")
        .first()
    )
    action = "goodwill.import_resumed"
    if found is None:
        action = "goodwill.import_started"
        found = GoodwillImport(
            organisation=organisation, file_name=file_name[:255], file_hash=file_hash, options=options, header=header,
            started_by=starter.user, started_by_name=starter.name,
        )  # fmt: skip
    found.stage = ImportStage.RUNNING
    found.save()
    _tell(found, action, starter)
    return found


@transaction.atomic
def end(goodwill_import: GoodwillImport, *, starter: Starter, finished: bool) -> GoodwillImport:
    """Finished, or stopped where the next run goes on."""
    found = GoodwillImport.objects.select_for_update().get(pk=goodwill_import.pk)
    found.stage = ImportStage.FINISHED if finished else ImportStage.STOPPED
    found.ended_at = timezone.now() if finished else None
    found.save(update_fields=["stage", "ended_at"])
    _tell(found, "goodwill.import_finished" if finished else "goodwill.import_stopped", starter)
    return found


def _tell(goodwill_import: GoodwillImport, action: str, starter: Starter) -> None:
    audit.record(
        action, actor=starter.user, organisation_id=goodwill_import.organisation_id,
        import_id=goodwill_import.pk, file=goodwill_import.file_name, sha256=goodwill_import.file_hash,
        line=goodwill_import.line, started_by=starter.name,
        **{name: getattr(goodwill_import, name) for name in COUNTS},
    )  # fmt: skip
