"""PostgreSQL shows the behaviour of every environment, and its own."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from threading import Event

import pytest

from formats.errors import IntegrityError
from migration import canon
from migration.catalog import Kind
from migration.engine import Copied
from migration.engines.postgresql import PostgresqlTarget
from migration.engines.postgresql.connecting import quote
from tests.suites.environments import EnvironmentBehaviour
from tests.suites.stands import Stand

NATIVE = {
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


class TestPostgresql(EnvironmentBehaviour):
    """PostgreSQL with the database's own binary collation."""

    @pytest.fixture
    def stand(self, postgresql_url: str) -> Stand:
        """An empty database."""
        return Stand(PostgresqlTarget(postgresql_url), NATIVE, quote, schema="public")


class TestPostgresqlOfALocale:
    """PostgreSQL whose key texts have a collation that is not known to be binary, as every language's."""

    @pytest.fixture
    def stand(self, postgresql_url: str) -> Stand:
        """An empty database with a collation of its own."""
        target = PostgresqlTarget(postgresql_url)
        target.execute(["CREATE COLLATION public.zh (provider = libc, locale = 'C.UTF-8')"])
        return Stand(target, NATIVE, quote, schema="public", key_text="text COLLATE public.zh")

    test_rows_stand_in_the_order_of_their_text = EnvironmentBehaviour.test_rows_stand_in_the_order_of_their_text
    test_rows_stand_in_the_order_of_several_columns = (
        EnvironmentBehaviour.test_rows_stand_in_the_order_of_several_columns
    )

    def test_keys_of_a_language_are_not_ranged(self, stand: Stand) -> None:
        """Text in a language's order is read whole; with numbers, bytes and binary text a key is read by ranges."""
        columns = [("a", Kind.TEXT), ("b", Kind.INTEGER), ("c", Kind.BYTES), ("d", Kind.DATE), ("e", Kind.BOOLEAN)]
        made = stand.make("languages", columns, ["a", "b", "c", "d", "e"])
        with stand.target.snapshot() as snapshot:
            reading = made.reading()
            ranged = {name: snapshot.ranged(replace(reading, key=(name,))) for name in "abcde"}
            assert ranged == {"a": False, "b": True, "c": True, "d": False, "e": True}
            assert not snapshot.ranged(reading)


def test_two_loaders_of_one_chunk_do_not_load_it_twice(postgresql_url: str) -> None:
    """Whoever loads a chunk that another is loading waits for it, and then has D643."""
    stand = Stand(PostgresqlTarget(postgresql_url), NATIVE, quote, schema="public")
    made = stand.make("loose", [("a", Kind.INTEGER)])
    begun, go_on = Event(), Event()

    def slow() -> Iterator[bytes]:
        begun.set()
        assert go_on.wait(30)
        yield canon.line(["1"])

    def load(data: Iterable[bytes]) -> None:
        with stand.target.session() as session:
            session.load("run", Copied(1, 1, 1, ""), made.loading(), data)

    with ThreadPoolExecutor(2) as crew:
        first = crew.submit(load, slow())
        assert begun.wait(30)
        second = crew.submit(load, [canon.line(["1"])])
        assert not wait([second], timeout=0.5).done
        go_on.set()
        first.result(30)
        with pytest.raises(IntegrityError, match="D643"):
            second.result(30)
    assert made.rows() == [("1",)]


@pytest.mark.parametrize(("given", "found"), [("64MB", "256MB"), ("1GB", "1GB")])
def test_keys_are_built_in_more_memory(given: str, found: str, postgresql_url: str) -> None:
    """Statements of the plan have 256 MiB to build indexes in, or what the server gives where that is more."""
    target = PostgresqlTarget(postgresql_url)
    name = quote(postgresql_url.partition("?")[0].rpartition("/")[2])
    target.execute([f"ALTER DATABASE {name} SET maintenance_work_mem = '{given}'"])
    check = "CREATE TABLE t (m text CHECK (m = current_setting('maintenance_work_mem')))"
    target.execute([check, f"INSERT INTO t VALUES ('{found}')"])
