"""Every example in the pages works, typed as it stands there, one after the other."""

from __future__ import annotations

import os
import shutil

import pytest

from tests.docs.follow import follow
from tests.docs.pages import Block, ByHand, matches, steps
from tests.docs.people import BY_HAND
from tests.docs.terminal import Terminal
from tests.rules.tree import ROOT, below, shown

ELSEWHERE = {"CONTRIBUTING.md": "its commands are those that run the tests; tests/rules/test_docs.py knows their names"}
PAGES = {
    shown(path): steps(path)
    for path in below(ROOT, suffix=".md")
    if "adr" not in path.parts and shown(path) not in ELSEWHERE
}
RUN = {name: found for name, found in PAGES.items() if any(isinstance(step, Block) for step in found)}


@pytest.mark.skipif(shutil.which("curl") is None and "CI" not in os.environ, reason="no curl on this machine")
@pytest.mark.parametrize("name", RUN)
def test_a_page_works_as_it_stands(name, tmp_path):
    terminal = Terminal(tmp_path)
    try:
        follow(RUN[name], terminal)
    finally:
        terminal.close()


def test_the_first_call_takes_six_commands_after_the_demo():
    # Somebody who has to type more than that goes away.
    found = RUN["docs/quick-start.md"]
    agent = next(index for index, step in enumerate(found) if isinstance(step, Block) and step.waits)
    typed = "".join(step.text for step in found[1 : agent + 1] if isinstance(step, Block) and step.language == "sh")
    commands = [line for line in typed.replace("\\\n", " ").splitlines() if not line.startswith((". ", "umask "))]
    assert len(commands) <= 6, commands


def test_few_examples_are_excused():
    excused = [
        f"{step.page}:{step.line}" for found in RUN.values() for step in found if isinstance(step, Block) if step.excuse
    ]
    assert len(excused) <= 5, excused


def test_what_is_done_by_hand_is_known_and_happens():
    told = {step.what for found in PAGES.values() for step in found if isinstance(step, ByHand)}
    assert told == set(BY_HAND)


MATCHES = {
    "the same": ("a\nb\n", "a\nb\n", True),
    "among other lines": ("b", "a\nb\nc\n", True),
    "anything in a line": ("id: evt_...", "id: evt_01k\n", True),
    "anything, over lines": ("a\n...\nz", "a\nb\nc\nz\n", True),
    "another line": ("a\nb", "a\nc\n", False),
    "more in the line": ("a", "ab\n", False),
    "less": ("a\nb", "a\n", False),
    "out of order": ("b\na", "a\nb\n", False),
    "a sign is only itself": ("a.b", "axb\n", False),
}


@pytest.mark.parametrize(("expected", "printed", "same"), MATCHES.values(), ids=MATCHES)
def test_output_is_compared_line_by_line(expected, printed, same):
    assert matches(expected, printed) is same
