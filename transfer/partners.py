"""Partners: the offices with which this one exchanges, their mailboxes and their keys.

A partner gives out a card, a small TOML text with its code, name, mailbox, the mailbox's host key, and its OpenPGP key.
The operator compares the fingerprint by telephone and adds the card. From then on what counts is this office's own
file on the partner, `<folder>/<code>.toml`: there the operator can end a key (`not_after`) or revoke it (`revoked`),
and a second key stands beside the first while a partner changes over. Nothing a package or a key says of itself can
widen what is written there.

All is pure but `Directory.load` and `Directory.add`, which read and write the files.
"""

import json
import os
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from formats.errors import UsageError
from formats.identifiers import is_agency_code
from transfer.keys import PublicKey, load_public

# A key without an end.
FOREVER: Final = datetime(9999, 12, 31, tzinfo=UTC)

_CARD_COMMENT: Final = """\
# The card of an office that exchanges insured persons' records with Jiexu.
# Before adding it, compare the fingerprint with the office by telephone, on a number known from elsewhere.
"""
_FILE_COMMENT: Final = """\
# What this office knows of a partner; read anew by every command.
# not_before and not_after bound the time at which a signature by the key counts. revoked = <time> ends the key at
# once, also for what is dated earlier: whoever has a stolen key can date a signature as he likes.
"""


@dataclass(frozen=True, slots=True)
class Pin:
    """A signing key that counts as an office's, and when. Times are UTC; `not_after` is exclusive."""

    office: str
    key: PublicKey
    not_before: datetime
    not_after: datetime
    revoked: datetime | None


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


@dataclass(frozen=True, slots=True)
class PartnerKey:
    """One key of a partner and when it counts, by this office's own file."""

    key: PublicKey
    not_before: datetime
    not_after: datetime
    revoked: datetime | None = None

    def valid(self, at: datetime) -> bool:
        """Whether it may be used at this time."""
        return self.not_before <= at < self.not_after and self.revoked is None


@dataclass(frozen=True, slots=True)
class Partner:
    """An office with which this one exchanges."""

    code: str
    name: str
    mailbox: str
    host_key: str
    added: datetime
    keys: tuple[PartnerKey, ...]
    journal: str = ""  # public line of its journal's key

    def recipient(self, at: datetime) -> PublicKey:
        """The newest key to which one may encrypt at this time. Raises UsageError S408 if there is none."""
        fit = [key.key for key in self.keys if key.valid(at)]
        if not fit:
            raise UsageError("S408", f"partner {self.code} has no valid key")
        return max(fit, key=lambda key: key.created)


def render_card(card: Card) -> str:
    """The card as TOML for people to read and pass on."""
    return _CARD_COMMENT + _lines(
        {"code": card.code, "name": card.name, "mailbox": card.mailbox, "host_key": card.host_key}
        | {"fingerprint": grouped(card.fingerprint), "public_key": card.public_key}
        | ({"journal": card.journal} if card.journal else {})
    )


def parse_card(text: str) -> Card:
    """The card in this text. The fingerprint may be written with spaces and in lower case.

    Raises UsageError: S401 if it is not a card, or if its fingerprint is not that of its key; S408 if its key cannot be
    read or is not fit for the exchange.
    """
    table = _table(text, "the card")
    card = Card(
        code=_text(table, "code"),
        name=_text(table, "name"),
        mailbox=_text(table, "mailbox"),
        host_key=_text(table, "host_key"),
        public_key=_text(table, "public_key"),
        fingerprint=_plain(_text(table, "fingerprint")),
        journal=_text(table, "journal") if "journal" in table else "",
    )
    _check_lines(card)
    _fit_key(card.public_key, card.fingerprint)
    return card


def grouped(fingerprint: str) -> str:
    """A fingerprint in groups of four, to be read out: `ECD9 D47A …`."""
    return " ".join(fingerprint[start : start + 4] for start in range(0, len(fingerprint), 4))


@dataclass(frozen=True, slots=True)
class Directory:
    """All partners by their office code."""

    partners: Mapping[str, Partner]

    @classmethod
    def load(cls, folder: Path) -> "Directory":
        """The partners whose files lie in the folder; none if there is no folder.

        Raises UsageError S401 or S408, naming the file, if one cannot be read.
        """
        return cls({path.stem: _load(path) for path in sorted(folder.glob("*.toml"))})

    @staticmethod
    def add(folder: Path, card: Card, at: datetime) -> Partner:
        """Write a partner's file from its card, and give back the partner.

        For a partner that is there already, name, mailbox and host key are taken from the card, its journal's key too
        if it has one, a key with a new fingerprint is added, and what the file says of a known key stays. The file is
        replaced as a whole or not at all. Raises UsageError S401 or S408 like `parse_card`.
        """
        _check_lines(card)
        key = _fit_key(card.public_key, card.fingerprint)
        path = folder / f"{card.code}.toml"
        earlier = _load(path) if path.exists() else None
        keys = earlier.keys if earlier else ()
        if key.fingerprint not in {known.key.fingerprint for known in keys}:
            keys = (*keys, PartnerKey(key, key.created, key.expires or FOREVER))
        partner = Partner(
            code=card.code,
            name=card.name,
            mailbox=card.mailbox,
            host_key=card.host_key,
            added=earlier.added if earlier else at.astimezone(UTC).replace(microsecond=0),
            keys=keys,
            journal=card.journal or (earlier.journal if earlier else ""),
        )
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(path, _render(partner))
        return partner

    def partner(self, code: str) -> Partner:
        """The partner with this code. Raises UsageError S403 if there is none."""
        try:
            return self.partners[code]
        except KeyError:
            raise UsageError("S403", code) from None

    def pins(self) -> Mapping[str, Pin]:
        """Every signing key of every partner, by its fingerprint, subkeys too.

        A key counts within what the partner's file says and within what it says of itself, whichever is narrower.
        Raises UsageError S401 if two partners have the same key.
        """
        pins: dict[str, Pin] = {}
        for partner in self.partners.values():
            for fingerprint, pin in _pins(partner):
                if fingerprint in pins:
                    raise UsageError("S401", f"{pins[fingerprint].office} and {partner.code} have the same key")
                pins[fingerprint] = pin
        return pins


def _pins(partner: Partner) -> Iterable[tuple[str, Pin]]:
    for known in partner.keys:
        for signing in known.key.signing:
            bound = signing.bound
            yield (
                bound.fingerprint,
                Pin(
                    office=partner.code,
                    key=known.key,
                    not_before=max(known.not_before, bound.created),
                    not_after=min(known.not_after, bound.expires or FOREVER),
                    revoked=known.revoked or bound.revoked,
                ),
            )


def _check_lines(office: Card | Partner) -> None:
    """Refuse what could not stand in one line of a file or in the name of one."""
    if not is_agency_code(office.code):
        raise UsageError("S401", "code is not an 8-digit agency code")
    if not office.name.strip():
        raise UsageError("S401", "name is empty")
    for name in ("name", "mailbox", "host_key", "journal"):
        if not getattr(office, name).isprintable():
            raise UsageError("S401", f"{name} holds characters that are not printable")


def _fit_key(armored: str, fingerprint: str) -> PublicKey:
    """The key of a card. What is too weak to be accepted in a package is refused before it comes to that."""
    key = load_public(armored)
    if key.fingerprint != fingerprint:
        raise UsageError("S401", f"the fingerprint {grouped(fingerprint)} is not that of the key beside it")
    if not any(not part.weak for part in key.signing) or not any(not part.weak for part in key.encryption):
        raise UsageError("S408", f"key {fingerprint} cannot both sign and be encrypted to, or is too weak (RSA < 3072)")
    return key


def _load(path: Path) -> Partner:
    """The partner in one file, whose name must be the partner's code."""
    try:
        table = _table(path.read_text(encoding="utf-8"), path.name)
        if _text(table, "code") != path.stem:
            raise UsageError("S401", "code is not the name of the file")
        partner = Partner(
            code=path.stem,
            name=_text(table, "name"),
            mailbox=_text(table, "mailbox"),
            host_key=_text(table, "host_key"),
            added=_time(table, "added"),
            keys=tuple(_partner_key(item) for item in _tables(table, "key")),
            journal=_text(table, "journal") if "journal" in table else "",
        )
        _check_lines(partner)
    except UsageError as error:
        raise UsageError(error.code, f"{path.name}: {error.detail}") from None
    except (OSError, UnicodeDecodeError):
        raise UsageError("S417", path.name) from None
    return partner


def _partner_key(table: Mapping[str, Any]) -> PartnerKey:
    key = load_public(_text(table, "public_key"))
    if key.fingerprint != _plain(_text(table, "fingerprint")):
        raise UsageError("S401", "a fingerprint is not that of the key beside it")
    return PartnerKey(
        key=key,
        not_before=_time(table, "not_before") if "not_before" in table else key.created,
        not_after=_time(table, "not_after") if "not_after" in table else FOREVER,
        revoked=_time(table, "revoked") if "revoked" in table else None,
    )


def _render(partner: Partner) -> str:
    """A partner's file."""
    head = _lines(
        {"code": partner.code, "name": partner.name, "mailbox": partner.mailbox, "host_key": partner.host_key}
        | ({"journal": partner.journal} if partner.journal else {})
    ) + _lines({"added": partner.added})
    keys = [
        "\n[[key]]\n"
        + _lines(
            {"fingerprint": grouped(known.key.fingerprint)}
            | {"not_before": known.not_before}
            | ({} if known.not_after >= FOREVER else {"not_after": known.not_after})
            | ({} if known.revoked is None else {"revoked": known.revoked})
            | {"public_key": known.key.armored}
        )
        for known in partner.keys
    ]
    return _FILE_COMMENT + head + "".join(keys)


def _lines(values: Mapping[str, str | datetime]) -> str:
    return "".join(f"{name} = {_toml(value)}\n" for name, value in values.items())


def _toml(value: str | datetime) -> str:
    """A TOML value; text of several lines (armor has no quotes) in a block of its own."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    if "\n" in value and "'" not in value:
        return f"'''\n{value.strip()}\n'''"
    return json.dumps(value, ensure_ascii=False)


def _table(text: str, what: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError("S401", f"{what} is not TOML: {error}") from None


def _text(table: Mapping[str, Any], name: str) -> str:
    value = table.get(name)
    if not isinstance(value, str):
        raise UsageError("S401", f"{name} is missing or not text")
    return value


def _time(table: Mapping[str, Any], name: str) -> datetime:
    value = table.get(name)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise UsageError("S401", f"{name} is not a time with a zone, like 2026-11-22T08:00:00Z")
    return value.astimezone(UTC)


def _tables(table: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    value = table.get(name)
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise UsageError("S401", f"there is no [[{name}]]")
    return value


def _plain(fingerprint: str) -> str:
    return "".join(fingerprint.split()).upper()


def _write(path: Path, text: str) -> None:
    """Replace a file as a whole: readers see the old one or the new one. Only this user may read it."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
