"""Files that only this user may read: secrets, originals on their way to a person, what a home says of people."""

import os
import stat
from pathlib import Path

from archive.flushing import flush, write_file
from formats.errors import UsageError

_OWNER_ONLY = 0o600


def write_private(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Write a file with mode 0600. Raises UsageError S417, also when it is there and must not be replaced."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if replace else os.O_EXCL)
    try:
        with os.fdopen(os.open(path, flags, _OWNER_ONLY), "wb") as out:
            if stat.S_ISREG(os.fstat(out.fileno()).st_mode):
                os.fchmod(out.fileno(), _OWNER_ONLY)  # also of a file that was there, and readable for others
            out.write(data)
    except OSError as error:
        raise UsageError("S417", f"{path}: {error.strerror}") from None


def replace_whole(path: Path, data: bytes, mode: int = _OWNER_ONLY) -> None:
    """A file with these bytes, whole or as it was before, flushed; its folder must be there. Raises OSError."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    write_file(part, data, mode)
    part.replace(path)
    flush(path.parent)
