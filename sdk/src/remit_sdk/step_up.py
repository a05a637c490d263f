"""How a user must have signed in for a call: strongly enough, and not too long ago (RFC 9470)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

SINGLE_FACTOR: Final = "urn:remit:acr:single-factor"
MULTI_FACTOR: Final = "urn:remit:acr:multi-factor"
"""The levels that a Remit issuer tells in `acr`."""

_LEVEL: Final = re.compile(r"[!#-\[\]-~]{1,200}")
_SECONDS: Final = re.compile(r"[0-9]{1,9}")
_LONGEST: Final = 1000


class StepUp:
    """What a call needs of the sign-in behind its token.

    Args:
        acr: one level or several, each of which is enough; none: any is.
        max_age: how many seconds ago the user may have signed in at most; None: any time.

    Raises:
        ValueError: nothing is asked for, or what is asked for cannot be meant.
    """

    __slots__ = ("acr", "max_age")

    def __init__(self, acr: str | Iterable[str] = (), *, max_age: int | None = None) -> None:
        values = tuple(acr.split() if isinstance(acr, str) else acr)
        if not values and max_age is None:
            msg = "a step-up names levels (acr), an age (max_age), or both"
            raise ValueError(msg)
        if len(" ".join(values)) > _LONGEST or not all(_LEVEL.fullmatch(value) for value in values):
            msg = "acr is one name or several, without spaces, quotes and backslashes"
            raise ValueError(msg)
        if max_age is not None and (isinstance(max_age, bool) or not 0 <= max_age < 10**9):
            msg = "max_age is a number of seconds"
            raise ValueError(msg)
        self.acr = values
        self.max_age = max_age

    def met(self, claims: Mapping[str, object], *, now: float, leeway: float = 0.0) -> bool:
        """Say whether the claims of a verified token tell of such a sign-in. What is not told was not so."""
        if self.acr and claims.get("acr") not in self.acr:
            return False
        if self.max_age is None:
            return True
        at = claims.get("auth_time")
        return isinstance(at, int | float) and at <= now + leeway and now - at <= self.max_age

    def parameters(self) -> list[tuple[str, str]]:
        """Write it as parameters of a challenge or of an authorization request (RFC 9470 §3, §5)."""
        found = []
        if self.acr:
            found.append(("acr_values", " ".join(self.acr)))
        if self.max_age is not None:
            found.append(("max_age", str(self.max_age)))
        return found

    def __eq__(self, other: object) -> bool:
        return isinstance(other, StepUp) and (self.acr, self.max_age) == (other.acr, other.max_age)

    def __hash__(self) -> int:
        return hash((self.acr, self.max_age))

    def __repr__(self) -> str:
        return f"StepUp({list(self.acr)!r}, max_age={self.max_age!r})"


def asked_in(challenge: Mapping[str, str]) -> StepUp | None:
    """Read what an API asks for; None where it asks for nothing that can be passed on."""
    values, age = challenge.get("acr_values", ""), challenge.get("max_age", "")
    levels = values.split()
    if len(values) > _LONGEST or not all(_LEVEL.fullmatch(level) for level in levels):
        levels = []
    seconds = int(age) if _SECONDS.fullmatch(age) else None
    return StepUp(levels, max_age=seconds) if levels or seconds is not None else None
