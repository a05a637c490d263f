"""Which tests say which requirement they prove, read from the source without running it."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]

Marks = dict[str, set[str]]
"""The ids by the test that names them: `http/test_token.py::test_a_code_becomes_tokens`."""


def named(node: ast.AST) -> Iterator[str]:
    """The ids of every `pytest.mark.requirement(...)` in an expression."""
    for call in ast.walk(node):
        match call:
            case ast.Call(func=ast.Attribute(attr="requirement"), args=ids, keywords=others):
                said = [word.value for word in ids if isinstance(word, ast.Constant) and isinstance(word.value, str)]
                if others or not said or len(said) != len(ids):
                    msg = f"line {call.lineno}: a requirement is named by its id, written out"
                    raise SyntaxError(msg)
                yield from said
            case _:
                pass


def of_module(module: ast.Module) -> Marks:
    """What the tests of a module prove: by `pytestmark`, by a decorator, or by the table that a decorator names."""
    constants = {
        target.id: statement.value
        for statement in module.body
        if isinstance(statement, ast.Assign)
        for target in statement.targets
        if isinstance(target, ast.Name)
    }
    everywhere = set(named(constants["pytestmark"])) if "pytestmark" in constants else set()
    found: Marks = {}

    def add(body: list[ast.stmt], outer: set[str], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
                add(node.body, outer | said_by(node), f"{prefix}{node.name}::")
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test"):
                found[prefix + node.name] = outer | said_by(node)
            elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                # A state machine of Hypothesis becomes a test by assignment.
                name = node.targets[0].id
                if name.startswith("Test") and outer:
                    found[prefix + name] = set(outer)

    def said_by(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
        said: set[str] = set()
        for decorator in node.decorator_list:
            said |= set(named(decorator))
            for word in ast.walk(decorator):
                if isinstance(word, ast.Name) and word.id in constants:
                    said |= set(named(constants[word.id]))
        return said

    add(module.body, everywhere, "")
    return {name: said for name, said in found.items() if said}


def marks() -> Marks:
    """Return what every test proves that names a requirement."""
    found: Marks = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        text = path.read_text(encoding="utf-8")
        if "requirement(" in text:
            place = path.relative_to(TESTS).as_posix()
            found |= {f"{place}::{name}": said for name, said in of_module(ast.parse(text, place)).items()}
    return found


def proofs() -> dict[str, list[str]]:
    """Return the tests by the id that they prove."""
    found: dict[str, list[str]] = defaultdict(list)
    for test, ids in marks().items():
        for one in ids:
            found[one].append(test)
    return found
