"""Merkle trees after RFC 6962 §2.1 (RFC 9162 §2.1): roots, proofs of inclusion and of consistency, and their checks.

A leaf's hash is SHA-256 over a zero octet and its data, a node's over a one octet and the hashes of its two sides; the
left side of n leaves has the largest power of two below n. All hashes are 32 bytes. Nothing here knows what a leaf
says, and nothing needs more memory than a page of leaves.

A proof is a row of hashes of subtrees. `inclusion_ranges` and `consistency_ranges` say of which leaves, so that whoever
has the leaves in a database computes a proof without having them all at once.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()

_BLOCK = 1024  # leaves folded at once, a power of two
_BLOCK_HEIGHT = 10

_sha256 = hashlib.sha256


def leaf_hash(data: bytes) -> bytes:
    """The hash of a leaf with this data."""
    return _sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash of the node above two subtrees."""
    return _sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """What is needed of a tree to append to it: how many leaves it has, and the hashes of its complete subtrees.

    `hashes` has one hash a one-bit of `size`, that of the largest subtree (and first leaves) first.
    """

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    def append(self, leaf: bytes) -> "Frontier":
        """The tree with one more leaf, given by its hash."""
        return self.extend((leaf,))

    def extend(self, leaves: Iterable[bytes]) -> "Frontier":
        """The tree with more leaves, given by their hashes; they are taken page by page."""
        size, hashes, coming = self.size, list(self.hashes), iter(leaves)
        while page := list(islice(coming, _BLOCK - size % _BLOCK)):
            if len(page) == _BLOCK:
                _push(hashes, size >> _BLOCK_HEIGHT, _folded(page))
            else:
                for count, leaf in enumerate(page, start=size):
                    _push(hashes, count, leaf)
            size += len(page)
        return Frontier(size, tuple(hashes))

    def widths(self) -> tuple[int, ...]:
        """How many leaves each of the subtrees has."""
        return tuple(1 << bit for bit in reversed(range(self.size.bit_length())) if self.size >> bit & 1)

    def root(self) -> bytes:
        """The tree's hash."""
        if not self.hashes:
            return EMPTY_ROOT
        *others, top = self.hashes
        for left in reversed(others):
            top = node_hash(left, top)
        return top


def root(leaves: Iterable[bytes]) -> bytes:
    """The tree hash over leaves given by their hashes."""
    return Frontier().extend(leaves).root()


def root_of(lines: Iterable[bytes]) -> bytes:
    """The tree hash over leaves given by their data."""
    return root(map(leaf_hash, lines))


def inclusion_ranges(index: int, size: int) -> tuple[range, ...]:
    """The leaves under each hash of an inclusion proof, in the proof's order (RFC 9162 §2.1.3.1).

    Raises ValueError unless 0 <= index < size.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has no leaf {index}")
    return _siblings(index, 1, size)


def consistency_ranges(old: int, new: int) -> tuple[range, ...]:
    """The leaves under each hash of a consistency proof, in the proof's order (RFC 9162 §2.1.4.1).

    Trees of equal sizes need no hashes, and neither does an old tree without leaves: everything begins so. Raises
    ValueError unless 0 <= old <= new.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} leaves was never one of {old}")
    if old in (0, new):
        return ()
    width = old & -old  # the last complete subtree of the old tree
    start = old - width
    return (range(start, old), *_siblings(start, width, new)) if start else _siblings(start, width, new)


def inclusion_proof(leaves: Sequence[bytes], index: int) -> tuple[bytes, ...]:
    """The proof that leaf `index` (from 0) is in the tree over these leaf hashes. Raises ValueError: no such leaf."""
    return tuple(root(leaves[part.start : part.stop]) for part in inclusion_ranges(index, len(leaves)))


def consistency_proof(leaves: Sequence[bytes], old: int) -> tuple[bytes, ...]:
    """The proof that the tree over these leaf hashes began as that of the first `old`. Raises ValueError."""
    return tuple(root(leaves[part.start : part.stop]) for part in consistency_ranges(old, len(leaves)))


def verify_inclusion(leaf: bytes, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Whether the proof shows this leaf hash at `index` of the tree of `size` leaves (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes(leaf, root, *proof):
        return False
    place, last, found = index, size - 1, leaf
    for other in proof:
        if not last:
            return False
        if place & 1 or place == last:
            found = node_hash(other, found)
            place, last = _up_to_a_right_side(place, last)
        else:
            found = node_hash(found, other)
        place, last = place >> 1, last >> 1
    return not last and found == root


def verify_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> bool:
    """Whether the proof shows that the tree of `new` leaves began as that of `old` (RFC 9162 §2.1.4.2).

    An old tree without leaves proves nothing and is refused.
    """
    if not 0 < old <= new:
        return False
    if old == new:
        return not proof and old_root == new_root
    if not proof or not _are_hashes(old_root, new_root, *proof):
        return False
    first, *others = (old_root, *proof) if old & (old - 1) == 0 else proof
    place, last = old - 1, new - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    then = now = first
    for other in others:
        if not last:
            return False
        if place & 1 or place == last:
            then, now = node_hash(other, then), node_hash(other, now)
            place, last = _up_to_a_right_side(place, last)
        else:
            now = node_hash(now, other)
        place, last = place >> 1, last >> 1
    return not last and then == old_root and now == new_root


def _push(hashes: list[bytes], count: int, top: bytes) -> None:
    """Append a subtree behind `count` others of its size: it is joined with every complete one of its own size."""
    while count & 1:
        top = _sha256(b"\x01" + hashes.pop() + top).digest()
        count >>= 1
    hashes.append(top)


def _folded(page: list[bytes]) -> bytes:
    """The hash over a power of two of leaves."""
    while len(page) > 1:
        sides = iter(page)
        page = [_sha256(b"\x01" + left + right).digest() for left, right in zip(sides, sides, strict=True)]
    return page[0]


def _siblings(start: int, width: int, size: int) -> tuple[range, ...]:
    """From a subtree up to the root, the leaves beside it at every height where there are any."""
    found = []
    while width < size:
        if start & width:
            found.append(range(start - width, start))
        elif start + width < size:
            found.append(range(start + width, min(start + 2 * width, size)))
        start &= ~width
        width <<= 1
    return tuple(found)


def _up_to_a_right_side(place: int, last: int) -> tuple[int, int]:
    """Pass over the heights at which a last node without a sibling just moves up."""
    while place and not place & 1:
        place, last = place >> 1, last >> 1
    return place, last


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_BYTES for value in values)
