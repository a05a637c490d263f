"""A page as somebody follows it: the blocks to run and the things to do by hand, in order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.rules.tree import ROOT

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>[a-z]*)[^\n]*\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
NOTE = re.compile(r"<!-- (?P<note>.+?) -->\n\Z")
NOT_RUN = re.compile(r"\*Not run by our tests: [^*\n]{20,}\*\n\n?\Z")
EXAMPLE = re.compile(r"\((?:[./a-z]*/)?(?P<path>examples/[a-z_./]+\.py)\)")
RUNNABLE = frozenset({"sh", "bash", "console", "python", "toml", "yaml"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """One fenced block."""

    page: str
    line: int
    language: str
    text: str
    stays: bool
    """It goes on until it is ended: a server."""
    waits: bool
    """It needs somebody to do something by hand before it ends."""
    excuse: bool
    """The page says, for everybody to see, why our tests do not run it."""
    example: Path | None
    """The file below docs/examples that the page named last: the text is from it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What the block before it prints: a fence of the language `text`. A drawing has no language."""

    page: str
    line: int
    text: str


@dataclass(frozen=True, slots=True)
class ByHand:
    """Something that a person does, told in the text and acted here by a comment beside it."""

    page: str
    line: int
    what: str


def steps(path: Path) -> list[Block | Shown | ByHand]:
    """Every step of a page."""
    text, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
    found: list[Block | Shown | ByHand] = []
    at = 0
    for fence in FENCE.finditer(text):
        before = text[at : fence.start()]
        found += by_hand(name, text, before, at)
        at = fence.end() + 1
        line, body = text.count("\n", 0, fence.start()) + 1, unindented(fence["body"], len(fence["indent"]))
        if fence["language"] == "text":
            found.append(Shown(name, line, body))
        if fence["language"] not in RUNNABLE:
            continue
        note = NOTE.search(before)
        told = EXAMPLE.findall(text, 0, fence.start())
        found.append(
            Block(
                page=name,
                line=line,
                language=fence["language"],
                text=body,
                stays=note is not None and note["note"] == "stays",
                waits=note is not None and note["note"] == "waits",
                excuse=NOT_RUN.search(before) is not None,
                example=ROOT / "docs" / told[-1] if told and fence["language"] == "python" else None,
            )
        )
    found += by_hand(name, text, text[at:], at)
    return found


def by_hand(page: str, text: str, part: str, start: int) -> list[ByHand]:
    return [
        ByHand(page, text.count("\n", 0, start + note.start()) + 1, note[1])
        for note in re.finditer(r"<!-- ([a-z]+: .+?) -->", part)
    ]


def unindented(body: str, by: int) -> str:
    return "".join(line[by:] if line[:by].isspace() else line for line in body.splitlines(keepends=True))


def matches(expected: str, printed: str) -> bool:
    """Whether lines like these were printed, among others; `...` stands for anything."""
    lines = [re.escape(line.rstrip()).replace(r"\.\.\.", ".*") for line in expected.strip().splitlines()]
    pattern = r"\s*?\n".join(lines)
    return re.search(rf"^{pattern}\s*$", printed, re.MULTILINE | re.DOTALL) is not None
