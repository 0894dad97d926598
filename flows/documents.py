"""The document of a case as it was kept, or of a file: what `jiexu show` and lookups of originals print."""

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from archive import cases
from flows import opening
from flows.wiring import Office
from formats.digest import sha256
from formats.errors import UsageError

_SENT, _RECEIVED = "delivery-sent", "package-received"


@dataclass(frozen=True, slots=True)
class Document:
    """A document's exact bytes and the SHA-256 of them, lower-case hex."""

    data: bytes
    digest: str


def of_case(office: Office, case: str, at: datetime) -> Document:
    """The newest delivery kept of a case: as it was sent, or out of the package as it was received.

    Raises UsageError S412 (no such case), S411 (nothing is kept of it yet), IntegrityError A501, A502, A509; for a
    package that cannot be opened any more RefusedError T1xx.
    """
    row = cases.find(office.ledger, case)
    kind = _SENT if row.direction == "out" else _RECEIVED
    kept = [
        original
        for original in cases.originals(office.ledger, case)
        if (original.kind, original.direction, original.partner) == (kind, row.direction, row.partner)
    ]
    if not kept:
        raise UsageError("S411", f"{case}: there is no original yet")
    data = office.store.read(kept[-1].digest)
    if kind == _RECEIVED:
        data = opening.unseal(office, data, at).data
    return Document(data, sha256(data))


def of_file(path: Path) -> Document:
    """A document in a file. Raises UsageError S417."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError("S417", f"{path}: {error.strerror}") from None
    return Document(data, sha256(data))
