"""The demo's last part: the receiving office moves its business database to a new place, and proves it."""

from pathlib import Path
from typing import Final

from flows import relocation
from flows.relocation import RelocationReport
from flows.wiring import SERVICE, Office

NEW: Final = "records-new.db"
PROOF: Final = "migration"


def move_records(office: Office, folder: Path) -> RelocationReport:
    """Migrate the office's records database, which is SQLite here, into a new file; the old one stays as it is."""
    target = f"sqlite:///{folder / NEW}"
    return relocation.relocate(office, relocation.begin(folder / PROOF, office.settings.records_url, target, SERVICE))
