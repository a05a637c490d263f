"""The readers of JSON, held against the standard library's and the limits that we document."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import strategies as st

from remit.strict_json import read_object as read_by_server
from remit.wire.parse import MAX_BODY, parse_json
from remit_sdk.strict import read_object as read_by_guard
from tests.fuzz.bending import bent, seeds
from tests.kit.effort import EFFORTS, watched

DEEPEST = 32


class Refused(Exception):
    """The oracle says no."""


def oracle(raw: bytes) -> Any:
    """Read JSON as RFC 8259 writes it, each member once, no number beyond all numbers, not too deep."""
    text = raw.decode("utf-8")
    if text.startswith("\ufeff"):
        raise Refused("a byte order mark")
    value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite)
    _hold(value, 1)
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if sorted(set(names)) != sorted(names):
        raise Refused("a member twice")
    return dict(pairs)


def _no_constant(name: str) -> Any:
    raise Refused(name)


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise Refused("beyond all numbers")
    return number


def _hold(value: Any, depth: int) -> None:
    if isinstance(value, str):
        value.encode()  # half of a surrogate pair is no text
    if isinstance(value, dict | list) and depth > DEEPEST:
        raise Refused("too deep")
    if isinstance(value, dict):
        value = [*value, *value.values()]
    if isinstance(value, list):
        for inner in value:
            _hold(inner, depth + 1)


def by_the_oracle(raw: bytes) -> tuple[Any] | None:
    try:
        return (oracle(raw),)
    except (Refused, ValueError, RecursionError):
        return None


def by_the_endpoints(raw: bytes) -> tuple[Any] | None:
    with watched():
        read = parse_json(raw, Any)
    # A text is a refusal, unless the JSON was one text; then it is told apart by having been a string.
    if isinstance(read, str) and not raw.lstrip(b" \t\r\n").startswith(b'"'):
        return None
    if isinstance(read, str) and (known := by_the_oracle(raw)) != (read,):
        return None if known is None else (read,)
    return (read,)


def as_object(read: tuple[Any] | None) -> dict[str, Any] | None:
    return read[0] if read is not None and isinstance(read[0], dict) else None


def agree(raw: bytes) -> None:
    expected = by_the_oracle(raw)
    assert by_the_endpoints(raw) == expected
    with watched():
        assert read_by_guard(raw) == as_object(expected)
        assert read_by_server(raw) == as_object(expected)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
# Beyond these the library and ours mean the same number by different types.
NUMBERS = st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=12,
)
OBJECTS = st.dictionaries(TEXTS, JSON, max_size=5)


def write(value: Any, *, plain: bool) -> bytes:
    return json.dumps(value, ensure_ascii=plain).encode()


WRITTEN = st.builds(write, OBJECTS, plain=st.booleans())
TRICKS = [
    b'"a":1,"a":2', b'"a":NaN', b'"a":-Infinity', b'"a":1e400', b'"a":"\\ud800"', b'"a":"\\udc00\\ud800"',
    b'"a":01', b'"a":.5', b'"a":+1', b'"a":1.', b'"a":0x10', b'"a":tru', b'"a":"\x01"', b'"a":"\xff"', b'"a":1,',
    b'"a":"\\u00zz"', b'"a":"\\x41"', b"'a':1", b'"a":1 //', b'"a":-0', b'"a":[1,2,]', b'"\\u0061":1,"a":2', b'"a":1}{',
    b'"\\ud800":1',
]  # fmt: skip
BEHIND = st.sampled_from([b"", b" ", b"\n", b"x", b"\0"])
TRICKED = st.builds(lambda inner, behind: b"{" + inner + b"}" + behind, st.sampled_from(TRICKS), BEHIND)


@pytest.mark.parametrize("raw", seeds("json").values(), ids=seeds("json"))
def test_kept_json_is_read_as_the_library_reads_it(raw):
    agree(raw)


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_what_a_library_wrote_is_taken_as_it_was_meant(effort):
    @effort.run(300, 50_000, JSON, st.booleans())
    def law(value, plain):
        assert by_the_endpoints(write(value, plain=plain)) == (value,)
        if isinstance(value, dict):
            assert read_by_guard(write(value, plain=plain)) == value
            assert read_by_server(write(value, plain=plain)) == value


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_bent_json_means_the_same_to_us_as_to_the_library(effort):
    effort.run(700, 30_000, bent(st.one_of(WRITTEN, TRICKED)))(agree)


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_no_bytes_break_a_reader(effort):
    marks = st.text('{}[]",:\\u0123 -+eE.', max_size=40).map(str.encode)
    effort.run(400, 20_000, st.one_of(st.binary(max_size=60), marks))(agree)


def nested(depth: int, opening: bytes, closing: bytes) -> bytes:
    return b'{"a":' + opening * depth + b"1" + closing * depth + b"}"


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}"), (b'[{"a":', b"}]")])
def test_the_depth_is_what_is_documented(opening, closing):
    layers = opening.count(b"[") + opening.count(b"{")
    for depth in (1, 14, 15, 16, 30, 31, 32, 33, 200, 9_000):
        raw = nested(depth, opening, closing)
        taken = 1 + depth * layers <= DEEPEST
        assert (by_the_endpoints(raw) is not None) == taken
        with watched():
            assert (read_by_guard(raw) is not None) == taken
            assert (read_by_server(raw) is not None) == taken


def test_brackets_in_a_text_are_no_nesting():
    agree(write({"client_name": "[" * 500 + '"{\\' * 500}, plain=True))


HEAVY = {
    "open brackets": b"[" * MAX_BODY,
    "open objects": b'{"a":' * (MAX_BODY // 5),
    "an open string": b'"' + b"\\" * (MAX_BODY - 1),
    "quotes": b'"' * MAX_BODY,
    "escaped quotes": b'\\"' * (MAX_BODY // 2),
    "one long number": b"9" * MAX_BODY,
    "a long exponent": b"1e" + b"9" * (MAX_BODY - 2),
    "many members of one name": b"{" + b",".join([b'"a":1'] * (MAX_BODY // 6)) + b"}",
    "many members": b"{" + b",".join(b'"%d":1' % number for number in range(6_000)) + b"}",
    "white space": b" " * (MAX_BODY - 2) + b"{}",
}


@pytest.mark.parametrize("raw", HEAVY.values(), ids=HEAVY)
def test_nothing_within_the_limit_takes_long(raw):
    with watched():
        by_the_endpoints(raw)
        read_by_guard(raw)
        read_by_server(raw)
