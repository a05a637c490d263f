"""The `claims` parameter: single claims that a client asks for (OpenID Connect Core §5.5).

Consent tells in words what a client will learn, and the words belong to scopes. So whoever asks for a claim asks for
the scope that opens it, and the person sees and may untick it like any other (docs/divergences.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from remit.core.oauth.json_text import read_json
from remit.core.oauth.verdicts import Refusal

OPENED_BY: Final = {"name": "profile", "email": "email"}
"""The claims about a person, each with the one scope that opens it."""

LONGEST: Final = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class AskedClaims:
    """What the parameter comes to here. Claims that nobody here knows are left out, as §5.5.1 wants it."""

    scopes: frozenset[str] = frozenset()
    subject: str | None = None
    """The only user who may answer."""
    acr: tuple[str, ...] = ()
    """Levels of sign-in of which one must be reached (§5.5.1.1)."""
    wished_acr: tuple[str, ...] = ()
    """The same, as a wish: what `acr_values` says, in other words."""


NO_CLAIMS: Final = AskedClaims()


def read_claims(text: str) -> AskedClaims | Refusal:
    """Read the parameter: a JSON object whose `userinfo` and `id_token` name claims."""
    if len(text) > LONGEST:
        return _no(f"claims has more than {LONGEST} characters")
    try:
        said = read_json(text)
    except ValueError:
        return _no("claims must be a JSON object, each member named once and each number whole")
    if not isinstance(said, dict):
        return _no("claims must be a JSON object with userinfo, id_token or both")
    scopes: set[str] = set()
    subject: str | None = None
    acr: tuple[str, ...] = ()
    wished: tuple[str, ...] = ()
    for place in ("userinfo", "id_token"):
        named = said.get(place)
        if named is None:
            continue
        if not isinstance(named, dict) or not all(wish is None or isinstance(wish, dict) for wish in named.values()):
            return _no(f"{place} in claims must be an object, and each claim in it null or an object")
        scopes |= {OPENED_BY[claim] for claim in named if claim in OPENED_BY}
        if place == "id_token" and (asked := named.get("acr")) is not None:
            values = _values(asked)
            if values is None:
                return _no("the values of acr in claims must be texts")
            acr, wished = (values, ()) if asked.get("essential") is True else ((), values)
        wanted = (named.get("sub") or {}).get("value")
        if wanted is None:
            continue
        if not isinstance(wanted, str) or subject not in {None, wanted}:
            return _no("the value of sub in claims must be one user")
        subject = wanted
    return AskedClaims(scopes=frozenset(scopes), subject=subject, acr=acr, wished_acr=wished)


def _values(asked: dict[str, object]) -> tuple[str, ...] | None:
    """Return the one value or the several that a claim may have; None when they are no texts."""
    values = [asked["value"]] if "value" in asked else asked.get("values", [])
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        return None
    return tuple(values)


def _no(hint: str) -> Refusal:
    return Refusal("invalid_request", hint)
