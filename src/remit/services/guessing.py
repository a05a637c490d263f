"""Slow down whoever guesses the secret or key of a client or a resource (GEN-13)."""

from __future__ import annotations

from remit.core.names import TenantId
from remit.core.oauth.client_auth import FAILED, Presented, Proof
from remit.core.oauth.verdicts import Refusal
from remit.ports.deps import Deps
from remit.services.grants.refusing import note_refusal
from remit.services.origin import Origin

MISSES = 30
MISSES_SECONDS = 300
"""So many wrong proofs of one client from one address pass at once, then one each ten seconds."""

_LONGEST_NAME = 100

GUESSING = Refusal("temporarily_unavailable", "too many requests; wait before the next", audit="too many wrong proofs")


async def held_back(tenant: TenantId, presented: Presented, deps: Deps, origin: Origin, *, asked_at: str) -> int:
    """Return the seconds to wait after too many wrong proofs, for right ones too: else only patience would be lost.

    Another address is not held back, so nobody can lock a client out who does not share its address.
    """
    if presented.proof is Proof.NONE:
        return 0
    who, now = _who(tenant, presented, origin), deps.clock.now()
    wait = deps.throttle.wait("proof", who, limit=MISSES, per_seconds=MISSES_SECONDS, now=now)
    if wait:
        await note_refusal(tenant, GUESSING, deps, origin, grant_type=asked_at)
    return wait


def count_miss(tenant: TenantId, presented: Presented, outcome: object, deps: Deps, origin: Origin) -> None:
    """Count an outcome that is a wrong proof."""
    if presented.proof is Proof.NONE or not isinstance(outcome, Refusal) or outcome.hint != FAILED.hint:
        return
    who = _who(tenant, presented, origin)
    deps.throttle.allow("proof", who, limit=MISSES, per_seconds=MISSES_SECONDS, now=deps.clock.now())


def _who(tenant: TenantId, presented: Presented, origin: Origin) -> str:
    return f"{tenant} {origin.peer} {presented.client[:_LONGEST_NAME]}"
