"""The Merkle tree: RFC 6962 by its definition, and proofs that others wrote, right and hostile."""

import base64
import hashlib
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats import merkle
from formats.merkle import EMPTY_ROOT, Frontier, leaf_hash, node_hash
from tests.parts import shared_data

LEAVES = [leaf_hash(str(number).encode()) for number in range(70)]


def naive(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1, word by word, over leaf hashes."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while 2 * split < len(leaves):
        split *= 2
    return node_hash(naive(leaves[:split]), naive(leaves[split:]))


def naive_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """RFC 6962 §2.1.1, PATH(m, D[n])."""
    if len(leaves) == 1:
        return []
    split = 1
    while 2 * split < len(leaves):
        split *= 2
    if index < split:
        return [*naive_path(index, leaves[:split]), naive(leaves[split:])]
    return [*naive_path(index - split, leaves[split:]), naive(leaves[:split])]


def naive_subproof(old: int, leaves: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """RFC 6962 §2.1.2, SUBPROOF(m, D[n], b)."""
    if old == len(leaves):
        return [] if whole else [naive(leaves)]
    split = 1
    while 2 * split < len(leaves):
        split *= 2
    if old <= split:
        return [*naive_subproof(old, leaves[:split], whole=whole), naive(leaves[split:])]
    return [*naive_subproof(old - split, leaves[split:], whole=False), naive(leaves[:split])]


def vectors(kind: str) -> list[dict[str, Any]]:
    """The test vectors of transparency-dev/merkle."""
    return [json.loads(file.read_text()) for file in sorted(shared_data(f"merkle/{kind}").rglob("*.json"))]


def raw(value: str | None) -> bytes:
    """A hash of a vector."""
    return base64.b64decode(value or "")


def test_every_inclusion_vector_has_its_verdict() -> None:
    """98 proofs that others wrote: right ones hold, every hostile one is refused."""
    found = vectors("inclusion")
    assert len(found) == 98
    for item in found:
        proof = [raw(part) for part in item["proof"] or ()]
        held = merkle.verify_inclusion(
            raw(item["leafHash"]), item["leafIdx"], item["treeSize"], proof, raw(item["root"])
        )
        assert held is not item["wantErr"], item["desc"]


def test_every_consistency_vector_has_its_verdict() -> None:
    """98 more between two trees."""
    found = vectors("consistency")
    assert len(found) == 98
    for item in found:
        proof = [raw(part) for part in item["proof"] or ()]
        held = merkle.verify_consistency(item["size1"], item["size2"], proof, raw(item["root1"]), raw(item["root2"]))
        assert held is not item["wantErr"], item["desc"]


def test_the_empty_tree() -> None:
    """Its hash is SHA-256 of nothing; it proves nothing."""
    assert merkle.root([]) == merkle.root_of([]) == Frontier().root() == EMPTY_ROOT == hashlib.sha256(b"").digest()
    assert merkle.consistency_proof(LEAVES, 0) == ()
    assert not merkle.verify_consistency(0, 70, (), EMPTY_ROOT, merkle.root(LEAVES))


def test_roots_and_frontiers_are_those_of_the_definition() -> None:
    """For every size, whether the leaves come one by one or at once, the root is that of RFC 6962."""
    frontier = Frontier()
    for size, leaf in enumerate(LEAVES):
        assert frontier.root() == merkle.root(LEAVES[:size]) == naive(LEAVES[:size])
        assert len(frontier.hashes) == size.bit_count()
        frontier = frontier.append(leaf)
    assert merkle.root_of(str(number).encode() for number in range(70)) == frontier.root()


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 2500), max_size=5))
def test_leaves_may_come_in_pieces(pieces: list[int]) -> None:
    """Pieces that cross the pages in which leaves are folded give the same tree as one piece."""
    leaves = [number.to_bytes(32, "big") for number in range(sum(pieces))]
    frontier, start = Frontier(), 0
    for piece in pieces:
        frontier = frontier.extend(leaves[start : start + piece])
        start += piece
    assert frontier == Frontier().extend(leaves)
    assert frontier.size == len(leaves)
    assert frontier.root() == naive(leaves)


def test_every_inclusion_proof_up_to_seventy_leaves() -> None:
    """Each is the one of the definition and holds; for another leaf or place it does not."""
    for size in range(1, 71):
        leaves, top = LEAVES[:size], naive(LEAVES[:size])
        for index in range(size):
            proof = merkle.inclusion_proof(leaves, index)
            assert list(proof) == naive_path(index, leaves)
            assert merkle.verify_inclusion(leaves[index], index, size, proof, top)
            assert not merkle.verify_inclusion(leaves[index], index + 1, size, proof, top)
            assert not merkle.verify_inclusion(node_hash(top, top), index, size, proof, top)


def test_every_consistency_proof_up_to_seventy_leaves() -> None:
    """Each is the one of the definition and holds; with another root it does not."""
    roots = [naive(LEAVES[:size]) for size in range(71)]
    for new in range(1, 71):
        for old in range(1, new + 1):
            proof = merkle.consistency_proof(LEAVES[:new], old)
            assert list(proof) == naive_subproof(old, LEAVES[:new], whole=True)
            assert merkle.verify_consistency(old, new, proof, roots[old], roots[new])
            assert not merkle.verify_consistency(old, new, proof, roots[old - 1], roots[new])


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_a_spoiled_proof_is_refused(data: st.DataObject) -> None:
    """A flipped bit, a hash too many or too few, or two exchanged: no such proof holds."""
    size = data.draw(st.integers(3, 70))
    index = data.draw(st.integers(0, size - 1))
    proof, top = list(merkle.inclusion_proof(LEAVES[:size], index)), naive(LEAVES[:size])
    place = data.draw(st.integers(0, len(proof) - 1))
    bit = data.draw(st.integers(0, 255))
    flipped = (int.from_bytes(proof[place], "big") ^ (1 << bit)).to_bytes(32, "big")
    spoiled = data.draw(
        st.sampled_from(
            [
                [*proof[:place], flipped, *proof[place + 1 :]],
                [*proof[:place], *proof[place + 1 :]],
                [*proof[:place], proof[place], *proof[place:]],
                [*proof[:place], proof[place][:31], *proof[place + 1 :]],
                [*proof, top],
            ]
        )
    )
    assert not merkle.verify_inclusion(LEAVES[index], index, size, spoiled, top)


@pytest.mark.parametrize(("index", "size"), [(-1, 3), (3, 3), (0, 0)])
def test_no_proof_of_a_leaf_that_is_not_there(index: int, size: int) -> None:
    """ValueError, naming it."""
    with pytest.raises(ValueError, match=str(index)):
        merkle.inclusion_proof(LEAVES[:size], index)


@pytest.mark.parametrize("old", [-1, 4])
def test_no_proof_to_a_tree_that_was_not(old: int) -> None:
    """ValueError, naming it."""
    with pytest.raises(ValueError, match=str(old)):
        merkle.consistency_proof(LEAVES[:3], old)
