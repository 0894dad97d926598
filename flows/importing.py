"""Files of an interface, looked at: what they would be as records, and what the receiver's checks would say.

Nothing is taken in here. What another office sends comes as the delivery of a case, signed and approved; what an agency
keeps in files is moved by `jiexu migrate`. An import says whether the files are fit for either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from formats import rules
from formats.errors import UsageError
from formats.interface import container, text_description, text_reading
from formats.interface.assembling import Imported
from formats.interface.checking import Checked, check
from formats.interface.reading import read
from formats.reasons import reason


@dataclass(frozen=True, slots=True)
class Looked:
    """What the files are, and for each record what would be found."""

    imported: Imported
    checks: tuple[Checked, ...]

    @property
    def good(self) -> bool:
        """Whether every row was read and every record would pass."""
        faults = any(reason(finding.code).severity == "error" for finding in self.imported.findings)
        return not (faults or self.imported.kept_out or any(rules.blocks(one.findings) for one in self.checks))

    @property
    def missing(self) -> tuple[str, ...]:
        """What a delivery would need beside, since such files never say it, as `rowType.field`."""
        return tuple(sorted({name for one in self.checks for name in one.missing}))


def gbt40217(files: Sequence[Path], on: date) -> Looked:
    """Documents of GB/T 40217-2021, or a ZIP of them. Raises S417, RefusedError as `formats.interface.reading.read`."""
    return _looked(read([document for file in files for document in container.unpack(_bytes(file))]), on)


def text(files: Sequence[Path], description: Path, on: date) -> Looked:
    """Text files as a description says. Raises UsageError S417, D629, S415, RefusedError S461, M152."""
    try:
        described = text_description.parse(_bytes(description).decode("utf-8"))
    except UnicodeDecodeError:
        raise UsageError("D629", f"{description.name} is not UTF-8") from None
    there = [path for file in files for path in (sorted(file.iterdir()) if file.is_dir() else [file])]
    wanted = {path.name: _bytes(path) for path in there if path.name in described.files}
    return _looked(text_reading.read(described, wanted), on)


def _looked(imported: Imported, on: date) -> Looked:
    return Looked(imported, tuple(check(record, on, imported.carried) for record in imported.records))


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError("S417", f"{path}: {error.strerror}") from None
