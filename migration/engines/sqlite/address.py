"""The file that a URL names. A URL is SQLAlchemy's: `sqlite:////data/old.db`."""

from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from formats.errors import UsageError


def file(url: str) -> Path:
    """The file that a URL names. Raises UsageError D601."""
    try:
        address = make_url(url)
    except ArgumentError:
        raise UsageError("D601", "not a URL") from None
    if address.get_backend_name() != "sqlite" or not address.database or address.database == ":memory:":
        raise UsageError("D601", "not the URL of a SQLite file")
    return Path(address.database).absolute()
