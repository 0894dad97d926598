"""Cards: what an office tells its partners of itself, a small TOML text with its name, mailbox and OpenPGP key.

The operator compares the fingerprint by telephone before a card counts. While an office changes its key, its card ends
with an *endorsement*: a detached signature by the earlier key over all that stands before it. It says that whoever has
the earlier key wrote this card, so that a stranger's card is told from a partner's next one; it does not take the place
of the telephone, since a stolen key endorses too. All is pure.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from formats.errors import RefusedError, UsageError
from formats.identifiers import is_agency_code
from transfer import detached, framing, toml_text
from transfer.detached import Signed
from transfer.keys import OfficeKey, PublicKey, load_public

_COMMENT: Final = """\
# The card of an office that exchanges insured persons' records with Jiexu.
# Before adding it, compare the fingerprint with the office by telephone, on a number known from elsewhere.
"""
_ENDORSEMENT: Final = "endorsement"
_LAST: Final = re.compile(rf"^{_ENDORSEMENT} = ", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Card:
    """What an office tells its partners. `mailbox` is a URL, `host_key` one line in OpenSSH's form or empty.

    `journal` is the public line of the key that signs the heads of the office's journal; older cards have none.
    """

    code: str
    name: str
    mailbox: str
    host_key: str
    public_key: str  # armored
    fingerprint: str  # 40 upper-case hex digits
    journal: str = ""


class Told(Protocol):
    """What card and partner's file both say of an office."""

    @property
    def code(self) -> str:
        """Agency code."""

    @property
    def name(self) -> str:
        """The office's name."""

    @property
    def mailbox(self) -> str:
        """Where it collects, a URL."""

    @property
    def host_key(self) -> str:
        """The pinned key of the server there, or empty."""

    @property
    def journal(self) -> str:
        """The public line of its journal's key, or empty."""


def render_card(card: Card) -> str:
    """The card as TOML for people to read and pass on."""
    return _COMMENT + toml_text.lines(
        {"code": card.code, "name": card.name, "mailbox": card.mailbox, "host_key": card.host_key}
        | {"fingerprint": grouped(card.fingerprint), "public_key": card.public_key}
        | ({"journal": card.journal} if card.journal else {})
    )


def parse_card(text: str) -> Card:
    """The card in this text. The fingerprint may be written with spaces and in lower case.

    An endorsement is not looked at here. Raises UsageError: S401 if it is not a card, or if its fingerprint is not that
    of its key; S408 if its key cannot be read or is not fit for the exchange.
    """
    table = toml_text.table(text, "the card")
    card = Card(
        code=toml_text.text(table, "code"),
        name=toml_text.text(table, "name"),
        mailbox=toml_text.text(table, "mailbox"),
        host_key=toml_text.text(table, "host_key"),
        public_key=toml_text.text(table, "public_key"),
        fingerprint=plain(toml_text.text(table, "fingerprint")),
        journal=toml_text.text(table, "journal") if "journal" in table else "",
    )
    check_lines(card)
    fit_key(card.public_key, card.fingerprint)
    return card


def endorse(text: str, signer: OfficeKey, at: datetime) -> str:
    """A rendered card with the endorsement by this key behind it.

    Everything before the line `endorsement` is what `gpg --verify` takes as the signed file. Raises UsageError S408 if
    the key may not sign at `at`.
    """
    signature = framing.armored(detached.sign(text.encode(), signer, at), "SIGNATURE")
    return text + toml_text.lines({_ENDORSEMENT: signature})


def statement(text: str) -> bytes:
    """What an endorsement signs: the card's text before it. Line ends that mail has changed count as they were."""
    unchanged = text.replace("\r\n", "\n")
    found = _LAST.search(unchanged)
    return (unchanged[: found.start()] if found else unchanged).encode()


def endorser(text: str, key: PublicKey) -> Signed | None:
    """Who endorsed this card and when, if a key of this certificate did; None for a card without an endorsement.

    Raises UsageError S401 if the text is not TOML; RefusedError as `detached.verify`: T130 somebody else signed, T122
    not all of this card, T131 with a key that was not valid then.
    """
    table = toml_text.table(text, "the card")
    if _ENDORSEMENT not in table:
        return None
    signed = statement(text)
    endorsed = toml_text.table(signed.decode(), "the card") | {_ENDORSEMENT: table[_ENDORSEMENT]}
    if endorsed != table:
        raise RefusedError("T122", "something stands behind the endorsement")
    try:
        signature = toml_text.text(table, _ENDORSEMENT).encode("ascii")
    except UnicodeEncodeError:
        raise RefusedError("T121", "not ASCII") from None
    return detached.verify(signed, signature, key)


def grouped(fingerprint: str) -> str:
    """A fingerprint in groups of four, to be read out: `ECD9 D47A …`."""
    return " ".join(fingerprint[start : start + 4] for start in range(0, len(fingerprint), 4))


def plain(fingerprint: str) -> str:
    """A fingerprint as it is compared: without blanks, in upper case."""
    return "".join(fingerprint.split()).upper()


def check_lines(office: Told) -> None:
    """Refuse what could not stand in one line of a file or in the name of one. Raises UsageError S401."""
    if not is_agency_code(office.code):
        raise UsageError("S401", "code is not an 8-digit agency code")
    if not office.name.strip():
        raise UsageError("S401", "name is empty")
    for name in ("name", "mailbox", "host_key", "journal"):
        if not getattr(office, name).isprintable():
            raise UsageError("S401", f"{name} holds characters that are not printable")


def fit_key(armored: str, fingerprint: str) -> PublicKey:
    """The key of a card. What is too weak to be accepted in a package is refused before it comes to that.

    Raises UsageError S401 (another fingerprint), S408 (not to be read, or not fit for the exchange).
    """
    key = load_public(armored)
    if key.fingerprint != fingerprint:
        raise UsageError("S401", f"the fingerprint {grouped(fingerprint)} is not that of the key beside it")
    if not any(not part.weak for part in key.signing) or not any(not part.weak for part in key.encryption):
        raise UsageError("S408", f"key {fingerprint} cannot both sign and be encrypted to, or is too weak (RSA < 3072)")
    return key
