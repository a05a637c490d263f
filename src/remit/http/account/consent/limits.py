"""Authorization details in plain words, for whoever is asked to agree to them (RFC 9396 §11, RAR-7)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from remit.core.grants import Line
from remit.core.oauth.details import Details, Limit, Value, reread
from remit.http._kit.views import HeldLine, HeldTo, LimitRow

_SETS = ("Only to", "Only this kind of data", "Only with the rights of")


def held_to(details: Details) -> tuple[HeldTo, ...]:
    """Say what an agent would be held to; each element is a way to call that is open beside the others."""
    return tuple(
        HeldTo(
            tools=tuple(sorted(detail.tools)),
            rows=(
                *(() if detail.max_calls is None else (LimitRow(label="How often", text=_times(detail.max_calls)),)),
                *(
                    LimitRow(label=name, text=_words(limit), argument=True)
                    for name, limit in sorted(detail.arguments.items())
                ),
                *(() if detail.identifier is None else (LimitRow(label="Only on", text=f"“{detail.identifier}”"),)),
                *(
                    LimitRow(label=label, text=", ".join(sorted(names)))
                    for label, names in zip(_SETS, detail.sets, strict=True)
                    if names is not None
                ),
            ),
            until=None if detail.not_after is None else datetime.fromtimestamp(detail.not_after, UTC),
        )
        for detail in details
    )


def held_lines(lines: Iterable[Line]) -> tuple[HeldLine, ...]:
    """Say of approvals what each is held to."""
    return tuple(
        HeldLine(since=line.created_at, ways=held_to(reread(line.details)))
        for line in lines
        if line.details is not None
    )


def _times(count: int) -> str:
    return "at most once" if count == 1 else f"at most {count} times"


def _words(limit: Limit) -> str:
    if limit.one_of is not None:
        values = [_value(value) for value in limit.one_of]
        return f"only {values[0]}" if len(values) == 1 else f"one of {', '.join(values)}"
    if limit.maximum is None:
        return f"at least {limit.minimum}"
    return f"at most {limit.maximum}" if limit.minimum is None else f"from {limit.minimum} to {limit.maximum}"


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value) if isinstance(value, int) else f"“{value}”"
