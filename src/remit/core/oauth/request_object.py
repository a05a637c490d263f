"""Signed authorization requests (RFC 9101): which claims are parameters, and what a client may put into them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from remit.core.oauth.form import Form
from remit.core.oauth.verdicts import Refusal

LONGEST_LIFE: Final = timedelta(hours=1)
"""How far ahead a request object may expire, and how long it is known that it was answered."""

PARAMETERS: Final = (
    "client_id",
    "redirect_uri",
    "response_type",
    "response_mode",
    "scope",
    "resource",
    "authorization_details",
    "state",
    "nonce",
    "code_challenge",
    "code_challenge_method",
    "prompt",
    "max_age",
    "login_hint",
    "id_token_hint",
    "claims",
    "dpop_jkt",
    "acr_values",
)
"""Everything that an authorization request may say here; anything else is ignored, and never stored."""

_REPEATABLE: Final = "resource"
_NUMBERS: Final = frozenset({"max_age"})
_AS_JSON: Final[dict[str, type]] = {"authorization_details": list, "claims": dict}
"""What stands in an object as JSON, and is a text everywhere else (RFC 9396 §2, OpenID Connect Core §6.1)."""


def kept(form: Form) -> tuple[tuple[str, str], ...]:
    """Return the parameters that mean something, for storing them."""
    return tuple((name, value) for name in PARAMETERS for value in form.many(name))


def form_of(pairs: tuple[tuple[str, str], ...]) -> Form:
    fields: dict[str, tuple[str, ...]] = {}
    for name, value in pairs:
        fields[name] = (*fields.get(name, ()), value)
    return Form(fields)


def parameters_in(claims: Mapping[str, object]) -> Form | Refusal:
    """Return the parameters that the claims of a request object are. Nothing outside of it counts (RFC 9101 §6.3)."""
    pairs: list[tuple[str, str]] = []
    for name in PARAMETERS:
        if name not in claims:
            continue
        values = _values(name, claims[name])
        if values is None:
            return broken(f"{name} in the request object is of the wrong type")
        pairs += [(name, value) for value in values if value]
    return form_of(tuple(pairs))


def _values(name: str, said: object) -> list[str] | None:
    if name in _NUMBERS and isinstance(said, int) and not isinstance(said, bool):
        return [str(said)]
    if isinstance(said, _AS_JSON.get(name, ())):
        said = json.dumps(said, ensure_ascii=False)
    values = said if name == _REPEATABLE and isinstance(said, list) else [said]
    if not all(isinstance(value, str) and _readable(value) for value in values):
        return None
    return [str(value) for value in values]


def _readable(value: str) -> bool:
    """Say whether a form could have carried this: no control characters (`wire.parse` refuses them too)."""
    return not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in value)


def broken(hint: str, *, audit: str = "") -> Refusal:
    # What a broken object says about where to answer is not to be believed.
    return Refusal("invalid_request_object", hint, redirect=False, audit=audit)
