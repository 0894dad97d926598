"""Fixtures that more than one package's tests use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.mariadb_server import MariaDB, mariadb
from tests.prefect_server import PrefectServer, prefect_server
from tests.servers import PostgreSQL, postgresql


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgreSQL]:
    """One real PostgreSQL server for the whole session, started when the first test asks for it."""
    with postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PrefectServer]:
    """One real Prefect server for the whole session, started when the first test asks for it."""
    with prefect_server(tmp_path_factory.mktemp("prefect")) as running:
        yield running


@pytest.fixture
def postgresql_url(postgresql_server: PostgreSQL) -> Iterator[str]:
    """The SQLAlchemy URL of a fresh empty PostgreSQL database."""
    with postgresql_server.database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The SQLAlchemy URL of a fresh empty database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'test.db'}"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDB]:
    """One real MariaDB server for the whole session, started when the first test asks for it."""
    with mariadb() as server:
        yield server


@pytest.fixture
def mariadb_url(mariadb_server: MariaDB) -> Iterator[str]:
    """The SQLAlchemy URL of a fresh empty MariaDB database."""
    with mariadb_server.database() as url:
        yield url
