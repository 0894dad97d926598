"""What PyMySQL is given of a URL. A URL is SQLAlchemy's: `mysql+pymysql://user:password@host/database`."""

from typing import Final

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from formats.errors import UsageError
from migration.engines.mariadb.connection import Options

_FORCED: Final = {"charset": "utf8mb4", "use_unicode": True, "autocommit": True, "local_infile": False}


def options(url: str) -> Options:
    """The options of a connection, `database` among them. Raises UsageError D601."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise UsageError("D601", "not a URL") from None
    if parsed.drivername.partition("+")[0] not in ("mysql", "mariadb"):
        raise UsageError("D601", f"not MariaDB: {parsed.drivername}")
    if not parsed.database:
        raise UsageError("D601", "the URL names no database")
    dialect = parsed.set(drivername="mysql+pymysql").get_dialect()()
    _, made = dialect.create_connect_args(parsed)
    return {**made, **_FORCED, "database": parsed.database}
