"""Staff cards between offices: this office's own, and what is on file of partners (`partners/<code>.staff`).

A partner's card counts when it is signed with a key that this office has pinned as the partner's. From then on what
the partner's people approve is held against it.
"""

from datetime import UTC, datetime
from typing import Final

from archive import journal
from archive.entries import Entry
from archive.segments.files import held
from flows import roster, staff
from flows.private import replace_whole
from flows.times import utc_text
from flows.wiring import Office
from formats.digest import sha256
from formats.errors import RefusedError, UsageError
from transfer import staff_cards
from transfer.partners import Partner
from transfer.staff_cards import StaffCard

_LOCK: Final = "keys/partners.lock"
_WHY: Final = "who approves the partner's cases (arts. 7, 26)"


def own_card(office: Office, at: datetime) -> tuple[StaffCard, str]:
    """This office's staff card and its text, signed with the office's key. Raises UsageError S401, S408, S417, S475."""
    card = StaffCard(office.code, at.astimezone(UTC).replace(microsecond=0), roster.load(office.settings.home))
    return card, staff_cards.render(card, office.key, at)


def add(office: Office, text: str, who: str, at: datetime) -> StaffCard:
    """Put a partner's staff card on file, in the place of an earlier one.

    Raises UsageError S403 (no such partner), S486 (not signed with a valid key of the partner, or older than the one on
    file), S401, S408, S417, S475 (the card itself); UnreachableError S409.
    """
    card = staff_cards.parse(text)
    _check_signer(office.directory.partner(card.office), text, at)
    staff_cards.fit(card)
    issued, digest = utc_text(card.issued), sha256(text.encode())
    what: dict[str, str | int] = {"partner": card.office, "issued": issued, "people": len(card.people)}
    entry = Entry(utc_text(at), "partner-staff-added", what | {"digest": digest}, _WHY, "its card was added", who)
    home = office.settings.home
    with held(office.settings.path(_LOCK)):
        before = staff.partner_card(home, card.office)
        if before is not None and card.issued < before.issued:
            raise UsageError("S486", f"issued {issued}, the one on file {utc_text(before.issued)}")
        with journal.around(office.ledger, entry):
            try:
                replace_whole(staff.partner_card_path(home, card.office), text.encode())
            except OSError as error:
                raise UsageError("S417", f"partners: {error.strerror}") from None
    return card


def _check_signer(partner: Partner, text: str, at: datetime) -> None:
    """Whether a key of the partner that is pinned and valid here signed the card. Raises UsageError S401, S486."""
    code = "T130"
    for pinned in partner.keys:
        try:
            signed = staff_cards.signer(text, pinned.key)
        except RefusedError as error:
            code = error.code if error.code != "T130" else code
            continue
        if pinned.valid(at) and pinned.valid(signed.created):
            return
        code = "T131"
    raise UsageError("S486", f"{partner.code}: {code}")
