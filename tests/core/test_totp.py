"""One-time codes (RFC 4226, RFC 6238), and recovery codes as people type them."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.names import UserId
from remit.core.totp import (
    DRIFT,
    PENDING,
    RECOVERY_BYTES,
    STEP_SECONDS,
    SecondFactor,
    address_of,
    code_at,
    matching_step,
    read_code,
    read_recovery_code,
    recovery_code,
    spelled,
    step_of,
)
from tests.core.nouns import NOW

SECRET = b"12345678901234567890"
VECTORS = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}
"""RFC 6238, appendix B, SHA-1."""

COUNTED = ["755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"]
"""RFC 4226, appendix D."""


@pytest.mark.parametrize(("at", "code"), VECTORS.items())
def test_the_vectors_of_the_time_based_standard(at, code):
    step = step_of(datetime.fromtimestamp(at, UTC))
    assert code_at(SECRET, step, digits=8) == code
    assert code_at(SECRET, step) == code[2:]


def test_the_vectors_of_the_counting_standard():
    assert [code_at(SECRET, counter) for counter in range(10)] == COUNTED


@pytest.mark.parametrize("off", range(-DRIFT - 2, DRIFT + 3))
def test_a_clock_may_be_off_by_one_step_and_no_more(off):
    code = code_at(SECRET, step_of(NOW) + off)
    assert matching_step(SECRET, code, NOW) == (step_of(NOW) + off if abs(off) <= DRIFT else None)


def test_a_step_lasts_half_a_minute():
    assert step_of(NOW + timedelta(seconds=STEP_SECONDS - 1)) == step_of(NOW)
    assert step_of(NOW + timedelta(seconds=STEP_SECONDS)) == step_of(NOW) + 1


TYPED = {
    "as shown": ("123456", "123456"),
    "in groups": (" 123 456\t", "123456"),
    "too short": ("12345", None),
    "too long": ("1234567", None),
    "digits of another script": ("１２３４５６", None),
    "signed": ("+12345", None),
    "letters": ("12345a", None),
    "nothing": ("", None),
}


@pytest.mark.parametrize(("text", "code"), TYPED.values(), ids=TYPED)
def test_how_a_code_is_typed(text, code):
    assert read_code(text) == code


RECOVERING = {
    "as shown": ("0abcd-efgh1", "0abcdefgh1"),
    "without its hyphen": ("0abcdefgh1", "0abcdefgh1"),
    "loudly": ("0ABCD EFGH1", "0abcdefgh1"),
    "misread": ("Oabcd-efghl", "0abcdefgh1"),
    "too short": ("0abcd-efgh", None),
    "a letter that there is not": ("0abcd-efghu", None),
    "a code of the app": ("123456", None),
}


@pytest.mark.parametrize(("text", "code"), RECOVERING.values(), ids=RECOVERING)
def test_how_a_recovery_code_is_typed(text, code):
    assert read_recovery_code(text) == code


@given(raw=st.binary(min_size=RECOVERY_BYTES, max_size=RECOVERY_BYTES))
def test_what_is_shown_is_what_is_read(raw):
    shown = recovery_code(raw)
    assert read_recovery_code(shown) == shown.replace("-", "")
    assert read_code(shown) is None


def test_different_chance_makes_different_codes():
    assert recovery_code(b"\0" * RECOVERY_BYTES) != recovery_code(b"\0" * (RECOVERY_BYTES - 1) + b"\1")
    # 50 of the 56 bits stand in the code; none of them twice.
    ones = {recovery_code((1 << place).to_bytes(RECOVERY_BYTES, "big")) for place in range(50)}
    assert len(ones) == 50


def test_the_secret_reaches_an_app_either_way():
    assert base64.b32decode(spelled(SECRET).replace(" ", "")) == SECRET
    address = address_of(SECRET, issuer="Acme & Söhne", account="alice@example.com")
    parts = urlsplit(address)
    assert (parts.scheme, parts.netloc) == ("otpauth", "totp")
    said = parse_qs(parts.query, strict_parsing=True)
    assert (base64.b32decode(said["secret"][0]), said["issuer"]) == (SECRET, ["Acme & Söhne"])


def test_a_secret_waits_ten_minutes_for_its_first_code():
    factor = SecondFactor(user=UserId("usr_1"), sealed=b"", last_step=0, created_at=NOW, confirmed_at=None)
    assert (factor.active, factor.pending(NOW)) == (False, True)
    assert not factor.pending(NOW + PENDING)
