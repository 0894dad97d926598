"""Reading one original: its row, its bytes in the tar, their digest, the decryption, the original's own digest."""

import re
from typing import Final

from archive.segments import members
from archive.segments.catalog import Location, where
from archive.segments.context import Context, other_ciphers, own_cipher
from archive.segments.files import OpenFiles
from formats.digest import sha256
from formats.errors import IntegrityError, UsageError

_DIGEST = re.compile(r"[0-9a-f]{64}")
_ATTEMPTS: Final = 3


class Reader:
    """Reads originals; keeps tars open and keys in mind for a while. Safe among threads and after a fork."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._files = OpenFiles()

    def read(self, digest: str) -> bytes:
        """See `archive.originals.OriginalStore.read`.

        Bytes that are not there or not right are looked for again: meanwhile the segment may have been sealed, or a
        repair may have put another file in the place of the one that is open here.
        """
        if not _DIGEST.fullmatch(digest):
            raise IntegrityError("A501", "what was asked for is no digest")
        code = "A501"
        for _ in range(_ATTEMPTS):
            found = where(self._context.ledger, digest)
            if found is None:
                raise IntegrityError("A501", digest)
            message = self._message(found)
            if sha256(message) == found.member.sha256:
                return self._original(found, message)
            code = "A502" if len(message) == found.member.size else "A501"
            self._files.forget(self._context.layout.tar(found.member.segment, found.state))
        raise IntegrityError(code, digest)

    def _message(self, found: Location) -> bytes:
        """The ciphertext as it lies there; shorter or empty where it is missing."""
        try:
            file = self._files.get(self._context.layout.tar(found.member.segment, found.state))
            return file.read(found.member.size, found.member.offset)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise UsageError("S417", f"{found.member.digest}: {error.strerror}") from None

    def _original(self, found: Location, message: bytes) -> bytes:
        """The original in a ciphertext that is the one kept."""
        n = found.member.segment
        bound = members.bound(self._context.layout.object_id(n), found.member.place)
        try:
            data = members.decrypt(own_cipher(self._context, n, found.keys_sha512), message, bound)
        except IntegrityError:
            tried = (members.decrypt(cipher, message, bound) for cipher in other_ciphers(self._context, n))
            data = next((each for each in tried if each is not None), None)
            if data is None:
                raise
        if data is None or sha256(data) != found.member.digest:
            raise IntegrityError("A502", found.member.digest)
        return data
