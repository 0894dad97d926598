"""Opening packages that were received long ago, whatever became of the keys since.

The office may have another key now, the partner's may have been revoked. Who signed was judged when the package came
(`opening.py`); here the document is only taken out again.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from flows.wiring import Office
from transfer import envelope
from transfer.envelope import OfficeKey, Opened
from transfer.partners import FOREVER


def reopen(office: Office, keys: Sequence[OfficeKey], package: bytes, kept_at: str) -> Opened:
    """The document and its signature in a package that was kept at this time (UTC text of the ledger).

    `keys` are all that this office ever had (`own_keys.every`). The partners' keys count as if none had been revoked or
    ended since. Raises RefusedError T1xx when it cannot be opened.
    """
    kept = datetime.strptime(kept_at, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    pins = {
        fingerprint: replace(pin, revoked=None, not_after=FOREVER)
        for fingerprint, pin in office.directory.pins().items()
    }
    return envelope.unseal(package, keys, pins, kept, office.envelope_limits)
