"""What a repair takes away: nothing is thrown away, everything is put aside under `aside/` in the archive."""

import json
import os
import secrets
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from archive.flushing import disk, flush, make_folder, write_all


class Aside:
    """The folder for one repair's damaged things; made when first needed."""

    def __init__(self, archive: Path, now: str) -> None:
        """`now` is UTC text."""
        mark = "".join(character for character in now if character.isalnum())
        self.folder = archive / "aside" / f"{mark}-{secrets.token_hex(2)}"

    def rows(self, table: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Note rows of the ledger, flushed when this returns. Raises UnreachableError S416."""
        lines = [json.dumps({"table": table, **row}, ensure_ascii=False, default=repr) for row in rows]
        if not lines:
            return
        with disk():
            make_folder(self.folder)
            handle = os.open(self.folder / "rows.jsonl", os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
            try:
                write_all(handle, "".join(f"{line}\n" for line in lines).encode())
                os.fsync(handle)
            finally:
                os.close(handle)
            flush(self.folder)

    def keep(self, path: Path) -> None:
        """Give a file a second name aside, so that it stays when its first name is given to another.

        Raises UnreachableError S416.
        """
        with disk():
            make_folder(self.folder)
            (self.folder / f"{path.name}~{secrets.token_hex(4)}").hardlink_to(path)
            flush(self.folder)

    def move(self, path: Path) -> None:
        """Move a file or folder aside. Raises UnreachableError S416."""
        with disk():
            make_folder(self.folder)
            path.rename(self.folder / f"{path.name}~{secrets.token_hex(4)}")
            flush(self.folder)
            flush(path.parent)
