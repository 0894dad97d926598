"""SQLite as source and target: the behaviour of every environment, with a rollback journal and with a write-ahead log."""

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from migration.catalog import Kind
from migration.engines.sqlite import SqliteTarget
from migration.engines.sqlite.connecting import quote
from tests.suites.environments import EnvironmentBehaviour
from tests.suites.stands import Stand

NATIVE: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.INTEGER: "bigint",
        Kind.DECIMAL: "decimal(12,2)",
        Kind.NUMBER: "text",
        Kind.FLOAT: "double precision",
        Kind.TEXT: "text",
        Kind.BYTES: "blob",
        Kind.BOOLEAN: "boolean",
        Kind.DATE: "date",
        Kind.TIME: "time",
        Kind.TIMESTAMP: "datetime",
        Kind.TIMESTAMPTZ: "text",
    }
)


def stand_in(folder: Path, encoding: str = "UTF-8", journal: str = "DELETE") -> Stand:
    """An empty SQLite file. A column of reals makes 0 of -0."""
    target = SqliteTarget(f"sqlite:///{folder / 'target.db'}")
    target.execute([f"PRAGMA encoding = '{encoding}'", f"PRAGMA journal_mode = {journal}"])
    return Stand(target, NATIVE, quote, lacks={Kind.FLOAT: frozenset({"-0"})})


class TestRollbackJournal(EnvironmentBehaviour):
    """A file with a rollback journal, to which nobody can write while it is read."""

    writes_beside = False

    @pytest.fixture
    def stand(self, tmp_path: Path) -> Stand:
        """A fresh file."""
        return stand_in(tmp_path)


class TestWriteAheadLog(EnvironmentBehaviour):
    """A file with a write-ahead log, to which others write while it is read."""

    @pytest.fixture
    def stand(self, tmp_path: Path) -> Stand:
        """A fresh file."""
        return stand_in(tmp_path, journal="WAL")


class TestUtf16(EnvironmentBehaviour):
    """A file whose texts are in UTF-16."""

    writes_beside = False

    @pytest.fixture
    def stand(self, tmp_path: Path) -> Stand:
        """A fresh file; a setting before the first table stays with the file."""
        made = stand_in(tmp_path, encoding="UTF-16le")
        made.target.execute(["PRAGMA encoding = 'UTF-16le'; CREATE TABLE first (a); DROP TABLE first"])
        assert made.target.catalog().encoding == "UTF-16le"
        return made
