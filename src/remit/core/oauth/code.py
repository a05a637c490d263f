"""What a presented authorization code earns (RFC 6749 §4.1.3, RFC 7636 §4.6, OA-8..12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remit.core.grants import Code, CodeState
from remit.core.names import ClientId
from remit.core.oauth import pkce
from remit.core.oauth.dpop import OTHER_KEY
from remit.core.oauth.verdicts import Refusal

UNKNOWN = Refusal("invalid_grant", "unknown authorization code; codes live for one minute and work once")
REPLAYED = Refusal(
    "invalid_grant",
    "the authorization code was already redeemed, so everything issued from it was revoked; ask the user again",
)


@dataclass(frozen=True, slots=True)
class Redeem:
    """Spend the code and issue what its line holds."""

    code: Code


@dataclass(frozen=True, slots=True)
class Replayed:
    """A second, fully valid redemption: two parties hold code and verifier, so the line dies (OA-11)."""

    code: Code


def judge_code(
    code: Code | None,
    *,
    client: ClientId,
    redirect_uri: str | None,
    verifier: str | None,
    jkt: str | None = None,
    now: datetime,
) -> Redeem | Replayed | Refusal:
    """Say what a presented code earns. `code` is already proven by its digest.

    Everything that only the rightful client can know is checked before the state is looked at: a replay without the
    verifier must revoke nothing, or anybody who saw a code could end a line with it.
    """
    if code is None or code.client != client:
        return UNKNOWN
    refusal = pkce.verify(code.challenge, verifier)
    if refusal is not None:
        return refusal
    if redirect_uri is not None and redirect_uri != code.redirect_uri:
        return Refusal("invalid_grant", "redirect_uri must be the one the code was sent to, or be left out")
    if code.jkt is not None and code.jkt != jkt:
        return OTHER_KEY
    if code.state is CodeState.SPENT:
        return Replayed(code)
    if now >= code.expires_at:
        return Refusal("invalid_grant", "the authorization code expired; codes live for one minute")
    return Redeem(code)
