"""Several documents in one file: a ZIP whose members are `<root>.xml`. Pure: bytes in, bytes out."""

import io
import zipfile
import zlib
from collections.abc import Mapping

from formats.decoding import DEFAULT_LIMITS, Limits
from formats.errors import RefusedError

_MAGIC = b"PK\x03\x04"
_MEMBERS = 64
_TIME = (1980, 1, 1, 0, 0, 0)  # always the same, so that the same record gives the same bytes


def pack(documents: Mapping[str, bytes]) -> bytes:
    """The documents, by the names of their roots, as one ZIP, uncompressed; the same documents give the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in documents.items():
            member = zipfile.ZipInfo(f"{name}.xml", _TIME)
            member.external_attr = 0o600 << 16
            archive.writestr(member, data)
    return buffer.getvalue()


def unpack(data: bytes, limits: Limits = DEFAULT_LIMITS) -> tuple[bytes, ...]:
    """The documents of a file: its members where it is a ZIP, else the file itself.

    Raises RefusedError M152 for more members or bytes than the limits allow, S461 for what is no ZIP after all.
    """
    if not data.startswith(_MAGIC):
        return (data,)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
            if len(members) > _MEMBERS or sum(member.file_size for member in members) > limits.document_bytes:
                raise RefusedError("M152", "the ZIP file holds too much")
            return tuple(archive.read(member) for member in members)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError, ValueError):
        raise RefusedError("S461", "not a ZIP file that can be read") from None
