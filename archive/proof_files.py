"""Files that prove something of the journal to others, and how anybody checks them: off-line, with a public key. Pure.

Every file is JSON, a value a line. The first line says the form and the key that is claimed; entries stand as the exact
lines that are hashed, signed heads as `{"checkpoint": note}`, hashes of a proof (hex) as `{"proof": [...]}`.

    inclusion      one entry, its proof, the signed head: the entry is in the journal (RFC 9162 §2.1.3)
    consistency    the older head, a proof, the newer: nothing before the older was changed (§2.1.4)
    export         all entries, each signed head behind the entries that it is over; the last line is one
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Final, Literal, cast, get_args

from archive import checkpoints
from archive.checkpoints import Checkpoint
from formats import merkle
from formats.errors import IntegrityError, UsageError
from formats.merkle import Frontier, leaf_hash

Form = Literal["inclusion", "consistency", "export"]

_FORMAT: Final = "urn:jiexu:journal:{}:1"
_BLOCK: Final = 1024  # entries hashed at once


@dataclass(frozen=True, slots=True)
class Checked:
    """What a file proves. `head` is the signed head under which it is.

    `since` is an inclusion's entry, the size of a consistency's older head, 1 for an export; `entry` is an inclusion's
    entry as canonical JSON, else empty.
    """

    form: Form
    head: Checkpoint
    since: int
    entry: str


def header(form: Form, verifier: str) -> bytes:
    """The first line of a file; `verifier` is the public key of the office that made it."""
    return _line({"format": _FORMAT.format(form), "verifier": verifier})


def checkpoint_line(note: str) -> bytes:
    """A signed head as a line."""
    return _line({"checkpoint": note})


def inclusion_file(entry: str, proof: Sequence[str], note: str, verifier: str) -> Iterator[bytes]:
    """The lines of an inclusion: `entry` is the entry's canonical JSON, `proof` its hashes in hex."""
    yield header("inclusion", verifier)
    yield entry.encode() + b"\n"
    yield _line({"proof": list(proof)})
    yield checkpoint_line(note)


def consistency_file(old: str, proof: Sequence[str], new: str, verifier: str) -> Iterator[bytes]:
    """The lines of a consistency: the older note, the proof's hashes in hex, the newer note."""
    yield header("consistency", verifier)
    yield checkpoint_line(old)
    yield _line({"proof": list(proof)})
    yield checkpoint_line(new)


def check(lines: Iterable[bytes], verifier: str = "", others: Iterable[Checkpoint] = ()) -> Checked:
    """Check a file with a public key; without one, with the key that the file claims.

    `others` are heads of the same journal that the reader has kept: an export must fit them too.

    Raises IntegrityError A526: not a proof, or it does not lead to the signed head; A527: the head is not signed by
    the key; A504, A510: an export's first entry or range that does not hold. UsageError S401: the key is none.
    """
    coming = iter(lines)
    first = _object(next(coming, b""), 1)
    forms = {_FORMAT.format(form): cast("Form", form) for form in get_args(Form)}
    form = forms.get(str(first.get("format")))
    if form is None:
        raise IntegrityError("A526", "it is not a proof of a journal that this program knows")
    key = verifier or _claimed(first)
    if form == "export":
        return _check_export(coming, key, sorted(others, key=attrgetter("size")))
    second, third, fourth, *rest = (*coming, b"", b"", b"")
    if any(rest):
        raise IntegrityError("A526", "line 5 does not belong there")
    proof, head = _proof(third), checkpoints.open_note(_note(fourth, 4), key)
    if form == "inclusion":
        return check_inclusion(second.rstrip(b"\n").decode(errors="replace"), proof, head)
    return _check_consistency(checkpoints.open_note(_note(second, 2), key), proof, head)


def check_inclusion(entry: str, proof: Sequence[bytes], head: Checkpoint) -> Checked:
    """Whether the proof shows that the entry (its canonical JSON) is under the head. Raises IntegrityError A526."""
    n = _number(_object(entry.encode(), 2), 2)
    if not merkle.verify_inclusion(leaf_hash(entry.encode()), n - 1, head.size, proof, bytes.fromhex(head.root)):
        raise IntegrityError("A526", f"entry {n} is not shown to be in the journal of {head.size} entries")
    return Checked("inclusion", head, n, entry)


def _check_consistency(old: Checkpoint, proof: Sequence[bytes], new: Checkpoint) -> Checked:
    roots = bytes.fromhex(old.root), bytes.fromhex(new.root)
    if not merkle.verify_consistency(old.size, new.size, proof, *roots):
        raise IntegrityError("A526", f"the journal of {new.size} entries is not shown to begin as that of {old.size}")
    return Checked("consistency", new, old.size, "")


def _check_export(lines: Iterable[bytes], key: str, others: list[Checkpoint]) -> Checked:
    """Replay an export, page by page. Raises IntegrityError A504, A510, A526, A527."""
    frontier, fitting, pending = Frontier(), 0, list[bytes]()
    head: Checkpoint | None = None
    for place, text in enumerate(lines, start=2):
        found = _object(text, place)
        if "checkpoint" in found:
            frontier, pending = frontier.extend(pending), []
            head = checkpoints.open_note(_note(text, place), key)
            fitting = head.fits(frontier, fitting)
            continue
        head, count = None, frontier.size + len(pending)
        while others and others[0].size <= count:
            frontier, pending = frontier.extend(pending), []
            fitting = others.pop(0).fits(frontier, fitting)
        if _number(found, place) != count + 1:
            raise IntegrityError("A504", f"entry {count + 1} is missing")
        pending.append(leaf_hash(text.rstrip(b"\n")))
        if len(pending) == _BLOCK:
            frontier, pending = frontier.extend(pending), []
    if head is None:
        raise IntegrityError("A526", f"the entries behind {fitting} are under no signed head")
    for other in others:
        fitting = other.fits(frontier, fitting)
    return Checked("export", head, 1, "")


def _claimed(first: dict[str, Any]) -> str:
    key = str(first.get("verifier"))
    try:
        checkpoints.name_of(key)
    except UsageError:
        raise IntegrityError("A526", "line 1 has no public key") from None
    return key


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode() + b"\n"


def _object(text: bytes, place: int) -> dict[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise IntegrityError("A526", f"line {place} cannot be read")
    return value


def _number(value: dict[str, Any], place: int) -> int:
    n = value.get("n")
    if type(n) is not int:
        raise IntegrityError("A526", f"line {place} is no entry")
    return n


def _note(text: bytes, place: int) -> str:
    note = _object(text, place).get("checkpoint")
    if not isinstance(note, str):
        raise IntegrityError("A526", f"line {place} is no signed head")
    return note


def _proof(text: bytes) -> tuple[bytes, ...]:
    hashes = _object(text, 3).get("proof")
    try:
        return tuple(map(bytes.fromhex, hashes if isinstance(hashes, list) else [""]))
    except (ValueError, TypeError):
        raise IntegrityError("A526", "line 3 is no proof") from None
