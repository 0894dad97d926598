"""What the standard fixes about a SIARD file: versions, name spaces, where things lie in the ZIP. Pure.

SIARD 2.1 and 2.2 (eCH-0165, DILCIS). A file is a ZIP with `content/` before `header/`; the digest in the metadata is
over the file's bytes before the entry `header/`, as the Swiss Federal Archives' tools make and check it.
"""

from dataclasses import dataclass
from typing import Final

VERSION: Final = "2.2"
VERSIONS: Final = ("2.1", "2.2")
METADATA_SPACE: Final = "http://www.bar.admin.ch/xmlns/siard/2/metadata.xsd"
TABLE_SPACE: Final = "http://www.bar.admin.ch/xmlns/siard/2/table.xsd"
INSTANCE_SPACE: Final = "http://www.w3.org/2001/XMLSchema-instance"

CONTENT: Final = "content/"
HEADER: Final = "header/"
METADATA: Final = "header/metadata.xml"
METADATA_SCHEMA: Final = "header/metadata.xsd"
VERSION_FOLDERS: Final = ("header/siardversion/", f"header/siardversion/{VERSION}/")

DIGESTS: Final = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table lies: the folder of its schema and its own, both as the metadata name them."""

    schema: str
    table: str

    @property
    def folder(self) -> str:
        """The table's folder in the ZIP."""
        return f"{CONTENT}{self.schema}/{self.table}/"

    @property
    def rows(self) -> str:
        """The entry with the rows."""
        return f"{self.folder}{self.table}.xml"

    @property
    def description(self) -> str:
        """The entry with the XML schema of the rows."""
        return f"{self.folder}{self.table}.xsd"

    def large(self, column: int, record: int, extension: str) -> str:
        """The entry with one large cell; `column` and `record` count from 0."""
        return f"{self.folder}lob{column}/record{record}.{extension}"
