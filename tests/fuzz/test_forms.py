"""Form bodies and queries, held against the standard library's reading of them and our limits, stated once more."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import strategies as st

from remit.core.oauth.verdicts import Refusal
from remit.wire.parse import Form, parse_form
from remit_sdk.credentials import names_token
from tests.fuzz.bending import bent, seeds
from tests.kit.effort import EFFORTS, watched

MOST = 100
SEVERAL = {"resource"}


def oracle(body: bytes) -> dict[str, tuple[str, ...]] | None:
    """Read a form as the URL standard does; None where our own rules refuse it."""
    if body.count(b"&") >= MOST:
        return None
    # Latin-1 in and out, so that the library splits and unquotes and the bytes stay what they are.
    pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True, encoding="latin-1", errors="strict")
    fields: dict[str, tuple[str, ...]] = {}
    try:
        texts = [(name.encode("latin-1").decode(), value.encode("latin-1").decode()) for name, value in pairs]
    except UnicodeDecodeError:
        return None
    if any(_controlled(name) or _controlled(value) for name, value in texts):
        return None
    said = [(name, value) for name, value in texts if name and value]
    if any(count > 1 and name not in SEVERAL for name, count in Counter(name for name, _ in said).items()):
        return None
    for name, value in said:
        fields[name] = (*fields.get(name, ()), value)
    return fields


def _controlled(text: str) -> bool:
    return any(unicodedata.category(letter) == "Cc" and letter not in "\t\r\n" for letter in text)


def ours(body: bytes) -> dict[str, tuple[str, ...]] | None:
    with watched():
        read = parse_form(body)
    if isinstance(read, Refusal):
        assert read.code == "invalid_request"
        assert re.fullmatch(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+", read.hint)
        return None
    assert isinstance(read, Form)
    return {name: read.many(name) for name in read._fields}


def agree(body: bytes) -> None:
    assert ours(body) == oracle(body)


NAMES = st.one_of(
    st.sampled_from("grant_type code client_id client_secret resource scope redirect_uri state access_token".split()),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6),
)
VALUES = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\r\n"), max_size=12)
GOOD = st.lists(st.tuples(NAMES, VALUES), max_size=12, unique_by=lambda pair: pair[0])
ENCODED = GOOD.map(lambda pairs: urlencode(pairs).encode())


@pytest.mark.parametrize("body", seeds("forms").values(), ids=seeds("forms"))
def test_a_kept_form_is_read_as_the_library_reads_it(body):
    agree(body)


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_a_form_that_a_library_wrote_is_taken_as_it_was_meant(effort):
    @effort.run(300, 50_000, GOOD)
    def law(pairs):
        meant = {name: (value,) for name, value in pairs if value}
        assert ours(urlencode(pairs).encode()) == meant


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_a_bent_form_means_the_same_to_us_as_to_the_library(effort):
    effort.run(700, 30_000, bent(ENCODED))(agree)


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_no_bytes_break_the_reader(effort):
    effort.run(500, 20_000, st.binary(max_size=200))(agree)


@pytest.mark.parametrize("fields", [0, 1, MOST - 1, MOST, MOST + 1, 5_000, 60_000])
def test_the_number_of_fields_is_what_is_documented(fields):
    body = b"&".join(b"%d=1" % number for number in range(fields))
    assert (ours(body) is not None) == (fields <= MOST)


HEAVY = {
    "a long run of percent signs": b"a=" + b"%" * 65_000,
    "a long run of broken triplets": b"a=" + b"%zz" * 20_000,
    "a long run of encoded letters": b"a=" + b"%61" * 20_000,
    "a long run of plus signs": b"+" * 65_000,
    "a long run of equals signs": b"=" * 65_000,
    "one long name": b"n" * 65_000,
    "many bytes that are no text": b"a=" + b"\xff" * 65_000,
}


@pytest.mark.parametrize("body", HEAVY.values(), ids=HEAVY)
def test_no_form_within_the_limit_takes_long(body):
    agree(body)


def seen_by_a_framework(query: bytes) -> bool:
    """Say whether any way of reading this query finds a token in it."""
    text = query.decode("latin-1")
    return any(name == "access_token" for name, _ in parse_qsl(text, keep_blank_values=True))


TOKENS = st.sampled_from(
    [b"access_token=x", b"a=1&access_token=x&b=2", b"%61ccess_token=x", b"ACCESS_TOKEN=x", b"access%5Ftoken", b"a=1"]
)


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_a_guard_sees_every_token_that_a_framework_would_find_in_the_query(effort):
    @effort.run(600, 20_000, bent(TOKENS))
    def law(query):
        with watched():
            assert names_token(query) == seen_by_a_framework(query)
