"""The requirements that Remit is measured by, as `requirements.toml` lists them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

LIST = Path(__file__).with_name("requirements.toml")
LEVELS = {"M": "must", "S": "should", "F": "frontier"}


class State(StrEnum):
    DONE = "done"
    LATER = "later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One row. `later` names the capability that will bring it."""

    id: str
    level: str
    source: str
    says: str
    later: str = ""

    @property
    def state(self) -> State:
        return State.LATER if self.later else State.DONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    name: str
    title: str
    requirements: tuple[Requirement, ...]


def areas() -> tuple[Area, ...]:
    """Return every area with its requirements, in the order of the list."""
    read = tomllib.loads(LIST.read_text(encoding="utf-8"))
    return tuple(
        Area(
            name=name,
            title=rows.pop("title"),
            requirements=tuple(Requirement(id=f"{name}-{number}", **row) for number, row in rows.items()),
        )
        for name, rows in read.items()
    )


def requirements() -> dict[str, Requirement]:
    """Return every requirement by its id."""
    return {row.id: row for area in areas() for row in area.requirements}
