"""Exchanges for tests, a pass at a time: what comes out of a pass, and what a partner with other manners sends.

send(pair), receive(home), acknowledge(home)     one pass in an office of its own, as the command line runs it
seal_as_is(pair, {case: document of a delivery}) a sender whose own checks let everything pass
package(home, …) / receipt(…)                    one package by hand, under the name that belongs to it
"""

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from archive import cases, outgoing
from archive.audit import Problem
from archive.cases import CaseRow
from flows import passes, sealing
from flows.keeping import keep_sent
from flows.maintaining import audited
from flows.passes import AcknowledgeReport, ReceiveReport, SendReport
from flows.sealing import Sealing
from flows.times import now, utc_text
from flows.wiring import SERVICE, Office
from formats import xml
from formats.digest import sha256
from formats.messages import Delivery, Finding, Outcome, Receipt
from formats.reasons import reason
from formats.record import Record
from tests import builders as a
from tests.office import Pair
from transfer import envelope
from transfer.envelope import OfficeKey, PublicKey
from transfer.mailbox import Parcel
from transfer.naming import PackageName, parse_name

# A document as a partner might write it, from the one that we would have sent.
Alter = Callable[[Delivery], bytes]


def send(pair: Pair) -> SendReport:
    """One send pass of the sending office."""
    with Office.at(pair.sender) as office:
        return passes.send(office)


def receive(home: Path) -> ReceiveReport:
    """One receive pass of this office."""
    with Office.at(home) as office:
        return passes.receive(office)


def acknowledge(home: Path) -> AcknowledgeReport:
    """One acknowledge pass of this office."""
    with Office.at(home) as office:
        return passes.acknowledge(office)


def mailbox(home: Path) -> Path:
    """The folder from which this office collects."""
    with Office.at(home) as office:
        return office.settings.mailbox_folder()


def case(home: Path, number: str) -> CaseRow:
    """The case as this office's ledger has it."""
    with Office.at(home) as office:
        return cases.find(office.ledger, number)


def codes(findings: Iterable[Finding]) -> set[str]:
    """The codes of findings that block; warnings are left out."""
    return {finding.code for finding in findings if reason(finding.code).severity == "error"}


def problems(pair: Pair) -> tuple[Problem, ...]:
    """What the audits of both offices find wrong."""
    found: tuple[Problem, ...] = ()
    for home in (pair.sender, pair.receiver):
        with Office.at(home) as office:
            found += audited(office, now()).problems
    return found


def people_there(home: Path) -> dict[str, Record]:
    """Everybody in an office's records database, by person number, with all that moves."""
    with Office.at(home) as office:
        return {person: office.records.read(person, a.KINDS) for person in office.records.persons()}


def quarantined(home: Path) -> set[str]:
    """The digests of what lies in an office's quarantine."""
    with Office.at(home) as office:
        return {sha256(file.read_bytes()) for file in office.settings.stored("quarantine").iterdir()}


def seal_as_is(pair: Pair, altered: Mapping[str, Alter]) -> None:
    """Seal approved cases without any check, each with the document that `altered` makes of its delivery."""
    with Office.at(pair.sender) as office:
        sealings = []
        for work in outgoing.claim(office.ledger, office.owner, len(altered), now(), list(altered)):
            document = altered[work.case](sealing.draft(office, work, now()))
            recipient = office.directory.partner(work.partner).recipient(now())
            sealed = envelope.seal(document, office.key, recipient, now())
            name = PackageName(office.code, work.partner, work.sequence, work.message_id)
            sealings.append(Sealing(work, document, str(name), sealed))
        kept = keep_sent(office, "delivery-sent", [(item.document, item.sealed) for item in sealings], now())
        packages = [item.recorded_with(originals) for item, originals in zip(sealings, kept, strict=True)]
        outgoing.record_sealed(office.ledger, office.owner, packages, [], SERVICE, now())
        outgoing.release(office.ledger, office.owner)


def a_new_delivery(number: int) -> Delivery:
    """A valid delivery from the sending office that it knows nothing of; `number` counts such deliveries."""
    header = a.a_header(
        message_id=str(uuid4()),
        case=f"{a.SENDER}-2025-{number:06d}",
        sequence=1000 + number,
        sent=utc_text(now()),
        environment="production",
    )
    return a.a_delivery(header=header)


def named(delivery: Delivery | Receipt) -> PackageName:
    """The name that belongs to a message."""
    header = delivery.header
    return PackageName(header.sender, header.receiver, header.sequence, header.message_id)


def parcel(home: Path, recipient: Path, name: PackageName, document: bytes) -> Parcel:
    """A document sealed with the key of the office `home` for the office `recipient`."""
    with Office.at(home) as office, Office.at(recipient) as other:
        return sealed_by(office.key, other.key.public, name, document)


def sealed_by(signer: OfficeKey, recipient: PublicKey, name: PackageName, document: bytes) -> Parcel:
    """A document sealed by whatever key."""
    return Parcel(str(name), envelope.seal(document, signer, recipient, now()).package)


def deliver(home: Path, *parcels: Parcel) -> None:
    """Put parcels into an office's mailbox."""
    for item in parcels:
        (mailbox(home) / item.name).write_bytes(item.data)


def sent(pair: Pair, number: str) -> Parcel:
    """The case's package as it left: its name on the wire and its bytes."""
    with closing(sqlite3.connect(pair.sender / "ledger.db")) as ledger:
        wanted = "SELECT name, package_digest FROM messages WHERE direction = 'out' AND case_number = ?"
        name, digest = ledger.execute(wanted, (number,)).fetchone()
    with Office.at(pair.sender) as office:
        return Parcel(name, office.store.read(digest))


def message_in_transit(pair: Pair, number: str) -> PackageName:
    """The name under which the case's package left."""
    name = parse_name(sent(pair, number).name)
    assert name is not None
    return name


def a_new_receipt(pair: Pair, number: str, outcome: Outcome = "accepted", sequence: int = 1000) -> Receipt:
    """A receipt of the receiving office for a case in transit, such as the receiver's own would be."""
    answered = message_in_transit(pair, number)
    header = a.a_header(
        message_id=str(uuid4()),
        case=number,
        sender=answered.receiver,
        receiver=answered.sender,
        sequence=sequence,
        sent=utc_text(now()),
        environment="production",
        answers=answered.message_id,
    )
    return Receipt(header, outcome, case(pair.sender, number).digest, utc_text(now()))


def receipt_parcel(pair: Pair, receipt: Receipt) -> Parcel:
    """A receipt sealed by the receiving office."""
    return parcel(pair.receiver, pair.sender, named(receipt), xml.encode(receipt))


def with_header(delivery: Delivery, **changes: Any) -> Delivery:
    """The same delivery with other fields in its header."""
    return replace(delivery, header=replace(delivery.header, **changes))


def of_another_person(delivery: Delivery) -> Delivery:
    """The same delivery for a woman whom no other test delivery is about."""
    person = a.a_person(
        social_security_number="330106198005062320",
        document_number="330106198005062320",
        sex="2",
        birth_date="1980-05-06",
    )
    return replace(delivery, record=replace(delivery.record, person=person))
