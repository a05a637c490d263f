"""The Merkle tree of the audit log: known answers, then laws."""

from hashlib import sha256

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from remit.core.audit.tree import (
    EMPTY,
    Frontier,
    consistency_proof,
    inclusion_proof,
    leaf_hash,
    node_hash,
    root_of,
    verify_consistency,
    verify_inclusion,
)

# The inputs and answers of the reference implementation of Certificate Transparency (RFC 6962).
ENTRIES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
A, B, C, D, E, F, G = (
    "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
    "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
)
CONSISTENCY = {
    "a tree with itself": (1, 1, []),
    "one leaf in eight": (1, 8, [A, B, C]),
    "six in eight, of which six is no perfect tree": (6, 8, [G, E, F]),
    "two in five, of which two is perfect": (2, 5, [B, D]),
}
INCLUSION = {
    "the first of eight": (0, 8, [A, B, C]),
    "the sixth of eight": (5, 8, [D, E, F]),
}

HASHES = st.binary(min_size=32, max_size=32)
TREES = st.lists(HASHES, max_size=40, unique=True)
FULL_TREES = st.lists(HASHES, min_size=1, max_size=40, unique=True)


@pytest.mark.requirement("AUD-3")
@pytest.mark.parametrize("size", range(9))
def test_roots_are_those_of_certificate_transparency(size):
    assert root_of(LEAVES[:size]).hex() == ROOTS[size]


@pytest.mark.parametrize(("index", "size", "proof"), INCLUSION.values(), ids=INCLUSION)
def test_inclusion_proofs_are_those_of_certificate_transparency(index, size, proof):
    assert [step.hex() for step in inclusion_proof(index, LEAVES[:size])] == proof


@pytest.mark.parametrize(("old", "new", "proof"), CONSISTENCY.values(), ids=CONSISTENCY)
def test_consistency_proofs_are_those_of_certificate_transparency(old, new, proof):
    assert [step.hex() for step in consistency_proof(old, LEAVES[:new])] == proof


def test_an_entry_that_spells_an_inner_node_is_no_inner_node():
    assert leaf_hash(LEAVES[0] + LEAVES[1]) != node_hash(LEAVES[0], LEAVES[1])
    assert leaf_hash(b"a") == sha256(b"\x00a").digest()


def recursive_root(leaves):
    """The definition of RFC 6962 §2.1, word for word."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node_hash(recursive_root(leaves[:split]), recursive_root(leaves[split:]))


@given(TREES)
def test_a_frontier_grows_into_the_root_of_the_definition(leaves):
    frontier = EMPTY
    for size, leaf in enumerate(leaves):
        assert frontier.root() == recursive_root(leaves[:size])
        frontier = frontier.append(leaf)
    assert (frontier.size, frontier.root()) == (len(leaves), recursive_root(leaves))
    assert root_of(leaves) == frontier.root()


@given(TREES, HASHES)
def test_a_stored_frontier_goes_on_where_it_stopped(leaves, leaf):
    frontier = EMPTY
    for item in leaves:
        frontier = frontier.append(item)
    again = Frontier.from_bytes(frontier.to_bytes())
    assert again == frontier
    assert again.append(leaf).root() == root_of([*leaves, leaf])


BROKEN = {
    "nothing": b"",
    "half a size": b"\x00" * 7,
    "a size without its hash": (1).to_bytes(8, "big"),
    "a hash too many": (1).to_bytes(8, "big") + bytes(64),
    "a hash cut short": (1).to_bytes(8, "big") + bytes(31),
}


@pytest.mark.parametrize("stored", BROKEN.values(), ids=BROKEN)
def test_bytes_that_are_no_frontier_are_refused(stored):
    with pytest.raises(ValueError, match="frontier"):
        Frontier.from_bytes(stored)


@pytest.mark.parametrize("index", [-1, 3])
def test_there_is_no_proof_for_a_leaf_that_is_not_there(index):
    with pytest.raises(ValueError, match="no leaf"):
        inclusion_proof(index, LEAVES[:3])


@pytest.mark.parametrize("size", [-1, 4])
def test_there_is_no_proof_for_an_older_tree_that_is_larger(size):
    with pytest.raises(ValueError, match="larger"):
        consistency_proof(size, LEAVES[:3])


@given(FULL_TREES, st.data())
def test_an_inclusion_proof_verifies_for_its_leaf_and_place_alone(leaves, data):
    size, root = len(leaves), root_of(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, leaves)
    assert verify_inclusion(leaves[index], index=index, size=size, proof=proof, root=root)
    for other in range(-1, size + 1):
        if other != index:
            assert not verify_inclusion(leaves[index], index=other, size=size, proof=proof, root=root)
    for other in set(leaves) - {leaves[index]}:
        assert not verify_inclusion(other, index=index, size=size, proof=proof, root=root)


@given(FULL_TREES, st.data())
def test_an_inclusion_proof_with_one_changed_step_does_not_verify(leaves, data):
    size, root = len(leaves), root_of(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(index, leaves)
    claim = {"index": index, "size": size, "root": root}
    assert not verify_inclusion(leaves[index], proof=(*proof, root), **claim)
    if proof:
        at = data.draw(st.integers(0, len(proof) - 1))
        forged = (*proof[:at], leaf_hash(proof[at]), *proof[at + 1 :])
        assert not verify_inclusion(leaves[index], proof=forged, **claim)
        assert not verify_inclusion(leaves[index], proof=proof[:-1], **claim)


def test_halves_of_other_lengths_do_not_pass_for_hashes():
    left, right = LEAVES[0], LEAVES[1]
    assert not verify_inclusion(left + right[:1], index=0, size=2, proof=[right[1:]], root=node_hash(left, right))


def test_a_proof_that_goes_on_above_the_root_does_not_verify():
    # Each is made to fit a root that stands one step higher than a tree of this size can reach.
    first, second, third, top = LEAVES[:4]
    assert not verify_inclusion(second, index=0, size=1, proof=[first], root=node_hash(first, second))
    old_root = node_hash(top, node_hash(third, first))
    new_root = node_hash(top, node_hash(third, node_hash(first, second)))
    proof = [first, second, third, top]
    assert not verify_consistency(old_size=3, old_root=old_root, new_size=4, new_root=new_root, proof=proof)


@given(TREES, st.data())
def test_a_consistency_proof_verifies_for_the_beginning_of_the_tree(leaves, data):
    old = data.draw(st.integers(0, len(leaves)))
    assert verify_consistency(
        old_size=old,
        old_root=root_of(leaves[:old]),
        new_size=len(leaves),
        new_root=root_of(leaves),
        proof=consistency_proof(old, leaves),
    )


@given(FULL_TREES, st.data())
def test_a_consistency_proof_does_not_verify_for_another_history(leaves, data):
    old = data.draw(st.integers(1, len(leaves)))
    edited = data.draw(st.integers(0, old - 1))
    other = [*leaves[:edited], leaf_hash(leaves[edited]), *leaves[edited + 1 :]]
    claim = {"old_size": old, "new_size": len(leaves), "new_root": root_of(leaves)}
    for proof in (consistency_proof(old, leaves), consistency_proof(old, other)):
        assert not verify_consistency(old_root=root_of(other[:old]), proof=proof, **claim)


@given(FULL_TREES, st.data())
def test_a_consistency_proof_with_one_changed_step_does_not_verify(leaves, data):
    old = data.draw(st.integers(0, len(leaves)))
    proof = consistency_proof(old, leaves)
    claim = {"old_size": old, "old_root": root_of(leaves[:old]), "new_size": len(leaves), "new_root": root_of(leaves)}
    assert not verify_consistency(proof=(*proof, leaves[0]), **claim)
    assume(proof)
    at = data.draw(st.integers(0, len(proof) - 1))
    assert not verify_consistency(proof=(*proof[:at], leaf_hash(proof[at]), *proof[at + 1 :]), **claim)
    assert not verify_consistency(proof=proof[:-1], **claim)


@given(FULL_TREES, st.data())
def test_a_consistency_proof_does_not_verify_for_another_size_of_the_older_tree(leaves, data):
    old = data.draw(st.integers(1, len(leaves)))
    other = data.draw(st.integers(0, len(leaves)).filter(lambda size: size != old))
    assert not verify_consistency(
        old_size=other,
        old_root=root_of(leaves[:old]),
        new_size=len(leaves),
        new_root=root_of(leaves),
        proof=consistency_proof(old, leaves),
    )


EMPTIES = {
    "every tree begins with the empty one": (0, EMPTY.root(), 8, ROOTS[8], True),
    "the empty tree is the same as itself": (0, EMPTY.root(), 0, ROOTS[0], True),
    "the empty tree has one root only": (0, LEAVES[0], 8, ROOTS[8], False),
    "an empty tree does not become another empty one": (0, EMPTY.root(), 0, ROOTS[8], False),
    "a tree never shrinks": (8, bytes.fromhex(ROOTS[8]), 0, ROOTS[0], False),
    "a size is not negative": (-1, EMPTY.root(), 8, ROOTS[8], False),
}


@pytest.mark.parametrize(("old_size", "old_root", "new_size", "new_root", "expected"), EMPTIES.values(), ids=EMPTIES)
def test_consistency_at_the_edges(old_size, old_root, new_size, new_root, expected):
    verdict = verify_consistency(
        old_size=old_size, old_root=old_root, new_size=new_size, new_root=bytes.fromhex(new_root), proof=()
    )
    assert verdict == expected
