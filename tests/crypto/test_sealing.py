"""What is sealed for one place opens there and nowhere else."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from remit.core.names import Opaque, Secret, SecretKind
from remit.crypto.sealing import AesGcmSealer, framed

MASTER = bytes(range(32))
SEALER = AesGcmSealer(MASTER)
OTHER = AesGcmSealer(bytes(32))
CONTEXT = ("tnt_acme", "kid-1")
BEARER = Opaque(kind=SecretKind.REFRESH, id="0" * 26, secret=Secret("s" * 43))

CONTEXTS = st.lists(st.text(max_size=5), min_size=1, max_size=3).map(tuple)


@given(plain=st.binary(max_size=200), context=CONTEXTS)
def test_what_is_sealed_opens(plain, context):
    assert SEALER.unseal(SEALER.seal(plain, context=context), context=context) == plain


@pytest.mark.requirement("KEY-1")
@given(sealed_for=CONTEXTS, opened_for=CONTEXTS)
def test_in_another_context_it_stays_shut(sealed_for, opened_for):
    assume(sealed_for != opened_for)
    assert SEALER.unseal(SEALER.seal(b"plain", context=sealed_for), context=opened_for) is None


MOVED = {
    "another tenant": ("tnt_globex", "kid-1"),
    "another row": ("tnt_acme", "kid-2"),
    "the parts the other way round": ("kid-1", "tnt_acme"),
    "the parts run together": ("tnt_acmekid-1",),
    "a part less": ("tnt_acme",),
    "a part more": ("tnt_acme", "kid-1", ""),
}


@pytest.mark.parametrize("context", MOVED.values(), ids=MOVED)
def test_a_row_that_was_moved_does_not_open(context):
    assert SEALER.unseal(SEALER.seal(b"plain", context=CONTEXT), context=context) is None


def test_another_master_key_opens_nothing():
    assert OTHER.unseal(SEALER.seal(b"plain", context=CONTEXT), context=CONTEXT) is None
    assert OTHER.unseal_for_bearer(SEALER.seal_for_bearer("plain", BEARER), BEARER) is None


SEALED = SEALER.seal(b"plain", context=CONTEXT)


@given(at=st.integers(0, len(SEALED) - 1), bit=st.integers(0, 7))
def test_any_bit_flipped_is_refused(at, bit):
    changed = bytearray(SEALED)
    changed[at] ^= 1 << bit
    assert SEALER.unseal(bytes(changed), context=CONTEXT) is None


@given(st.integers(0, len(SEALED) - 1))
def test_any_shorter_text_is_refused(length):
    assert SEALER.unseal(SEALED[:length], context=CONTEXT) is None


def test_the_same_text_is_never_sealed_alike():
    assert SEALER.seal(b"plain", context=CONTEXT) != SEALER.seal(b"plain", context=CONTEXT)


def test_what_an_older_release_sealed_still_opens():
    sealed = bytes.fromhex(
        "016465666768696a6b6c6d6e6fc79bf63f6ee4b59e86938a19d2da2fcac2f014c772162a9e1324bc16b3bafddfc1cfba3e21"
    )
    assert SEALER.unseal(sealed, context=CONTEXT) == b"sealed by release 0.1"
    sealed = bytes.fromhex(
        "016465666768696a6b6c6d6e6f63237aac1ca0860d5b96a9e8cc236e7085a81f81c1895d564a327a625dfbb0b68fabbba1d1"
    )
    assert SEALER.unseal_for_bearer(sealed, BEARER) == "sealed by release 0.1"


def test_only_the_bearer_opens_what_was_sealed_for_him():
    assert SEALER.unseal_for_bearer(SEALER.seal_for_bearer("rmt_rt_next", BEARER), BEARER) == "rmt_rt_next"


STRANGERS = {
    "another secret": Opaque(kind=SecretKind.REFRESH, id="0" * 26, secret=Secret("t" * 43)),
    "another id": Opaque(kind=SecretKind.REFRESH, id="1" * 26, secret=Secret("s" * 43)),
    "another kind": Opaque(kind=SecretKind.CODE, id="0" * 26, secret=Secret("s" * 43)),
}


@pytest.mark.parametrize("stranger", STRANGERS.values(), ids=STRANGERS)
def test_a_stranger_opens_nothing(stranger):
    assert SEALER.unseal_for_bearer(SEALER.seal_for_bearer("plain", BEARER), stranger) is None


def test_what_is_sealed_for_a_bearer_does_not_open_without_him():
    sealed = SEALER.seal_for_bearer("plain", BEARER)
    assert SEALER.unseal(sealed, context=(BEARER.kind, BEARER.id)) is None


@pytest.mark.parametrize("master", [b"", bytes(31), bytes(33)])
def test_a_master_key_of_another_length_is_refused(master):
    with pytest.raises(ValueError, match="32 bytes"):
        AesGcmSealer(master)


@given(one=CONTEXTS, other=CONTEXTS)
def test_framing_is_unambiguous(one, other):
    assert (framed(*one) == framed(*other)) is (one == other)
