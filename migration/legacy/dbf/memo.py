"""Memo files beside a DBF file: DBT of dBASE III and IV, FPT of FoxPro. Read at random places, whole memos only."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from formats.errors import IntegrityError

_SIGNATURE: Final = b"\xff\xff\x08\x00"
_PIECE: Final = 4096


class DamagedMemo(Exception):  # noqa: N818
    """A memo that is not where or what its record says; the text says why, without content."""


@dataclass(frozen=True, slots=True)
class Memo:
    """An open memo file: `form` is `dbt3`, `dbt4` or `fpt`, `block` its unit in bytes, `size` the file's."""

    file: BinaryIO
    form: str
    block: int
    size: int

    def read(self, pointer: int) -> bytes:
        """The memo at this block. Raises DamagedMemo."""
        start = pointer * self.block
        if pointer < 1 or start >= self.size:
            raise DamagedMemo(f"the memo at block {pointer} lies outside its file")
        self.file.seek(start)
        return self._marked() if self.form == "dbt3" else self._counted(pointer)

    def _marked(self) -> bytes:
        """Up to the mark of the end."""
        pieces = []
        while piece := self.file.read(_PIECE):
            before, mark, _ = piece.partition(b"\x1a")
            pieces.append(before)
            if mark:
                return b"".join(pieces)
        raise DamagedMemo("the memo has no end")

    def _counted(self, pointer: int) -> bytes:
        """By the length before it."""
        head = self.file.read(8)
        if self.form == "dbt4":
            length = int.from_bytes(head[4:], "little") - 8
            if head[:4] != _SIGNATURE:
                raise DamagedMemo(f"no memo begins at block {pointer}")
        else:
            length = int.from_bytes(head[4:], "big")
        if len(head) < 8 or not 0 <= length <= self.size - pointer * self.block - 8:
            raise DamagedMemo(f"the memo at block {pointer} is longer than its file")
        return self.file.read(length)


def beside(path: Path) -> Path | None:
    """The memo file of a DBF file, whatever the case of its ending; None where there is none."""
    found = (other for other in path.parent.iterdir() if other.stem.lower() == path.stem.lower())
    return next((other for other in sorted(found) if other.suffix.lower() in (".dbt", ".fpt")), None)


def opened(file: BinaryIO, path: Path, version: int) -> Memo:
    """The memo file of a DBF file of this version. Raises IntegrityError D628 for a damaged head."""
    size, head = os.fstat(file.fileno()).st_size, file.read(24)
    if path.suffix.lower() == ".fpt":
        form, block = "fpt", int.from_bytes(head[6:8], "big")
    elif version in (0x8B, 0x8C, 0x04):
        form, block = "dbt4", int.from_bytes(head[20:22], "little") or 512
    else:
        form, block = "dbt3", 512
    if len(head) < 24 or not block:
        raise IntegrityError("D628", f"{path.name}: the memo file's head is damaged")
    return Memo(file, form, block, size)
