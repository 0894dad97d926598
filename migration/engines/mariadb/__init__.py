"""MariaDB and MySQL as source and target: lines made by the server's own SQL, loaded by LOAD DATA LOCAL.

Tried with MariaDB 10.11. What differs in MySQL 8 is written for it from its documentation.
"""

from migration.engines.mariadb.source import MariadbSource
from migration.engines.mariadb.target import MariadbTarget

__all__ = ["MariadbSource", "MariadbTarget"]
