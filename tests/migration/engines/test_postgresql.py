"""PostgreSQL shows the behaviour of every environment, and its own."""

import pytest

from migration.catalog import Kind
from migration.engines.postgresql import PostgresqlTarget
from migration.engines.postgresql.connecting import quote
from tests.suites.environments import EnvironmentBehaviour, Stand

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


class TestPostgresqlOfALocale(EnvironmentBehaviour):
    """PostgreSQL whose key texts have a collation that is not known to be binary, as every language's."""

    @pytest.fixture
    def stand(self, postgresql_url: str) -> Stand:
        """An empty database with a collation of its own."""
        target = PostgresqlTarget(postgresql_url)
        target.execute(["CREATE COLLATION public.zh (provider = libc, locale = 'C.UTF-8')"])
        return Stand(target, NATIVE, quote, schema="public", key_text="text COLLATE public.zh")
