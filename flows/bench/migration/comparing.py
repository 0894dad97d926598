"""The rounds of the benchmark, and the rows that they come to."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Final

from flows import relocation
from flows.bench.migration import table
from flows.bench.migration.measuring import Book, Used, stage
from flows.bench.migration.scripts import Scripts
from flows.bench.migration.server import Servers, servers
from flows.bench.migration.work import SIARD
from flows.bench.rows import Row, compare

FEW: Final = 100_000  # rows of the small table beside which memory is seen
STAGES: Final = ("freeze", "copy", "verify")
CARRY: Final = "carry"  # freeze and copy side by side, as a run does them
CARRIED: Final = f"beside {CARRY}"  # that of PostgreSQL

# Ours beside the peer, as ratios that say how many times better ours is.
COPY, FROM_SQLITE, PGLOADER = 0.8, 0.9, 2.5
PROOF, WHOLE = 1 / 0.6, 1 / 2.2
SIARD_WRITTEN, SIARD_LOADED = 0.2, 0.5
MEMORY = 1 / 1.2

COST: Final = "µs of processor time a row"


@dataclass(frozen=True, slots=True)
class _Bench:
    """What all rounds share."""

    servers: Servers
    book: Book
    folder: Path
    scripts: Scripts

    def round(self, few: str, tenth: str) -> None:
        """Each piece of work once; `few` and `tenth` are the URLs of the smaller tables."""
        scripts, book = self.scripts, self.book
        self._scripted("pipe", scripts.pipe)
        self._carried("", scripts.source, scripts.rows, siard=True)
        self._carried("beside ", scripts.source, scripts.rows, CARRY)
        book.enter("packed file", scripts.packed_file())
        book.enter("file", scripts.file())
        self._scripted("sqlite pipe", scripts.sqlite_pipe)
        self._carried("apart sqlite ", f"sqlite:///{scripts.sqlite}", scripts.rows, "freeze", "copy")
        self._carried("sqlite ", f"sqlite:///{scripts.sqlite}", scripts.rows, CARRY)
        self._carried("two sqlite ", f"sqlite:///{scripts.sqlite}", scripts.rows, CARRY, workers=2)
        book.enter("pgloader", scripts.pgloader(self._fresh()))
        self._carried("siard ", f"siard:{self.folder / SIARD}", scripts.rows, CARRY)
        (self.folder / SIARD).unlink()
        self._carried("two ", scripts.source, scripts.rows, workers=2)
        self._carried("tenth ", tenth, _tenth(scripts.rows))
        self._carried("few ", few, _few(scripts.rows))

    def _fresh(self) -> str:
        return self.servers.target.fresh(self.servers.database("target"))

    def _scripted(self, name: str, act: Callable[[str], Used | None]) -> None:
        target = self._fresh()
        used = act(target)
        self.book.enter(name, used)
        if used is not None:
            self.book.enter(f"{name} key", self.scripts.key(target))

    def _carried(self, name: str, source: str, rows: int, *names: str, workers: int = 1, siard: bool = False) -> None:
        """Carry a source over by these stages, all by default; with `siard` its freeze is written as such a file."""
        begun = relocation.begin(self.folder / "migration", source, self._fresh(), "benchmark")
        for one in ("survey", *(names or STAGES)):
            self.book.enter(f"{name}{one}", stage(self.servers, one, begun.path, workers, rows))
        if siard:
            self.book.enter("siard", stage(self.servers, "siard", begun.path, workers, rows))
            (begun / SIARD).replace(self.folder / SIARD)
        rmtree(begun.path)


def run(rows: int, rounds: int, url: str | None = None) -> list[Row]:
    """All comparisons for a table of so many rows, medians of so many rounds; `url`: a PostgreSQL to do it in.

    Raises UsageError D602 when there is no PostgreSQL, UnreachableError S409, ServiceError S420.
    """
    with servers(url) as both, TemporaryDirectory(prefix="jiexu-bench-") as place:
        folder, book = Path(place), Book()
        source = table.fill(both.source, both.database("source"), rows)
        table.sqlite(source, folder / "source.db")
        few = table.fill(both.source, both.database("few"), _few(rows))
        tenth = table.fill(both.source, both.database("tenth"), _tenth(rows))
        bench = _Bench(both, book, folder, Scripts(both, rows, source, folder / "source.db", folder))
        for _ in range(rounds):
            bench.round(few, tenth)
    return [*_copied(book), *_from_others(book), *_kept(book), *_proved(book), *_two(book), *_grown(book, rows)]


def _tenth(rows: int) -> int:
    return max(rows // 10, 1)


def _few(rows: int) -> int:
    return min(FEW, rows)


def _speed(used: Used) -> float:
    return used.speed


def _cost(used: Used) -> float | None:
    return used.cost


def _peak(used: Used) -> float:
    return used.peak_mib


def _faster(book: Book, what: str, ours: tuple[str, ...], peer: tuple[str, ...], goal: float | None = None) -> Row:
    """Rows a second of these pieces of work, one after the other, beside those of the peer."""
    return compare(what, book.middle(_speed, *ours) or 0.0, book.middle(_speed, *peer), "rows/s", goal)


def _cheaper(book: Book, what: str, ours: tuple[str, ...], peer: tuple[str, ...], goal: float | None = None) -> Row:
    """Processor time a row, beside that of the peer; where the server's is not to be seen, nothing is compared."""
    found = book.middle(_cost, *ours)
    if found is None:
        own = book.middle(lambda used: used.own_cost, *ours) or 0.0
        return compare(f"{what} (without the server's)", own, None, COST, goal, less_is_better=True)
    return compare(what, found, book.middle(_cost, *peer), COST, goal, less_is_better=True)


def _copied(book: Book) -> list[Row]:
    pipe = "pipe", "pipe key"
    return [
        _faster(book, "copy out of the freeze, beside psql | psql", ("copy",), pipe, COPY),
        _faster(book, "freeze and copy side by side, beside psql | psql", (CARRIED,), pipe),
        _faster(book, "freeze and copy side by side, beside one after the other", (CARRIED,), ("freeze", "copy")),
    ]


def _from_others(book: Book) -> list[Row]:
    """Copy alone, as from PostgreSQL, and with the freeze beside it; two workers freeze while one more copies."""
    apart, one, two, siard = (
        (name,) for name in ("apart sqlite copy", f"sqlite {CARRY}", f"two sqlite {CARRY}", f"siard {CARRY}")
    )
    pipe, pgloader, sides = ("sqlite pipe", "sqlite pipe key"), ("pgloader",), "freeze and copy side by side"
    return [
        _faster(book, "SQLite: copy out of the freeze, beside sqlite3 | psql", apart, pipe),
        _faster(book, "SQLite: copy out of the freeze, beside pgloader", apart, pgloader),
        _faster(book, f"SQLite: {sides}, beside sqlite3 | psql", one, pipe, FROM_SQLITE),
        _faster(book, f"SQLite: {sides}, beside pgloader", one, pgloader, PGLOADER),
        _faster(book, f"SQLite, two workers: {sides}, beside sqlite3 | psql", two, pipe),
        _faster(book, f"SQLite, two workers: {sides}, beside pgloader", two, pgloader),
        _cheaper(book, f"SQLite: {sides}, cost beside sqlite3 | psql", one, pipe),
        _faster(book, f"SIARD: {sides}, beside copy", siard, ("copy",), SIARD_LOADED),
        _faster(book, f"SIARD: {sides}, beside PostgreSQL so", siard, (CARRIED,)),
    ]


def _kept(book: Book) -> list[Row]:
    return [
        _faster(book, "freeze, beside \\copy and gzip -1", ("freeze",), ("packed file",)),
        _cheaper(book, "freeze, cost beside \\copy and gzip -1", ("freeze",), ("packed file",)),
        _faster(book, "SIARD written, beside \\copy and gzip -1", ("siard",), ("packed file",), SIARD_WRITTEN),
        _faster(book, "SIARD written, beside \\copy without gzip", ("siard",), ("file",)),
    ]


def _proved(book: Book) -> list[Row]:
    pipe = "pipe", "pipe key"
    return [
        _cheaper(book, "verify, beside freeze and copy", ("verify",), ("freeze", "copy"), PROOF),
        _cheaper(book, "verify, beside copy", ("verify",), ("copy",)),
        _cheaper(book, "freeze and copy side by side, verify, beside psql | psql", (CARRIED, "verify"), pipe, WHOLE),
        _cheaper(book, "survey, freeze, copy, verify, beside psql | psql", ("survey", CARRIED, "verify"), pipe),
    ]


def _two(book: Book) -> list[Row]:
    return [_faster(book, f"{name}, two workers beside one", (f"two {name}",), (name,)) for name in STAGES]


def _grown(book: Book, rows: int) -> list[Row]:
    found = []
    for name in STAGES:
        peaks = book.middle(_peak, name) or 0.0, book.middle(_peak, f"few {name}")
        beside = f"{name} {rows:,} rows beside"
        found += [
            compare(f"{beside} {_few(rows):,}, peak memory", *peaks, "MiB", MEMORY, less_is_better=True),
            _cheaper(book, f"{beside} {_tenth(rows):,}", (name,), (f"tenth {name}",)),
        ]
    return found
