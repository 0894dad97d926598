"""References of file sources that lead nowhere are found, counted and named."""

from migration import canon
from migration.catalog import Catalog, Column, ForeignKey, Key, Kind, Table, TableName
from migration.orphans import orphans
from migration.rehearsal.source import SampledSource
from migration.surveying import survey

PERSON, PAID = TableName("", "person"), TableName("", "paid")


def source(paid: list[tuple[str, str | None, str | None]]) -> SampledSource:
    """Three people of two regions, and payments that refer to person and region."""
    whole = Column("id", Kind.INTEGER, "integer", nullable=False)
    people = Table(
        PERSON, (whole, Column("region", Kind.TEXT, "text", nullable=False)), primary=Key("", ("id", "region"))
    )
    payments = Table(
        PAID,
        (whole, Column("person", Kind.INTEGER, "integer"), Column("region", Kind.TEXT, "text")),
        primary=Key("", ("id",)),
        foreign=(ForeignKey("fk", ("person", "region"), PERSON, ("id", "region")),),
    )
    lines = {
        PERSON: b"".join(canon.line(row) for row in (("1", "a"), ("2", "a"), ("3", "b"))),
        PAID: b"".join(map(canon.line, paid)),
    }
    return SampledSource(Catalog("legacy", "", "old", "", (payments, people)), lines)


def test_every_orphan_is_counted_and_named() -> None:
    """Rows whose whole reference has no row are counted and named by their keys; the order of columns counts."""
    held = source([("1", "1", "a"), ("2", "1", "b"), ("3", "9", "a"), ("4", "3", "b")])
    with held.snapshot() as snapshot:
        (found,) = orphans(snapshot, held.catalog())
    assert (found.code, found.place, found.rows) == ("D617", "paid.person, region", 2)
    assert found.keys == (("2",), ("3",))


def test_a_reference_that_is_partly_null_is_none() -> None:
    """NULL in one of its columns: nothing is referred to (SQL's MATCH SIMPLE)."""
    held = source([("1", None, "z"), ("2", "9", None)])
    with held.snapshot() as snapshot:
        assert list(orphans(snapshot, held.catalog())) == []


def test_the_survey_looks_at_files() -> None:
    """A survey of a source without a database behind it says D617."""
    assert [odd.code for odd in survey(source([("1", "7", "a")])).oddities] == ["D617"]
