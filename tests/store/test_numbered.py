"""Named parameters become numbers, and nothing else changes."""

from __future__ import annotations

import pytest

from remit.store.numbered import numbered

CASES = {
    "each name gets a number": ("a = :a and b = :b", "a = $1 and b = $2", ("a", "b")),
    "a name that comes twice keeps its number": (":b, :a, :b", "$1, $2, $1", ("b", "a")),
    "a name that begins like another is another": (":t1 :t10 :t1", "$1 $2 $1", ("t1", "t10")),
    "a cast is no parameter": ("cast(:a as text), b::text", "cast($1 as text), b::text", ("a",)),
    "a text is left alone": ("':a' || 'it''s :b' || :c", "':a' || 'it''s :b' || $1", ("c",)),
    "a quoted name is left alone": ('":a" = :a', '":a" = $1', ("a",)),
    "a comment is left alone": ("x -- of :a\n, :b", "x -- of :a\n, $1", ("b",)),
    "a statement without parameters is as it was": ("select 1", "select 1", ()),
}


@pytest.mark.parametrize(("named", "sql", "names"), CASES.values(), ids=CASES)
def test_names_become_numbers(named, sql, names):
    assert numbered(named) == (sql, names)


def test_a_statement_is_rewritten_once():
    assert numbered("x = :once_only") is numbered("x = :once_only")
