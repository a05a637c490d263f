"""How values lie in columns: times as integer milliseconds, sets and lists as JSON text."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import msgspec

from remit.core.errors import BadText

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_encoder = msgspec.json.Encoder()
_texts = msgspec.json.Decoder(list[str])
_pairs = msgspec.json.Decoder(list[tuple[str, str]])


LAST_ID = "~"
"""Sorts after every id."""


def to_ms(at: datetime) -> int:
    """Return whole milliseconds; what is finer is cut off, so that a time never moves into the future."""
    return (at - _EPOCH) // _MS


def from_ms(at: int) -> datetime:
    return _EPOCH + at * _MS


def maybe_to_ms(at: datetime | None) -> int | None:
    return None if at is None else to_ms(at)


def maybe_from_ms(at: int | None) -> datetime | None:
    return None if at is None else from_ms(at)


def check_text(value: str) -> None:
    """Keep out what PostgreSQL cannot store, on every database alike.

    Raises:
        BadText: the text holds U+0000 or half of a surrogate pair.
    """
    if "\0" in value:
        raise BadText("a text may not hold U+0000")
    if not value.isascii() and any("\ud800" <= character <= "\udfff" for character in value):
        raise BadText("a text may not hold half of a surrogate pair")


def as_bytes(stored: object) -> bytes:
    """Return stored bytes. SQLite keeps whatever type a stranger wrote; such a row is judged like any other."""
    return stored if isinstance(stored, bytes) else str(stored).encode("utf-8", "surrogatepass")


def to_json(texts: Iterable[str]) -> str:
    """Write texts in the order given; a set is sorted first by whoever has one."""
    held = list(texts)
    for item in held:
        check_text(item)
    return _encoder.encode(held).decode()


def set_to_json(texts: frozenset[str]) -> str:
    return to_json(sorted(texts))


def pairs_to_json(pairs: Iterable[tuple[str, str]]) -> str:
    held = sorted(pairs)
    for pair in held:
        for item in pair:
            check_text(item)
    return _encoder.encode(held).decode()


def from_json(stored: str) -> tuple[str, ...]:
    return tuple(_texts.decode(stored))


def set_from_json(stored: str) -> frozenset[str]:
    return frozenset(_texts.decode(stored))


def pairs_from_json(stored: str) -> list[tuple[str, str]]:
    return _pairs.decode(stored)
