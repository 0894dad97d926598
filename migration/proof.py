"""The proof of a migration as a value: what was frozen, what the target holds, and all that is not the same. Pure.

The document is canonical JSON (sorted keys, UTF-8, one line), signed as it stands. Whoever has it, the freeze and the
target can check every figure again; the plan, the mapping and the lists it names lie beside it, each by its SHA-256.
No value of a row stands in it.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from formats.errors import RefusedError
from migration import json_values
from migration.engine import Identity

FORMAT: Final = "urn:jiexu:migration:proof:1"


class Verdict(StrEnum):
    """What a proof says: the target holds what was frozen, as far as the plan carries it, or it does not."""

    EQUAL = "equal"
    DIFFERS = "differs"


class Drift(StrEnum):
    """Whether the source was still as frozen when the target was compared."""

    SAME = "same"
    CHANGED = "changed"
    NOT_LOOKED = "not looked"


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed in a source since it was frozen, in counts; the rows are named in `drift.csv`.

    `tables` are those that it has no more, has besides, or has with other columns or keys, `numbered` the sequences
    that have gone on. Rows are `gone`, `new`, or `other`: there in another way or another number, or unreadable now.
    """

    tables: tuple[str, ...] = ()
    numbered: tuple[str, ...] = ()
    gone: int = 0
    new: int = 0
    other: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """One environment: its engine, version and name as it says itself, and what may be shown of its address."""

    engine: str
    version: str
    name: str
    shown: str


@dataclass(frozen=True, slots=True)
class Listing:
    """A list beside the proof: its file, how many lines it has without its heading, SHA-256 of its bytes."""

    file: str
    lines: int
    sha256: str


@dataclass(frozen=True, slots=True)
class TableProof:
    """One table: rows frozen and found, chunks and how many of them are equal, cells altered, differences.

    `spelled`: cells with other digits for the very same double, which are no differences.
    `root` is the tree hash (RFC 9162 §2.1, hex) over the chunks as they should be in the target, `target_root` over
    the chunks as they were read back.
    """

    number: int
    source: str
    target: str
    key: tuple[str, ...]
    rows: int
    target_rows: int
    chunks: int
    equal_chunks: int
    altered: int
    differences: int
    spelled: int
    root: str
    target_root: str


@dataclass(frozen=True, slots=True)
class Use:
    """A declared rule that was used: its name, where, what it does, and on how many cells."""

    rule: str
    place: str
    detail: str
    cells: int


@dataclass(frozen=True, slots=True)
class NotCarried:
    """Something that is not as it was: a reason code, where, what, and how many rows stay behind (0 for objects)."""

    code: str
    place: str
    detail: str
    rows: int


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of the migration and how long it took, over all the times it was run and resumed."""

    name: str
    milliseconds: int


@dataclass(frozen=True, slots=True)
class Proof:
    """The whole proof. Times are UTC text, digests SHA-256 in hex.

    `snapshot` says which state of the source was frozen. `freeze_root` is over all chunks as frozen,
    `root` over all as they should be in the target, `target_root` over all as read back: the last two are equal
    exactly if every cell is (a double of other digits counts as it was frozen). `losses` is what the plan does not
    carry as it is, `structure` what the plan carries and the target has not, `changes` what `drift` is about.
    """

    run: str
    office: str
    by: str
    began: str
    ended: str
    software: str
    source: Place
    target: Place
    snapshot: Identity
    plan: str
    catalog: str
    mapping: str
    canon: str
    freeze: str
    freeze_root: str
    root: str
    target_root: str
    rows: int
    bytes: int
    tables: tuple[TableProof, ...]
    uses: tuple[Use, ...]
    losses: tuple[NotCarried, ...]
    structure: tuple[NotCarried, ...]
    alterations: Listing
    differences: Listing
    drift: Drift
    changes: Changes
    phases: tuple[Phase, ...]
    cut_over: tuple[str, ...]
    way_back: tuple[str, ...]

    @property
    def verdict(self) -> Verdict:
        """Equal only if every chunk is, no row differs, and no key, index, constraint or sequence is missing."""
        tables = all(table.equal_chunks == table.chunks and table.differences == 0 for table in self.tables)
        whole = tables and self.root == self.target_root and not self.differences.lines and not self.structure
        return Verdict.EQUAL if whole else Verdict.DIFFERS


@dataclass(frozen=True, slots=True)
class _Document:
    proof: Proof
    verdict: Verdict


def encode(proof: Proof) -> bytes:
    """The document that is signed: the proof, and its verdict in so many words."""
    return json_values.encode(FORMAT, _Document(proof, proof.verdict))


def decode(data: bytes) -> Proof:
    """The proof in a document. Raises RefusedError D681."""
    try:
        document = json_values.decode(FORMAT, _Document, data)
    except ValueError as error:
        raise RefusedError("D681", str(error)) from None
    if document.verdict is not document.proof.verdict:
        raise RefusedError("D681", "its verdict is not what its figures say")
    return document.proof
