"""SQLite: read through SQLite's own newest library, with the canonical lines made in SQL; loaded row by row.

A source is opened read only and inside one read transaction. Beside a database with a rollback journal nothing appears
and nothing changes, and while it is read nobody can write to it. Beside a database with a write-ahead log SQLite
itself puts `-wal` (empty) and `-shm`, the place where readers and writers meet, where they are missing, and leaves
them; writers go on, unseen. In neither case is the database file written.
"""

from migration.engines.sqlite.source import SqliteSource
from migration.engines.sqlite.target import SqliteTarget

__all__ = ["SqliteSource", "SqliteTarget"]
