"""The archive's description of itself: how to read everything without this program, and the public keys."""

from datetime import datetime

from archive.segments.readme import write_readme
from flows import keyring
from flows.wiring import Office
from transfer.keys import public_part


def describe(office: Office, at: datetime) -> None:
    """Bring the archive's readme object up to date. Raises as `archive.segments.readme.write_readme`."""
    archive, escrow = keyring.recipients(office.settings.home)
    documents = {
        "office.asc": public_part(office.key),
        "archive.asc": archive.armored,
        "escrow.asc": escrow.armored,
        "journal.vkey": f"{keyring.journal_verifier(office.settings.home)}\n",
    }
    write_readme(office.store.context, {name: text.encode("ascii") for name, text in documents.items()}, at)
