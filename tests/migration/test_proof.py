"""The proof as a value and as a document: exact both ways, and a verdict that can't be written by hand."""

from dataclasses import replace

import pytest

from formats.errors import RefusedError
from migration import proof
from migration.engine import Identity
from migration.proof import Changes, Drift, Listing, NotCarried, Phase, Place, Proof, TableProof, Use, Verdict

PLACE = Place("sqlite", "3.54", "old", "sqlite:///old.db")
TABLE = TableProof(1, "person", "person", ("id",), 40, 40, 1, 1, 0, 0, 0, "ab" * 32, "ab" * 32)
EQUAL = Proof(
    run="0011223344556677",
    office="33010001",
    by="u1",
    began="2026-11-22T08:00:00Z",
    ended="2026-11-22T09:00:00Z",
    software="0.1.0",
    source=PLACE,
    target=replace(PLACE, name="新库"),
    snapshot=Identity("sqlite", "3.54", "old", "2026-11-22T08:00:00Z", "token"),
    plan="cd" * 32,
    catalog="cd" * 32,
    mapping="",
    canon="1",
    freeze="ef" * 32,
    freeze_root="ef" * 32,
    root="ab" * 32,
    target_root="ab" * 32,
    rows=40,
    bytes=4000,
    tables=(TABLE,),
    uses=(Use("kinds", "person.kind", "", 3),),
    losses=(NotCarried("D625", "scratch", "left out", 7),),
    structure=(),
    alterations=Listing("alterations.csv", 3, "00" * 32),
    differences=Listing("differences.csv", 0, "00" * 32),
    drift=Drift.SAME,
    changes=Changes(),
    phases=(Phase("freeze", 1200),),
    cut_over=("stop",),
    way_back=("go back",),
)


def test_a_proof_is_read_back_as_it_was_written() -> None:
    """Every field comes back; the document says its form and its verdict."""
    data = proof.encode(EQUAL)
    assert proof.decode(data) == EQUAL
    assert b'"verdict":"equal"' in data
    assert data.endswith(b"}\n")


@pytest.mark.parametrize(
    "change",
    [
        {"target_root": "00" * 32},
        {"differences": Listing("differences.csv", 1, "00" * 32)},
        {"structure": (NotCarried("D666", "person", "no primary key", 0),)},
        {"tables": (replace(TABLE, equal_chunks=0),)},
        {"tables": (replace(TABLE, differences=2),)},
    ],
)
def test_one_difference_of_any_kind_is_a_differing_target(change: dict[str, object]) -> None:
    """Another root, a listed difference, a missing key, a chunk or a table that differs: the verdict is `differs`."""
    assert replace(EQUAL, **change).verdict is Verdict.DIFFERS  # type: ignore[arg-type]


def test_a_changed_source_does_not_change_the_verdict() -> None:
    """The proof is about freeze and target; what the source did since is said beside it."""
    changed = replace(EQUAL, drift=Drift.CHANGED, changes=Changes(("person",), ("numbers",), 1, 2, 3))
    assert changed.verdict is Verdict.EQUAL
    assert proof.decode(proof.encode(changed)) == changed


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        proof.encode(EQUAL)[:-2],
        proof.encode(EQUAL).replace(b"proof:1", b"proof:2"),
        proof.encode(EQUAL).replace(b'"rows":40', b'"rows":"40"'),
        proof.encode(replace(EQUAL, target_root="00" * 32)).replace(b'"verdict":"differs"', b'"verdict":"equal"'),
    ],
)
def test_what_is_no_proof_is_refused(data: bytes) -> None:
    """Other documents, other versions, and a verdict that its figures do not bear out are D681."""
    with pytest.raises(RefusedError, match="D681"):
        proof.decode(data)
