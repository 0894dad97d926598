"""Files that only this user may read: secrets, and originals on their way to a person."""

import os
import stat
from pathlib import Path

from formats.errors import UsageError


def write_private(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Write a file with mode 0600. Raises UsageError S417, also when it is there and must not be replaced."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if replace else os.O_EXCL)
    try:
        with os.fdopen(os.open(path, flags, 0o600), "wb") as out:
            if stat.S_ISREG(os.fstat(out.fileno()).st_mode):
                os.fchmod(out.fileno(), 0o600)  # also of a file that was there, and readable for others
            out.write(data)
    except OSError as error:
        raise UsageError("S417", f"{path}: {error.strerror}") from None
