"""Partners: the offices with which this one exchanges, their mailboxes and their keys.

A partner gives out a card (`cards.py`). The operator compares the fingerprint by telephone and adds the card. From then
on what counts is this office's own file on the partner (`partner_files.py`): there a key can be ended or revoked, and a
second key stands beside the first while a partner changes over. Nothing a package or a key says of itself can widen
what is written there.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from formats.errors import UsageError
from transfer import partner_files
from transfer.cards import Card, check_lines, fit_key, grouped, parse_card, plain, render_card
from transfer.keys import PublicKey
from transfer.partner import FOREVER, KeyState, Partner, PartnerKey

__all__ = [
    "FOREVER",
    "Card",
    "Directory",
    "KeyState",
    "Partner",
    "PartnerKey",
    "Pin",
    "grouped",
    "parse_card",
    "render_card",
]


@dataclass(frozen=True, slots=True)
class Pin:
    """A signing key that counts as an office's, and when. Times are UTC; `not_after` is exclusive."""

    office: str
    key: PublicKey
    not_before: datetime
    not_after: datetime
    revoked: datetime | None


@dataclass(frozen=True, slots=True)
class Directory:
    """All partners by their office code."""

    partners: Mapping[str, Partner]

    @classmethod
    def load(cls, folder: Path) -> "Directory":
        """The partners whose files lie in the folder; none if there is no folder.

        Raises UsageError S401, S408 or S417, naming the file, if one cannot be read.
        """
        return cls({path.stem: partner_files.load(path) for path in sorted(folder.glob("*.toml"))})

    @staticmethod
    def add(folder: Path, card: Card, at: datetime, overlap: timedelta | None = None) -> Partner:
        """Write a partner's file from its card, and give back the partner.

        For a partner that is there already, name, mailbox and host key are taken from the card, its journal's key too
        if it has one. A key with a new fingerprint is added, and every other key that has no earlier end gets one:
        `overlap` from now; without `overlap` the others stay as they are. A known key is taken from the card as it says
        itself today (its owner may have given it a later end), and what the file says of it stays. The file is replaced
        as a whole or not at all. Raises UsageError S401 or S408 like `parse_card`.
        """
        check_lines(card)
        key = fit_key(card.public_key, card.fingerprint)
        earlier = _existing(folder, card.code)
        partner = Partner(
            code=card.code,
            name=card.name,
            mailbox=card.mailbox,
            host_key=card.host_key,
            added=earlier.added if earlier else _to_the_second(at),
            keys=_with_key(earlier.keys if earlier else (), key, at, overlap),
            journal=card.journal or (earlier.journal if earlier else ""),
        )
        partner_files.write(folder, partner)
        return partner

    @classmethod
    def end(cls, folder: Path, code: str, fingerprint: str, at: datetime) -> Partner:
        """Have a partner's key end at this time: what it signs from then on does not count, nothing is encrypted to it.

        Raises UsageError S403 (no such partner), S481 (it has no such key), S401, S408, S417.
        """
        ended = _to_the_second(at)
        return cls._change(folder, code, fingerprint, lambda known: replace(known, not_after=ended))

    @classmethod
    def revoke(cls, folder: Path, code: str, fingerprint: str, at: datetime) -> Partner:
        """Have a partner's key count for nothing any more, also for what is dated earlier; an earlier revocation stays.

        Raises as `end`.
        """
        revoked = _to_the_second(at)
        return cls._change(folder, code, fingerprint, lambda known: replace(known, revoked=known.revoked or revoked))

    @staticmethod
    def _change(folder: Path, code: str, fingerprint: str, change: Callable[[PartnerKey], PartnerKey]) -> Partner:
        """Write a partner's file with one key changed."""
        partner = _existing(folder, code)
        if partner is None:
            raise UsageError("S403", code)
        wanted = plain(fingerprint)
        if wanted not in {known.key.fingerprint for known in partner.keys}:
            raise UsageError("S481", f"partner {code}")
        keys = tuple(change(known) if known.key.fingerprint == wanted else known for known in partner.keys)
        changed = replace(partner, keys=keys)
        partner_files.write(folder, changed)
        return changed

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


def _existing(folder: Path, code: str) -> Partner | None:
    path = partner_files.path_of(folder, code)
    return partner_files.load(path) if path.exists() else None


def _to_the_second(at: datetime) -> datetime:
    """A time as the file has it."""
    return at.astimezone(UTC).replace(microsecond=0)


def _with_key(
    known: tuple[PartnerKey, ...], key: PublicKey, at: datetime, overlap: timedelta | None
) -> tuple[PartnerKey, ...]:
    """The keys of a partner once this one, from a card, is among them."""
    if key.fingerprint in {item.key.fingerprint for item in known}:
        return tuple(_renewed(item, key) if item.key.fingerprint == key.fingerprint else item for item in known)
    fresh = PartnerKey(key, key.created, key.expires or FOREVER)
    if overlap is None:
        return (*known, fresh)
    end = _to_the_second(at) + overlap
    return (*(replace(item, not_after=min(item.not_after, end)) for item in known), fresh)


def _renewed(known: PartnerKey, key: PublicKey) -> PartnerKey:
    """A known key as its owner gives it out now; an end that only the key itself set moves with it.

    A revocation stays, also one that the newer copy leaves out.
    """
    own_end = known.not_after == (known.key.expires or FOREVER)
    return PartnerKey(
        key=key,
        not_before=known.not_before,
        not_after=(key.expires or FOREVER) if own_end else known.not_after,
        revoked=known.revoked or known.key.revoked,
    )


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
