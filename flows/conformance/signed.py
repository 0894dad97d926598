"""Vectors of approvals that people signed (M212 to M215), for a receiver that has the sender's staff card.

People and keys are made anew for every kit, so the documents, which carry signatures, differ from kit to kit.
"""

import uuid
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from flows.conformance import packages
from flows.conformance.letters import OLD, a_delivery, a_header
from flows.conformance.packages import MADE, PASSPHRASE, SIGNED
from formats import approval, xml
from formats.approval import Subject
from formats.messages import STAGES, Approval, Delivery
from transfer import detached, framing
from transfer.keys import OfficeKey, generate_key, load_secret
from transfer.roster import Person, Role, StaffKey
from transfer.staff_cards import StaffCard, render

CARD = "signed/33010001.staff"
_NAMESPACE = uuid.UUID("7a0f7d4c-1a55-5a0e-9d59-64a0c7f2b3e1")
_LATER = datetime(2026, 12, 1, tzinfo=UTC)  # a key of that day was not valid when the approvals were signed
_ENDED = datetime(2025, 1, 1, tzinfo=UTC)
_FIRST_SEQUENCE = 20_000
# The vectors by their codes, the good one first, and which of the four approvals has the flaw.
NAMES: Mapping[str, str] = {
    "": "good",
    "M212": "M212-other-content",
    "M213": "M213-role-ended",
    "M214": "M214-key-not-yet-valid",
    "M215": "M215-not-signed",
}


@dataclass(frozen=True, slots=True)
class Staff:
    """Who approves: their keys by staff id. One has a role that ended, one a key that is not valid yet."""

    keys: Mapping[str, OfficeKey]

    def card(self, signer: OfficeKey, at: datetime) -> str:
        """The staff card, signed with the sending office's key."""
        people = {name: _person(name, key) for name, key in self.keys.items()}
        return render(StaffCard(OLD, at.replace(microsecond=0), people), signer, at)


def staff() -> Staff:
    """People for a kit."""
    names = [*_ids(), "ended", "early"]
    made = {name: generate_key(name, PASSPHRASE, _LATER if name == "early" else MADE) for name in names}
    return Staff({name: load_secret(key, PASSPHRASE) for name, key in made.items()})


def _ids() -> list[str]:
    return [f"staff-{number}" for number in range(1, len(STAGES) + 1)]


def _person(name: str, key: OfficeKey) -> Person:
    roles = [Role(stage, MADE) for stage, person in zip(STAGES, _ids(), strict=True) if person == name]
    roles += {"ended": [Role("approver", MADE, _ENDED)], "early": [Role("approver", MADE)]}.get(name, [])
    return Person(name, (StaffKey(key.public.fingerprint, key.public.armored),), tuple(roles))


def deliveries(people: Staff) -> Mapping[str, Delivery]:
    """A delivery for each code, the good one under the empty text: the last stage has the flaw."""
    return {code: _signed(code, number, people) for number, code in enumerate(NAMES, 1)}


def _signed(code: str, number: int, people: Staff) -> Delivery:
    header = a_header(
        message_id=str(uuid.uuid5(_NAMESPACE, code)),
        case=f"{OLD}-2026-{990_000 + number:06d}",
        sequence=_FIRST_SEQUENCE + number,
    )
    delivery = a_delivery(header=header, approvals=())
    *names, last = _ids()
    given = [_approval(delivery, stage, name, people) for stage, name in zip(STAGES, names, strict=False)]
    last = {"M213": "ended", "M214": "early"}.get(code, last)
    flawed = _approval(delivery, STAGES[-1], last, people)
    if code == "M212":
        other = replace(delivery, kinds=("110",))
        flawed = _approval(other, STAGES[-1], last, people)
    if code == "M215":
        flawed = flawed._replace(signature="")
    return replace(delivery, approvals=(*given, flawed))


def _approval(delivery: Delivery, stage: str, name: str, people: Staff) -> Approval:
    """The person's signature over the stage's statement, dated when the kit's packages are."""
    subject = Subject.of(delivery, xml.encode(delivery))
    assert subject is not None, "what the kit writes has its approvals once"
    key = people.keys[name].signer(_LATER)  # also one that is not valid yet
    body = detached.signature_body(approval.statement(subject, stage, name), key, SIGNED)
    signature = b64encode(framing.encode(framing.SIGNATURE, body)).decode("ascii")
    return Approval(stage, name, SIGNED.strftime("%Y-%m-%dT%H:%M:%SZ"), signature)


def files(keys: packages.Keys) -> Mapping[str, bytes]:
    """The folder of these vectors: the card, documents, packages."""
    people = staff()
    made = {CARD: people.card(keys.unlocked[OLD], SIGNED).encode()}
    for code, delivery in deliveries(people).items():
        document, name = xml.encode(delivery), packages.name_of(delivery)
        made[f"signed/{NAMES[code]}/document.xml"] = document
        made[f"signed/{NAMES[code]}/{name}"] = packages.good(document, name, keys)
    return made
