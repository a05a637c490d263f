"""Scope lists: their syntax, and the one spelling that we write."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.oauth.scopes import IDENTITY_SCOPES, is_scope, parse, render
from remit.core.oauth.verdicts import Refusal

REFUSED = Refusal(
    "invalid_scope",
    "send scopes separated by single spaces, in printable ASCII without quotes and backslash (RFC 6749)",
)

TEXTS = {
    "one scope": ("read:calendar", frozenset({"read:calendar"})),
    "two scopes": ("read:calendar write:calendar", frozenset({"read:calendar", "write:calendar"})),
    "a repeated scope counts once": ("a a", frozenset({"a"})),
    "upper and lower case are two scopes": ("A a", frozenset({"A", "a"})),
    "every sign that is allowed": ("!#$%&'()*+,-./:;<=>?@[]^_`{|}~", frozenset({"!#$%&'()*+,-./:;<=>?@[]^_`{|}~"})),
    "a URL as a scope": ("https://api.example/read", frozenset({"https://api.example/read"})),
    "nothing": ("", REFUSED),
    "a space alone": (" ", REFUSED),
    "two spaces between": ("a  b", REFUSED),
    "a space before": (" a", REFUSED),
    "a space behind": ("a ", REFUSED),
    "a newline behind": ("a\n", REFUSED),
    "a tab between": ("a\tb", REFUSED),
    "a quote": ('a"b', REFUSED),
    "a backslash": ("a\\b", REFUSED),
    "a letter that is not ASCII": ("é", REFUSED),
    "a space that is not ASCII": ("a\u00a0b", REFUSED),
    "a delete character": ("a\x7f", REFUSED),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.values(), ids=TEXTS)
def test_parse(text, expected):
    assert parse(text) == expected


def test_scopes_are_written_sorted_and_once():
    assert render(["write", "read", "read"]) == "read write"
    assert render(frozenset()) == ""


def test_the_identity_scopes_are_these_four():
    assert frozenset({"openid", "profile", "email", "offline_access"}) == IDENTITY_SCOPES


NAMES = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E, exclude_characters='"\\'), min_size=1)


@given(st.frozensets(NAMES, min_size=1))
def test_what_is_written_is_read_again(scopes):
    assert parse(render(scopes)) == scopes


@given(st.text())
def test_what_is_read_is_made_of_scopes_only(text):
    parsed = parse(text)
    if isinstance(parsed, Refusal):
        assert not text or any(not is_scope(part) for part in text.split(" "))
    else:
        assert parsed == set(text.split(" "))
        assert all(re.fullmatch(r"[!#-\[\]-~]+", name) for name in parsed)
