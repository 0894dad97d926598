"""What every act on segments needs: where, with which ledger, whose keys, by which limits, in whose name."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from archive.ledger import Ledger
from archive.segments import keys
from archive.segments.keys import KeyWrap, OpenedKeys
from archive.segments.layout import Layout
from formats.errors import IntegrityError

WHY = "safekeeping of originals (art. 10)"


@dataclass(frozen=True, slots=True)
class Policy:
    """When a segment is sealed: at this many bytes of tar, or at this age."""

    segment_bytes: int = 256 * 2**20
    segment_age: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Context:
    """The archive's paths, its ledger, the office's keys, the limits, and the name that its journal entries carry."""

    layout: Layout
    ledger: Ledger
    wrap: KeyWrap
    policy: Policy
    who: str
    opened: OpenedKeys = field(default_factory=OpenedKeys)


def own_cipher(context: Context, n: int, digest: str) -> AESGCM:
    """The cipher of a segment by the very message of wrapped keys that the ledger names by its SHA-512 (hex).

    Raises IntegrityError A509 when it is not there or this office's keys do not open it.
    """
    found = context.opened.find(digest)
    if found:
        return found
    for message in key_messages(context.layout, n):
        if keys.sha512(message) == digest:
            return context.opened.add(digest, keys.opened(context.wrap, message))
    raise IntegrityError("A509", f"segment {n}: its file of keys is missing or changed")


def other_ciphers(context: Context, n: int) -> Iterator[AESGCM]:
    """Ciphers from whatever files of keys lie with a segment, the newest first.

    A file of keys that is lost or damaged, or a key that this office has laid down, does not make an original
    unreadable as long as one file is left that opens: every version of the object keeps its own.
    """
    for message in key_messages(context.layout, n):
        try:
            key = keys.opened(context.wrap, message)
        except IntegrityError:
            continue  # the next one may open
        yield context.opened.add(keys.sha512(message), key)


def key_messages(layout: Layout, n: int) -> Iterator[bytes]:
    """The messages of wrapped keys that lie with a segment, those of the object first and the newest first of these."""
    sealed = sorted(layout.object_path(n).glob("v*/content/keys-*.pgp"), key=_newest, reverse=True)
    for file in (*sealed, layout.open_keys(n), layout.next_keys(n)):
        try:
            yield file.read_bytes()
        except OSError:
            continue  # sealed at this moment: then it was among the object's; or unreadable: another one may do


def _newest(file: Path) -> tuple[int, str]:
    return len(file.name), file.name
