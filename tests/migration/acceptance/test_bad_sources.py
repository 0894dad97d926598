"""Bad sources: a clear list, with 4; nothing in the target, no freeze sealed."""

import csv
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from migration.freeze import seal
from migration.stages import FAULTS, ODDITIES
from tests.command_line import Call
from tests.flows.conftest import call
from tests.migration.acceptance import plainly, writing
from tests.migration.acceptance.places import Places
from tests.parts import shared_data

__all__ = ["call"]

PERSON = "CREATE TABLE person (id integer PRIMARY KEY, name varchar(20), born date, pay decimal(6,2))"
GOOD = "INSERT INTO person VALUES (1, '王小一', '1970-01-02', 12.5)"
MARKED = "李小明"  # in the bad rows


@dataclass(frozen=True, slots=True)
class Bad:
    """A source that is bad: what makes it, where it shall go, and the points that are refused (code, place).

    `listed` is how many cells or rows the folder's own lists name.
    """

    make: Callable[[Places], str]
    target: str
    refused: tuple[tuple[str, str], ...]
    listed: int


def sqlite(*statements: str) -> Callable[[Places], str]:
    """A SQLite database with a person, and what these statements do to it."""

    def make(places: Places) -> str:
        url = places.fresh("sqlite")
        writing.run(url, PERSON, GOOD, *statements)
        return url

    return make


def mariadb(*statements: str) -> Callable[[Places], str]:
    """The same in MariaDB, whose session takes whatever it is given."""

    def make(places: Places) -> str:
        url = places.fresh("mariadb")
        writing.run(url, PERSON, GOOD, *statements)
        return url

    return make


def files(description: str, **contents: bytes) -> Callable[[Places], str]:
    """A folder of legacy files; `name__csv` is the file `name.csv`."""

    def make(places: Places) -> str:
        folder = places.folder / "files"
        folder.mkdir()
        for name, data in contents.items():
            (folder / name.replace("__", ".")).write_bytes(data)
        (folder / "legacy.toml").write_text(description, encoding="utf-8")
        return f"legacy:{folder}"

    return make


def real_card(stem: str, cut: int = 0) -> Callable[[Places], str]:
    """One of the real DBF files, its memo beside it; without its last octets if so many are to be cut."""

    def make(places: Places) -> str:
        folder = places.folder / "files"
        folder.mkdir()
        for path in shared_data("dbf").glob(f"{stem}.*"):
            shutil.copyfile(path, folder / path.name)
        if cut:
            data = (folder / f"{stem}.dbf").read_bytes()
            (folder / f"{stem}.dbf").write_bytes(data[:-cut])
        said = f'[[table]]\nname = "t"\nfile = "{stem}.dbf"\nform = "dbf"\nencoding = "cp1252"\n'
        (folder / "legacy.toml").write_text(said, encoding="utf-8")
        return f"legacy:{folder}"

    return make


def described(*columns: str, encoding: str = "utf-8") -> str:
    """A description of the table `t` in `t.csv`."""
    head = f'[[table]]\nname = "t"\nfile = "t.csv"\nform = "csv"\nencoding = "{encoding}"\nkey = ["id"]\n'
    return head + "".join(f"[[table.column]]\n{column}\n" for column in columns)


ID = 'name = "id"\nkind = "integer"'
NAME = 'name = "name"'
_GBK = f"id,name\n1,a\n2,{MARKED}\n3,{MARKED}\n".encode("gbk")
_HALF = b"id,name\n1,a\n2,\xe6\x9d\xff\n"

SOURCES = {
    "text of another encoding in SQLite": Bad(
        sqlite("INSERT INTO person VALUES (2, CAST(X'C0EED0A1C3F7' AS TEXT), NULL, NULL)"),
        "postgresql",
        (("D611", "person.name"),),
        1,
    ),
    "text of another encoding in a file": Bad(
        files(described(ID, NAME), t__csv=_GBK), "sqlite", (("D611", "t.name"),), 2
    ),
    "half a character in a file": Bad(
        files(described(ID, NAME, encoding="gb18030"), t__csv=_HALF), "postgresql", (("D611", "t.name"),), 1
    ),
    "0000-00-00 in MariaDB": Bad(
        mariadb(f"INSERT INTO person VALUES (2, '{MARKED}', '0000-00-00', 1), (3, '{MARKED}', '2024-02-00', 1)"),
        "postgresql",
        (("D613", "person.born"),),
        2,
    ),
    "0000-00-00 in SQLite": Bad(
        sqlite(f"INSERT INTO person VALUES (2, '{MARKED}', '0000-00-00', 1), (3, '{MARKED}', '2023-02-29', 1)"),
        "mariadb",
        (("D613", "person.born"),),
        2,
    ),
    "0000-00-00 in a file": Bad(
        files(
            described(ID, 'name = "born"\nkind = "date"\nformat = "YYYY-MM-DD"'),
            t__csv=b"id,born\n1,0000-00-00\n2,2024-01-01\n",
        ),
        "postgresql",
        (("D613", "t.born"),),
        1,
    ),
    "a number wider than its column in SQLite": Bad(
        sqlite(f"INSERT INTO person VALUES (2, '{MARKED}', NULL, 1234567.25)"),
        "postgresql",
        (("D614", "person.pay"),),
        1,
    ),
    "a number wider than its column in a file": Bad(
        files(
            described(ID, 'name = "pay"\nkind = "decimal"\nprecision = 6\nscale = 2'),
            t__csv=b"id,pay\n1,12.50\n2,1234567.25\n",
        ),
        "postgresql",
        (("D614", "t.pay"),),
        1,
    ),
    "a text wider than its column": Bad(
        sqlite(f"INSERT INTO person VALUES (2, '{MARKED * 7}', NULL, 1)"), "mariadb", (("D614", "person.name"),), 1
    ),
    "a number that is none": Bad(
        sqlite("INSERT INTO person VALUES (2, NULL, NULL, 'much')"), "postgresql", (("D615", "person.pay"),), 1
    ),
    "0x00 in a text of SQLite": Bad(
        sqlite("INSERT INTO person VALUES (2, 'a' || char(0) || 'b', NULL, 1)"),
        "postgresql",
        (("D612", "person.name"),),
        1,
    ),
    "0x00 in a text of MariaDB": Bad(
        mariadb("INSERT INTO person VALUES (2, CONCAT('a', CHAR(0), 'b'), NULL, 1)"),
        "postgresql",
        (("D612", "person.name"),),
        1,
    ),
    "a broken foreign key in SQLite": Bad(
        sqlite(
            "CREATE TABLE paid (person integer REFERENCES person, month text, PRIMARY KEY (person, month))",
            "INSERT INTO paid VALUES (1, '202401'), (8, '202401'), (9, '202401')",
        ),
        "postgresql",
        (("D617", "paid.person"),),
        2,
    ),
    "a broken foreign key in MariaDB": Bad(
        mariadb(
            "CREATE TABLE paid (id integer PRIMARY KEY, person integer,"
            " CONSTRAINT whose FOREIGN KEY (person) REFERENCES person (id))",
            "INSERT INTO paid VALUES (1, 1), (2, 8)",
        ),
        "sqlite",
        (("D617", "paid.person"),),
        1,
    ),
    "a key twice": Bad(
        files(described(ID, NAME), t__csv=b"id,name\n1,a\n1,b\n2,c\n"), "postgresql", (("D616", "t"),), 1
    ),
    "a DBF file whose memo is missing": Bad(real_card("dbase_83_missing_memo"), "postgresql", (("D628", "t"),), 67),
    "a DBF file with a number that is none": Bad(real_card("dbase_02"), "mariadb", (("D615", "t.START:PAY"),), 2),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_bad_source_is_listed_and_nothing_is_done(name: str, places: Places, home: Path, call: Call) -> None:
    """plan says every point with 1, run ends with 4 and names them; lists name rows; no table, no freeze, no proof."""
    bad = SOURCES[name]
    source, there, run = bad.make(places), places.fresh(bad.target), places.run()
    words = ["--source", source, "--target", there, "--proof", run, "--by", "u1", "--json"]
    plan = call("-C", home, "migrate", "plan", *words)
    refused = {(loss["code"], loss["place"]) for loss in plan.document["losses"] if loss["carry"] == "refused"}
    assert (plan.status, refused) == (1, set(bad.refused))
    done = call("-C", home, "migrate", "run", "--engine", "direct", *words)
    assert (done.status, done.code) == (4, "D605")
    assert all(f"{code} {place}" in done.err for code, place in bad.refused)
    assert plainly.names(there) == set()
    assert not (run / "freeze" / seal.FILE).exists()
    assert not (run / "proof.json").exists()
    assert listed(run, {code for code, _ in bad.refused}) == bad.listed
    assert MARKED not in plan.out + plan.err + done.out + done.err
    assert {path.stat().st_mode & 0o077 for path in run.glob("*.csv")} == {0}


def listed(run: Path, codes: set[str]) -> int:
    """How many rows the lists of a migration name for these reasons: by the files' own count, else by the survey's."""
    faults = run / FAULTS
    if faults.exists() and (lines := _of(faults, codes)):
        return len(lines)
    totals = {(line["code"], line["place"]): int(line["rows"]) for line in _of(run / ODDITIES, codes)}
    return sum(totals.values())


def _of(file: Path, codes: set[str]) -> list[dict[str, str]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return [line for line in csv.DictReader(lines) if line["code"] in codes]


BROKEN = {
    "something else": (
        files(
            '[[table]]\nname = "t"\nfile = "t.dbf"\nform = "dbf"\nencoding = "gbk"\n', t__dbf=b"PK\x03\x04" + bytes(99)
        ),
        "t.dbf",
    ),
    "nothing": (
        files('[[table]]\nname = "t"\nfile = "t.dbf"\nform = "dbf"\nencoding = "gbk"\n', t__dbf=b""),
        "t.dbf",
    ),
    "a file cut off": (real_card("dbase_03", 700), "dbase_03.dbf: cut off behind record 12 of 14"),
    "a file cut off in its header": (real_card("dbase_30", 135_000), "dbase_30.dbf"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_no_dbf_is_refused(name: str, places: Places, home: Path, call: Call) -> None:
    """Something else under a DBF's name, or one that is cut off: its name and why, and nothing is made."""
    make, said = BROKEN[name]
    there, run = places.fresh("postgresql"), places.run()
    words = ["--source", make(places), "--target", there, "--proof", run, "--by", "u1", "--json"]
    done = call("-C", home, "migrate", "run", "--engine", "direct", *words)
    assert (done.status, done.code) == (4, "D628")
    assert said in done.err
    assert plainly.names(there) == set()
    assert {path.name for path in run.iterdir()} == {"run.json"}
