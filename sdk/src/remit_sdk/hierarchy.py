"""Scopes that include others: whoever may write may also read, where the API says so (RFC 6750 §3.1)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from remit_sdk.routes import required


class Hierarchy:
    """Which scopes each scope includes, directly or through others."""

    def __init__(self, includes: Mapping[str, str | Iterable[str]]) -> None:
        """Read the table.

        Raises:
            ValueError: a scope is malformed.
        """
        below = {scope: required(included) for scope, included in includes.items()}
        for scope in below:
            if required(scope) != {scope}:
                msg = f"`{scope}` is not one scope"
                raise ValueError(msg)
        self._below = {scope: _all_below(scope, below) for scope in below}

    def widen(self, scopes: frozenset[str]) -> frozenset[str]:
        """Return the scopes with everything that they include."""
        return scopes.union(*(self._below[scope] for scope in scopes if scope in self._below))


def _all_below(scope: str, below: Mapping[str, frozenset[str]]) -> frozenset[str]:
    found: set[str] = set()
    ahead = [scope]
    while ahead:
        for included in below.get(ahead.pop(), ()):
            if included not in found:
                found.add(included)
                ahead.append(included)
    return frozenset(found)
