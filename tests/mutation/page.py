"""What is kept of mutation runs: reasons of survivors (written by hand), counts, and the page made of both."""

from __future__ import annotations

import json
import tomllib
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.mutation.modules import ROOT, parts

PAGE = ROOT / "docs" / "mutation.md"
SURVIVORS = Path(__file__).with_name("survivors.toml")
RESULTS = Path(__file__).with_name("results.json")

Name = tuple[str, str, str]
"""Place, what was there, what it became."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came out of one module."""

    date: str
    mutants: int
    killed: int
    explained: int


def explained(module: str) -> dict[Name, str]:
    """Return the reasons why mutants of a module may survive."""
    rows = tomllib.loads(SURVIVORS.read_text(encoding="utf-8")).get(module, [])
    return {(row["place"], row["was"], row["now"]): " ".join(row["why"].split()) for row in rows}


def modules_explained() -> set[str]:
    return set(tomllib.loads(SURVIVORS.read_text(encoding="utf-8")))


def results() -> dict[str, Result]:
    """Return what came out of each module when it was last kept."""
    said = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    return {name: Result(**said[name]) for name in parts() if name in said}


def keep(name: str, result: Result) -> None:
    """Write down what came out of a module, in the place of what came out before."""
    kept = {name: asdict(known) for name, known in (results() | {name: result}).items()}
    rows = (f"  {json.dumps(name)}: {json.dumps(kept[name])}" for name in parts() if name in kept)
    RESULTS.write_text("{\n" + ",\n".join(rows) + "\n}\n", encoding="utf-8")


def page(found: dict[str, Result]) -> str:
    """Write docs/mutation.md."""
    lines = [
        INTRODUCTION,
        "| guards | module | mutants | killed | explained | run on |",
        "| --- | --- | --: | --: | --: | --- |",
    ]
    for name, result in found.items():
        part, counts = parts()[name], f"{result.mutants} | {result.killed} | {result.explained}"
        lines.append(f"| {part.area} | `{part.path.relative_to(ROOT)}` | {counts} | {result.date} |")
    counted = [(result.mutants, result.killed, result.explained) for result in found.values()]
    lines.append(f"| together | | {' | '.join(str(sum(column)) for column in zip(*counted, strict=True))} | |")
    lines += ["", "## Survivors, explained", "", SURVIVING]
    for name in found:
        if reasons := explained(name):
            lines += ["", f"### {name}", ""]
            lines += [f"- {place}: {_code(was)} → {_code(now)}. {why}" for (place, was, now), why in reasons.items()]
    return "\n".join(lines) + "\n"


def _code(text: str) -> str:
    return text if text.startswith("(") and text.endswith(")") and " " in text and "=" not in text else f"`{text}`"


INTRODUCTION = """\
# Checks taken out

Tests that pass say little about a check that nobody tries to pass. So each check of the modules that guard is taken
out, one at a time, and a test must fail. `make mutate ARGS="--keep"` does it and keeps the counts below; it takes a
while, because each module's tests run once for every change that nobody notices.

A check is taken out by turning an `if` into never, a comparison into its opposite or its neighbour (`<` and `<=`), by
leaving out one side of an `and`, `or`, `&`, `|` or `-`, one element of a table, one case or its guard, one call whose
result nobody uses, by answering always yes or always nothing, and in SQL by comparing the tenant with itself and a
state with nothing. `tests/mutation` does it in the loaded module; no file is changed. `make mutate
ARGS="core.oauth.pkce"` runs one module.

This page is made by the run. A run is kept only where every survivor is explained.
"""

SURVIVING = """\
No test notices these changes, because nobody could. `tests/mutation/survivors.toml` holds them; an explanation whose
check is gone, or that a test disproves, fails."""
