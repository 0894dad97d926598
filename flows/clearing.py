"""Months of a pension that both offices have: which cases have some, what clearing them means, and that it was agreed.

先转后清: the relation moves first, then the receiving office clears (人社部发〔2010〕70号 art. 10). What is to be
refunded is booked where the office books it, as contributions of the type 20 (退收); Jiexu writes no row of its own
into the records database. Until these rows are there, the case is on the list.
"""

from dataclasses import dataclass
from datetime import date, datetime

from archive import cases, journal
from archive.case import State
from archive.cases import CaseRow
from archive.intake import TakenIn
from archive.journal import Entry, extent
from flows import documents
from flows.times import utc_text
from flows.wiring import Office
from formats import xml
from formats.codes import insurance_kinds
from formats.errors import UsageError
from formats.messages import Delivery
from formats.pension.overlap import Clearing, ResidentYear, Side, apart, clear, clear_resident, months_paid_twice
from formats.pension.parameters import parameters
from formats.record import Record

_WARNING = "L307"
_WHY = "a month counts once; the relation that is not kept is cleared"


@dataclass(frozen=True, slots=True)
class Overlap:
    """A case that brought months which were paid here too: its number, its sender, how many are still to be cleared."""

    case: str
    partner: str
    months: int


@dataclass(frozen=True, slots=True)
class Proposal:
    """What clearing a case's months means when one side is kept, and what a resident's pension gives back besides.

    `original` is the digest of the kept original that says what came with the case.
    """

    case: CaseRow
    original: str
    keep: Side
    clearing: Clearing
    resident: tuple[ResidentYear, ...]


def overlaps(office: Office) -> tuple[Overlap, ...]:
    """The accepted cases with months that are still paid twice, in the order of their opening. Raises as `propose`."""
    found = []
    for case in cases.listing(office.ledger, state=State.ACCEPTED, direction="in"):
        if any(finding.code == _WARNING for finding in case.findings):
            delivered, rest, _ = _sides(office, case)
            months = len(months_paid_twice(delivered.contributions, rest.contributions))
            found += [Overlap(case.case, case.partner, months)] if months else []
    return tuple(found)


def propose(office: Office, number: str, keep: Side, on: date) -> Proposal:
    """What clearing the months of this case means on a day, where the delivered or the stored relation is kept.

    Raises UsageError S412, S411 (it brought nothing here, or nothing that is to be cleared), IntegrityError A501, A502,
    A509, UnreachableError S409.
    """
    case = _incoming(office, number)
    delivered, rest, original = _sides(office, case)
    clearing = clear(delivered, rest, keep, on, parameters())
    if not clearing.cleared:
        raise UsageError("S411", f"{number}: no month of a pension is paid twice")
    together = office.records.read(_brought(office, case).person, _kinds("pension", "resident-pension"))
    return Proposal(case, original, keep, clearing, clear_resident(together, together, parameters()))


def agree(office: Office, proposal: Proposal, agreed: date, who: str, at: datetime) -> None:
    """Enter in the journal that the person and the office agreed on a day which relation is kept.

    Of several entries the one made last counts.
    """
    months = len(proposal.clearing.cleared)
    what = {**extent([proposal.case.case]), "kept": proposal.keep, "months": months, "agreed": agreed.isoformat()}
    with office.ledger.writing() as connection:
        journal.append(connection, Entry(utc_text(at), "overlap-agreed", what, _WHY, "agreed with the person", who))


def _incoming(office: Office, number: str) -> CaseRow:
    found = cases.listing(office.ledger, direction="in", case=number)
    if not found:
        raise UsageError("S412", number)
    return found[0]


def _sides(office: Office, case: CaseRow) -> tuple[Record, Record, str]:
    """What of the person's pension came with this case, and the rest, as the records database has them now.

    And the digest of the original that says so.
    """
    brought = _brought(office, case)
    together = office.records.read(brought.person, _kinds("pension"))
    for document in documents.deliveries(office, case):
        if document.digest == brought.digest:
            message = xml.decode(document.data, office.document_limits)
            if isinstance(message, Delivery):
                return *apart(message.record, together), document.original
    raise UsageError("S411", f"{case.case}: what it brought is not kept any more")


def _brought(office: Office, case: CaseRow) -> TakenIn:
    mark = office.records.taken_in(case.case)
    if mark is None:
        raise UsageError("S411", f"{case.case} brought nothing here")
    return mark


def _kinds(*schemes: str) -> tuple[str, ...]:
    return tuple(code for code, kind in insurance_kinds().items() if kind.scheme in schemes)
