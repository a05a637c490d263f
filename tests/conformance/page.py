"""The page that says what is proven by which tests, and what comes later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from itertools import groupby

from tests.conformance.marks import proofs
from tests.conformance.requirements import LEVELS, Requirement, State, areas, requirements

HEAD = """\
# Conformance

What the standards ask of Remit, one requirement a line, and which tests prove it. A requirement is *done* when its
tests would fail if it were violated. *Later* names the capability that will bring it; before that, nothing of it is
advertised. Where Remit knowingly does something else, [divergences.md](divergences.md) says what and why.

Tests are named as in the `tests` folder. The page is made by `python -m tests.conformance`, from marks of the tests and
from `tests/conformance/requirements.toml`.
"""


def page() -> str:
    """Return the page as it should be today."""
    shown, proven = [HEAD, totals()], proofs()
    for area in areas():
        shown.append(f"\n## {area.name}: {area.title}\n")
        shown.append("| id | level | what it asks | source | state | tests |\n| --- | --- | --- | --- | --- | --- |")
        shown += [row(one, proven) for one in area.requirements]
    return "\n".join(shown) + "\n"


def totals() -> str:
    """Say how many of each level are in which state."""
    count = Counter((one.level, one.state) for one in requirements().values())
    states = [state for state in State if any(count[level, state] for level in LEVELS)]
    lines = ["| level | " + " | ".join(states) + " |", "| --- |" + " --- |" * len(states)]
    lines += [
        f"| {word} | " + " | ".join(str(count[level, state]) for state in states) + " |"
        for level, word in LEVELS.items()
    ]
    return "\n".join(lines)


def row(one: Requirement, proven: Mapping[str, list[str]]) -> str:
    state = f"later: {one.later}" if one.later else one.state
    by_file = groupby(sorted(proven.get(one.id, [])), key=lambda test: test.partition("::")[0])
    tests = "<br>".join(
        f"`{file}`: " + ", ".join(f"`{test.partition('::')[2]}`" for test in found) for file, found in by_file
    )
    return f"| {one.id} | {LEVELS[one.level]} | {one.says} | {one.source} | {state} | {tests} |"
