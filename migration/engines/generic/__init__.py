"""Any database that SQLAlchemy has a dialect for, row by row in Python: Oracle, Dameng, and as a slow second opinion.

Rows become canonical bytes here and not in the database, so nothing is taken from its own way of writing values. Keys
of numbers are read in the database's order and by ranges; rows of other tables are sorted here (`freeze.ordering`).
"""

from migration.engines.generic.source import GenericSource
from migration.engines.generic.target import GenericTarget

__all__ = ["GenericSource", "GenericTarget"]
