"""Any database through SQLAlchemy shows the behaviour of every environment; SQLite and PostgreSQL stand for them."""

from pathlib import Path

import pytest

from formats.errors import UsageError
from migration.catalog import Kind
from migration.engines.generic import GenericTarget
from tests.suites.environments import EnvironmentBehaviour
from tests.suites.stands import PEOPLE as COLUMNS
from tests.suites.stands import Made, Stand, rise

SQLITE = {
    Kind.INTEGER: "bigint",
    Kind.DECIMAL: "decimal(12,2)",
    Kind.FLOAT: "double",
    Kind.TEXT: "text",
    Kind.BYTES: "blob",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "text",
    Kind.TIME: "text",
    Kind.TIMESTAMP: "text",
    Kind.TIMESTAMPTZ: "text",
}
POSTGRESQL = {
    Kind.INTEGER: "bigint",
    Kind.DECIMAL: "numeric(12,2)",
    Kind.NUMBER: "numeric",
    Kind.FLOAT: "double precision",
    Kind.TEXT: "text",
    Kind.BYTES: "bytea",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.TIMESTAMP: "timestamp",
    Kind.TIMESTAMPTZ: "timestamptz",
}


def quote(name: str) -> str:
    """A name as both take it."""
    return '"' + name.replace('"', '""') + '"'


class _Generic(EnvironmentBehaviour):
    """What this engine does otherwise than others: it shares nothing, and sorts in memory what has no ordered key."""

    shares = False

    @pytest.mark.parametrize("key", [("number",)], ids=["key"])
    def test_memory_is_bounded(self, stand: Stand, key: tuple[str, ...]) -> None:
        """A table of 40 MB with a key of numbers is loaded and read with less than 24 MiB more than a small one."""
        made: Made = stand.make("people", COLUMNS, key)
        assert stand.target.copied("memory") == ()
        assert rise(made, "load") < 24
        assert rise(made, "read") < 24


class TestGenericOnSqlite(_Generic):
    """SQLite through SQLAlchemy and the standard library."""

    kinds = tuple(SQLITE)

    writes_beside = False

    @pytest.fixture
    def stand(self, tmp_path: Path) -> Stand:
        """An empty file. A double of SQLite is no NaN, and its -0 is 0."""
        lacks = {Kind.FLOAT: frozenset({"NaN", "-0"})}
        return Stand(GenericTarget(f"sqlite:///{tmp_path / 'generic.db'}"), SQLITE, quote, lacks=lacks)


class TestGenericOnPostgresql(_Generic):
    """PostgreSQL through SQLAlchemy and psycopg."""

    @pytest.fixture
    def stand(self, postgresql_url: str) -> Stand:
        """An empty database."""
        return Stand(GenericTarget(postgresql_url), POSTGRESQL, quote, schema="public")


@pytest.mark.parametrize(
    ("url", "package"), [("oracle+oracledb://u:secret@h/s", "oracledb"), ("dm+dmPython://u:secret@h", "dmPython")]
)
def test_a_missing_driver_is_named_with_what_brings_it(url: str, package: str) -> None:
    """An environment whose driver is not installed is D602 with the package's name, and without the URL."""
    with pytest.raises(UsageError, match="D602") as caught:
        GenericTarget(url).catalog()
    assert package in caught.value.detail
    assert "secret" not in repr(caught.value)
