"""The page on the security flow names real files: for each wall the module that is it, and a test that proves it."""

from __future__ import annotations

import ast
import re

import pytest

from tests.rules.tree import ROOT, SDK, SERVER, tree_of

PAGE = ROOT / "docs" / "security-flow.md"
LINK = re.compile(r"\[([^\]]+)\]\(\.\./([^)]+)\)")


def walls():
    """Every row of the tables: the name of the wall, its modules, its tests."""
    found = {}
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == 4 and cells[0] not in {"wall", "---"}:
            found[cells[0]] = cells
    return found


WALLS = walls()


def test_the_page_has_its_walls():
    assert len(WALLS) > 20


@pytest.mark.parametrize(("name", "asks", "made", "proven"), WALLS.values(), ids=WALLS)
def test_a_wall_names_its_module_and_a_test_that_holds_it(name, asks, made, proven):
    assert asks
    modules, tests = LINK.findall(made), LINK.findall(proven)
    assert modules
    assert tests
    for shown, path in modules + tests:
        assert (ROOT / path).is_file(), path
        assert path.endswith(shown)
    assert all((ROOT / path).is_relative_to(SERVER) or (ROOT / path).is_relative_to(SDK) for _, path in modules)
    for _, path in tests:
        functions = [
            node for node in ast.walk(tree_of(ROOT / path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        assert any(node.name.startswith("test_") for node in functions), path
