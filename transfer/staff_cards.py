"""Staff cards: what an office tells its partners of the people who approve its cases, signed with the office's key.

A small TOML text: staff ids, roles with their times, OpenPGP certificates; no field has a name. The last table holds
the office's detached signature over everything before it. All is pure.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from formats.errors import RefusedError, UsageError
from formats.identifiers import is_agency_code
from transfer import detached, framing, toml_text
from transfer import roster as rosters
from transfer.detached import Signed
from transfer.keys import OfficeKey, PublicKey, load_public
from transfer.roster import Roster

_COMMENT: Final = """\
# The people who approve this office's cases: staff ids, roles, OpenPGP certificates. For offices that exchange with it:
# jiexu partner staff FILE
"""
_SIGNED: Final = "signed"
_LAST: Final = re.compile(rf"^\n\[{_SIGNED}\]\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class StaffCard:
    """The people of an office, by its agency code, as they were when the card was issued (UTC)."""

    office: str
    issued: datetime
    people: Roster


def render(card: StaffCard, signer: OfficeKey, at: datetime) -> str:
    """The card with the office's signature. Raises UsageError S408 if the key may not sign at `at`."""
    head = toml_text.lines({"office": card.office}) + toml_text.lines({"issued": card.issued})
    text = _COMMENT + head + rosters.render(card.people.values())
    signature = framing.armored(detached.sign(text.encode(), signer, at), "SIGNATURE")
    return f"{text}\n[{_SIGNED}]\n" + toml_text.lines({"signature": signature})


def parse(text: str) -> StaffCard:
    """The card in this text; signature and certificates are not looked at. Raises UsageError S401, S475."""
    table = toml_text.table(text, "the staff card")
    office = toml_text.text(table, "office")
    if not is_agency_code(office):
        raise UsageError("S401", "office is not an 8-digit agency code")
    return StaffCard(office, toml_text.time(table, "issued"), rosters.parse(table))


def fit(card: StaffCard) -> None:
    """Whether every certificate can be read and has its fingerprint. Raises UsageError S401, S408."""
    for person in card.people.values():
        for key in person.keys:
            if load_public(key.public_key).fingerprint != key.fingerprint:
                raise UsageError("S401", f"{person.id}: a fingerprint is not that of the key beside it")


def signer(text: str, key: PublicKey) -> Signed:
    """Who signed this card and when, if a key of this certificate did; line ends that mail has changed do not matter.

    Raises UsageError S401 if the text is not TOML; RefusedError as `detached.verify`, T122 also where something stands
    behind the signature.
    """
    unchanged = text.replace("\r\n", "\n")
    table = toml_text.table(unchanged, "the staff card")
    found = _LAST.search(unchanged)
    signed = table.get(_SIGNED)
    if found is None or not isinstance(signed, dict) or set(signed) != {"signature"}:
        raise RefusedError("T121", "the staff card is not signed")
    before = unchanged[: found.start()]
    if toml_text.table(before, "the staff card") | {_SIGNED: signed} != table:
        raise RefusedError("T122", "something stands behind the signature")
    try:
        signature = toml_text.text(signed, "signature").encode("ascii")
    except UnicodeEncodeError:
        raise RefusedError("T121", "not ASCII") from None
    return detached.verify(before.encode(), signature, key)
