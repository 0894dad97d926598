"""Taking one delivery in to the records database: all of it, once, or nothing and the findings why not.

A person who is known here may bring what is here already: who comes back, or moves on to and fro, brings the months
that this office handed over. Such rows are one with the office's own and are not written again (`intake_rules.py`).
A correction takes the place of what its case brought (`records_replacing.py`).
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from archive import intake, records_replacing
from archive.intake_rules import already_transferred, not_here, other_name, overlaps, same_months, same_name, stored_id
from archive.records_replacing import Replaced
from archive.records_rows import Rows
from formats import rules
from formats.conversions import to_cell
from formats.digest import sha256
from formats.messages import Delivery, Finding
from formats.record import Contribution

Known = Mapping[str, Delivery]  # by their documents' digests


class Arrived(NamedTuple):
    """A delivery, its document's SHA-256, when it is taken in, and the deliveries that it may correct."""

    delivery: Delivery
    digest: str
    at: datetime
    known: Known


class TakingIn:
    """One delivery, in the caller's transaction."""

    def __init__(self, rows: Rows, arrived: Arrived) -> None:
        """Nothing is read or written yet."""
        self._rows = rows
        self._connection = rows.connection
        self._delivery, self._digest, self._at, self._known = arrived
        self._header, self._record = self._delivery.header, self._delivery.record

    def findings(self) -> tuple[Finding, ...]:
        """Take it in; nothing is changed where a finding blocks. Raises UsageError S415, S460."""
        person = self._rows.profile.person
        number = to_cell(person.field("socialSecurityNumber").rule)[self._record.person.social_security_number]
        _lock(self._connection, str(number))
        before = intake.digest_of(self._connection, self._header.case)
        found = self._rows.statements.person_found(self._connection, number)
        if before is None:
            return self._join(*found) if found else self._bring()
        if before != self._digest:
            return self._correct(found)
        again = self._overlaps(found[0], self._delivery) if found else ()
        return tuple(finding for finding in again if not rules.blocks([finding]))

    def _bring(self) -> tuple[Finding, ...]:
        """The person is new here."""
        key = _brought(self._header.case)
        self._rows.insert(self._rows.profile.person, [key], [(value,) for value in self._record.person])
        self._store(key, {name: getattr(self._record, name) for name in self._rows.parts})
        return ()

    def _join(self, person: str, name: str) -> tuple[Finding, ...]:
        """The person is known here."""
        findings = self._conflicts(person, name, None)
        if not rules.blocks(findings):
            new = {name: self._missing(name, person) for name in self._rows.parts}
            here = (_digests(name, getattr(self._record, name), some) for name, some in new.items())
            intake.share(self._connection, self._header.case, set().union(*here))
            self._store(person, new)
        return findings

    def _store(self, person: str, rows: Mapping[str, Sequence[Any]]) -> None:
        """Write the delivery's employers, these rows, and the marker."""
        self._store_employers()
        for name, some in rows.items():
            self._rows.insert_part(name, [person] * len(some), some, self._header.sender)
        intake.mark(self._connection, self._delivery, self._digest, person, self._at)

    def _correct(self, found: tuple[str, str] | None) -> tuple[Finding, ...]:
        """Put a correction in the place of what its case brought; nothing is changed where there are findings."""
        if self._delivery.correction is None:
            return (already_transferred(),)
        mark = intake.taken_in(self._connection, self._header.case)
        earlier = records_replacing.corrected(self._delivery, self._known, mark.digest) if mark else None
        if mark is None or earlier is None or found is None or found[0] != mark.person:
            return (records_replacing.other_document(),)
        parts = [name for name in self._rows.parts if name != "other"]
        changes = tuple(records_replacing.replaced(earlier.record, self._record, parts))
        shared = intake.shared(self._connection, self._header.case)
        if any(item.before and _digest(item.part, item.row) in shared for item in changes):
            return (records_replacing.changed_since(),)  # these rows are this office's own too
        findings = self._conflicts(*found, earlier)
        if rules.blocks(findings):
            return findings
        if self._changed_since(changes, mark.person, earlier):
            return (records_replacing.changed_since(),)
        self._replace(changes, mark.person, earlier)
        intake.mark_again(self._connection, self._delivery, self._digest, self._at)
        return findings

    def _changed_since(self, changes: Sequence[Replaced], person: str, earlier: Delivery) -> bool:
        """Whether a row to be replaced does not stand as it was written, or was refunded."""
        stored = self._contributions(person, {row.kind for row in earlier.record.contributions})
        if records_replacing.refunded_since(changes, earlier.record, stored):
            return True
        count = self._rows.statements.count
        return any(
            count(self._connection, self._rows.parts[item.part], self._written(item, person)) != item.before
            for item in changes
            if item.before
        )

    def _replace(self, changes: Sequence[Replaced], person: str, earlier: Delivery) -> None:
        missing = {name: self._missing(name, person, earlier) for name in {item.part for item in changes} | {"other"}}
        if _brought(self._header.case) == person:
            cells = self._rows.profile.person.to_rows([self._record.person])[0]
            self._rows.statements.update_person(self._connection, person, cells)
        self._store_employers()
        for item in changes:
            if item.before:
                self._rows.statements.delete(self._connection, self._rows.parts[item.part], self._written(item, person))
            wanted = item.after if item.before else min(item.after, missing[item.part].count(item.row))
            self._rows.insert_part(item.part, [person] * wanted, [item.row] * wanted, self._header.sender)
            if wanted < item.after:
                intake.share(self._connection, self._header.case, {_digest(item.part, item.row)})
        entries = missing["other"]
        self._rows.insert_part("other", [person] * len(entries), entries, self._header.sender)

    def _written(self, item: Replaced, person: str) -> Sequence[Any]:
        return self._rows.written(item.part, item.row, person, self._header.sender)

    def _missing(self, name: str, person: str, earlier: Delivery | None = None) -> Sequence[Any]:
        """The delivery's rows of one part that are not here yet, or only from the `earlier` delivery of the case.

        Other information is the exception: whose one is, nobody can tell, so it only grows.
        """
        delivered = getattr(self._record, name)
        if not delivered:
            return ()
        row = self._rows.parts[name]
        kinds = set() if name == "other" else {one.kind for one in delivered}
        stored = row.assemble(self._rows.of_kinds(row, person, kinds))
        corrected = () if earlier is None or name == "other" else getattr(earlier.record, name)
        return not_here(name, delivered, stored, corrected)

    def _store_employers(self) -> None:
        """Store the delivery's employers, each under its id and the office that it came from."""
        office = self._header.sender
        self._rows.store_employers(
            row._replace(employer_id=stored_id(row.employer_id, office)) for row in self._record.employers
        )

    def _conflicts(self, person: str, name: str, earlier: Delivery | None) -> tuple[Finding, ...]:
        """The conflicts with what is known of this person already, without what the `earlier` delivery brought."""
        new = set(self._delivery.kinds) - set(earlier.kinds if earlier else ())
        moved = intake.kinds_from(self._connection, person, self._header.sender) & new
        if moved and not self._goes_on(person, moved):
            return (already_transferred(),)
        own = earlier is not None and _brought(self._header.case) == person
        if not own and not same_name(name, self._record.person.name):
            return (other_name(),)
        return self._overlaps(person, earlier)

    def _goes_on(self, person: str, kinds: Collection[str]) -> bool:
        """Whether months of these kinds are new here and none of them contradicts what is here."""
        delivered = [row for row in self._record.contributions if row.kind in kinds]
        stored = self._contributions(person, kinds)
        return bool(not_here("contributions", delivered, stored)) and not overlaps(delivered, stored)

    def _overlaps(self, person: str, earlier: Delivery | None) -> tuple[Finding, ...]:
        delivered = self._record.contributions
        stored = self._contributions(person, {row.kind for row in delivered})
        return overlaps(delivered, stored, self._came_with(earlier) if earlier else ())

    def _came_with(self, earlier: Delivery) -> list[Contribution]:
        """The contributions that this delivery of the case brought, without those that were here before it."""
        shared = intake.shared(self._connection, self._header.case)
        return [row for row in earlier.record.contributions if _digest("contributions", row) not in shared]

    def _contributions(self, person: str, kinds: Collection[str]) -> tuple[Contribution, ...]:
        """What the person has here of months that may be months of these kinds."""
        row = self._rows.profile.contribution
        return row.assemble(self._rows.of_kinds(row, person, same_months(kinds)))


def _lock(connection: sa.Connection, number: str) -> None:
    """Have other writers of this person wait until the transaction ends. On SQLite all writers wait anyway."""
    if connection.dialect.name == "postgresql":
        key = hashlib.sha256(f"jiexu take_in {number}".encode()).digest()[:8]
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (int.from_bytes(key, signed=True),))


def _digests(part: str, delivered: Sequence[Any], new: Sequence[Any]) -> set[str]:
    """The digests of the delivered rows of a part that are not new."""
    return {_digest(part, row) for row in Counter(delivered) - Counter(new)}


def _digest(part: str, row: Sequence[str]) -> str:
    return sha256("\0".join((part, *row)).encode())


def _brought(case: str) -> str:
    """The person number of somebody whom this case brought."""
    return case.replace("-", "")
