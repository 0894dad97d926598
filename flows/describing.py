"""The archive's description of itself: how to read everything without this program, and the public keys.

Of the office's own keys all that ever signed are there: what was kept stays signed by the key of its time.
"""

from datetime import datetime

from archive.segments.readme import write_readme
from flows import keyring, own_keys
from flows.wiring import Office


def describe(office: Office, at: datetime) -> None:
    """Bring the archive's readme object up to date. Raises as `archive.segments.readme.write_readme`."""
    archive, escrow = keyring.recipients(office.settings.home)
    own = own_keys.listed(office.settings.home)
    documents = {
        **{key.path.name: key.public.armored for key in own if key.role != "next"},
        "archive.asc": archive.armored,
        "escrow.asc": escrow.armored,
        "journal.vkey": f"{keyring.journal_verifier(office.settings.home)}\n",
    }
    write_readme(office.store.context, {name: text.encode("ascii") for name, text in documents.items()}, at)
