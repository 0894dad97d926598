"""The proof of a migration as a value: what was frozen, what the target holds, and all that is not the same. Pure.

The document is canonical JSON (sorted keys, UTF-8, one line), signed as it stands. Whoever has it, the freeze and the
target can check every figure again; the plan, the mapping and the lists it names lie beside it, each by its SHA-256.
No value of a row stands in it.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, TypeVar

from formats.errors import RefusedError

FORM: Final = "jiexu-migration-proof"
VERSION: Final = 1

T = TypeVar("T")


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
    """Something that stays behind: a reason code, where, why, and how many rows it has (0 for objects)."""

    code: str
    place: str
    detail: str
    rows: int


@dataclass(frozen=True, slots=True)
class Phase:
    """A phase of the migration and how long it took, in seconds; over all the times it was run and resumed."""

    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Proof:
    """The whole proof. Times are UTC text, digests SHA-256 in hex.

    `snapshot` says which state of the source was frozen (`at`, `token`). `freeze_root` is over all chunks as frozen,
    `root` over all as they should be in the target, `target_root` over all as read back: the last two are equal
    exactly if every cell is. `drift` says of the source whether it is still as frozen: `same`, `changed`, `not looked`.
    """

    run: str
    office: str
    by: str
    began: str
    ended: str
    software: str
    source: Place
    target: Place
    snapshot: Mapping[str, str]
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
    not_carried: tuple[NotCarried, ...]
    structure: tuple[NotCarried, ...]
    alterations: Listing
    differences: Listing
    drift: Literal["same", "changed", "not looked"]
    phases: tuple[Phase, ...]
    cut_over: tuple[str, ...]
    way_back: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether target and freeze hold the same, as far as the plan carries it, and nothing of it is missing."""
        tables = all(table.equal_chunks == table.chunks and table.differences == 0 for table in self.tables)
        return tables and self.root == self.target_root and self.differences.lines == 0 and not self.structure


def encode(proof: Proof) -> bytes:
    """The document that is signed."""
    document = {"form": FORM, "version": VERSION, "verdict": "equal" if proof.equal else "differs", **asdict(proof)}
    return (json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")) + "\n").encode()


def decode(data: bytes) -> Proof:
    """The proof in a document. Raises RefusedError D681."""
    try:
        document = json.loads(data)
        if document.pop("form") != FORM or document.pop("version") != VERSION:
            raise RefusedError("D681", "of another form or version")
        verdict = document.pop("verdict")
        parts: dict[str, Any] = {
            "source": _one(Place, document.pop("source")),
            "target": _one(Place, document.pop("target")),
            "tables": tuple(_one(TableProof, {**row, "key": tuple(row["key"])}) for row in document.pop("tables")),
            "uses": _all(Use, document.pop("uses")),
            "not_carried": _all(NotCarried, document.pop("not_carried")),
            "structure": _all(NotCarried, document.pop("structure")),
            "phases": _all(Phase, document.pop("phases")),
            "alterations": _one(Listing, document.pop("alterations")),
            "differences": _one(Listing, document.pop("differences")),
            "cut_over": tuple(document.pop("cut_over")),
            "way_back": tuple(document.pop("way_back")),
        }
        proof = Proof(**document, **parts)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise RefusedError("D681", "not a proof of a migration") from None
    if verdict != ("equal" if proof.equal else "differs"):
        raise RefusedError("D681", "its verdict is not what its figures say")
    return proof


def _one(form: type[T], row: Mapping[str, Any]) -> T:
    return form(**row)


def _all(form: type[T], rows: Iterable[Mapping[str, Any]]) -> tuple[T, ...]:
    return tuple(_one(form, row) for row in rows)
