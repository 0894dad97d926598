"""Fresh databases of every environment, for one test: as many as it asks for, all gone at its end."""

import itertools
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.mariadb_server import MariaDB
from tests.servers import PostgreSQL

ENGINES = ("sqlite", "postgresql", "mariadb")


class Places:
    """Makes databases, and folders for migrations, under one folder. A server is started when it is first asked for."""

    def __init__(self, folder: Path, request: pytest.FixtureRequest, stack: ExitStack) -> None:
        self.folder, self._request, self._stack = folder, request, stack
        self._numbers = itertools.count(1)

    def fresh(self, engine: str) -> str:
        """The URL of an empty database."""
        if engine == "sqlite":
            return f"sqlite:///{self.folder / f'{next(self._numbers)}.db'}"
        if engine == "postgresql":
            postgresql: PostgreSQL = self._request.getfixturevalue("postgresql_server")
            return self._stack.enter_context(postgresql.database())
        mariadb: MariaDB = self._request.getfixturevalue("mariadb_server")
        return self._stack.enter_context(mariadb.database())

    def run(self) -> Path:
        """A folder for one migration, not made yet."""
        return self.folder / f"run-{next(self._numbers)}"
