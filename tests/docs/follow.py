"""Follow a page: type its blocks, do what is to be done by hand, compare what is printed."""

from __future__ import annotations

import textwrap
import tomllib
from collections.abc import Iterable
from dataclasses import replace

from tests.docs.pages import Block, ByHand, Shown
from tests.docs.people import BY_HAND
from tests.docs.terminal import Running, Terminal


def follow(steps: Iterable[Block | Shown | ByHand], terminal: Terminal) -> None:
    """Take every step of a page in order.

    Raises:
        AssertionError: something does not do what the page says.
    """
    running: Running | None = None
    for step in steps:
        match step:
            case ByHand():
                BY_HAND[step.what](terminal)
            case Shown():
                assert running is not None, f"{step.page}:{step.line} shows the output of nothing"
                running.shows(step)
            case Block(excuse=True):
                running = None
            case Block(language="python"):
                running = python(step, terminal)
            case Block(language="yaml"):
                running = typed(step, terminal, f"cat > tenant.yaml <<'END'\n{step.text}END\n")
            case Block(language="toml"):
                running = settings(step, terminal)
            case Block():
                if running is not None:
                    running.finish()
                running = terminal.start(step)
                if not step.waits:
                    running.finish()
    if running is not None:
        running.finish()


def python(block: Block, terminal: Terminal) -> Running | None:
    """Compare a block with the file that it is from; one that is from no file is run as it stands."""
    if block.example is not None:
        text = block.example.read_text("utf-8")
        inside = textwrap.indent(block.text, "    ") in text or block.text in text
        assert inside, f"{block.page}:{block.line} is not as in {block.example.name}"
        return None
    return typed(block, terminal, f".venv/bin/python - <<'END'\n{block.text}END\n")


def settings(block: Block, terminal: Terminal) -> Running:
    """Let the command line read settings as the server would."""
    tomllib.loads(block.text)
    check = "REMIT_CONFIG=$PWD/page.toml .venv/bin/remit config check"
    return typed(block, terminal, f"cat > page.toml <<'END'\n{block.text}END\n{check}\n")


def typed(block: Block, terminal: Terminal, text: str) -> Running:
    running = terminal.start(replace(block, text=text))
    running.finish()
    return running
