"""Destruction as an office does it: what is due by today's rules, whose signatures are over an order, and the act.

The certificates of the people who may sign lie in the home as `staff/<staff id>.asc`. They sign with whatever program
they have: `gpg --detach-sign order.json`.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from archive import destroying, destruction
from archive.destroying import Destroyed
from archive.destruction import Item
from flows.wiring import Office
from formats.errors import RefusedError, UsageError
from formats.retention import Period
from transfer import detached
from transfer.keys import PublicKey, load_public

STAFF: Final = "staff"
_PEOPLE: Final = 2


class Signer(NamedTuple):
    """Who signed an order: the staff id, and the fingerprint of the certificate (40 upper-case hex digits)."""

    person: str
    fingerprint: str


def due(office: Office, at: datetime, table: Sequence[Period] | None = None) -> tuple[Item, ...]:
    """The originals that may be destroyed today. Raises UnreachableError S409."""
    return destruction.due(office.ledger, at.date(), table)


def write_order(office: Office, at: datetime, table: Sequence[Period] | None = None) -> bytes:
    """An order of all that is due. Raises UsageError S440 when nothing is."""
    items = due(office, at, table)
    if not items:
        raise UsageError("S440", "nothing is due")
    return destruction.write(office.code, items, at)


def carry_out(
    office: Office,
    order: bytes,
    signatures: Sequence[bytes],
    who: str,
    at: datetime,
    table: Sequence[Period] | None = None,
) -> tuple[Destroyed, tuple[Signer, ...]]:
    """Destroy what an order names, when two people signed it; or finish what was begun.

    Raises UsageError S442 (the signatures), S408 (a certificate of the staff), S440, S441, S444 (the order); and as
    `archive.destroying.carry_out`.
    """
    signers = signed_by(office, order, signatures)
    return destroying.carry_out(office.store, order, signatures, who, at, table), signers


def signed_by(office: Office, order: bytes, signatures: Sequence[bytes]) -> tuple[Signer, ...]:
    """Who signed the order's exact bytes: at least two different people with different keys, valid when they signed.

    Raises UsageError S442, also when one signature more is no good; S408 when a certificate cannot be read.
    """
    staff = list(_staff(office))
    signers = tuple(_signer(order, signature, staff, number) for number, signature in enumerate(signatures, start=1))
    if min(len({signer.person for signer in signers}), len({signer.fingerprint for signer in signers})) < _PEOPLE:
        raise UsageError("S442", f"{len(set(signers))} of {_PEOPLE}")
    return signers


def _signer(order: bytes, signature: bytes, staff: Sequence[tuple[str, PublicKey]], number: int) -> Signer:
    why = f"signature {number} is by nobody of {STAFF}/"
    for person, key in staff:
        try:
            detached.verify(order, signature, key)
        except RefusedError as error:
            if error.code != "T130":
                why = f"signature {number}: {error}"
            continue
        return Signer(person, key.fingerprint)
    raise UsageError("S442", why)


def _staff(office: Office) -> Iterator[tuple[str, PublicKey]]:
    """The people of the office by their staff ids, each with a certificate."""
    for file in sorted(office.settings.path(STAFF).glob("*.asc")):
        try:
            yield file.stem, load_public(file.read_text(encoding="ascii"))
        except (OSError, UnicodeDecodeError):
            raise UsageError("S408", f"{STAFF}/{file.name} is not an armored key") from None
        except UsageError as error:
            raise UsageError(error.code, f"{STAFF}/{file.name}: {error.detail}") from None
