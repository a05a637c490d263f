"""What bodies, queries and answers of several operations have in common."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeAlias, TypeVar

from msgspec import UNSET, Meta, json

from remit.http.api.operation import Call, Shape
from remit.services.directory import Directory

MOST: Final = 200
"""Entries of the longest page."""

Limit: TypeAlias = Annotated[int, Meta(ge=1, le=MOST, description="How many at most.")]
Cursor: TypeAlias = Annotated[str, Meta(max_length=64, description="What `next` of the page before said.")]
Moment: TypeAlias = Annotated[datetime, Meta(tz=True, description="RFC 3339, with an offset.")]
Seconds: TypeAlias = Annotated[int, Meta(ge=60, le=1800)]
DpopBound: TypeAlias = Annotated[
    bool, Meta(description="Tokens are given only with a DPoP proof, and work only with its key (RFC 9449).")
]
Name: TypeAlias = Annotated[str, Meta(min_length=1, max_length=80)]
Text: TypeAlias = Annotated[str, Meta(max_length=400)]
Named: TypeAlias = Annotated[str, Meta(max_length=2000, description="Only what is called exactly so.")]
Id: TypeAlias = Annotated[str, Meta(max_length=128)]
Reason: TypeAlias = Annotated[str, Meta(min_length=1, max_length=400, description="Why; it stands in the audit log.")]
Scopes: TypeAlias = Annotated[list[Annotated[str, Meta(max_length=80)]], Meta(max_length=400)]
DetailsTypes: TypeAlias = Annotated[
    list[Annotated[str, Meta(max_length=80)]],
    Meta(max_length=10, description="Types of `authorization_details` (RFC 9396): `remit_tool_call`."),
]


Details: TypeAlias = Annotated[
    list[dict[str, Any]] | None,
    Meta(description="What it is held to (RFC 9396); null where it is held to its scopes alone."),
]


def told_details(stored: str | None) -> list[dict[str, Any]] | None:
    """Return stored authorization details as they were agreed to."""
    return None if stored is None else json.decode(stored, type=list[dict[str, Any]])


class PageQuery(Shape):
    """Part of a list."""

    cursor: Cursor = ""
    limit: Limit = 50


class NamedQuery(PageQuery):
    """Part of a list, or the one of this name."""

    name: Named | None = None


class NumberedQuery(Shape):
    """Part of a list that is numbered."""

    cursor: Annotated[int, Meta(ge=0, le=2**53, description="What `next` of the page before said.")] | None = None
    limit: Limit = 50


class Because(Shape):
    """A reason and nothing else."""

    reason: Reason


class Nothing(Shape):
    """An object without members."""


Row = TypeVar("Row")


def cut(rows: Sequence[Row], limit: int) -> tuple[Sequence[Row], Row | None]:
    """Return one page of rows, of which one more was asked for, and its last row if others follow."""
    return (rows[:limit], rows[limit - 1]) if len(rows) > limit else (rows, None)


def found(thing: Row | None) -> tuple[Row, ...]:
    """Return what was looked up by its name as a list."""
    return () if thing is None else (thing,)


def utc(moment: datetime | None) -> datetime | None:
    """Return a time as UTC. At either end of the calendar there is no other offset, and nothing lives that long."""
    return moment.astimezone(UTC) if moment is not None and 1 < moment.year < 9999 else moment


def given(body: Shape, **names: str) -> dict[str, Any]:
    """Return the members that a body sets. `names` says what a member is called where it goes."""
    return {
        names.get(field, field): value
        for field in body.__struct_fields__
        if (value := getattr(body, field)) is not UNSET
    }


def directory(call: Call[Any, Any]) -> Directory:
    return Directory(call.work, call.deps.clock.now())
