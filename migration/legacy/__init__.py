"""Legacy files as a source: CSV, fixed width by bytes, and DBF with memos, in encodings that a person declares.

The DBF reader is our own and not `dbfread` (no release since 2016; 28 of 73 real files raise in it): raw bytes are
needed to decode exactly as declared, refusals must name record and byte, and files must be readable under one hash.
"""

from migration.legacy.source import LegacySource

__all__ = ["LegacySource"]
