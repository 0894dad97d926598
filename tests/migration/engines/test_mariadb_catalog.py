"""What MariaDB's catalog tells, and a real database read whole."""

import datetime as dt
import subprocess
from decimal import Decimal
from urllib.parse import urlsplit

from migration import canon
from migration.catalog import Check, ForeignKey, Index, Key, Kind, Oddity, Sequence, TableName
from migration.engines.mariadb import MariadbSource
from migration.engines.mariadb.objects import unqualified
from migration.engines.mariadb.wire import Wire
from tests.migration.engines.mariadb_parts import load, read, reading, run, socket_of, table
from tests.parts import need, shared_data

FILM = """CREATE TABLE film (
 id int unsigned NOT NULL AUTO_INCREMENT, title varchar(128) NOT NULL COMMENT 'as ''shown''', code char(4),
 price decimal(5,2) DEFAULT 4.99, rating enum('G','it''s, so') DEFAULT 'G', tags set('a','b'), year year,
 longer text, picture blob, meta json, flag tinyint(1), at datetime(3), spot point NOT NULL, words text,
 half double GENERATED ALWAYS AS (price / 2) VIRTUAL, parent int unsigned,
 changed timestamp NOT NULL DEFAULT current_timestamp() ON UPDATE current_timestamp(),
 PRIMARY KEY (id), UNIQUE KEY by_code (code, title), UNIQUE KEY begin (longer(10)), KEY plain (year, price),
 FULLTEXT KEY search (words), SPATIAL KEY around (spot),
 CONSTRAINT up FOREIGN KEY (parent) REFERENCES film (id) ON DELETE SET NULL ON UPDATE CASCADE,
 CONSTRAINT cheap CHECK (price < 100)) ENGINE=InnoDB COMMENT='films' AUTO_INCREMENT=42"""


def test_the_catalog_tells_everything_of_a_table(mariadb_url: str) -> None:
    """Types, lengths, defaults, generated columns, keys, indexes, checks, comments, numbering are as in the database."""
    run(mariadb_url, FILM)
    catalog = MariadbSource(mariadb_url).catalog()
    (film,) = catalog.tables
    assert (catalog.engine, catalog.encoding, film.comment) == ("mariadb", "utf8mb4", "films")
    assert {c.name: (c.kind, c.native) for c in film.columns} == {
        "id": (Kind.INTEGER, "int(10) unsigned"),
        "title": (Kind.TEXT, "varchar(128)"),
        "code": (Kind.TEXT, "char(4)"),
        "price": (Kind.DECIMAL, "decimal(5,2)"),
        "rating": (Kind.OTHER, "enum('G','it''s, so')"),
        "tags": (Kind.OTHER, "set('a','b')"),
        "year": (Kind.INTEGER, "year(4)"),
        "longer": (Kind.TEXT, "text"),
        "picture": (Kind.BYTES, "blob"),
        "meta": (Kind.OTHER, "json"),
        "flag": (Kind.INTEGER, "tinyint(1)"),
        "at": (Kind.TIMESTAMP, "datetime(3)"),
        "spot": (Kind.OTHER, "point"),
        "words": (Kind.TEXT, "text"),
        "half": (Kind.FLOAT, "double"),
        "parent": (Kind.INTEGER, "int(10) unsigned"),
        "changed": (Kind.TIMESTAMPTZ, "timestamp"),
    }
    title, code, price, rating = (film.column(name) for name in ("title", "code", "price", "rating"))
    assert (title.length, title.padded, title.nullable, title.comment) == (128, False, False, "as 'shown'")
    assert (code.length, code.padded, code.nullable) == (4, True, True)
    assert (price.precision, price.scale, price.default, rating.default) == (5, 2, "4.99", "'G'")
    assert (film.column("half").generated, film.column("year").default) == ("`price` / 2", None)
    assert film.column("id").identity
    assert (film.primary, film.uniques) == (Key("", ("id",)), (Key("by_code", ("code", "title")),))
    me = TableName("", "film")
    assert film.foreign == (ForeignKey("up", ("parent",), me, ("id",), "set null", "cascade"),)
    assert film.checks == (Check("cheap", "`price` < 100"),)
    assert set(film.indexes) == {
        Index("begin", ("longer",), unique=True, definition="CREATE UNIQUE INDEX `begin` ON `film` (`longer`(10))"),
        Index("plain", ("year", "price")),
        Index("search", ("words",), definition="CREATE FULLTEXT INDEX `search` ON `film` (`words`)"),
        Index("around", ("spot",), definition="CREATE SPATIAL INDEX `around` ON `film` (`spot`)"),
        Index("up", ("parent",)),
    }
    assert catalog.sequences == (Sequence(TableName("", "film_id_seq"), 42, owner=(me, "id")),)
    assert [(t.name.name, t.what, t.values) for t in catalog.types] == [
        ("film_rating", "enum", ("G", "it's, so")),
        ("film_tags", "set", ("a", "b")),
    ]
    assert catalog.oddities == (Oddity("D625", me, "changed", detail="ON UPDATE CURRENT_TIMESTAMP"),)


def test_the_indexes_of_the_catalog_can_be_made_again(mariadb_url: str) -> None:
    """The statements of indexes and triggers run in another database with that table."""
    run(mariadb_url, FILM, "CREATE TRIGGER `t 1` BEFORE INSERT ON film FOR EACH ROW SET NEW.title = 'it''s'")
    source = MariadbSource(mariadb_url)
    before = source.catalog()
    (film,) = before.tables
    made = [index for index in film.indexes if index.definition]
    (trigger,) = before.triggers
    run(mariadb_url, *(f"DROP INDEX `{index.name}` ON film" for index in made), "DROP TRIGGER `t 1`")
    assert len(source.catalog().tables[0].indexes) == len(film.indexes) - 3
    run(mariadb_url, *(index.definition for index in made), trigger.statement)
    assert set(source.catalog().tables[0].indexes) == set(film.indexes)
    assert source.catalog().triggers == before.triggers


def test_views_triggers_routines_sequences_and_events_are_listed(mariadb_url: str) -> None:
    """What a database holds beside tables; views without the database's own name, which changes."""
    name = urlsplit(mariadb_url).path.strip("/")
    run(
        mariadb_url,
        "CREATE TABLE t (id int PRIMARY KEY, v text)",
        f"CREATE VIEW w AS SELECT id, '`{name}`.t' AS x FROM {name}.t",
        "CREATE TRIGGER tr AFTER DELETE ON t FOR EACH ROW SET @x = 1",
        "CREATE FUNCTION f() RETURNS int RETURN 1",
        "CREATE PROCEDURE p() SELECT 1",
        "CREATE SEQUENCE numbers START WITH 100 INCREMENT BY 10",
        "CREATE EVENT ev ON SCHEDULE EVERY 1 DAY DO SELECT 1",
        "CREATE TABLE old (id int) WITH SYSTEM VERSIONING",
    )
    catalog = MariadbSource(mariadb_url).catalog()
    assert [t.name.name for t in catalog.tables] == ["old", "t"]
    (view,) = catalog.views
    assert f"'`{name}`.t'" in view.query
    assert "from `t`" in view.query
    assert [t.statement for t in catalog.triggers] == [
        "CREATE TRIGGER `tr` AFTER DELETE ON `t` FOR EACH ROW SET @x = 1"
    ]
    assert [r.name for r in catalog.routines] == ["f", "p"]
    assert catalog.sequences == (Sequence(TableName("", "numbers"), 100, 10),)
    assert {(o.code, o.table.name, o.detail) for o in catalog.oddities} == {
        ("D625", "old", "former versions of its rows"),
        ("D625", "ev", "event"),
    }


def test_the_own_name_is_taken_out_of_names_only() -> None:
    """The database's name goes from names, not from texts, nor from a name that only looks like it."""
    query = "select `d`.`t`.`d` AS `d`,'`d`.x\\'`d`.' from `d`.`t` join `e`.`d` where \"`d`.\" = `x``d`.`y`"
    assert unqualified(query, "d") == (
        "select `t`.`d` AS `d`,'`d`.x\\'`d`.' from `t` join `e`.`d` where \"`d`.\" = `x``d`.`y`"
    )


def test_a_table_without_a_primary_key_is_ordered_by_a_unique_one(mariadb_url: str) -> None:
    """A unique key without NULL stands for the primary one; one over the beginning of a text does not."""
    run(
        mariadb_url,
        "CREATE TABLE a (x int, y int NOT NULL, UNIQUE (x), UNIQUE u (y))",
        "CREATE TABLE b (x text NOT NULL, UNIQUE (x(5)))",
    )
    assert table(mariadb_url, "a").order == ("y",)
    assert table(mariadb_url, "b").order == ()


def test_chinook_is_read_whole(mariadb_url: str) -> None:
    """A real database, loaded by the server's own client: every table's bytes equal what Python makes of plain rows.

    Loaded into a copy of itself every table reads the same.
    """
    script = (shared_data("databases/chinook") / "Chinook_MySql.sql").read_text(encoding="utf-8-sig")
    name, server = urlsplit(mariadb_url).path.strip("/"), socket_of(mariadb_url)
    own = script.replace("`Chinook`", f"`{name}`")
    client = [need("mariadb"), "--no-defaults", "-uroot", f"--socket={server}", "--default-character-set=utf8mb4"]
    subprocess.run(client, input=own.encode(), check=True)
    source = MariadbSource(mariadb_url)
    tables = source.catalog().tables
    assert len(tables) == 11
    total = 0
    with source.snapshot() as snapshot:
        for found in tables:
            asked = reading(found)
            data = b"".join(block.data for block in snapshot.blocks(asked))
            assert data == b"".join(map(canon.line, _plain(mariadb_url, found.name.name, found.order)))
            cut = snapshot.bounds(asked, 100)
            parts = zip((None, *cut), (*cut, None), strict=True)
            assert data == b"".join(block.data for part in parts for block in snapshot.blocks(asked, *part))
            assert source.census(snapshot, found) == ()
            total += sum(1 for _ in canon.rows(data))
    assert total == 15_607
    for found in tables:
        rows = read(mariadb_url, found.name.name)
        run(mariadb_url, f"CREATE TABLE copy LIKE {found.name.name}")
        load(mariadb_url, "copy", rows)
        assert read(mariadb_url, "copy") == rows
        run(mariadb_url, "DROP TABLE copy")


def _plain(url: str, name: str, key: tuple[str, ...]) -> list[canon.Cells]:
    """The table's rows as the driver gives them, written in Python."""
    with Wire(unix_socket=str(socket_of(url)), user="root", charset="utf8mb4") as wire:
        wire.select_db(urlsplit(url).path.strip("/"))
        found = wire.fetch(f"SELECT * FROM {name} ORDER BY {', '.join(key)}")
    return [tuple(map(_text, row)) for row in found]


def _text(value: object) -> str | None:
    match value:
        case None:
            return None
        case dt.datetime():
            return f"{value:%Y-%m-%d %H:%M:%S.%f}"
        case Decimal():
            return f"{value:.2f}"
    return str(value)
