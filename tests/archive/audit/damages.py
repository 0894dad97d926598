"""Random damages to an archive and its ledger, and what an audit must say of each.

A damage says by which words it may be named: every problem must have one of them, and there must be a problem.
"""

import random
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from archive import entries
from archive.audit import AuditReport, Problem
from archive.journal import head_values
from formats.merkle import Frontier, leaf_hash
from tests.archive.audit.small import Place

FIELDS = ("n", "at", "kind", "what", "why", "how", "who", "leaf")
TABLES = {
    "members": ("digest", "segment", "place", "offset", "size", "sha256", "bytes", "kind", "entry"),
    "originals": (
        "digest", "kind", "size", "direction", "partner", "case_number", "message_id", "kept_at", "entry",
    ),
    "segments": ("n", "state", "members", "end", "opened", "sealed", "keys_sha512", "sha512", "inventory", "version"),
    "holds": (
        "id", "direction", "partner", "case_number", "why", "placed", "placed_by", "lifted", "lifted_by", "salt",
    ),
    "lookups": (
        "id", "at", "requester", "requester_id", "purpose", "basis", "scope", "subject", "who", "outcome", "salt",
    ),
    "backups": ("at", "place", "snapshot", "files", "bytes", "digest"),
    "witnessed": ("partner", "size", "root", "at", "note"),
}  # fmt: skip
KEYS = {
    "holds": ("id",),
    "lookups": ("id",),
    "backups": ("snapshot", "place"),
    "witnessed": ("partner", "size", "root"),
}


@dataclass(frozen=True)
class Damage:
    """What was done, and by what it may be named: words, paths, or entries of the journal (first and last touched).

    A file is named by its path or, where it holds members, by the digest of one with the path as the place.
    """

    what: str
    words: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    entries: tuple[int, int] | None = None

    def is_named(self, report: AuditReport) -> bool:
        """Whether it was found, and nothing besides."""
        return bool(report.problems) and all(map(self._fits, report.problems))

    def _fits(self, problem: Problem) -> bool:
        if self.entries and problem.code in ("A504", "A510"):
            told = re.search(r"entr(?:y|ies) (\d+)(?: to (\d+))?", problem.subject)
            first, last = self.entries
            return told is not None and int(told[1]) <= last and int(told[2] or told[1]) >= first
        if self.files:
            return bool(self.files & {problem.subject, problem.place})
        return any(re.search(rf"{word}(?!\d)", f"{problem.subject} {problem.place}") for word in self.words)


def damage(place: Place, chance: random.Random) -> Damage:
    """Do one random damage."""
    return chance.choice((of_file, of_file, of_row, of_row, of_journal))(place, chance)


def of_file(place: Place, chance: random.Random) -> Damage:
    """Flip a bit in a file, cut it, remove it, or swap it with another."""
    files = place.files()
    name = chance.choice(files)
    path = place.archive / name
    data = path.read_bytes()
    match chance.choice(("flip", "cut", "remove", "swap")):
        case "flip":
            at, bit = chance.randrange(len(data)), chance.randrange(8)
            _put(path, data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :])
            return Damage(f"bit {bit} of byte {at} of {name}", files=frozenset({name}))
        case "cut":
            size = chance.randrange(len(data))
            _put(path, data[:size])
            return Damage(f"{name} cut to {size}", files=frozenset({name}))
        case "remove":
            path.unlink()
            return Damage(f"{name} removed", files=frozenset({name}))
    other = chance.choice([file for file in files if (place.archive / file).read_bytes() != data])
    theirs = (place.archive / other).read_bytes()
    _put(place.archive / other, data)
    _put(path, theirs)
    return Damage(f"{name} swapped with {other}", files=frozenset({name, other}))


def of_row(place: Place, chance: random.Random) -> Damage:
    """Edit a column of a row, remove a row, or enter a row again with another key."""
    table = chance.choice(list(TABLES))
    with _database(place) as database:
        rows = [dict(row) for row in database.execute(f"SELECT * FROM {table}")]
        while True:
            row = chance.choice(rows)
            try:
                return chance.choice((_edit, _edit, _remove, _double))(database, table, row, chance)
            except sqlite3.IntegrityError:
                continue  # the database itself refuses this one


def of_journal(place: Place, chance: random.Random) -> Damage:
    """Edit, remove, swap, insert or cut off entries; half of the time with leaves and end computed anew."""
    with _database(place) as database:
        rows = [dict(row) for row in database.execute("SELECT * FROM journal ORDER BY n")]
        anew = chance.random() < 0.5
        done = chance.choice((_edit_entry, _remove_entry, _swap_entries, _insert_entry, _cut_entries))(rows, chance)
        if anew:
            for number, row in enumerate(rows, start=1):
                row["n"] = number
                row["leaf"] = leaf_hash(entries.line(*(row[name] for name in FIELDS[:-1]))).hex()
        database.execute("DELETE FROM journal")
        database.executemany(
            f"INSERT INTO journal ({', '.join(FIELDS)}) VALUES ({', '.join('?' * 8)})", map(_tuple, rows)
        )
        if anew:
            values = head_values(Frontier().extend(bytes.fromhex(row["leaf"]) for row in rows))
            database.execute("UPDATE journal_head SET n = :n, root = :root, frontier = :frontier", values)
    return Damage(f"journal: {done.what}{' and computed anew' if anew else ''}", entries=done.entries)


def _edit(database: sqlite3.Connection, table: str, row: dict[str, Any], chance: random.Random) -> Damage:
    column = chance.choice(TABLES[table])
    old = row[column]
    if table == "segments" and column == "state":
        new = chance.choice([state for state in ("open", "sealed", "destroyed", "x") if state != old])
    elif isinstance(old, int):
        new = max(0, old + chance.choice((-512, -1, 1, 2, 512)))
        new = old + 1 if new == old else new
    elif old:
        at = chance.randrange(len(old))
        new = old[:at] + chance.choice([sign for sign in "0123456789abcdef" if sign != old[at]]) + old[at + 1 :]
    else:
        new = "x"
    key = next(iter(row)) if table != "members" else "digest"
    database.execute(f'UPDATE {table} SET "{column}" = ? WHERE "{key}" = ?', (new, row[key]))
    changed = {**row, column: new}
    words = _row_words(table, row) | _row_words(table, changed)
    return Damage(f"{table} {row[key]}: {column} {old} -> {new}", words)


def _remove(database: sqlite3.Connection, table: str, row: dict[str, Any], _chance: random.Random) -> Damage:
    key = next(iter(row)) if table != "members" else "digest"
    database.execute(f'DELETE FROM {table} WHERE "{key}" = ?', (row[key],))
    return Damage(f"{table} {row[key]} removed", _row_words(table, row))


def _double(database: sqlite3.Connection, table: str, row: dict[str, Any], chance: random.Random) -> Damage:
    fresh = dict(row)
    if table == "members":
        fresh |= {"digest": chance.randbytes(32).hex(), "place": row["place"] + 1000}
    elif table == "originals":
        fresh |= {"id": row["id"] + 1000, "message_id": "another"}
    elif table == "segments":
        fresh["n"] = row["n"] + 1000
    else:
        fresh["id"] = row["id"] + 1000
        fresh |= {"size": row["size"] + 1000} if table == "witnessed" else {}
    names = ", ".join(f'"{name}"' for name in fresh)
    database.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(fresh))})", tuple(fresh.values()))
    return Damage(f"{table}: a row like {row}", _row_words(table, fresh))


def _row_words(table: str, row: dict[str, Any]) -> frozenset[str]:
    """A row is named by its digest or its entry; a segment, and what has an entry of its own, by its key."""
    if table in KEYS:
        return frozenset({re.escape(f"{table} {' '.join(str(row[name]) for name in KEYS[table])}:")})
    if table == "segments":
        return frozenset({f"segments {row['n']}:"})
    return frozenset({row["digest"], f"entry {row['entry']}"})


def _edit_entry(rows: list[dict[str, Any]], chance: random.Random) -> Damage:
    row = chance.choice(rows)
    column = chance.choice(("at", "why", "how", "who", "kind", "what"))
    row[column] = row[column].replace("0", "1", 1) if column == "what" and "0" in row[column] else row[column] + " "
    return Damage(f"entry {row['n']}: {column}", entries=(row["n"], row["n"]))


def _remove_entry(rows: list[dict[str, Any]], chance: random.Random) -> Damage:
    gone = rows.pop(chance.randrange(len(rows)))["n"]
    return Damage(f"entry {gone} removed", entries=(gone, len(rows) + 1))


def _swap_entries(rows: list[dict[str, Any]], chance: random.Random) -> Damage:
    first, second = sorted(chance.sample(range(len(rows)), 2))
    rows[first], rows[second] = {**rows[second], "n": first + 1}, {**rows[first], "n": second + 1}
    return Damage(f"entries {first + 1} and {second + 1} swapped", entries=(first + 1, second + 1))


def _insert_entry(rows: list[dict[str, Any]], chance: random.Random) -> Damage:
    place = chance.randrange(len(rows))
    rows.insert(place, {**chance.choice(rows), "why": "planted"})
    for number, row in enumerate(rows, start=1):
        row["n"] = number
    return Damage(f"an entry before {place + 1}", entries=(place + 1, len(rows)))


def _cut_entries(rows: list[dict[str, Any]], chance: random.Random) -> Damage:
    before = len(rows)
    del rows[chance.randrange(before) :]
    return Damage(f"cut to {len(rows)} entries", entries=(len(rows) + 1, before))


def _tuple(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in FIELDS)


def _put(path: Path, data: bytes) -> None:
    path.unlink()
    path.write_bytes(data)


@contextmanager
def _database(place: Place) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(place.database)) as database, database:
        database.row_factory = sqlite3.Row
        yield database
