"""Opening packages that were received long ago, whatever became of the keys since.

The office may have another key now, the partner's may have been revoked. Who signed was judged when the package came
(`opening.py`); here the document is only taken out again.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from flows import keyring
from flows.wiring import Office
from formats.errors import UsageError
from transfer import envelope
from transfer.envelope import OfficeKey, Opened

EARLIER_KEYS: Final = "keys/office-*.asc"  # the office's own secret keys of before, locked with the same passphrase


def own_keys(office: Office) -> tuple[OfficeKey, ...]:
    """The office's key and its earlier ones, with which older packages are opened. Raises UsageError S403, S408."""
    folder, name = EARLIER_KEYS.split("/")
    texts = [_armored(file) for file in sorted(office.settings.path(folder).glob(name))]
    return (office.key, *(keyring.unlocked(text, office.settings.passphrase()) for text in texts))


def reopen(office: Office, keys: Sequence[OfficeKey], package: bytes, kept_at: str) -> Opened:
    """The document and its signature in a package that was kept at this time (UTC text of the ledger).

    The partners' keys count as if none had been revoked since. Raises RefusedError T1xx when it cannot be opened.
    """
    kept = datetime.strptime(kept_at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    pins = {fingerprint: replace(pin, revoked=None) for fingerprint, pin in office.directory.pins().items()}
    return envelope.unseal(package, keys, pins, kept, office.envelope_limits)


def _armored(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError):
        raise UsageError("S408", f"keys/{file.name} is not an armored key") from None
