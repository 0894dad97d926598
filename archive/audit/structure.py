"""The storage root, the readme object, every sealed segment's object, and what lies about besides (A503, A506)."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from archive.audit import facts, objects, places
from archive.audit.facts import Facts, Said
from archive.audit.report import Problem
from archive.audit.strays import strays
from archive.ledger import Ledger
from archive.segments.layout import Layout

_LOOKS = 3  # how often before something is said to be wrong


@dataclass(slots=True)
class Structure:
    """What was found. `content` has, by segment, the SHA-512 of each file of its object by path."""

    problems: list[Problem] = field(default_factory=list)
    content: dict[int, Mapping[str, str]] = field(default_factory=dict)


def settled(ledger: Ledger, layout: Layout, said: Said, at: datetime, patience: float, *, whole: bool) -> Structure:
    """Look at everything but the bytes of content; again, under what the ledger says then, where something is wrong.

    `patience`: seconds between two looks; `whole`: whether the journal holds and can say what there must be.

    Raises UnreachableError S409.
    """
    found = _look(layout, said, at)
    for _ in range(_LOOKS - 1):
        if not found.problems:
            break
        time.sleep(patience)
        again = _look(layout, now(ledger, whole=whole), at)
        still = set(again.problems)
        found = Structure([problem for problem in found.problems if problem in still], again.content)
    return found


def now(ledger: Ledger, *, whole: bool) -> Said:
    """What the journal says of the segments; where it does not hold, their rows. Raises UnreachableError S409."""
    with ledger.reading() as connection:
        return facts.of_journal(connection) if whole else facts.of_rows(connection)


def content(layout: Layout, item: Facts) -> Mapping[str, str]:
    """The SHA-512 of each file of content of a sealed segment, by path, as its inventory has them now."""
    return objects.check(layout.root, layout.object_path(item.n), item.version, item.inventories).content


def _look(layout: Layout, said: Said, at: datetime) -> Structure:
    found = Structure()
    accounted: set[str] = set()
    # A segment that was just begun has its files before its row; a killed process leaves them to be put aside.
    passing = set(places.of_open(layout, max(said.segments, default=0) + 1))
    if layout.objects.path.exists() or any(item.version for item in said.segments.values()):
        for path, data in places.of_root(layout).items():
            found.problems += objects.exactly(layout.root, path, {data})
            accounted.add(path)
    readme = places.readme(layout)
    if said.readme or readme.exists():
        version = max(said.readme, default=objects.versions(readme))
        checked = objects.check(layout.root, readme, version, said.readme)
        _object(found, accounted, checked)
        found.problems += objects.content_problems(layout.root, checked.content)
    for number, item in said.segments.items():
        files = places.of_open(layout, number)
        if item.state == "sealed":
            passing |= files
            folder = layout.object_path(number)
            if not folder.exists():
                continue  # its members are missing, and named
            checked = objects.check(layout.root, folder, item.version, item.inventories)
            _object(found, accounted, checked)
            found.content[number] = checked.content
        elif item.state != "destroyed":
            accounted |= files
            passing.add(places.name(layout, layout.object_path(number)))
    found.problems += strays(layout, accounted, passing, at)
    return found


def _object(found: Structure, accounted: set[str], checked: objects.Object) -> None:
    found.problems += checked.problems
    accounted |= checked.accounted
