"""PostgreSQL, and what speaks as it does (openGauss, KingbaseES): read and loaded through COPY."""

from migration.engines.postgresql.source import PostgresqlSource
from migration.engines.postgresql.target import PostgresqlTarget

__all__ = ["PostgresqlSource", "PostgresqlTarget"]
