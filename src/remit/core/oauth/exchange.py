"""What a token exchange asks for, before anybody looks at a token (RFC 8693 §2.1)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from remit.core.names import Secret
from remit.core.oauth.scopes import IDENTITY_SCOPES
from remit.core.oauth.verdicts import Refusal

ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"
"""The one type of token that is taken and given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExchangeCall:
    """The parameters that only a token exchange has."""

    subject_token: Secret | None = field(default=None, repr=False)
    subject_token_type: str | None = None
    actor_token: Secret | None = field(default=None, repr=False)
    actor_token_type: str | None = None
    requested_token_type: str | None = None
    audiences: tuple[str, ...] = ()
    requested_subject: str | None = None
    """No parameter of the standard: some servers let a client name whom it wants to be."""


def judge_exchange(asked: ExchangeCall) -> Refusal | None:
    """Say what cannot be exchanged at all. Nothing is ever guessed: a missing token makes no other request of it."""
    if asked.subject_token is None or asked.subject_token_type is None:
        return _no("send subject_token and subject_token_type: the access token that your API was shown, and its type")
    if (asked.actor_token is None) != (asked.actor_token_type is None):
        return _no("actor_token and actor_token_type belong together")
    if asked.requested_subject is not None:
        return _no(
            "acting as somebody without saying so (impersonation) does not exist here: leave requested_subject out, "
            "and the new token names the subject of subject_token and your agent as its actor"
        )
    for name, kind in (("subject_token_type", asked.subject_token_type), ("actor_token_type", asked.actor_token_type)):
        if kind is not None and kind != ACCESS_TOKEN:
            return _no(f"{name} must be {ACCESS_TOKEN}: no other token carries authority that can be handed on")
    if asked.requested_token_type is not None and asked.requested_token_type != ACCESS_TOKEN:
        return _no(f"requested_token_type must be {ACCESS_TOKEN} or be left out: nothing else comes out of an exchange")
    return None


def choose_scopes(
    asked: frozenset[str] | None, held: frozenset[str], offered: frozenset[str]
) -> frozenset[str] | Refusal:
    """Choose what is asked for: what the call names, or everything that the token holds and the target knows.

    `held` is what is left of the subject token now, `offered` what the target defines. Scopes speak of the subject's
    own resources by name; identity scopes stay with the client whom the user signed in to.
    """
    open_here = (held - IDENTITY_SCOPES) & offered
    if asked is None:
        return open_here or Refusal(
            "invalid_scope", "the target knows none of the scopes of subject_token: there is nothing to hand on"
        )
    if asked & IDENTITY_SCOPES:
        return Refusal("invalid_scope", "openid and its kin are not handed on: leave them out of the exchange")
    if not asked <= held:
        return Refusal(
            "invalid_scope",
            "an exchange never gives more than subject_token holds now: "
            + (
                f"ask for some of {' '.join(sorted(open_here))}"
                if open_here
                else "and of that the target knows nothing"
            ),
        )
    return asked


def _no(hint: str) -> Refusal:
    return Refusal("invalid_request", hint)
