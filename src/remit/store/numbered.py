"""One SQL text for both databases: `:named` parameters become `$1`, `$2` ... once for each statement."""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

_TOKEN = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"|--[^\n]*|::|:([a-z]\w*)", re.IGNORECASE)


class Numbered(NamedTuple):
    """A statement as PostgreSQL takes it, and which named parameter each number stands for."""

    sql: str
    names: tuple[str, ...]


@cache
def numbered(sql: str) -> Numbered:
    """Rewrite a statement; a name that comes twice keeps its number. Statements are constants: the cache is small."""
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        name = found[1]
        return found[0] if name is None else f"${numbers.setdefault(name, len(numbers) + 1)}"

    return Numbered(_TOKEN.sub(number, sql), tuple(numbers))
