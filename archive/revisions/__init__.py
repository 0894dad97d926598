"""The ledger's own schema, revision by revision (Alembic). Everything runs in the caller's transaction.

A new revision is a module in `versions/` whose `down_revision` is the one before; `VERSION` in archive/ledger.py
names the newest. Nothing is read but this package, so it works from an installed wheel.
"""

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection


def configuration(connection: Connection) -> Config:
    """Alembic's configuration for this package, working on the connection."""
    config = Config()
    config.set_main_option("script_location", "archive:revisions")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def apply(connection: Connection) -> None:
    """Bring the ledger to the newest revision, in the connection's transaction."""
    command.upgrade(configuration(connection), "head")
