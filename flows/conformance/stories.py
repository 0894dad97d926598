"""Vectors of several messages: what the last one means depends on those before it (M190, M191, M200, L, C).

Each story begins at offices that know nothing of its people and cases: they are the story's own, so that all stories
can be played to the same offices, in any order, each in its own. The messages come from the old office, or from
another one that delivers the same person; contact letters, and what belongs to them, go to the old office. Between
messages somebody at the receiving office may do something (`Act`).
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from flows.conformance import people
from flows.conformance.letters import NEW, OLD, a_contact_letter, a_delivery, a_header, a_receipt
from formats import xml
from formats.digest import sha256
from formats.identifiers import is_resident_number
from formats.messages import Change, Clarification, Correction, Delivery, Finding, Message, Return, Withdrawal
from formats.record import Record

OTHER = "42010001"  # a third office, which delivers too
_NAMESPACE = uuid.UUID("0d0b6a1c-6f5e-5a3b-8f0e-2c4b7f0a9d21")
_FIRST_SEQUENCE = 10_000  # above those of the single vectors


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver makes of a message: accepted, rejected, quarantined or repeated, and the codes it gives.

    Of an act: done, or returned with the code that the Return message has.
    """

    outcome: str
    codes: tuple[str, ...] = ()


class Act(NamedTuple):
    """What somebody at the receiving office does with what came: `alter` or `return`, with the reason; in words."""

    name: str
    reason: str
    words: str


@dataclass(frozen=True, slots=True)
class Story:
    """A code, its flaw, the messages and acts in their order, and what becomes of each."""

    code: str
    name: str
    steps: tuple[Message | Act, ...]
    answers: tuple[Answer, ...]

    @property
    def messages(self) -> Mapping[int, Message]:
        """The messages by the number of their step, from 1."""
        return {step: one for step, one in enumerate(self.steps, 1) if not isinstance(one, Act)}

    @property
    def folder(self) -> str:
        """Where it stands in the kit."""
        return f"sequence/{self.code}-{self.name}"


@dataclass(frozen=True, slots=True)
class _Cast:
    """What belongs to one story: its number, and by that its person, its cases, its ids."""

    number: int

    def record(self, **changes: Any) -> Record:
        """The record of the story's person."""
        number = _social_security_number(self.number)
        return people.a_record(person=people.a_person(social_security_number=number, document_number=number), **changes)

    def delivery(self, step: int, *, sender: str = OLD, case: int = 1, **changes: Any) -> Delivery:
        """A delivery of the person, as the story's message of this number."""
        return a_delivery(
            changes.pop("record", None) or self.record(), header=self.header(step, sender, case), **changes
        )

    def header(self, step: int, sender: str = OLD, case: int = 1, answers: str = "") -> Any:
        """With ids of its own, to the new office."""
        return a_header(
            message_id=str(uuid.uuid5(_NAMESPACE, f"{self.number}/{step}")),
            case=f"{sender}-2026-{900_000 + 10 * self.number + case:06d}",
            sender=sender,
            receiver=NEW,
            sequence=_FIRST_SEQUENCE + 10 * self.number + step,
            answers=answers,
        )


_ACCEPTED = Answer("accepted")
Played = tuple[tuple[Message | Act, ...], tuple[Answer, ...]]


def _rejected(code: str, times: int = 1) -> Answer:
    return Answer("rejected", (code,) * times)


def _same_id(cast: _Cast) -> Played:
    first, second = cast.delivery(1), cast.delivery(2, case=2, record=cast.record(benefits=()))
    header = replace(second.header, message_id=first.header.message_id)
    return (first, replace(second, header=header)), (_ACCEPTED, Answer("quarantined", ("M190",)))


def _same_sequence(cast: _Cast) -> Played:
    first, second = cast.delivery(1), cast.delivery(2, case=2)
    header = replace(second.header, sequence=first.header.sequence)
    return (first, replace(second, header=header)), (_ACCEPTED, Answer("quarantined", ("M191",)))


def _again(cast: _Cast) -> Played:
    first = cast.delivery(1)
    return (first, first), (_ACCEPTED, Answer("repeated"))


def _overlap(cast: _Cast) -> Played:
    kinds, rows = ("210",), _of_kind(cast, "210")
    second = cast.delivery(2, sender=OTHER, kinds=kinds, record=_paid_elsewhere(rows))
    return (cast.delivery(1, kinds=kinds, record=rows), second), (_ACCEPTED, _rejected("L301", 12))


def _transferred(cast: _Cast) -> Played:
    return (cast.delivery(1), cast.delivery(2, case=2)), (_ACCEPTED, _rejected("L302"))


def _renamed(cast: _Cast) -> Played:
    record = cast.record()
    other = replace(record, person=record.person._replace(name="周同号"))
    return (cast.delivery(1), cast.delivery(2, sender=OTHER, record=other)), (_ACCEPTED, _rejected("L303"))


def _other_document(cast: _Cast) -> Played:
    first = cast.delivery(1)
    change = Change("/delivery/record/benefits/benefit[1]", "removed")
    correction = Correction(first.header.message_id, "0" * 64, "C420", (change,))
    second = cast.delivery(2, record=cast.record(benefits=()), correction=correction)
    return (first, second), (_ACCEPTED, _rejected("L305"))


def _pension_overlap(cast: _Cast) -> Played:
    kinds, rows = ("110",), _of_kind(cast, "110")
    second = cast.delivery(2, sender=OTHER, kinds=kinds, record=_paid_elsewhere(rows))
    return (cast.delivery(1, kinds=kinds, record=rows), second), (_ACCEPTED, Answer("accepted", ("L307",) * 12))


def _unknown_case(cast: _Cast) -> Played:
    header = cast.header(1, answers=str(uuid.uuid5(_NAMESPACE, "nothing")))
    return (Clarification(header, "question", "请核实缴费基数", "2026-12-04"),), (_rejected("C410"),)


def _unknown_person(cast: _Cast) -> Played:
    return (_letter(cast, 1),), (_rejected("L304"),)


def _too_late(cast: _Cast) -> Played:
    first = cast.delivery(1)
    return (first, _withdrawal(cast, 2, first)), (_ACCEPTED, _rejected("C411"))


def _overtaken(cast: _Cast) -> Played:
    delivery = cast.delivery(2)
    return (_withdrawal(cast, 1, delivery), delivery), (_ACCEPTED, _rejected("C412"))


def _altered(cast: _Cast) -> Played:
    first, kind, month = cast.delivery(1), "210", "2021-05"
    rows = cast.record().contributions
    (place,) = (number for number, row in enumerate(rows) if (row.kind, row.month) == (kind, month))
    right = (*rows[:place], people.a_contribution(kind, month, people.BASE - 500_00), *rows[place + 1 :])
    change = Change(f"/delivery/record/contributions/contribution[{place + 1}]", "changed")
    correction = Correction(first.header.message_id, sha256(xml.encode(first)), "C420", (change,))
    second = cast.delivery(2, record=cast.record(contributions=right), correction=correction)
    words = f"changes the base of the contribution of kind {kind} for {month} that came with the delivery, to 7000.01"
    return (first, Act("alter", "", words), second), (_ACCEPTED, Answer("done"), _rejected("L306"))


def _returned(code: str) -> Callable[["_Cast"], Played]:
    def played(cast: _Cast) -> Played:
        act = Act("return", code, f"returns the delivery with the reason {code}")
        return (cast.delivery(1), act), (_ACCEPTED, Answer("returned", (code,)))

    return played


def _asked(cast: _Cast) -> tuple[Message, Message]:
    """The person moves to the old office, which then has the record, and the new one asks for it."""
    moved = cast.delivery(1, sender=NEW)
    return replace(moved, header=replace(moved.header, receiver=OLD)), _letter(cast, 2)


def _letter(cast: _Cast, step: int) -> Message:
    letter, person = a_contact_letter(), cast.record().person
    known = person.social_security_number
    applicant = letter.applicant._replace(social_security_number=known, document_number=known)
    return replace(letter, header=replace(cast.header(step, NEW, 2), receiver=OLD), applicant=applicant)


def _asked_twice(cast: _Cast) -> Played:
    return (*_asked(cast), _letter(cast, 3)), (_ACCEPTED, _ACCEPTED, _rejected("C414"))


def _nothing_to_return(cast: _Cast) -> Played:
    moved, letter = _asked(cast)
    header = replace(cast.header(3, NEW, 2, answers=letter.header.message_id), receiver=OLD)
    back = Return(header, "0" * 64, "2026-11-23T01:29:58Z", (Finding("C420"),), "请核对")
    return (moved, letter, back), (_ACCEPTED, _ACCEPTED, _rejected("C413"))


def _answers_nothing(cast: _Cast) -> Played:
    header = cast.header(1, answers=str(uuid.uuid5(_NAMESPACE, "never sent")))
    return (replace(a_receipt(), header=header),), (Answer("quarantined", ("C401",)),)


def _withdrawal(cast: _Cast, step: int, of: Delivery) -> Withdrawal:
    return Withdrawal(cast.header(step, answers=of.header.message_id), sha256(xml.encode(of)), "本人撤回申请")


def _of_kind(cast: _Cast, kind: str) -> Record:
    """The rows of one kind."""
    record = cast.record()
    parts = ("enrolments", "contributions", "subsidies", "benefits", "months", "account")
    fewer: dict[str, Any] = {part: tuple(r for r in getattr(record, part) if r.kind == kind) for part in parts}
    return replace(record, **fewer)


def _paid_elsewhere(record: Record) -> Record:
    """The same months, paid at the place of the third office as well."""
    return replace(record, contributions=tuple(row._replace(division=f"{OTHER[:4]}00") for row in record.contributions))


_STORIES: Mapping[str, tuple[str, Callable[[_Cast], Played]]] = {
    "M190": ("message-id-twice", _same_id),
    "M191": ("sequence-twice", _same_sequence),
    "M200": ("the-same-again", _again),
    "L301": ("months-of-another-office", _overlap),
    "L302": ("transferred-before", _transferred),
    "L303": ("another-name", _renamed),
    "L304": ("nobody-of-that-number", _unknown_person),
    "L305": ("corrects-another-document", _other_document),
    "L306": ("altered-meanwhile", _altered),
    "L307": ("pension-months-of-another-office", _pension_overlap),
    "C401": ("receipt-for-nothing", _answers_nothing),
    "C410": ("about-no-case", _unknown_case),
    "C411": ("withdrawn-too-late", _too_late),
    "C412": ("withdrawn-before-it-came", _overtaken),
    "C413": ("return-of-nothing", _nothing_to_return),
    "C414": ("asked-twice", _asked_twice),
    "C420": ("returned-by-a-person", _returned("C420")),
    "C421": ("objected-to", _returned("C421")),
    "C422": ("money-and-form", _returned("C422")),
}


def stories() -> Sequence[Story]:
    """All of them."""
    return tuple(
        Story(code, name, *make(_Cast(number))) for number, (code, (name, make)) in enumerate(_STORIES.items(), 1)
    )


def _social_security_number(story: int) -> str:
    """A number of nobody, of a man born as the kit's person is; its check digit holds."""
    begin = f"{people.PERSON[:14]}{500 + 2 * story + 1:03d}"
    return next(begin + last for last in "0123456789X" if is_resident_number(begin + last))
