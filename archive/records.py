"""The office's records database: its business database, read and written through a mapping profile.

Reading gives the record exactly as its rows are; taking in a delivery is one transaction that leaves all of it or
nothing, happens once however often it is repeated, and cannot be overtaken by another process.

What another office delivers is stored beside the office's own rows: its employers under their id and that office
(`intake_rules.py`), the person only where the social security number is new, then with the case number without its
hyphens as person number. `read` gives back, for the delivered kinds, what was delivered.
"""

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice, repeat
from types import MappingProxyType
from typing import Any

import sqlalchemy as sa

from archive import intake, records_replacing
from archive.intake import TakenIn
from archive.intake_rules import (
    already_transferred,
    other_name,
    overlaps,
    same_months,
    same_name,
    shown_ids,
    stored_id,
)
from archive.records_check import Deviation, deviations
from archive.records_connection import ClashError, RecordsConnection
from archive.records_replacing import Replaced
from archive.records_scope import ScopedReading
from archive.records_sql import Statements, schema, seconds
from archive.scopes import Scope
from formats import rules
from formats.conversions import Cell, to_cell
from formats.errors import ServiceError, UnreachableError, UsageError
from formats.messages import Delivery, Finding
from formats.profile import Profile, RowProfile
from formats.record import Contribution, Employer, OtherEntry, Record

_ATTEMPTS = 5  # at a transaction that other processes get in the way of
_PEOPLE = 100  # people that `add` holds in memory at a time
_IDS = 500  # employers asked for at a time
Known = Mapping[str, Delivery]  # by their documents' digests

_NONE: Known = MappingProxyType({})


class RecordsDatabase:
    """One records database. May be shared by threads, and used on after a fork."""

    def __init__(self, url: str, profile: Profile) -> None:
        """Nothing is opened yet. Raises UsageError S401 for a URL that is not SQLite's or PostgreSQL's."""
        self._profile = profile
        self._connection = RecordsConnection(url)
        self._statements = Statements(profile, self._connection.dialect)
        self._parts = profile.parts
        # The parts whose rows name an employer, each with the place of that field.
        self._naming = {name: self._parts[name].index("employerId") for name in ("enrolments", "contributions")}

    def create_schema(self) -> None:
        """Create the profile's tables where they are missing, and the table of what was taken in."""
        with self._connection.transaction(write=True) as connection:
            schema(self._profile, self._connection.dialect).create_all(connection)
            intake.metadata.create_all(connection)

    def deviations(self) -> tuple[Deviation, ...]:
        """Where the database is not what the profile says, in counts (`records_check.py`). Raises S409."""
        with self._connection.transaction(write=False) as connection:
            return tuple(deviations(connection, self._profile))

    def persons(self) -> list[str]:
        """All person numbers (AAC001), in the order of their characters. Raises S409, S415."""
        with self._connection.transaction(write=False) as connection:
            return sorted(self._statements.persons(connection))

    def read(self, person: str, kinds: Collection[str]) -> Record:
        """The person's record with the rows of these kinds and the employers they name.

        Rows stand in the order of their fields (contributions by kind and month); rows without a kind are all there.
        Raises UsageError S412 for an unknown person number, S415, UnreachableError S409.
        """
        with self._connection.transaction(write=False) as connection:
            row = self._profile.person
            people = row.assemble(self._statements.of_person(connection, row, person))
            if not people:
                raise UsageError("S412", "no such person number")
            values = {name: self._of_kinds(connection, row, person, kinds) for name, row in self._parts.items()}
            ids = {employer for name, index in self._naming.items() for employer in values[name][index]} - {""}
            employers = self._employers(connection, ids)
        shown = {**shown_ids(ids), "": ""}
        for name, index in self._naming.items():
            values[name][index] = [shown[employer] for employer in values[name][index]]
        return Record(
            person=people[0],
            employers=tuple(sorted(row._replace(employer_id=shown[row.employer_id]) for row in employers)),
            **{name: tuple(sorted(row.assemble(values[name]))) for name, row in self._parts.items()},
        )

    def read_scope(self, person: str, scope: Scope) -> Record:
        """The person's record within a lookup's scope; nothing else is read (`records_scope.py`).

        Raises UsageError S412 for an unknown person number, S430 where an employer asks for somebody who is not one of
        its people, S415, UnreachableError S409.
        """
        with self._connection.transaction(write=False) as connection:
            return ScopedReading(connection, self._profile, person, scope).record()

    def find(self, social_security_number: str) -> tuple[str, str] | None:
        """Person number and name of the person with this number; None where there is none. Raises S409, S415."""
        rule = self._profile.person.field("socialSecurityNumber").rule
        with self._connection.transaction(write=False) as connection:
            return self._statements.person_found(connection, to_cell(rule)[social_security_number])

    def taken_in(self, case: str) -> TakenIn | None:
        """Who sent what was taken in for this case, and whose it is; None when nothing was. Raises S409, S415."""
        with self._connection.transaction(write=False) as connection:
            return intake.taken_in(connection, case)

    def add(self, people: Iterable[tuple[str, Record]]) -> None:
        """Add people of the office's own, by person number, in one transaction.

        Raises UsageError S415 when one of them, or what the profile says, does not fit the database.
        """
        try:
            with self._connection.transaction(write=True) as connection:
                remaining = iter(people)
                while some := list(islice(remaining, _PEOPLE)):
                    self._insert_people(connection, some)
        except ClashError:
            raise UsageError("S415", "a person with this number is there already") from None

    def take_in(self, delivery: Delivery, digest: str, at: datetime, known: Known = _NONE) -> tuple[Finding, ...]:
        """Take a delivery in: all of it, once, or nothing and the findings why not; L307 is taken in, and is a warning.

        A correction takes the place of the delivery that it corrects (`records_replacing.py`), which must be among
        those `known` by their documents' digests; L305, L306 say why it cannot.

        `digest` is that of the delivery's document, `at` an aware time. Checked in this order, the first that finds
        something ends it: L302 an earlier case of this sender brought one of the kinds (or this case, other content);
        L303 the person has another name here; L301, L307 contributed months overlap. The same case and digest again
        changes nothing.
        Raises UsageError S415, UnreachableError S409 (also when other processes got in the way too often), S416.
        """
        for _ in range(_ATTEMPTS):
            with suppress(ClashError), self._connection.transaction(write=True) as connection:
                return self._take_in(connection, delivery, digest, at, known)
        raise UnreachableError("S409", "other processes were quicker each time")

    def take_in_all(
        self, deliveries: Sequence[tuple[Delivery, str]], at: datetime, known: Known = _NONE
    ) -> tuple[tuple[Finding, ...] | ServiceError, ...]:
        """Take in many deliveries with their digests, each as `take_in` does, in one transaction: all that fit, once.

        Gives for each what `take_in` would return or raise; one that fails leaves nothing behind. Where the transaction
        as a whole fails, or another process gets in its way, it is done again one delivery at a time.
        """
        try:
            with self._connection.transaction(write=True) as connection:
                return tuple(self._apart(connection, delivery, digest, at, known) for delivery, digest in deliveries)
        except (ClashError, ServiceError):
            return tuple(self._alone(delivery, digest, at, known) for delivery, digest in deliveries)

    def _apart(
        self, connection: sa.Connection, delivery: Delivery, digest: str, at: datetime, known: Known
    ) -> tuple[Finding, ...] | ServiceError:
        """One of many: what it wrote before it failed is undone."""
        try:
            with self._connection.savepoint(connection):
                return self._take_in(connection, delivery, digest, at, known)
        except UsageError as error:
            return error

    def _alone(self, delivery: Delivery, digest: str, at: datetime, known: Known) -> tuple[Finding, ...] | ServiceError:
        try:
            return self.take_in(delivery, digest, at, known)
        except ServiceError as error:
            return error

    def close(self) -> None:
        """Close the connections of this process."""
        self._connection.close()

    def _take_in(
        self, connection: sa.Connection, delivery: Delivery, digest: str, at: datetime, known: Known
    ) -> tuple[Finding, ...]:
        header, record = delivery.header, delivery.record
        person = self._profile.person
        number = to_cell(person.field("socialSecurityNumber").rule)[record.person.social_security_number]
        self._lock(connection, str(number))
        before = intake.digest_of(connection, header.case)
        found = self._statements.person_found(connection, number)
        if before == digest:
            again = self._overlaps(connection, delivery, found[0], delivery) if found else ()
            return tuple(finding for finding in again if not rules.blocks([finding]))
        if before is not None:
            return self._correct(connection, delivery, digest, at, found, known)
        findings: tuple[Finding, ...] = ()
        if found:
            key, name = found
            findings = self._conflicts(connection, delivery, key, name)
            if rules.blocks(findings):
                return findings
            entries = self._new_entries(connection, key, record)
        else:
            key, entries = _brought(header.case), list(record.other)
            self._insert(connection, person, [key], [(value,) for value in record.person])
        self._store_delivered(connection, delivery)
        for name in self._parts:
            rows = entries if name == "other" else getattr(record, name)
            self._insert_part(connection, name, [key] * len(rows), rows, header.sender)
        intake.mark(connection, delivery, digest, key, at)
        return findings

    def _correct(
        self,
        connection: sa.Connection,
        delivery: Delivery,
        digest: str,
        at: datetime,
        found: tuple[str, str] | None,
        known: Known,
    ) -> tuple[Finding, ...]:
        """Put a correction in the place of what its case brought; nothing is changed where there are findings."""
        header, record = delivery.header, delivery.record
        if delivery.correction is None:
            return (already_transferred(),)
        mark = intake.taken_in(connection, header.case)
        earlier = records_replacing.corrected(delivery, known, mark.digest) if mark else None
        if mark is None or earlier is None or found is None or found[0] != mark.person:
            return (records_replacing.other_document(),)
        findings = self._conflicts(connection, delivery, *found, earlier)
        if rules.blocks(findings):
            return findings
        parts = [name for name in self._parts if name != "other"]
        changes = [
            (item, self._written(item, mark.person, header.sender))
            for item in records_replacing.replaced(earlier.record, record, parts)
        ]
        stored = self._contributions(connection, earlier.record, mark.person)
        if records_replacing.refunded_since([item for item, _ in changes], earlier.record, stored):
            return (records_replacing.changed_since(),)
        for item, cells in changes:
            if item.before and self._statements.count(connection, self._parts[item.part], cells) != item.before:
                return (records_replacing.changed_since(),)
        if _brought(header.case) == mark.person:
            cells = self._profile.person.to_rows([record.person])[0]
            self._statements.update_person(connection, mark.person, cells)
        self._store_delivered(connection, delivery)
        for item, cells in changes:
            if item.before:
                self._statements.delete(connection, self._parts[item.part], cells)
            again = [item.row] * item.after
            self._insert_part(connection, item.part, [mark.person] * item.after, again, header.sender)
        entries = self._new_entries(connection, mark.person, record)
        self._insert_part(connection, "other", [mark.person] * len(entries), entries, header.sender)
        intake.mark_again(connection, delivery, digest, at)
        return findings

    def _written(self, item: Replaced, person: str, office: str) -> Sequence[Cell]:
        """The cells of a row as `_insert_part` wrote them."""
        row = self._parts[item.part]
        values: list[Sequence[str]] = [(value,) for value in item.row]
        if item.part in self._naming:
            index = self._naming[item.part]
            values[index] = (stored_id(values[index][0], office),)
        return next(self._lines(row, [person], values))

    def _new_entries(self, connection: sa.Connection, person: str, record: Record) -> list[OtherEntry]:
        """The record's other information that the person does not have here yet."""
        row = self._profile.entry
        there = set(row.assemble(self._statements.of_person(connection, row, person)))
        return [entry for entry in record.other if entry not in there]

    def _store_delivered(self, connection: sa.Connection, delivery: Delivery) -> None:
        """Store a delivery's employers, each under its id and the office that it came from."""
        office = delivery.header.sender
        rows = [row._replace(employer_id=stored_id(row.employer_id, office)) for row in delivery.record.employers]
        self._store_employers(connection, rows)

    def _conflicts(
        self, connection: sa.Connection, delivery: Delivery, person: str, name: str, earlier: Delivery | None = None
    ) -> tuple[Finding, ...]:
        """The conflicts with what is known of this person already, without what the `earlier` delivery brought."""
        new = set(delivery.kinds) - set(earlier.kinds if earlier else ())
        if intake.kinds_from(connection, person, delivery.header.sender) & new:
            return (already_transferred(),)
        own = earlier is not None and _brought(delivery.header.case) == person
        if not own and not same_name(name, delivery.record.person.name):
            return (other_name(),)
        return self._overlaps(connection, delivery, person, earlier)

    def _overlaps(
        self, connection: sa.Connection, delivery: Delivery, person: str, earlier: Delivery | None
    ) -> tuple[Finding, ...]:
        stored = self._contributions(connection, delivery.record, person)
        return overlaps(delivery.record.contributions, stored, earlier.record.contributions if earlier else ())

    def _contributions(self, connection: sa.Connection, record: Record, person: str) -> tuple[Contribution, ...]:
        """What the person has here of months that may be months of this record."""
        row, kinds = self._profile.contribution, same_months({one.kind for one in record.contributions})
        return row.assemble(self._of_kinds(connection, row, person, kinds))

    def _lock(self, connection: sa.Connection, number: str) -> None:
        """Have other writers of this person wait until the transaction ends. On SQLite all writers wait anyway."""
        if self._connection.dialect.name == "postgresql":
            key = hashlib.sha256(f"jiexu take_in {number}".encode()).digest()[:8]
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (int.from_bytes(key, signed=True),))

    def _of_kinds(
        self, connection: sa.Connection, row: RowProfile[Any], person: str, kinds: Collection[str]
    ) -> list[list[str]]:
        """The values of the person's rows of one type and of these kinds, one list a field; rows without kind: all.

        Raises UsageError S460 for a row of the person whose kind is neither mapped nor left out.
        """
        wanted: list[Any] = []
        if row.name != "entry":
            field = row.field("kind")
            for kind in sorted(kinds) if field.column else ():
                with suppress(ValueError):  # a kind that the office's code table lacks: it has no rows of it
                    wanted.append(to_cell(field.rule)[kind])
            if not wanted and (field.column or field.constant not in kinds):
                return [[] for _ in row.fields]
        return self._statements.of_person(connection, row, person, wanted)

    def _employers(self, connection: sa.Connection, ids: Collection[str]) -> list[Employer]:
        """The stored employers with these ids."""
        row = self._profile.employer
        writer = to_cell(row.field("employerId").rule)
        remaining, found = iter(ids), list[Employer]()
        while some := [writer[id_] for id_ in islice(remaining, _IDS)]:
            found += self._statements.employers(connection, some)
        return found

    def _store_employers(self, connection: sa.Connection, employers: Iterable[Employer]) -> None:
        """Have these employers stored as they are now; of one id twice the last counts."""
        wanted = {row.employer_id: row for row in employers}
        stored = {row.employer_id: row for row in self._employers(connection, wanted)}
        # In the order of their ids, so that two processes never wait for each other.
        for id_ in sorted(stored):
            if stored[id_] != wanted[id_]:
                self._statements.update_employer(connection, self._profile.employer.to_rows([wanted[id_]])[0])
        new = [wanted[id_] for id_ in sorted(wanted.keys() - stored)]
        self._insert(connection, self._profile.employer, [], list(zip(*new, strict=True)))

    def _insert_people(self, connection: sa.Connection, people: Sequence[tuple[str, Record]]) -> None:
        persons = [record.person for _, record in people]
        self._insert(
            connection, self._profile.person, [number for number, _ in people], list(zip(*persons, strict=True))
        )
        self._store_employers(connection, (employer for _, record in people for employer in record.employers))
        for name in self._parts:
            numbered = [(number, row) for number, record in people for row in getattr(record, name)]
            self._insert_part(connection, name, [number for number, _ in numbered], [row for _, row in numbered])

    def _insert_part(
        self, connection: sa.Connection, name: str, numbers: Sequence[str], rows: Sequence[Any], office: str = ""
    ) -> None:
        """Insert the rows of one part of the record, each with its person's number; employers are those of `office`."""
        values: list[Sequence[str]] = list(zip(*rows, strict=True))
        if office and rows and name in self._naming:
            index = self._naming[name]
            stored = {employer: stored_id(employer, office) for employer in set(values[index])}
            values[index] = [stored[employer] for employer in values[index]]
        self._insert(connection, self._parts[name], numbers, values)

    def _insert(
        self, connection: sa.Connection, row: RowProfile[Any], numbers: Sequence[str], values: Sequence[Sequence[str]]
    ) -> None:
        """Insert rows of one type, given as one sequence of values a field; `numbers` only where rows have them."""
        if values:
            self._statements.insert(connection, row, self._lines(row, numbers, values))

    def _lines(
        self, row: RowProfile[Any], numbers: Sequence[str], values: Sequence[Sequence[str]]
    ) -> Iterator[tuple[Cell, ...]]:
        """The cells of `written_columns`, a tuple a row."""
        lead = [numbers] if row.person_number else []
        cells = row.cells(values)
        again = [cells[row.columns.index(field.column)] for field in seconds(row)]
        fixed = [repeat(value, len(values[0])) for _, value in row.always]
        return zip(*lead, *cells, *again, *fixed, strict=True)


def _brought(case: str) -> str:
    """The person number of somebody whom this case brought."""
    return case.replace("-", "")
