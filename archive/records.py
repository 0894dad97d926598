"""The office's records database: its business database, read and written through a mapping profile.

Reading gives the record exactly as its rows are; taking in a delivery is one transaction that leaves all of it or
nothing, happens once however often it is repeated, and cannot be overtaken by another process.

What another office delivers is stored beside the office's own rows: its employers under their id and that office
(`intake_rules.py`), the person only where the social security number is new, then with the case number without its
hyphens as person number. What this office handed over and gets back is not stored twice (`taking_in.py`). `read` gives
back, for the delivered kinds, what was delivered.
"""

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from itertools import islice
from types import MappingProxyType

import sqlalchemy as sa

from archive import intake
from archive.intake import TakenIn
from archive.intake_rules import shown_ids
from archive.records_check import Deviation, deviations
from archive.records_connection import ClashError, RecordsConnection
from archive.records_rows import Rows, naming
from archive.records_scope import ScopedReading
from archive.records_sql import Statements, schema
from archive.scopes import Scope
from archive.taking_in import Arrived, Known, TakingIn
from formats.conversions import to_cell
from formats.errors import ServiceError, UnreachableError, UsageError
from formats.messages import Delivery, Finding
from formats.profile import Profile
from formats.record import Record

_ATTEMPTS = 5  # at a transaction that other processes get in the way of
_PEOPLE = 100  # people that `add` holds in memory at a time

_NONE: Known = MappingProxyType({})


class RecordsDatabase:
    """One records database. May be shared by threads, and used on after a fork."""

    def __init__(self, url: str, profile: Profile) -> None:
        """Nothing is opened yet. Raises UsageError S401 for a URL that is not SQLite's or PostgreSQL's."""
        self._profile = profile
        self._connection = RecordsConnection(url)
        self._statements = Statements(profile, self._connection.dialect)
        self._parts = profile.parts
        self._naming = naming(profile)

    def create_schema(self) -> None:
        """Create the profile's tables where they are missing, and those of `prepare`: a database of nobody else's."""
        with self._connection.transaction(write=True) as connection:
            schema(self._profile, self._connection.dialect).create_all(connection)
        self.prepare()

    def prepare(self) -> tuple[str, ...]:
        """Make the tables of what was taken in where they are missing, beside the office's own, and name those made.

        Never by itself: where one was lost, nobody would know any more what came before. Raises S409, S415.
        """
        with self._connection.transaction(write=True) as connection:
            there = set(sa.inspect(connection).get_table_names())
            intake.metadata.create_all(connection)
        return tuple(name for name in intake.metadata.tables if name not in there)

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
            rows = self._rows(connection)
            values = {name: rows.of_kinds(row, person, kinds) for name, row in self._parts.items()}
            ids = {employer for name, index in self._naming.items() for employer in values[name][index]} - {""}
            employers = rows.employers(ids)
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
                    self._rows(connection).insert_people(some)
        except ClashError:
            raise UsageError("S415", "a person with this number is there already") from None

    def take_in(self, delivery: Delivery, digest: str, at: datetime, known: Known = _NONE) -> tuple[Finding, ...]:
        """Take a delivery in: all of it, once, or nothing and the findings why not; L307 is taken in, and is a warning.

        A correction takes the place of the delivery that it corrects (`records_replacing.py`), which must be among
        those `known` by their documents' digests; L305, L306 say why it cannot.

        `digest` is that of the delivery's document, `at` an aware time. Checked in this order, the first that finds
        something ends it: L302 an earlier case of this sender brought one of the kinds, and this one brings no months
        of it that are new, or other figures of the same months (or it is this case, with other content); L303 the
        person has another name here; L301, L307 contributed months overlap. The same case and digest again changes
        nothing. What is here already is not written twice.
        Raises UsageError S415, UnreachableError S409 (also when other processes got in the way too often), S416.
        """
        for _ in range(_ATTEMPTS):
            with suppress(ClashError), self._connection.transaction(write=True) as connection:
                return self._taking_in(connection, Arrived(delivery, digest, at, known))
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
                return tuple(self._apart(connection, Arrived(*each, at, known)) for each in deliveries)
        except (ClashError, ServiceError):
            return tuple(self._alone(Arrived(*each, at, known)) for each in deliveries)

    def _apart(self, connection: sa.Connection, arrived: Arrived) -> tuple[Finding, ...] | ServiceError:
        """One of many: what it wrote before it failed is undone."""
        try:
            with self._connection.savepoint(connection):
                return self._taking_in(connection, arrived)
        except UsageError as error:
            return error

    def _alone(self, arrived: Arrived) -> tuple[Finding, ...] | ServiceError:
        try:
            return self.take_in(*arrived)
        except ServiceError as error:
            return error

    def _taking_in(self, connection: sa.Connection, arrived: Arrived) -> tuple[Finding, ...]:
        return TakingIn(self._rows(connection), arrived).findings()

    def _rows(self, connection: sa.Connection) -> Rows:
        return Rows(connection, self._profile, self._statements)

    def close(self) -> None:
        """Close the connections of this process."""
        self._connection.close()
