"""What the pages promise exists."""

from __future__ import annotations

import ast
import re
from importlib import import_module

import pytest

from remit.cli import NOUNS, VERBS
from tests.rules.tree import ROOT, SERVER, below, last_name, shown, text_of, tree_of

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = set(re.findall(r"^([a-z][a-z-]*):", MAKEFILE, re.MULTILINE))
FENCE = re.compile(r"^```(?:sh|bash|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)
MAKE = re.compile(r"^(?:\$ )?make((?:[ \t]+[^\s#]+)*)", re.MULTILINE)
EVENTS = [path for path in below(SERVER / "core" / "audit") if "(Event)" in path.read_text(encoding="utf-8")]
EVENTS_PAGE = ROOT / "docs" / "events.md"


def commands(page: str) -> set[str]:
    """The make targets a page tells its reader to type, in code blocks and in backticks."""
    typed = [line for block in FENCE.findall(page) for line in MAKE.findall(block)]
    typed += re.findall(r"`make((?: [^\s`]+)*)`", page)
    return {word for line in typed for word in line.split() if re.fullmatch(r"[a-z][a-z-]*", word)}


def event_types() -> set[str]:
    """The type of every event class, as it appears in the log; the class name where it declares none."""
    classes = [node for path in EVENTS for node in tree_of(path).body if isinstance(node, ast.ClassDef)]
    family = {"Event"}
    found = set()
    for node in classes:
        if not {last_name(base) for base in node.bases} & family:
            continue
        family.add(node.name)
        types = [
            statement.value.value
            for statement in node.body
            if isinstance(statement, ast.Assign | ast.AnnAssign)
            and isinstance(statement.value, ast.Constant)
            and "type"
            in {last_name(target) for target in getattr(statement, "targets", [getattr(statement, "target", None)])}
        ]
        found.add(str(types[0]) if types else node.name)
    return found


@pytest.mark.parametrize("path", below(ROOT, suffix=".md"), ids=shown)
def test_every_make_command_in_the_pages_exists(path):
    # The first thing a stranger types must work.
    assert commands(text_of(path) or "") - TARGETS == set()


def test_help_lists_every_target():
    # A target that `make help` hides is found by nobody.
    declared = set(re.findall(r"[a-z-]+", MAKEFILE.partition(".PHONY:")[2].partition("\n")[0]))
    assert declared == set(re.findall(r"^([a-z-]+):.*## \S", MAKEFILE, re.MULTILINE))


@pytest.mark.requirement("AUD-2")
def test_every_audit_event_is_described():
    # Whoever reads the log at night needs to know what a line means.
    if not EVENTS_PAGE.exists():
        pytest.skip("docs/events.md is not written yet")
    page = EVENTS_PAGE.read_text(encoding="utf-8")
    assert {name for name in event_types() if f"`{name}`" not in page} == set()


def test_decision_records_are_numbered_without_gaps():
    # Records are cited by number for years, so a number means one record.
    numbers = [int(path.name[:4]) for path in sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_divergence_says_what_and_why():
    # A SHOULD we break without a reason is a bug.
    page = (ROOT / "docs" / "divergences.md").read_text(encoding="utf-8")
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in page.splitlines() if line.startswith("| DIV-")
    ]
    assert rows
    assert [row for row in rows if len(row) != 4 or not all(row)] == []
    assert len({row[0] for row in rows}) == len(rows)


def test_the_readme_leads_to_every_page_once():
    # A page that nothing leads to is read by nobody; two ways to it make a reader wonder which is meant.
    links = re.findall(r"\]\(([^)#\s]+\.md)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    pages = {shown(path) for path in below(ROOT / "docs", suffix=".md") if path.parent == ROOT / "docs"}
    assert pages - set(links) == set()
    assert {link for link in links if links.count(link) > 1} == set()


def test_every_command_is_on_the_page():
    # Whoever looks for a command looks there; `--help` shows one level at a time.
    rows = re.findall(r"^\| `remit ([^`]+)` \|", (ROOT / "docs" / "cli.md").read_text(encoding="utf-8"), re.MULTILINE)
    told = {(noun, verb) for noun, *rest in (re.split(r" | \\\| ", row) for row in rows) for verb in rest}
    nouns = {noun: import_module(f"remit.cli.{noun}").app for noun in NOUNS}
    there = {(noun, verb) for noun, app in nouns.items() for verb in app if not verb.startswith("-")}
    assert len(there) > 30
    assert there - told == set()
    assert set(VERBS) - {row.split()[0] for row in rows} == set()
