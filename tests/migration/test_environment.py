"""Addresses of environments: what opens them, and what may be shown of them."""

from pathlib import Path

import pytest

from formats.errors import UsageError
from migration import environment
from migration.engines.mariadb import MariadbTarget
from migration.engines.postgresql import PostgresqlTarget
from migration.engines.sqlite import SqliteTarget
from migration.freeze import FrozenSource
from migration.legacy import LegacySource
from migration.siard import SiardSource


@pytest.mark.parametrize(
    ("text", "engine", "shown", "kind"),
    [
        ("sqlite:////data/old.db", "sqlite", "sqlite:///old.db", SqliteTarget),
        ("postgresql://u:secret@db.example:5433/fund?passfile=secret", "postgresql", "postgresql://db.example:5433/fund", PostgresqlTarget),
        ("postgresql+psycopg://u:secret@/fund", "postgresql", "postgresql:///fund", PostgresqlTarget),
        ("mariadb://u:secret@db/fund", "mariadb", "mariadb://db/fund", MariadbTarget),
        ("mysql://u:secret@db/fund", "mariadb", "mysql://db/fund", MariadbTarget),
        ("opengauss://u:secret@db/fund", "opengauss", "opengauss://db/fund", PostgresqlTarget),
        ("kingbase://u:secret@db/fund", "kingbase", "kingbase://db/fund", PostgresqlTarget),
        ("siard:/data/old.siard", "siard", "siard:old.siard", SiardSource),
        ("legacy:/data/old", "legacy", "legacy:old", LegacySource),
        ("freeze:/data/run/freeze", "freeze", "freeze:freeze", FrozenSource),
    ],
)  # fmt: skip
def test_an_address_opens_its_environment_and_shows_no_secret(text: str, engine: str, shown: str, kind: type) -> None:
    """Each kind of address gives its engine; user, password, parameters and folders are not shown."""
    found = environment.address(text, {})
    assert (found.engine, found.shown) == (engine, shown)
    assert isinstance(environment.source(found), kind)
    assert "secret" not in repr(environment.source(found))


def test_a_variable_holds_an_address() -> None:
    """`env:NAME` is what the variable holds; a variable does not name another."""
    assert environment.address("env:OLD", {"OLD": "sqlite:///a.db"}).engine == "sqlite"
    for variables in ({}, {"OLD": "env:OLD"}):
        with pytest.raises(UsageError, match="D601"):
            environment.address("env:OLD", variables)


@pytest.mark.parametrize("text", ["", "nonsense", "db2://u@h/d", "siard:", "postgresql://h:port/d", "http://x/y"])
def test_what_is_no_address_is_refused(text: str) -> None:
    """Anything else is D601, and the text, which may hold a password, is not repeated."""
    with pytest.raises(UsageError, match="D601"):
        environment.address(text, {})


@pytest.mark.parametrize("text", ["siard:/x.siard", "legacy:/x", "freeze:/x"])
def test_files_are_no_targets(text: str) -> None:
    """A file source is never written: D609."""
    with pytest.raises(UsageError, match="D609"):
        environment.target(environment.address(text, {}))


def test_a_missing_driver_is_named(tmp_path: Path) -> None:
    """An engine whose driver is not installed says which package to install."""
    with pytest.raises(UsageError, match="D602"):
        environment.source(environment.address("dm://u:secret@h/d", {})).catalog()
