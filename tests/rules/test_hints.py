"""What a refusal tells is told on the wire as it stands in the code, so it must be fit for it there."""

from __future__ import annotations

import ast
import re

import pytest

from tests.rules.tree import SDK, SERVER, below, calls, last_name, shown, tree_of

WIRE = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]*")
"""RFC 6749 §5.2: no quote, no backslash, no line end, nothing outside ASCII."""
SPOKEN = {"Refusal", "challenge", "_invalid", "Malformed"}


def texts(call: ast.Call) -> list[str]:
    """The pieces of text that a call gives on; what is filled in between them is not seen here."""
    given = [*call.args, *(word.value for word in call.keywords if word.arg in {"hint", "code"})]
    return [
        piece.value
        for argument in given
        for piece in ast.walk(argument)
        if isinstance(piece, ast.Constant) and isinstance(piece.value, str)
    ]


@pytest.mark.requirement("GEN-7")
def test_every_hint_is_made_of_what_an_error_may_hold():
    spoken = [
        (f"{shown(path)}:{call.lineno}", text)
        for path in below(SERVER, SDK)
        for call in calls(tree_of(path))
        if last_name(call.func) in SPOKEN
        for text in texts(call)
    ]
    assert len(spoken) > 150
    assert [place for place, text in spoken if not WIRE.fullmatch(text)] == []
