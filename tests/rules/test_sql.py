"""Every statement stays inside one tenant, and stands where this test can read it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.rules.cross_tenant import DOORS
from tests.rules.tree import SERVER, below, shown, tree_of

STORE = SERVER / "store"
SQL = re.compile(
    r"\s*(select\s.+?(\sfrom\s|$)|insert\s+(or\s+\w+\s+)?into\s|replace\s+into\s|update\s+[\w{]+\S*\s+set\s|delete\s+from\s"
    r"|with\s+(recursive\s+)?\w+\s*(\([^)]*\)\s*)?as\s)",
    re.IGNORECASE | re.DOTALL,
)
TENANT = re.compile(r":tenant\b")


def spoken(node: ast.AST) -> str:
    """All string pieces of an expression in order; `{}` stands for what an f-string fills in."""
    match node:
        case ast.Constant(value=str() as text):
            return text
        case ast.FormattedValue():
            return "{}"
        case _:
            return "".join(spoken(child) for child in ast.iter_child_nodes(node))


def constants(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """Name and value of every uppercase constant of a module."""
    for statement in module.body:
        match statement:
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value)
            ) if name.isupper():
                yield name, value


def statements(path: Path) -> dict[str, str]:
    """The SQL constants of a store module by their dotted name."""
    module = ".".join(path.with_suffix("").relative_to(STORE).parts)
    return {
        f"{module}.{name}": text
        for name, value in constants(tree_of(path))
        if SQL.match(text := spoken(value)) is not None
    }


def loose_sql(path: Path) -> list[str]:
    """Where a module holds SQL that is neither a named constant nor a docstring."""
    tree = tree_of(path)
    named = (
        {id(node) for _, value in constants(tree) for node in ast.walk(value)} if path.is_relative_to(STORE) else set()
    )
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        f"{shown(path)}:{node.lineno}"
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant | ast.JoinedStr)
        and id(node) not in named | prose
        and SQL.match(spoken(node)) is not None
    ]


# A migration moves the rows of all tenants; it never answers a request.
MODULES = [path for path in below(STORE) if not path.is_relative_to(STORE / "migrations")]
STATEMENTS = {name: text for path in MODULES for name, text in statements(path).items()}


def test_every_statement_names_its_tenant():
    # One forgotten condition is another company's data. The doors are few, named and explained.
    assert {name for name, text in STATEMENTS.items() if not TENANT.search(text)} - DOORS.keys() == set()


def test_a_door_that_is_no_longer_needed_is_closed():
    # An exception that outlives its statement waits for the next one of that name.
    needed = {name for name, text in STATEMENTS.items() if not TENANT.search(text)}
    assert DOORS.keys() - needed == set()
    assert all(reason.strip() for reason in DOORS.values())


def test_sql_is_a_named_constant_of_the_store():
    # A statement put together on the way escapes both this page and the reader.
    # Exempt: migrations, and the demo's intruder, who shows what happens to somebody that goes past the store.
    migrations, intruder = STORE / "migrations", SERVER / "demo" / "intruder.py"
    modules = [path for path in below(SERVER) if not path.is_relative_to(migrations) and path != intruder]
    assert [place for path in modules for place in loose_sql(path)] == []
