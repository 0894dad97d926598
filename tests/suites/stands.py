"""Values that have gone wrong somewhere, and how a test makes, loads and reads a table in any database.

A `Stand` is an empty target and how tables are written in it, a `Made` one of its tables.
"""

import pickle
import random
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from formats.digest import sha256
from migration import canon
from migration.canon import Cells
from migration.catalog import Column, Kind, TableName
from migration.engine import Bound, Copied, LoadColumn, Loading, ReadColumn, Reading, Snapshot, Target
from tests.parts import ROOT

SECRET = "110101199003074258"
SCALE = 2  # of every DECIMAL here

# Values in canonical form that have gone wrong somewhere before.
EDGES: Mapping[Kind, tuple[str, ...]] = {
    Kind.INTEGER: ("0", "1", "-1", "10", "9", "2147483647", "9223372036854775807", "-9223372036854775808"),
    Kind.DECIMAL: ("0.00", "-0.01", "0.10", "12.30", "9999999999.99", "-9999999999.99"),
    Kind.NUMBER: ("0", "0.1", "100", "-0.000001", "1234567890123456789.123456789", "-98765432109876543210"),
    Kind.FLOAT: (
        *("0", "-0", "0.1", "-1.5", "100000", "123456789012345", "100000000000000", "1e+15", "1.5e+16", "1e+20"),
        *("0.0001", "0.00012345678901234567", "1e-05", "1e-07", "1.2345e-10", "5e-324", "1.7976931348623157e+308"),
        *("0.30000000000000004", "NaN", "Infinity", "-Infinity"),
    ),
    Kind.TEXT: (
        *("", "NULL", "null", "~", "\\N", "\\.", "\\", "\\n", "a\\", '"', '""', "'", '","', "a,b", "%s %(x)s :x ?"),
        *(
            "a\nb",
            "a\r\nb",
            "a\n\\.\nb",
            "\n",
            "\r",
            "a\tb",
            "\f",
            "\v",
            "\x01",
            "\x1a",
            "\x1f",
            "\x7f",
            "\x85",
            "\u2028",
        ),
        *(
            " ",
            "  a",
            "a  ",
            "a ",
            "A",
            "a",
            "张三",
            "𠮷野",
            "😀👨‍👩‍👧",
            "e\u0301",
            "é",
            "\ufeffx",
            "\ue78d",
            "\U000f0000",
        ),
        *(
            "\ufffd",
            "\uffff",
            "ß",
            "ı",
            "İ",
            "0",
            "-0",
            "1e5",
            "0x10",
            "2024-01-01",
            "true",
            "x" * 300_000,
            "好" * 9000,
        ),
    ),
    Kind.BYTES: (
        "\\x",
        "\\x00",
        "\\x00ff",
        "\\x5c78",
        "\\x22270a0d2c",
        "\\x" + bytes(range(256)).hex(),
        "\\x" + "ab" * 70_000,
    ),
    Kind.BOOLEAN: ("0", "1"),
    Kind.DATE: ("0001-01-01", "1582-10-10", "1970-01-01", "2024-02-29", "9999-12-31"),
    Kind.TIME: ("00:00:00.000000", "12:34:56.100000", "23:59:59.999999"),
    Kind.TIMESTAMP: (
        *("0001-01-01 00:00:00.000000", "1970-01-01 00:00:00.000000", "1986-05-04 00:30:00.000000"),
        *("2024-02-29 12:34:56.100000", "2024-03-31 02:30:00.000001", "9999-12-31 23:59:59.999999"),
    ),
    Kind.TIMESTAMPTZ: (
        *("0001-01-01 00:00:00.000000+00", "1927-12-31 15:54:08.000000+00", "1970-01-01 00:00:00.000000+00"),
        *("2024-02-29 12:34:56.100000+00", "2024-10-27 01:30:00.000000+00", "9999-12-31 23:59:59.999999+00"),
    ),
}

# Names that only a quoted name survives.
NAMES = ("order", 'a "b"', "人员 编号", "Mixed", "it's", "a`b", "100%", "a:b")


@dataclass(frozen=True, slots=True)
class Stand:
    """An empty target, and how tables are written in it.

    `native`: the type in which each kind is held (a kind may be missing): INTEGER of 64 bits, DECIMAL of 12 digits, 2
    behind the point, TEXT and BYTES of a megabyte. `key_text`: the type of a text in a key, where 'a', 'A' and 'a '
    differ. `lacks`: the values of `EDGES` that it cannot hold. `ending`: what stands behind the columns' bracket.
    """

    target: Target
    native: Mapping[Kind, str]
    quote: Callable[[str], str]
    schema: str = ""
    key_text: str = ""
    lacks: Mapping[Kind, frozenset[str]] = field(default_factory=dict)
    ending: str = ""

    def name(self, name: str) -> TableName:
        """A table's name in the schema of this stand."""
        return TableName(self.schema, name)

    def edges(self, kind: Kind) -> tuple[str, ...]:
        """The values of this kind that it can hold."""
        return tuple(value for value in EDGES[kind] if value not in self.lacks.get(kind, frozenset()))

    def make(self, name: str, columns: Sequence[tuple[str, Kind]], key: Sequence[str] = ()) -> "Made":
        """A new table; the columns of the key come first in it and are NOT NULL."""
        written = [self._column(column, kind, column in key) for column, kind in columns]
        if key:
            written.append(f"PRIMARY KEY ({', '.join(map(self.quote, key))})")
        table = ".".join(map(self.quote, filter(None, (self.schema, name))))
        self.target.execute([f"CREATE TABLE {table} ({', '.join(written)}) {self.ending}".rstrip()])
        return Made(self, self.name(name), dict(columns), tuple(key))

    def _column(self, name: str, kind: Kind, key: bool) -> str:
        native = self.key_text if key and kind is Kind.TEXT and self.key_text else self.native[kind]
        return f"{self.quote(name)} {native}" + (" NOT NULL" if key else "")


@dataclass(frozen=True, slots=True)
class Made:
    """A table that a test made, with the kinds in which it is written and read."""

    stand: Stand
    name: TableName
    kinds: Mapping[str, Kind]
    key: tuple[str, ...]

    def _columns(self) -> Iterator[Column]:
        found = self.stand.target.catalog().table(self.name)
        return (found.column(name) for name in self.kinds)

    @staticmethod
    def _scale(kind: Kind) -> int | None:
        return SCALE if kind is Kind.DECIMAL else None

    def reading(self) -> Reading:
        """How it is read."""
        columns = tuple(
            ReadColumn(column.name, self.kinds[column.name], column.native, self._scale(self.kinds[column.name]))
            for column in self._columns()
        )
        return Reading(self.name, columns, self.key)

    def loading(self) -> Loading:
        """How it is loaded."""
        columns = tuple(
            LoadColumn(column.name, self.kinds[column.name], column.native, self._scale(self.kinds[column.name]))
            for column in self._columns()
        )
        return Loading(self.name, columns)

    def load(self, rows: Iterable[Cells], chunk: int = 1, run: str = "run") -> Copied:
        """Load these rows as one chunk."""
        data = [canon.line(cells) for cells in rows]
        copied = Copied(1, chunk, len(data), sha256(b"".join(data)))
        with self.stand.target.session() as session:
            session.load(run, copied, self.loading(), data)
        return copied

    def rows(self) -> list[Cells]:
        """What a new snapshot reads."""
        with self.stand.target.snapshot() as snapshot:
            return list(canon.rows(stream(snapshot, self.reading())))

    def ordered(self, rows: Iterable[Cells]) -> list[Cells]:
        """The rows as `canon.order` has them."""
        columns = [Column(name, kind, "", scale=self._scale(kind)) for name, kind in self.kinds.items()]
        names = list(self.kinds)
        return sorted(rows, key=lambda cells: canon.order(cells, columns, [names.index(name) for name in self.key]))


def stream(snapshot: Snapshot, reading: Reading, after: Bound = None, to: Bound = None) -> bytes:
    """All blocks as one text; each of them is whole lines and says how many."""
    blocks = list(snapshot.blocks(reading, after, to))
    assert all(block.rows == sum(1 for _ in canon.rows(block.data)) for block in blocks)
    longest = max((len(canon.line(cells)) for block in blocks for cells in canon.rows(block.data)), default=0)
    assert all(len(block.data) <= 300_000 + longest for block in blocks)
    return b"".join(block.data for block in blocks)


def people(count: int, seed: int = 7) -> list[Cells]:
    """Rows of a number, a name, an amount and a date, in no order; some cells are NULL."""
    chance = random.Random(seed)
    numbers = chance.sample(range(-5 * count, 5 * count), count)
    names = ("张三", "a", "A", "b ", "", "Ö", "𠮷", '"q"', "x\ny", None)
    return [
        (str(number), chance.choice(names), f"{chance.randrange(-999, 999)}.{chance.randrange(10, 99)}")
        for number in numbers
    ]


PEOPLE = (("number", Kind.INTEGER), ("name", Kind.TEXT), ("amount", Kind.DECIMAL))

# Loads and reads in a process of its own, whose peak of memory is then its own: prints how far it rose, in MiB.
_TRIAL = """
import pickle, sys
target, loading, reading, work = pickle.load(sys.stdin.buffer)
from migration import canon
from migration.engine import Copied
def peak():
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) // 1024
def data():
    for start in range(0, 40_000, 200):
        yield b"".join(canon.line((str(number), "x" * 1000, "1.00")) for number in range(start, start + 200))
def read(most):
    rows = 0
    with target.snapshot() as snapshot:
        for block in snapshot.blocks(reading):
            rows += block.rows
            if rows > most:
                break
    return rows
def load(chunk, rows, lines):
    with target.session() as session:
        session.load("memory", Copied(1, chunk, rows, "0" * 64), loading, lines)
if work == "load":
    load(1, 1, [canon.line(("-1", "x", "1.00"))])
    before = peak()
    load(2, 40_000, data())
else:
    read(0)
    before = peak()
    assert read(10**9) >= 40_000
print(peak() - before)
"""


def rise(made: Made, work: str) -> int:
    """By how many MiB the peak of memory rises while 40 MB are loaded or read."""
    given = pickle.dumps((made.stand.target, made.loading(), made.reading(), work))
    done = subprocess.run([sys.executable, "-c", _TRIAL], input=given, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return int(done.stdout)
