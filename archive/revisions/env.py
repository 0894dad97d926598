"""Alembic's environment: it runs the revisions on the connection that the ledger hands over."""

from alembic import context

from archive.tables import VERSION_TABLE
from archive.upkeep_tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,  # SQLite can, once the driver's own transactions are off (see archive.ledger)
)
with context.begin_transaction():
    context.run_migrations()
