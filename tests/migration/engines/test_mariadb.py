"""MariaDB in the behaviour that all environments share."""

from typing import ClassVar

import pytest

from migration.catalog import Kind
from migration.engines.mariadb import MariadbTarget
from migration.engines.mariadb.names import quoted
from tests.suites.environments import EnvironmentBehaviour
from tests.suites.stands import Stand

NATIVE = {
    Kind.INTEGER: "bigint",
    Kind.DECIMAL: "decimal(12,2)",
    Kind.NUMBER: "decimal(38,10)",
    Kind.FLOAT: "double",
    Kind.TEXT: "longtext",
    Kind.BYTES: "longblob",
    Kind.BOOLEAN: "tinyint(1)",
    Kind.DATE: "date",
    Kind.TIME: "time(6)",
    Kind.TIMESTAMP: "datetime(6)",
    Kind.TIMESTAMPTZ: "datetime(6)",
}


class TestMariadb(EnvironmentBehaviour):
    """The behaviour of every environment, on a real server. No other process can join a snapshot."""

    shares: ClassVar[bool] = False

    @pytest.fixture
    def stand(self, mariadb_url: str) -> Stand:
        """An empty database; a double keeps neither -0 nor what is no number."""
        return Stand(
            MariadbTarget(mariadb_url),
            NATIVE,
            quoted,
            key_text="varchar(191) CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin",
            lacks={Kind.FLOAT: frozenset({"-0", "NaN", "Infinity", "-Infinity"})},
            ending="ENGINE=InnoDB CHARACTER SET utf8mb4",
        )
