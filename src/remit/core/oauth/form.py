"""The parameters of one protocol request, wherever they stood: in a query, a form, or a signed object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """The parameters of one request. An empty value counts as absent (GEN-5)."""

    _fields: Mapping[str, tuple[str, ...]]

    def one(self, name: str) -> str | None:
        values = self._fields.get(name)
        return values[0] if values else None

    def single(self) -> dict[str, str]:
        """Return every parameter that stands once."""
        return {name: values[0] for name, values in self._fields.items() if len(values) == 1}

    def many(self, name: str) -> tuple[str, ...]:
        return self._fields.get(name, ())
