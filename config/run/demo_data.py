"""What `manage.py create_demo` prints, and what `var/demo.json` says of it."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.run.place import Place

SUMMARY_KEYS = (
    "intouch_hostname", "org_id", "program_id", "maker", "checker", "auditor", "service_account", "oauth",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class DemoData:
    """The demo organisation: accounts with their credentials, and the seed's request and history."""

    content: dict[str, Any]

    @classmethod
    def from_json(cls, text: str) -> DemoData:
        return cls(json.loads(text))

    def __getitem__(self, name: str) -> Any:
        return self.content[name]

    @property
    def reference_id(self) -> str:
        """Of the seed's request."""
        return str(self.body["referenceId"])

    @property
    def customer_id(self) -> int:
        """Of the seed's request."""
        return int(self.body["earningEntityId"])

    @property
    def body(self) -> dict[str, Any]:
        """Of the call that the seed's request asks for."""
        found: dict[str, Any] = self["seed_request"]["payload"]["IntouchAPITask-Payload"]["body"]
        return found


def write_summary(place: Place, demo: DemoData) -> None:
    """Write `demo.json`, whole or not at all."""
    summary = {"base_url": place.base_url, "sandbox_url": place.sandbox_url}
    summary |= {name: demo[name] for name in SUMMARY_KEYS}
    draft = place.summary.with_suffix(".new")
    draft.unlink(missing_ok=True)
    _write_private(draft, json.dumps(summary, indent=2) + "\n")
    draft.replace(place.summary)


def _write_private(path: Path, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
