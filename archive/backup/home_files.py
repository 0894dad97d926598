"""The small files of a home - settings, partners, keys - as one tar, which a backup holds encrypted."""

import io
import re
import tarfile
from collections.abc import Mapping

from formats.errors import IntegrityError

_STEP = re.compile(r"[\w=~@+-][\w.=~@+-]*")


def pack(files: Mapping[str, bytes]) -> bytes:
    """The files by path in the home as a tar (ustar); the same files give the same bytes."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in sorted(files):
            member = tarfile.TarInfo(path)
            member.size, member.mode = len(files[path]), 0o600
            tar.addfile(member, io.BytesIO(files[path]))
    return out.getvalue()


def unpack(data: bytes) -> dict[str, bytes]:
    """The files by path in the home. Raises IntegrityError A512: not a tar, or a path that leads out of the home."""
    found: dict[str, bytes] = {}
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:") as tar:
            for member in tar:
                content = tar.extractfile(member) if member.isreg() else None
                if content is None or not all(_STEP.fullmatch(step) for step in member.name.split("/")):
                    raise IntegrityError("A512", "the home's files in the backup hold what is no file of a home")
                found[member.name] = content.read()
    except (tarfile.TarError, EOFError):
        raise IntegrityError("A512", "the home's files in the backup cannot be read") from None
    return found
