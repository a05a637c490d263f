"""The Merkle tree over a tenant's audit entries (RFC 6962 §2.1, RFC 9162 §2.1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from hashlib import sha256

HASH_SIZE = 32
_SIZE_BYTES = 8


def leaf_hash(entry: bytes) -> bytes:
    """Hash one entry; the prefix keeps an entry from passing for an inner node (RFC 6962 §2.1)."""
    return sha256(b"\x00" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash two subtrees into their parent."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Frontier:
    """All that a tree needs to grow: its size and the roots of its perfect subtrees, largest first."""

    size: int
    hashes: tuple[bytes, ...]

    def __post_init__(self) -> None:
        """Refuse a frontier that no tree has.

        Raises:
            ValueError: the hashes do not belong to a tree of this size.
        """
        if self.size < 0 or len(self.hashes) != self.size.bit_count():
            raise ValueError("a frontier has one hash for each bit that is set in its size")
        if any(len(item) != HASH_SIZE for item in self.hashes):
            raise ValueError("a frontier holds SHA-256 hashes")

    def append(self, leaf: bytes) -> "Frontier":
        """Add one leaf hash; every subtree that it completes folds into its parent."""
        hashes, carry, size = self.hashes, leaf, self.size
        while size & 1:
            carry = node_hash(hashes[-1], carry)
            hashes = hashes[:-1]
            size >>= 1
        return Frontier(size=self.size + 1, hashes=(*hashes, carry))

    def root(self) -> bytes:
        """Compute the Merkle tree head of all leaves so far."""
        if not self.hashes:
            return sha256(b"").digest()
        return reduce(lambda right, left: node_hash(left, right), reversed(self.hashes))

    def to_bytes(self) -> bytes:
        """Write the size (8 bytes, big-endian) and the hashes."""
        return self.size.to_bytes(_SIZE_BYTES, "big") + b"".join(self.hashes)

    @classmethod
    def from_bytes(cls, stored: bytes) -> "Frontier":
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: these bytes are not a frontier.
        """
        if len(stored) < _SIZE_BYTES:
            raise ValueError("a stored frontier begins with its size")
        hashes = tuple(stored[at : at + HASH_SIZE] for at in range(_SIZE_BYTES, len(stored), HASH_SIZE))
        return cls(size=int.from_bytes(stored[:_SIZE_BYTES], "big"), hashes=hashes)


EMPTY = Frontier(size=0, hashes=())


def root_of(leaf_hashes: Sequence[bytes]) -> bytes:
    """Compute the Merkle tree head of these leaf hashes."""
    return reduce(Frontier.append, leaf_hashes, EMPTY).root()


def inclusion_proof(index: int, leaf_hashes: Sequence[bytes]) -> tuple[bytes, ...]:
    """List the hashes that lead from one leaf to the root (RFC 9162 §2.1.3.1).

    Raises:
        ValueError: the tree has no leaf of this index.
    """
    if not 0 <= index < len(leaf_hashes):
        raise ValueError("no leaf of this index")
    proof: tuple[bytes, ...] = ()
    while len(leaf_hashes) > 1:
        split = _split(len(leaf_hashes))
        left, right = leaf_hashes[:split], leaf_hashes[split:]
        if index < split:
            proof, leaf_hashes = (root_of(right), *proof), left
        else:
            proof, leaf_hashes, index = (root_of(left), *proof), right, index - split
    return proof


def verify_inclusion(leaf: bytes, *, index: int, size: int, proof: Sequence[bytes], root: bytes) -> bool:
    """Tell whether the leaf hash stands at this index of the tree of this size and root (RFC 9162 §2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes(leaf, root, *proof):
        return False
    node, last, computed = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False  # longer than the way to the root
        if node & 1 or node == last:
            computed = node_hash(step, computed)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1  # a lone right edge rises without a sibling
        else:
            computed = node_hash(computed, step)
        node, last = node >> 1, last >> 1
    return last == 0 and computed == root


def consistency_proof(old_size: int, leaf_hashes: Sequence[bytes]) -> tuple[bytes, ...]:
    """List the hashes that show an older tree to be the beginning of this one (RFC 9162 §2.1.4.1).

    Raises:
        ValueError: the older tree is larger than this one.
    """
    if not 0 <= old_size <= len(leaf_hashes):
        raise ValueError("the older tree is larger than this one")
    if old_size == 0:
        return ()  # every tree begins with the empty one
    proof: tuple[bytes, ...] = ()
    rest, whole = old_size, True  # whole: the verifier knows this subtree's hash, it is the old root
    while rest < len(leaf_hashes):
        split = _split(len(leaf_hashes))
        left, right = leaf_hashes[:split], leaf_hashes[split:]
        if rest <= split:
            proof, leaf_hashes = (root_of(right), *proof), left
        else:
            proof, leaf_hashes = (root_of(left), *proof), right
            rest, whole = rest - split, False
    return proof if whole else (root_of(leaf_hashes), *proof)


def verify_consistency(
    *, old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Tell whether the tree of `old_root` is the beginning of the tree of `new_root` (RFC 9162 §2.1.4.2)."""
    if not 0 <= old_size <= new_size or not _are_hashes(old_root, new_root, *proof):
        return False
    if old_size == 0:
        return not proof and old_root == EMPTY.root() and (new_size > 0 or new_root == old_root)
    if old_size == new_size:
        return not proof and old_root == new_root
    node, last = old_size - 1, new_size - 1
    while node & 1:
        node, last = node >> 1, last >> 1
    # An old tree that is perfect is itself the first step; its verifier already has it.
    steps = list(proof) if node else [old_root, *proof]
    if not steps:
        return False
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if node & 1 or node == last:
            old, new = node_hash(step, old), node_hash(step, new)
            while not node & 1 and node:
                node, last = node >> 1, last >> 1
        else:
            new = node_hash(new, step)
        node, last = node >> 1, last >> 1
    return last == 0 and old == old_root and new == new_root


def _split(size: int) -> int:
    """Give the largest power of two below a size of two or more (`k` in RFC 6962 §2.1)."""
    return 1 << (size - 1).bit_length() - 1


def _are_hashes(*items: bytes) -> bool:
    # Two halves of other lengths could spell the same parent.
    return all(len(item) == HASH_SIZE for item in items)
