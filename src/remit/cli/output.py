"""How data is written: aligned columns for people, JSON for programs; never a control character for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from msgspec import Struct

Cell = object
Row = Mapping[str, Cell]
Record: TypeAlias = "Row | Struct"
"""One thing: as a command words it, or as the API answers it."""


def write_rows(rows: Sequence[Record], *, json: bool, columns: Sequence[str] | None = None) -> None:
    """Write a list. `columns` chooses what people see; programs get everything."""
    if json:
        write_json(rows)
        return
    cells = [row_of(row) for row in rows]
    if not cells:
        return
    names = list(columns or cells[0])
    table = [
        [name.replace("_", " ").upper() for name in names],
        *([text(row[name]) for name in names] for row in cells),
    ]
    widths = [max(len(line[index]) for line in table) for index in range(len(names))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def write_record(record: Record, *, json: bool, shown: Row | None = None) -> None:
    """Write one thing, a line a member. `shown` says what people see otherwise than programs."""
    if json:
        write_json(record)
        return
    cells = {**row_of(record), **(shown or {})}
    width = max(len(name) for name in cells)
    for name, value in cells.items():
        said = text(value)
        if said:
            print(f"{name.replace('_', ' ').ljust(width)}  {said}")


def row_of(record: Any) -> dict[str, Cell]:
    """Return the members of one thing by name."""
    if isinstance(record, Mapping):
        return dict(record)
    import msgspec

    return msgspec.structs.asdict(record)


def write_json(value: object) -> None:
    import msgspec

    print(msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode())


def text(value: Cell) -> str:
    """Write a value as one line that a terminal shows as it is."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case datetime():
            return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%SZ}"
        case str():
            return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in value)
        case dict():
            return "; ".join(f"{text(key)}: {text(inner)}" for key, inner in value.items())
        case list() | tuple() | set() | frozenset():
            return " ".join(sorted(text(item) for item in value))
        case _ if hasattr(value, "__struct_fields__"):
            return text(row_of(value))
        case _:
            return text(str(value))


def when(moment: datetime | None) -> str | None:
    """Write a time for programs and people alike: RFC 3339, UTC, whole seconds."""
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
