"""Errors have two endings: `wire/oauth_errors.py` and `wire/problems.py`. Nothing else knows an error's HTTP status."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.rules.tree import SERVER, below, calls, last_name, shown, tree_of

ENDINGS = {SERVER / "wire" / "oauth_errors.py", SERVER / "wire" / "problems.py"}
STATUS_WORDS = {"status", "status_code"}


def is_error(node: ast.expr | None) -> bool:
    match node:
        case ast.Constant(value=int() as number):
            return 400 <= number <= 599
        case _:
            return False


def error_numbers(path: Path) -> Iterator[int]:
    """Lines that give an answer an error status, by keyword, by position or in a raw ASGI message."""
    tree = tree_of(path)
    for call in calls(tree):
        named = any(word.arg in STATUS_WORDS and is_error(word.value) for word in call.keywords)
        placed = last_name(call.func).endswith(("Response", "HTTPException")) and any(map(is_error, call.args))
        if named or placed:
            yield call.lineno
    for node in ast.walk(tree):
        match node:
            case ast.Dict(keys=keys, values=values):
                words = [key.value if isinstance(key, ast.Constant) else None for key in keys]
                if any(word in STATUS_WORDS and is_error(value) for word, value in zip(words, values, strict=True)):
                    yield node.lineno
            case ast.ImportFrom(names=names) if {name.name for name in names} & {"HTTPStatus", "HTTPException"}:
                yield node.lineno
            case ast.ImportFrom(module="starlette.status"):
                yield node.lineno
            case _:
                pass


def test_error_statuses_stand_in_two_files_only():
    # One table each decides what a refusal looks like on the wire; a number elsewhere is a third opinion.
    # The demo's programs are strangers to the server and answer for themselves.
    modules = [path for path in below(SERVER) if path not in ENDINGS and not path.is_relative_to(SERVER / "demo")]
    assert [f"{shown(path)}:{line}" for path in modules for line in error_numbers(path)] == []
