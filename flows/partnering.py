"""The partners' files changed by a person's command: a card is added, a key gets an end, a key is revoked.

Each change is one file replaced as a whole and its entries in the journal. The file comes first and the entries are
committed then; a process killed in between is answered by the same command once more, which changes nothing and enters
what holds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from archive import journal
from archive.entries import Entry
from archive.segments.files import held
from flows.times import utc_text
from flows.wiring import Office
from formats.errors import RefusedError
from transfer import cards
from transfer.cards import Card, plain
from transfer.partners import Directory, KeyState, Partner, PartnerKey

_LOCK = "keys/partners.lock"
_ADDED = "what the partner tells of itself"


@dataclass(frozen=True, slots=True)
class Endorsed:
    """What a card's endorsement is worth: by which known key of the partner (its fingerprint), or why it counts not.

    `by` is empty where no key that is pinned and valid endorsed it; `code` is the reason then, empty for none at all.
    """

    by: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True)
class Added:
    """What adding a card changed: whether the partner and the key are new here, and which keys got an end (UTC).

    `state` is that of the card's key now: one that was ended or revoked here stays so.
    """

    partner: Partner
    fresh: bool
    fresh_key: bool
    state: KeyState
    ended: tuple[PartnerKey, ...]


def endorsement(office: Office, card: Card, text: str, at: datetime) -> Endorsed:
    """Whether a card, as its text came, is endorsed by a key that this office has pinned as the partner's.

    The key must be valid now, by this office's own file, and must not be the card's own: that would say nothing.
    Raises UsageError S401.
    """
    known = office.directory.partners.get(card.code)
    code = ""
    for pinned in known.keys if known else ():
        if pinned.key.fingerprint == card.fingerprint:
            continue
        try:
            signed = cards.endorser(text, pinned.key)
        except RefusedError as error:
            code = code if error.code == "T130" and code else error.code
            continue
        if signed is None:
            return Endorsed()
        if pinned.valid(at) and pinned.valid(signed.created):
            return Endorsed(by=pinned.key.fingerprint)
        code = "T131"
    return Endorsed(code=code)


def add(office: Office, card: Card, who: str, at: datetime, overlap: timedelta) -> Added:
    """Add a partner's card; keys that it takes the place of end after `overlap`, unless they end before.

    Raises UsageError S401, S408, S417; UnreachableError S409.
    """
    folder = office.settings.path("partners")
    with held(office.settings.path(_LOCK)):
        before = Directory.load(folder).partners.get(card.code)
        known = {item.key.fingerprint: item for item in before.keys} if before else {}
        fresh_key = card.fingerprint not in known
        end = (at + overlap).replace(microsecond=0)
        ended = [item for item in known.values() if fresh_key and item.not_after > end]
        now = utc_text(at)
        entries = [Entry(now, "partner-added", _what(card.code, card.fingerprint), _ADDED, "its card was added", who)]
        entries += [
            Entry(
                now,
                "partner-key-ended",
                _what(card.code, item.key.fingerprint) | {"until": utc_text(end)},
                "the partner has another key",
                "its card was added",
                who,
            )
            for item in ended
        ]
        with journal.around(office.ledger, *entries):
            partner = Directory.add(folder, card, at, overlap)
    now_known = {item.key.fingerprint: item for item in partner.keys}
    return Added(
        partner=partner,
        fresh=before is None,
        fresh_key=fresh_key,
        state=now_known[card.fingerprint].state(at),
        ended=tuple(now_known[item.key.fingerprint] for item in ended),
    )


def end(office: Office, code: str, fingerprint: str, until: datetime, who: str, at: datetime) -> Partner:
    """Have a partner's key end at `until`. Raises UsageError S403, S481, S401, S408, S417; UnreachableError S409."""
    what = _what(code, plain(fingerprint)) | {"until": utc_text(until)}
    entry = Entry(utc_text(at), "partner-key-ended", what, "a person ended it", "written into the partner's file", who)
    with held(office.settings.path(_LOCK)), journal.around(office.ledger, entry):
        return Directory.end(office.settings.path("partners"), code, fingerprint, until)


def revoke(office: Office, code: str, fingerprint: str, who: str, at: datetime) -> Partner:
    """Have a partner's key count for nothing any more. Raises as `end`."""
    what = _what(code, plain(fingerprint))
    how = "written into the partner's file"
    entry = Entry(utc_text(at), "partner-key-revoked", what, "a person revoked it", how, who)
    with held(office.settings.path(_LOCK)), journal.around(office.ledger, entry):
        return Directory.revoke(office.settings.path("partners"), code, fingerprint, at)


def _what(code: str, fingerprint: str) -> dict[str, str | int]:
    return {"partner": code, "fingerprint": fingerprint}
