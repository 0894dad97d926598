"""The checks of a bundle that need neither OpenPGP nor XML: its parts, its originals, its proofs.

They ask for no ledger, no clock and no network. `flows/bundles.py` lists all in their order and makes the others.
"""

import json
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from archive import checkpoints
from archive.bundle import container, parts
from archive.bundle.parts import Bundle, RegisteredNote
from archive.checkpoints import Checkpoint
from archive.registry import FIELDS, original_line
from formats import merkle
from formats.digest import sha256
from formats.errors import IntegrityError, UsageError


class Check(NamedTuple):
    """One check of one part: its number, and code and detail when it does not hold (empty if it does)."""

    step: int
    part: str
    code: str = ""
    detail: str = ""


def take_apart(data: bytes) -> Bundle:
    """A bundle by its parts; their digests are not looked at. Raises IntegrityError A520 if it cannot be read."""
    found = container.unpack(data)
    if parts.MANIFEST not in found:
        raise IntegrityError("A520", f"{parts.MANIFEST} is missing")
    return Bundle(parts.parse(found[parts.MANIFEST]), found)


def check_parts(bundle: Bundle, step: int) -> Iterator[Check]:
    """A520: the parts are exactly those of the manifest, each with its size and digest, and all that must be there."""
    manifest, found = bundle
    named = {item.name: item for item in manifest.parts}
    signed = {parts.MANIFEST, parts.SIGNATURE}
    wanted = {parts.README, parts.SUMS, parts.VERIFIER, parts.CHECKPOINT, *signed, *named}
    for name in sorted(wanted | set(found)):
        if name not in found:
            yield Check(step, name, "A520", "it is missing")
        elif name not in named and name not in signed:
            yield Check(step, name, "A520", "the manifest does not name it")
        elif name in named and named[name] != parts.note(name, found[name]):
            yield Check(step, name, "A520", "it is not what the manifest says")
        elif name == parts.SUMS and found[name] != _sums(bundle):
            yield Check(step, name, "A520", "it is not what the parts are")
        else:
            yield Check(step, name)
    if len(named) != len(manifest.parts):
        yield Check(step, parts.MANIFEST, "A520", "it names a part twice")
    if not any(item.kind == "delivery" for item in manifest.documents):
        yield Check(step, parts.MANIFEST, "A520", "it names no delivery")


def _sums(bundle: Bundle) -> bytes:
    """The digests of the parts as the manifest has them, for `sha256sum`."""
    return b"".join(parts.sum_line(item) for item in bundle.manifest.parts if item.name != parts.SUMS)


def open_head(bundle: Bundle, known: str = "") -> Checkpoint:
    """The signed head of the journal of the office that made the bundle. Raises IntegrityError A527.

    `known` is the public line of its journal's key where the reader has it from elsewhere.
    """
    try:
        note = bundle.parts.get(parts.CHECKPOINT, b"").decode("utf-8")
        verifier = bundle.parts.get(parts.VERIFIER, b"").decode("utf-8").removesuffix("\n")
    except UnicodeDecodeError:
        raise IntegrityError("A527", "it is not text") from None
    if known and verifier != known:
        raise IntegrityError("A527", f"the key of the journal is not the one known of office {bundle.manifest.office}")
    try:
        head = checkpoints.open_note(note, verifier)
    except UsageError as error:
        raise IntegrityError("A527", error.detail) from None
    if head.origin != f"jiexu/{bundle.manifest.office}/journal":
        raise IntegrityError("A527", "it is of another office's journal")
    return head


def known_journals(bundle: Bundle, known: Mapping[str, str]) -> Mapping[str, str]:
    """The public lines of both offices' journal keys by office: from elsewhere (`known`), else those of the bundle."""
    manifest, found = bundle
    told = {manifest.office: parts.VERIFIER, manifest.partner: parts.PARTNER_VERIFIER}
    lines = {
        office: found[part].decode("utf-8", errors="replace").removesuffix("\n")
        for office, part in told.items()
        if part in found
    }
    return {**lines, **known}


def check_head(part: str, note: str, office: str, verifier: str, step: int) -> Check:
    """A527: a head that came in a receipt is signed by the key of its office's journal, and is of that journal."""
    try:
        head = checkpoints.open_note(note, verifier)
    except (IntegrityError, UsageError) as error:
        return Check(step, part, "A527", error.detail)
    ours = head.origin == f"jiexu/{office}/journal"
    return Check(step, part) if ours else Check(step, part, "A527", "it is of another office's journal")


def check_originals(bundle: Bundle, step: int) -> Iterator[Check]:
    """A521: each original is the bytes of its line in the register, and of this case."""
    manifest = bundle.manifest
    for item in manifest.originals:
        data = bundle.parts.get(item.part)
        if data is None or (sha256(data), len(data)) != (item.digest, item.size):
            yield Check(step, item.part, "A521", "it is not the registered bytes")
        elif (item.direction, item.partner, item.case_number) != (manifest.direction, manifest.partner, manifest.case):
            yield Check(step, item.part, "A521", "it was registered for another case")
        else:
            yield Check(step, item.part)


def check_proofs(bundle: Bundle, head: Checkpoint | None, step: int) -> Iterator[Check]:
    """A526: each original's line is under the root of its entry, and the entry under the signed head of the journal.

    Without a head whose signature holds nothing leads there, and every proof fails.
    """
    for item in bundle.manifest.originals:
        detail = "there is no signed head to lead to" if head is None else _flaw(item, head)
        yield Check(step, item.part, "A526" if detail else "", detail)


def _flaw(item: RegisteredNote, head: Checkpoint) -> str:
    """What is wrong with the proofs of an original, empty if nothing."""
    try:
        entry = json.loads(item.entry)
        number, kind, what = entry["n"], entry["kind"], entry["what"]
        rows, root = what["originals"], bytes.fromhex(what["root"])
        batch, proof = ([bytes.fromhex(value) for value in values] for values in (item.batch, item.proof))
    except (ValueError, TypeError, KeyError, RecursionError):
        return "its entry of the journal or a proof cannot be read"
    if kind != "registered" or rows != item.rows or type(number) is not int:
        return "its entry of the journal is not one that registered it"
    line = merkle.leaf_hash(original_line({name: getattr(item, name) for name in FIELDS}))
    if not merkle.verify_inclusion(line, item.index, item.rows, batch, root):
        return "its line is not under the root of its entry"
    leaf = merkle.leaf_hash(item.entry.encode())
    if not merkle.verify_inclusion(leaf, number - 1, head.size, proof, bytes.fromhex(head.root)):
        return "its entry is not under the signed head"
    return ""
