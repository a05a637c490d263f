"""Taking tokens apart: one spelling, one reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.crypto.compact import (
    MAX_TOKEN,
    numeric_date,
    read_base64url,
    take_apart,
    text,
    type_name,
    write_base64url,
)
from remit.strict_json import read_object

DAMAGED = {
    "empty": "",
    "two parts": "e30.e30",
    "four parts": "e30.e30.AA.AA",
    "an empty header": ".e30.AA",
    "an empty payload": "e30..AA",
    "no signature": "e30.e30.",
    "padding": "e30=.e30.AA",
    "a space inside": "e30.e 30.AA",
    "a line break at the end": "e30.e30.AA\n",
    "the other base64 alphabet": "e30.e30.+/+/",
    "spare bits that are not zero": "e30.e30.AB",
    "a letter beyond ASCII": "e30.e30.ÄÄ",
    "a header that is a list": "W10.e30.AA",
    "a header that is not JSON": "e3s.e30.AA",
    "one character too long": "e30.e30." + "A" * (MAX_TOKEN - 7),
}


@pytest.mark.parametrize("token", DAMAGED.values(), ids=DAMAGED)
def test_what_is_damaged_is_not_taken_apart(token):
    assert take_apart(token) is None


def test_the_longest_token_is_still_read():
    assert take_apart("e30.e30." + "A" * (MAX_TOKEN - 8)) is not None


OBJECTS = {
    "a member given twice": b'{"sub":"a","sub":"b"}',
    "a member given twice deep inside": b'{"a":[{"b":1,"b":1}]}',
    "the same member in two spellings": b'{"sub":"a","\\u0073ub":"b"}',
    "NaN": b'{"exp":NaN}',
    "Infinity": b'{"exp":Infinity}',
    "half of a surrogate pair": b'{"sub":"\\ud800"}',
    "bytes that are not UTF-8": b'{"sub":"\xff"}',
    "UTF-16": '{"sub":"a"}'.encode("utf-16"),
    "a byte order mark": b'\xef\xbb\xbf{"sub":"a"}',
    "something after the end": b'{"sub":"a"}{}',
    "nested 5,000 deep": b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
    "a list": b"[]",
    "nothing": b"",
}


@pytest.mark.requirement("GEN-9")
@pytest.mark.parametrize("raw", OBJECTS.values(), ids=OBJECTS)
def test_what_two_readers_could_read_differently_is_refused(raw):
    assert read_object(raw) is None


DATES = {
    "an integer": (1_300_819_380, 1_300_819_380),
    "a fraction": (1.5, 1.5),
    "the beginning": (0, 0),
    "a string": ("1300819380", None),
    "a boolean": (True, None),
    "null": (None, None),
    "negative": (-1, None),
    "2^63": (2**63, None),
    "too large for a float": (10**400, None),
    "infinite": (float("inf"), None),
    "not a number": (float("nan"), None),
    "a list": ([1], None),
}


@pytest.mark.requirement("GEN-19")
@pytest.mark.parametrize(("value", "expected"), DATES.values(), ids=DATES)
def test_numeric_date(value, expected):
    assert numeric_date(value) == expected


TYPES = {
    "absent": ({}, ""),
    "as the RFC writes it": ({"typ": "at+jwt"}, "at+jwt"),
    "with its media type, in capitals": ({"typ": "Application/AT+JWT"}, "at+jwt"),
    "empty": ({"typ": ""}, None),
    "a number": ({"typ": 1}, None),
    "null": ({"typ": None}, None),
}


@pytest.mark.requirement("GEN-16")
@pytest.mark.parametrize(("header", "expected"), TYPES.values(), ids=TYPES)
def test_type_name(header, expected):
    assert type_name(header) == expected


@pytest.mark.parametrize("value", ["", "a\x00b", "a\nb", "a" * 1025, 5, None, ["a"]])
def test_text_is_what_can_be_stored_and_shown(value):
    assert text(value) is None


@given(st.binary(max_size=200))
def test_base64url_there_and_back(plain):
    assert read_base64url(write_base64url(plain)) == plain


@given(st.text(alphabet="AB_-+/=. \n", max_size=12))
def test_base64url_has_one_spelling_for_each_value(written):
    plain = read_base64url(written.encode())
    assert plain is None or write_base64url(plain).decode() == written


@given(st.text(max_size=300))
def test_no_text_makes_the_reader_stumble(token):
    parts = take_apart(token)
    assert parts is None or isinstance(parts.header, dict)
