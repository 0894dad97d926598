"""The judge: one object, or the root with all that is in it."""

from archive.ocfl.findings import Flaw
from archive.ocfl.object_validation import validate_object
from archive.ocfl.reading import Digester, file_digests
from archive.ocfl.root_validation import validate_root

__all__ = ["Digester", "Flaw", "file_digests", "validate_object", "validate_root"]
