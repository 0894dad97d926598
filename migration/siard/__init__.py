"""SIARD 2.2 (and 2.1), the archival form of databases, as a source, and as a second form of a freeze."""

from migration.siard.metadata_writing import About
from migration.siard.package import Limits
from migration.siard.source import SiardSource
from migration.siard.writing import write

__all__ = ["About", "Limits", "SiardSource", "write"]
