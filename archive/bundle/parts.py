"""The manifest of a bundle: which case, which parts, which original is tied to the journal how.

It is one line of canonical JSON, so that two manifests that say the same are the same bytes; it is signed by the office
that made the bundle, and names the digest of every other part.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final, NamedTuple, TypeVar, get_args, get_origin, get_type_hints

from formats.digest import sha256
from formats.errors import IntegrityError

FORMAT: Final = "urn:jiexu:bundle:1"
MANIFEST: Final = "manifest.json"
SIGNATURE: Final = "manifest.json.sig"
README: Final = "README.txt"
SUMS: Final = "SHA256SUMS"
VERIFIER: Final = "journal/key.txt"
CHECKPOINT: Final = "journal/checkpoint.txt"
PARTNER_VERIFIER: Final = "journal/partner-key.txt"  # not there where the office knew none

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PartNote:
    """A part: its name in the bundle, its size in bytes, its SHA-256 (lower-case hex)."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class KeyNote:
    """A certificate in the bundle: whose, its fingerprint (40 upper-case hex digits), and when it counted.

    Times are UTC text, empty where there is no bound; `revoked` as the office that made the bundle knew it.
    """

    office: str
    part: str
    fingerprint: str
    not_before: str
    not_after: str
    revoked: str


@dataclass(frozen=True, slots=True)
class DocumentNote:
    """A document as it was signed. `signature` is empty where none was kept.

    `kind` is `delivery` or `receipt`; `original` is the part of the registered original that it is, or that it came in.
    """

    kind: str
    part: str
    signature: str
    original: str


@dataclass(frozen=True, slots=True)
class RegisteredNote:
    """An original and what ties it to the signed head of the journal.

    `digest` to `kept_at` are the original's line in the register; `index` is its place among the `rows` lines of the
    journal's entry, `batch` the proof (RFC 9162 §2.1.3, hex) that the entry's root covers it; `entry` is the canonical
    JSON of the journal's entry and `proof` the proof that the head covers that.
    """

    part: str
    digest: str
    kind: str
    size: int
    direction: str
    partner: str
    case_number: str
    message_id: str
    kept_at: str
    index: int
    rows: int
    batch: tuple[str, ...]
    entry: str
    proof: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says of itself. `direction` is the case's, `made` UTC text."""

    format: str
    office: str
    partner: str
    direction: str
    case: str
    made: str
    keys: tuple[KeyNote, ...]
    documents: tuple[DocumentNote, ...]
    originals: tuple[RegisteredNote, ...]
    parts: tuple[PartNote, ...]


class Bundle(NamedTuple):
    """A bundle that was taken apart: its manifest and its parts by name."""

    manifest: Manifest
    parts: Mapping[str, bytes]


def note(name: str, data: bytes) -> PartNote:
    """What the manifest says of a part."""
    return PartNote(name, len(data), sha256(data))


def render(manifest: Manifest) -> bytes:
    """The manifest's bytes: canonical JSON and a line feed."""
    return (json.dumps(asdict(manifest), ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n").encode()


def parse(data: bytes) -> Manifest:
    """The manifest in these bytes. Raises IntegrityError A520 unless they are exactly what `render` would write."""
    try:
        manifest = _built(Manifest, json.loads(data))
        exact = render(manifest) == data
    except (ValueError, TypeError, KeyError, RecursionError):
        raise IntegrityError("A520", f"{MANIFEST} cannot be read") from None
    if not exact:
        raise IntegrityError("A520", f"{MANIFEST} is not in its exact form")
    if not all(text.isprintable() for text in _shown(manifest)):
        raise IntegrityError("A520", f"{MANIFEST} holds what cannot be printed")
    if manifest.format != FORMAT:
        raise IntegrityError("A520", f"{MANIFEST} is of another form than {FORMAT}")
    return manifest


def _shown(manifest: Manifest) -> Iterator[str]:
    """What a reader may print of a manifest, also of a forged one: what it is of, and the names of all its parts."""
    yield from (manifest.office, manifest.partner, manifest.direction, manifest.case, manifest.made)
    noted: tuple[KeyNote | DocumentNote | RegisteredNote, ...]
    noted = (*manifest.keys, *manifest.documents, *manifest.originals)
    yield from (item.part for item in noted)
    yield from (item.name for item in manifest.parts)


def sums(found: Mapping[str, bytes]) -> bytes:
    """These parts as `sha256sum -c` reads them."""
    return b"".join(sum_line(note(name, data)) for name, data in found.items())


def sum_line(item: PartNote) -> bytes:
    """One part as `sha256sum -c` reads it."""
    return f"{item.sha256}  {item.name}\n".encode()


def _built(kind: type[T], value: Any) -> T:
    """A value of a class from JSON. Raises TypeError or KeyError for anything else than its fields and their types."""
    if not isinstance(value, dict) or set(value) != {item.name for item in fields(kind)}:  # type: ignore[arg-type]
        raise TypeError(kind.__name__)
    hints = get_type_hints(kind)
    return kind(**{name: _typed(hints[name], item) for name, item in value.items()})


def _typed(hint: Any, value: Any) -> Any:
    if get_origin(hint) is tuple:
        if not isinstance(value, list):
            raise TypeError(str(hint))
        return tuple(_typed(get_args(hint)[0], item) for item in value)
    if hint in (str, int):
        if type(value) is not hint:
            raise TypeError(str(hint))
        return value
    return _built(hint, value)
