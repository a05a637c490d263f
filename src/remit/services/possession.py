"""Proof of possession (RFC 9449): nonces that all nodes agree on, and proofs that are good once on all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from remit.core.names import Secret, TenantId
from remit.core.oauth.dpop import USED, Expected, Proven, judge_proof, normal, steps
from remit.core.oauth.verdicts import Refusal
from remit.ports.deps import Deps
from remit.ports.work import Work


class At(StrEnum):
    """Where a proof is shown. A nonce of one place is none at the other (DPOP-11)."""

    TOKEN = "token"
    RESOURCE = "resource"


def read_proven(
    shown: Sequence[str], *, tenant: TenantId, at: At, method: str, address: str, token: Secret | None, deps: Deps
) -> Proven | Refusal:
    """Read the one proof of a request and judge it. Nobody has used it up yet: that is `use_up`."""
    if len(shown) != 1:
        return Refusal("invalid_dpop_proof", "send the DPoP header exactly once")
    proof = deps.keyring.read_proof(shown[0])
    if isinstance(proof, Refusal):
        return proof
    now = deps.clock.now()
    expected = Expected(
        method=method,
        target=normal(address) or address,
        token=token.reveal() if token is not None else None,
        nonces=_nonces(tenant, at, deps, now) if deps.dpop_nonces else None,
    )
    return judge_proof(proof, expected, now=now)


def nonce_now(tenant: TenantId, at: At, deps: Deps) -> str:
    """Return the nonce for the next proof."""
    return next(iter(_nonces(tenant, at, deps, deps.clock.now())))


def _nonces(tenant: TenantId, at: At, deps: Deps, now: datetime) -> Mapping[str, datetime]:
    """Return the nonces that are good now, the newest to hand out first.

    A keyed digest of the time: nothing is kept, every node with the same pepper knows them, and nobody can guess one.
    """
    return {deps.digester.tag("dpop nonce", tenant, at, str(step)): end for step, end in steps(now).items()}


async def use_up(work: Work, proven: Proven, deps: Deps) -> Refusal | None:
    """Use the proof up in this very transaction. A refusal says that somebody has used it before, on whatever node."""
    if await work.once.claim("dpop", proven.once, until=proven.until, at=deps.clock.now()):
        return None
    return USED
