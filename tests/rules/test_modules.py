"""A module is small enough to be read at once and named after what it holds."""

from __future__ import annotations

import pytest

from tests.rules.tree import ROOT, SDK, SERVER, below, shown, text_of

MOST_LINES = 400
# Generated from the schema, and never edited once it has run somewhere.
MIGRATIONS = SERVER / "store" / "migrations" / "versions"
MODULES = [path for path in below(SERVER, SDK, ROOT / "tests", ROOT / "bench") if not path.is_relative_to(MIGRATIONS)]
SAY_NOTHING = {"util", "utils", "helper", "helpers", "manager", "managers", "data", "misc", "common"}


@pytest.mark.parametrize("path", MODULES, ids=shown)
def test_a_module_stays_under_400_lines(path):
    # People must trust this code, so they must be able to read a module in one sitting.
    lines = (text_of(path) or "").count("\n")
    assert lines < MOST_LINES, f"{shown(path)} has {lines} lines: something in it belongs elsewhere"


def test_names_say_what_is_inside():
    # A drawer called `utils` is where words from the glossary go to die.
    parts = {
        part: path
        for path in below(SERVER, SDK, ROOT / "tests")
        for part in path.with_suffix("").relative_to(ROOT).parts
    }
    assert {shown(path) for part, path in parts.items() if part in SAY_NOTHING} == set()
