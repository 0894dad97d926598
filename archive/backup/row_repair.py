"""Repair of rows from a backup: members, originals, tombstones, what is gone, segments, and rows with their own entry.

A group of rows stands under a root in the journal. The dump's rows of a group replace the ones here only when they lead
to that root and the ones here do not; what went lawfully since the backup is left out, by its leaf. Rows of segments
follow from the journal alone.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, and_, delete, insert, select

from archive import gone
from archive.audit import facts, rows
from archive.audit.belief import WHOLE
from archive.audit.facts import Facts
from archive.audit.rows import MEMBERS, ORIGINALS, TOMBSTONES, Covered, Group
from archive.backup import proved_repair
from archive.backup.aside import Aside
from archive.backup.dump import plain
from archive.backup.journal_repair import Mended, Values
from archive.backup.restoring import Dump
from archive.destruction import tombstone_line
from archive.tables import segments
from archive.upkeep_tables import gone as gone_table
from formats.merkle import leaf_hash, root

_UNIQUE: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "members": (("digest",), ("segment", "place")),
    "originals": (("id",), ("digest", "kind", "direction", "partner", "message_id")),
    "tombstones": (("id",),),
}


def mend(connection: Connection, dumped: Dump, aside: Aside) -> list[Mended]:
    """Put rows right whose journal entries hold. The journal as a whole must hold. Gives what was put right."""
    mended = _without_unordered(connection, aside)
    before = rows.differing(connection, WHOLE)
    for covered in (TOMBSTONES, MEMBERS, ORIGINALS):  # first what says which rows went
        groups = [group for group in rows.differing(connection, WHOLE) if group.covered is covered and group.what]
        if groups:
            known = _known(dumped, covered, {group.entry for group in groups})
            good = {group.entry: _good(connection, dumped, group, known.get(group.entry, [])) for group in groups}
            _put(connection, [group for group in groups if good[group.entry] is not None], good, aside)
    _without_strays(connection, aside)
    left = {(group.covered.table.name, group.entry) for group in rows.differing(connection, WHOLE)}
    mended += [
        Mended("A507", f"{group.covered.table.name}, entry {group.entry}")
        for group in before
        if (group.covered.table.name, group.entry) not in left
    ]
    return mended + _segments(connection, dumped, aside) + proved_repair.mend(connection, dumped, aside)


def _without_unordered(connection: Connection, aside: Aside) -> list[Mended]:
    """Take away what is said to be gone by no order: it must not stand for a row that is to come back."""
    found = rows.unordered(connection)
    _take(connection, gone_table, ["entry", "place"], [{"entry": n, "place": place} for n, place in found], aside)
    return [Mended("A507", f"gone {n}/{place}") for n, place in found]


def _known(dumped: Dump, covered: Covered, entries: Collection[int]) -> dict[int, list[Values]]:
    """The dump's rows of these entries, in the order of their roots."""
    found: dict[int, list[Values]] = {}
    for row in dumped.rows(covered.table.name):
        if row.values["entry"] in entries:
            found.setdefault(int(row.values["entry"] or 0), []).append(row.values)
    for group in found.values():
        group.sort(key=lambda values: [values[name] for name in covered.order])
    return found


def _good(connection: Connection, dumped: Dump, group: Group, known: list[Values]) -> list[Values] | None:
    """The rows that the group should have; None where the dump does not have them."""
    if group.covered is TOMBSTONES:
        return known if _is_destroyed(connection, dumped, group, known) else None
    group = rows.with_gone(connection, group)
    earlier = {
        int(row.values["place"] or 0): bytes.fromhex(str(row.values["leaf"]))
        for row in dumped.rows("gone")
        if row.values["entry"] == group.entry
    }
    staying, present = [], iter(known)
    for place in range(len(known) + len(earlier)):
        values = None if place in earlier else next(present, None)
        if values is not None and place not in group.gone:
            staying.append(values)
    return staying if group.holds_with(staying) else None


def _is_destroyed(connection: Connection, dumped: Dump, group: Group, known: Sequence[Values]) -> bool:
    """Whether the dump's tombstones of an order lead to its root; then what is gone by it is put right with them."""
    order = str(group.what.get("order", ""))
    left = [row.values for row in dumped.rows("gone") if row.values["order_digest"] == order]
    lines = [tombstone_line(row) for row in known]
    lines += [gone.line(int(row["entry"] or 0), int(row["place"] or 0), str(row["leaf"]), order) for row in left]
    if root(leaf_hash(text) for text in lines).hex() != group.what.get("root"):
        return False
    connection.execute(delete(gone_table).where(gone_table.c.order_digest == order))
    for row in left:
        key = and_(gone_table.c.entry == row["entry"], gone_table.c.place == row["place"])
        connection.execute(delete(gone_table).where(key))
    if left:
        connection.execute(insert(plain("gone")), left)
    return True


def _put(
    connection: Connection, groups: Sequence[Group], good: Mapping[int, list[Values] | None], aside: Aside
) -> None:
    """Replace the rows of these groups: all are taken away before the first is put back, since rows may have moved."""
    for group in groups:
        table = group.covered.table
        _take(connection, table, ["entry"], [{"entry": group.entry}], aside)
        for names in _UNIQUE[table.name]:
            _take(connection, table, names, good[group.entry] or [], aside)
    for group in groups:
        if values := good[group.entry]:
            connection.execute(insert(plain(group.covered.table.name)), values)


def _take(connection: Connection, table: Table, names: Sequence[str], keys: Sequence[Values], aside: Aside) -> None:
    """Take away the rows with these values in these columns."""
    for key in keys:
        which = and_(*(table.c[name] == key[name] for name in names))
        aside.rows(table.name, [dict(row) for row in connection.execute(select(table).where(which)).mappings()])
        connection.execute(delete(table).where(which))


def _without_strays(connection: Connection, aside: Aside) -> None:
    """Take away rows that no entry of their kind ever covered."""
    for group in rows.differing(connection, WHOLE):
        if not group.what:
            _take(connection, group.covered.table, ["entry"], [{"entry": group.entry}], aside)


def _segments(connection: Connection, dumped: Dump, aside: Aside) -> list[Mended]:
    """Put rows of segments right by what the journal says; only `checked` and the end of none come from the dump."""
    said = facts.of_journal(connection)
    doubted = {row["segment"] for group in rows.differing(connection, WHOLE) for row in group.rows if "segment" in row}
    wrong = {number for number, _ in facts.differing(connection, said, doubted)}
    if not wrong:
        return []
    known = {row.values["n"]: row.values for row in dumped.rows("segments")}
    latest = max(said.segments, default=0)
    for number in sorted(wrong):
        _take(connection, segments, ["n"], [{"n": number}], aside)
        if number in said.segments:
            values = _as_said(said.segments[number], known.get(number), latest)
            connection.execute(insert(segments), values)
    return [Mended("A507", f"segments {number}") for number in sorted(wrong)]


def _as_said(fact: Facts, known: Values | None, latest: int) -> dict[str, Any]:
    waiting = fact.state == "open" and fact.n < latest  # only the newest is written to
    return {
        "n": fact.n,
        "state": "sealing" if waiting else fact.state,
        "members": fact.members,
        "end": fact.end or 0,
        "opened": fact.opened,
        "sealed": fact.sealed,
        "keys_sha512": fact.keys,
        "sha512": fact.sha512,
        "inventory": fact.inventories.get(fact.version, ""),
        "version": fact.version,
        "checked": known["checked"] if known else "",
    }
