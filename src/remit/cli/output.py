"""How data is written: aligned columns for people, JSON for programs; never a control character for a terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

Cell = object
Row = Mapping[str, Cell]


def write_rows(rows: Sequence[Row], *, json: bool, columns: Sequence[str] | None = None) -> None:
    """Write a list. `columns` chooses what people see; programs get everything."""
    if json:
        write_json([dict(row) for row in rows])
        return
    if not rows:
        return
    names = list(columns or rows[0])
    table = [[name.replace("_", " ").upper() for name in names], *([text(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[index]) for line in table) for index in range(len(names))]
    for line in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def write_record(record: Row, *, json: bool) -> None:
    """Write one thing, a line a member."""
    if json:
        write_json(dict(record))
        return
    width = max(len(name) for name in record)
    for name, value in record.items():
        shown = text(value)
        if shown:
            print(f"{name.replace('_', ' ').ljust(width)}  {shown}")


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
        case _:
            return text(str(value))


def when(moment: datetime | None) -> str | None:
    """Write a time for programs and people alike: RFC 3339, UTC, whole seconds."""
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
