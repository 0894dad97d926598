"""A catalog as a file, and its oddities as a list for the operator. Pure.

The file holds no keys of rows: they may be personal, and stand in the operator's list alone.
"""

import csv
import io
from dataclasses import replace
from typing import Final

from formats.digest import sha256
from formats.errors import IntegrityError
from migration import json_values
from migration.catalog import Catalog

FORMAT: Final = "urn:jiexu:migration:catalog:1"
ODDITY_COLUMNS: Final = ("code", "place", "rows", "detail", "key")


def encode(catalog: Catalog) -> bytes:
    """The catalog as canonical JSON, without the keys of its oddities."""
    return json_values.encode(FORMAT, without_keys(catalog))


def decode(data: bytes) -> Catalog:
    """The catalog in a file. Raises IntegrityError D604 for bytes that `encode` did not write."""
    try:
        return json_values.decode(FORMAT, Catalog, data)
    except ValueError as error:
        raise IntegrityError("D604", f"not a catalog: {error}") from None


def digest(catalog: Catalog) -> str:
    """SHA-256 of the file, in hex."""
    return sha256(encode(catalog))


def without_keys(catalog: Catalog) -> Catalog:
    """The catalog as its file gives it back: nothing personal in it."""
    return replace(catalog, oddities=tuple(replace(oddity, keys=()) for oddity in catalog.oddities))


def oddities_csv(catalog: Catalog) -> bytes:
    """What is odd, one line a key (one line where none is listed), with a heading. May be personal: mode 0600."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(ODDITY_COLUMNS)
    for oddity in catalog.oddities:
        for key in oddity.keys or ((),):
            lines.writerow((oddity.code, oddity.place, oddity.rows, oddity.detail, " | ".join(key)))
    return text.getvalue().encode()
