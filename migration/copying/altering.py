"""What declared rules will alter: every cell of the freeze that has a rule, looked at before the target is touched.

`alterations.csv` lists each altered cell in the order of tables, chunks, rows and columns; `unlisted.csv` the values
that a conversion has no answer for. Beside them `alterations.json` says of which freeze, plan and rules they are, so
that a resumed copy need not look again.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from formats.digest import sha256
from migration import canon, plan_file
from migration.copying.conversion import Alteration, Converted, Refusal, convert, refuse
from migration.copying.listing import Listed, Listing, one_cell
from migration.copying.rules import Rules
from migration.freeze import Frozen
from migration.freeze.disk import refusals, replace
from migration.freeze.lines import whole
from migration.plan import Plan

FILE: Final = "alterations.csv"
COLUMNS: Final = ("table", "key", "column", "old", "new", "rule")
UNLISTED: Final = "unlisted.csv"

_BESIDE: Final = "alterations.json"
_UNLISTED_COLUMNS: Final = ("code", "column", "rule", "value", "cells")
_DISTINCT: Final = 10_000  # values in `unlisted.csv`: more would be no list to work with


@dataclass(frozen=True, slots=True)
class Use:
    """A declared rule that was used: its name, the source's column, on how many cells of which table (its number)."""

    rule: str
    place: str
    table: int
    cells: int


@dataclass(frozen=True, slots=True)
class Alterations:
    """All that was altered: the list, and how often each rule was used where."""

    listed: Listed
    uses: tuple[Use, ...]

    def cells(self, table: int) -> int:
        """How many cells of a table were altered."""
        return sum(use.cells for use in self.uses if use.table == table)


def alterations(frozen: Frozen, plan: Plan, rules: Rules, folder: Path) -> Alterations:
    """List what the rules alter in the freeze; taken from the folder when it was done before.

    Raises IntegrityError D644, D645 for cells that a rule refuses, with the columns and counts (`unlisted.csv` has the
    values); D652, D671; UnreachableError S416.
    """
    made_of = [frozen.digest, plan_file.digest(plan), sha256(repr(sorted(rules.items())).encode())]
    if found := _done(folder, made_of):
        return found
    uses: Counter[tuple[str, str, int]] = Counter()
    refused: Counter[Refusal] = Counter()
    counts: Counter[tuple[str, str, str]] = Counter()
    with Listing(folder / FILE, COLUMNS) as listing:
        for number, part in _parts(frozen, plan, rules):
            listing.add(b"".join(map(_line, part.alterations)), len(part.alterations))
            uses.update((one.rule, f"{one.table}.{one.column}", number) for one in part.alterations)
            counts.update((one.code, one.place, one.rule) for one in part.refusals)
            refused.update(one for one in part.refusals if one in refused or len(refused) < _DISTINCT)
        if counts:
            _list_refused(folder, refused)
            refuse(counts)
        listed = listing.finish()
    found = Alterations(listed, tuple(Use(*use, cells) for use, cells in sorted(uses.items())))
    document = {"made_of": made_of, "listed": asdict(listed), "uses": [asdict(use) for use in found.uses]}
    with refusals():
        replace(folder / _BESIDE, json.dumps(document, ensure_ascii=False, sort_keys=True).encode() + b"\n")
    return found


def _parts(frozen: Frozen, plan: Plan, rules: Rules) -> Iterator[tuple[int, Converted]]:
    for number in sorted(rules):
        table = plan.table(number)
        for chunk in frozen.chunks(number):
            for block in whole(frozen.data(chunk)):
                yield number, convert(block.data, table, rules[number])


def _line(one: Alteration) -> bytes:
    from_to = (one.column, one.old, one.new, one.rule)
    return canon.line((one.table, one_cell(one.key), *from_to))


def _list_refused(folder: Path, refused: Counter[Refusal]) -> None:
    with Listing(folder / UNLISTED, _UNLISTED_COLUMNS) as listing:
        for one, cells in sorted(refused.items(), key=lambda pair: (pair[0].place, -pair[1], pair[0].value)):
            listing.write((one.code, one.place, one.rule, one.value, str(cells)))
        listing.finish()


def _done(folder: Path, made_of: list[str]) -> Alterations | None:
    """What was listed before, if it is of this very freeze, plan and rules and the list is still what it was."""
    try:
        document = json.loads((folder / _BESIDE).read_bytes())
        with (folder / FILE).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None
    listed = Listed(**document["listed"])
    if document["made_of"] != made_of or listed.sha256 != digest:
        return None
    return Alterations(listed, tuple(Use(**use) for use in document["uses"]))
