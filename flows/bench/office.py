"""Offices for the benchmarks: two homes with as many people as wanted, each with a whole working life.

A life takes time to invent, so a few are invented and every person lives one of them under a number of their own.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import UUID

from stdnum.cn import ric

from archive import cases
from archive.cases import NewCase
from flows import founding, posting
from flows.founding import Plan
from flows.own_card import own_card
from flows.synthetic import people
from flows.synthetic.places import HANGZHOU, SHENZHEN
from flows.times import now
from flows.wiring import Office
from formats import xml
from formats.messages import STAGES, Approval, Delivery, Header
from formats.record import Record
from transfer.partners import Directory

KINDS = ("110", "210", "310")
LIVES = 12
CONTRIBUTIONS = 1440
MANY = 10**9
SENT = "2026-11-22T08:00:00Z"


def lives(count: int, seed: int = 1) -> Iterator[tuple[str, Record]]:
    """So many people of 1,440 contributions each: person number and record."""
    invented = [people.large_person(index, seed, CONTRIBUTIONS)[1] for index in range(1, LIVES + 1)]
    for index in range(count):
        record = invented[index % LIVES]
        yield f"{HANGZHOU.office}{index:07d}", _with_number(record, index)


def _with_number(record: Record, index: int) -> Record:
    """The same life under another social security number: another division and order number, the same birth and sex."""
    number = record.person.social_security_number
    order = 2 * (index % 499) + int(number[16]) % 2
    front = f"{330100 + index // 499:06d}{number[6:14]}{order:03d}"
    own = front + ric.calc_check_digit(f"{front}0")
    return replace(record, person=record.person._replace(social_security_number=own, document_number=own))


def found_pair(folder: Path) -> tuple[Path, Path]:
    """Found a sending and a receiving office that exchange through folders; their records databases are empty."""
    homes = []
    for place, label in ((HANGZHOU, "hangzhou"), (SHENZHEN, "shenzhen")):
        plan = Plan(place.office, place.name, f"folder:{folder / 'exchange' / label}")
        homes.append(founding.found(folder / label, plan, now()).home)
    sender, receiver = homes
    with Office.at(sender) as sending, Office.at(receiver) as receiving:
        Directory.add(sender / "partners", own_card(receiving), now())
        Directory.add(receiver / "partners", own_card(sending), now())
        sending.records.create_schema()
        receiving.records.create_schema()
    return sender, receiver


def populate(sender: Path, count: int) -> None:
    """Fill the sender's records database and open an approved case for each person."""
    with Office.at(sender) as office:
        office.records.add(lives(count))
        persons = office.records.persons()
        numbers = cases.number_cases(office.ledger, office.code, len(persons), now())
        new = [NewCase(number, SHENZHEN.office, person, KINDS) for number, person in zip(numbers, persons, strict=True)]
        cases.open_cases(office.ledger, new, "staff-handler", now())
        for stage in office.settings.stages:
            cases.approve(office.ledger, numbers, stage, f"staff-{stage}", now(), office.settings.stages)


def hand_over(sender: Path) -> None:
    """Post what the sender has sealed into the receiver's mailbox."""
    with Office.at(sender) as office:
        posting.post(office, "message", MANY)


def write_documents(folder: Path, count: int) -> list[Path]:
    """Write the deliveries of so many people as XML files, for tools that start from files."""
    files = []
    for index, (_, record) in enumerate(lives(count), 1):
        case = f"{HANGZHOU.office}-2026-{index:06d}"
        header = Header(str(UUID(int=index, version=4)), case, HANGZHOU.office, SHENZHEN.office, index, SENT, "test")
        approvals = tuple(Approval(stage, f"staff-{stage}", SENT) for stage in STAGES)
        moving = replace(
            record,
            contributions=tuple(row for row in record.contributions if row.kind in KINDS),
            enrolments=tuple(row for row in record.enrolments if row.kind in KINDS),
        )
        file = folder / f"{case}.xml"
        file.write_bytes(xml.encode(Delivery(header, KINDS, approvals, moving)))
        files.append(file)
    return files
