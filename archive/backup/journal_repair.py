"""Repair of the journal's rows from a backup.

The signed list says how many entries there were and what their root was: the dump's entries either lead to that root,
then they are right and every row here that differs from them is wrong; or nothing is touched. Entries newer than the
backup can be lost for good. What can be told of them without it is put right too: a leaf that is not its entry's,
entries behind the noted end, a note of the end that contradicts itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import OperationalError

from archive.backup.aside import Aside
from archive.backup.dump import Value, plain
from archive.backup.restoring import Dump
from archive.backup.snapshot import Snapshot
from archive.checkpoints import open_note
from archive.entries import line
from archive.journal import head_values
from archive.ledger import chunks
from archive.tables import journal, journal_head
from archive.upkeep_tables import checkpoints
from formats.errors import IntegrityError
from formats.merkle import Frontier, leaf_hash

_PAGE = 1000  # entries compared at once

Values = Mapping[str, Value]


class Mended(NamedTuple):
    """Something that was put right: the code of what was wrong with it, and what it was."""

    code: str
    subject: str


def mend(connection: Connection, dumped: Dump, found: Snapshot, verifier: str, aside: Aside) -> list[Mended]:
    """Put the journal right as far as the snapshot and the ledger itself can say; gives what was put right.

    Raises IntegrityError A512 when the dump's entries are not those of the signed list.
    """
    tree = _certified(dumped, found)
    mended = [
        Mended("A504", f"entry {number}") for page in _pages(dumped) for number in _replace(connection, page, aside)
    ]
    mended += _heads(connection, dumped, verifier, aside)
    mended += _end(connection, tree, aside)
    return mended


def _certified(dumped: Dump, found: Snapshot) -> Frontier:
    """The tree over the dump's entries, which is the signed one. Raises IntegrityError A512."""
    tree = Frontier()
    tree = tree.extend(_leaf(row.values) for row in dumped.rows("journal"))
    if (tree.size, tree.root().hex()) != (found.entries, found.root):
        raise IntegrityError("A512", f"the journal in snapshot {found.id} is not the one that was signed")
    return tree


def _leaf(values: Mapping[str, Any]) -> bytes:
    """The leaf hash of an entry by its content; a content that no entry can have gives a leaf that no entry has."""
    try:
        fields = {name: values[name] for name in ("n", "at", "kind", "what", "why", "how", "who")}
        return leaf_hash(line(**fields))
    except (TypeError, ValueError):
        return b""


def _pages(dumped: Dump) -> Iterator[list[Values]]:
    rows: Iterator[Values] = (row.values for row in dumped.rows("journal"))
    while page := list(islice(rows, _PAGE)):
        yield page


def _replace(connection: Connection, page: Sequence[Values], aside: Aside) -> list[int]:
    """Put the rows of a page where they are not; gives their numbers."""
    first, last = _number(page[0]), _number(page[-1])
    here = {row["n"]: row for row in _rows(connection, first, last)}
    wrong = [values for values in page if here.get(_number(values)) != values]
    numbers = [_number(values) for values in wrong]
    aside.rows("journal", [here[number] for number in numbers if number in here])
    for chunk in chunks(numbers):
        connection.execute(delete(journal).where(journal.c.n.in_(chunk)))
    if wrong:
        connection.execute(insert(plain("journal")), wrong)
    return numbers


def _number(values: Values) -> int:
    return int(values["n"] or 0)


def _rows(connection: Connection, first: int, last: int) -> Iterator[dict[str, Any]]:
    """The entries from `first` to `last`; one that the database cannot read is there with its number alone."""
    table = plain("journal")
    wanted = select(table).where(table.c.n.between(first, last)).order_by(table.c.n)
    try:
        found = connection.execute(wanted).mappings().all()
    except OperationalError:  # SQLite takes any octets as text, and cannot give all of them back
        if first == last:
            yield {"n": first}
            return
        middle = (first + last) // 2
        yield from _rows(connection, first, middle)
        yield from _rows(connection, middle + 1, last)
        return
    yield from (dict(row) for row in found)


def _heads(connection: Connection, dumped: Dump, verifier: str, aside: Aside) -> list[Mended]:
    """Put signed heads back that are gone or that their own note contradicts."""
    here = {row["size"]: dict(row) for row in connection.execute(select(checkpoints)).mappings()}
    bad = [size for size, row in here.items() if not _is_signed(row, verifier)]
    good = {_size(row.values): row.values for row in dumped.rows("checkpoints") if _is_signed(row.values, verifier)}
    fresh = [values for size, values in good.items() if size in bad or size not in here]
    aside.rows("checkpoints", [here[size] for size in bad])
    for chunk in chunks(bad):
        connection.execute(delete(checkpoints).where(checkpoints.c.size.in_(chunk)))
    if fresh:
        connection.execute(insert(plain("checkpoints")), fresh)
    return [Mended("A510", f"signed head {size}") for size in sorted({*bad, *(_size(row) for row in fresh)})]


def _size(values: Values) -> int:
    return int(values["size"] or 0)


def _is_signed(row: Mapping[str, Any], verifier: str) -> bool:
    try:
        known = open_note(str(row["note"]), verifier)
    except IntegrityError:
        return False
    return (known.size, known.root) == (row["size"], row["root"])


def _end(connection: Connection, tree: Frontier, aside: Aside) -> list[Mended]:
    """Follow the entries behind the snapshot's last, and put right what can be told of them and of the noted end."""
    noted = connection.execute(select(journal_head)).first()
    heads = {row.size: row.root for row in connection.execute(select(checkpoints))}
    certified, leaves = tree.size, dict[int, str]()
    stray = [dict(row) for row in connection.execute(select(journal).where(journal.c.n < 1)).mappings()]
    behind: list[dict[str, Any]] = []
    fits = True
    for row in _tail(connection, tree.size):
        if noted is not None and certified <= noted.n == tree.size and noted.root == tree.root().hex():
            behind.append(row)
            continue
        if row["n"] != tree.size + 1:
            return _without(connection, stray, aside)  # one is missing, newer than the backup
        leaf = _leaf(row)
        if leaf.hex() != row.get("leaf"):
            leaves[row["n"]] = leaf.hex()
        tree = tree.append(leaf or bytes(32))
        fits = fits and heads.get(tree.size, tree.root().hex()) == tree.root().hex()
    mended = _without(connection, [*stray, *behind], aside)
    agrees = noted is not None and (noted.n, noted.root) == (tree.size, tree.root().hex())
    if agrees or (fits and max(heads, default=0) <= tree.size and _is_broken(noted, certified)):
        for number, hashed in leaves.items():
            connection.execute(update(journal).where(journal.c.n == number).values(leaf=hashed))
            mended.append(Mended("A504", f"entry {number}"))
        mended += _note_end(connection, tree)
    return mended


def _tail(connection: Connection, after: int) -> Iterator[dict[str, Any]]:
    numbers = connection.execute(select(journal.c.n).where(journal.c.n > after).order_by(journal.c.n)).scalars().all()
    for chunk in chunks(numbers):
        yield from _rows(connection, chunk[0], chunk[-1])


def _without(connection: Connection, rows: Sequence[Mapping[str, Any]], aside: Aside) -> list[Mended]:
    """Take entries away that do not belong there."""
    aside.rows("journal", rows)
    for chunk in chunks([row["n"] for row in rows]):
        connection.execute(delete(journal).where(journal.c.n.in_(chunk)))
    return [Mended("A504", f"entry {row['n']}") for row in rows]


def _is_broken(noted: Any, certified: int) -> bool:
    """Whether the note of the end is gone, contradicts itself, or is older than what was signed."""
    if noted is None or noted.n < certified:
        return True
    try:
        hashes = tuple(bytes.fromhex(part) for part in noted.frontier.split())
        return bool(Frontier(noted.n, hashes).root().hex() != noted.root)
    except (ValueError, AttributeError, IndexError):
        return True


def _note_end(connection: Connection, tree: Frontier) -> list[Mended]:
    values = head_values(tree)
    noted = connection.execute(select(journal_head)).mappings().all()
    if len(noted) == 1 and all(noted[0][name] == value for name, value in values.items()):
        return []
    connection.execute(delete(journal_head))
    connection.execute(insert(journal_head), {"id": 1, **values})
    return [Mended("A504", f"the note of the end at {tree.size}")]
