"""Digests: the same secret is recognised, everything else is not."""

import base64
import hmac
import os
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from remit.core.names import Opaque, Secret, SecretKind
from remit.crypto.digest import HmacDigester
from remit.crypto.fresh import SystemClock, SystemFresh

DIGESTER = HmacDigester(bytes(range(32)))
OPAQUE = Opaque(kind=SecretKind.CODE, id="0" * 26, secret=Secret("s" * 43))


@pytest.mark.requirement("GEN-8")
def test_a_secret_is_recognised():
    assert DIGESTER.matches(OPAQUE, DIGESTER.digest(OPAQUE))


@pytest.mark.requirement("GEN-8")
@pytest.mark.parametrize("right", [True, False])
def test_digests_are_compared_in_a_time_that_tells_nothing(monkeypatch, right):
    compared = []

    def watched(one, other):
        compared.append((one, other))
        return real(one, other)

    real = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", watched)
    stored = DIGESTER.digest(OPAQUE) if right else bytes(32)
    assert DIGESTER.matches(OPAQUE, stored) is right
    assert compared == [(DIGESTER.digest(OPAQUE), stored)] or compared == [(stored, DIGESTER.digest(OPAQUE))]


@pytest.mark.requirement("GEN-8")
@pytest.mark.parametrize("kind", SecretKind)
def test_every_secret_has_256_bits_of_the_systems_randomness(kind):
    drawn = []

    def watched(size):
        drawn.append(os.urandom(size))
        return drawn[-1]

    made = SystemFresh(SystemClock(), random=watched).opaque(kind)
    secret = base64.urlsafe_b64decode(made.secret.reveal() + "=")
    assert len(secret) == 32
    assert secret in drawn
    assert SystemFresh(SystemClock())._random is os.urandom


OTHERS = {
    "another secret": replace(OPAQUE, secret=Secret("t" * 43)),
    "the same secret of another kind": replace(OPAQUE, kind=SecretKind.REFRESH),
    "the same secret in another row": replace(OPAQUE, id="1" * 26),
}


@pytest.mark.requirement("GEN-8")
@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_a_digest_fits_its_own_row_and_kind_alone(other):
    assert not DIGESTER.matches(other, DIGESTER.digest(OPAQUE))


@pytest.mark.parametrize("digest", [b"", bytes(32), DIGESTER.digest(OPAQUE)[:-1], DIGESTER.digest(OPAQUE) + b"\x00"])
def test_a_damaged_digest_fits_nothing(digest):
    assert not DIGESTER.matches(OPAQUE, digest)


def test_another_pepper_recognises_nothing():
    assert not HmacDigester(bytes(32)).matches(OPAQUE, DIGESTER.digest(OPAQUE))


def test_what_an_older_release_digested_is_still_recognised():
    assert DIGESTER.digest(OPAQUE).hex() == "0c5fdb1c71277e40719377ed8d1d50915054c6df170c95184c24a529087cc30a"


PARTS = st.lists(st.text(max_size=5), max_size=3)


@given(one=PARTS, other=PARTS)
def test_tags_are_equal_for_equal_parts_alone(one, other):
    assume(one != other)
    assert DIGESTER.tag("csrf", *one) == DIGESTER.tag("csrf", *one)
    assert DIGESTER.tag("csrf", *one) != DIGESTER.tag("csrf", *other)
    assert DIGESTER.tag("csrf", *one) != DIGESTER.tag("binding", *one)


def test_a_tag_is_no_digest():
    tag = DIGESTER.tag("secret", OPAQUE.kind, OPAQUE.id, OPAQUE.secret.reveal())
    assert len(tag) == 43
    assert tag.encode() != DIGESTER.digest(OPAQUE)


@pytest.mark.parametrize("pepper", [b"", bytes(31), bytes(33)])
def test_a_pepper_of_another_length_is_refused(pepper):
    with pytest.raises(ValueError, match="32 bytes"):
        HmacDigester(pepper)
