"""Introspection (RFC 7662) and userinfo: is this token live, now, for this caller?"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime

from remit.core.audit.events import TokenIntrospected, TokenRefused
from remit.core.clients import Party
from remit.core.names import Prefix, Secret, SecretKind, TenantId
from remit.core.oauth import scopes as scope_rules
from remit.core.oauth.client_auth import FAILED, Presented, Proof
from remit.core.oauth.dpop import Proven
from remit.core.oauth.verdicts import Refusal, TooMany
from remit.core.resources import Resource
from remit.core.tokens import RefreshState
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.client_auth import authenticate, authenticate_resource
from remit.services.grants.family import chain_of, find_refresh
from remit.services.grants.refusing import refuse_stranger
from remit.services.id_tokens import user_claims
from remit.services.issuance import dead
from remit.services.live_tokens import UNKNOWN, Claims, LiveToken, NotLive, judge_presented, judge_token
from remit.services.origin import Origin

INACTIVE: Claims = {"active": False}

MISSES = 600
MISSES_SECONDS = 60
"""So often a caller may ask about what is not live for him. Who asks for live tokens is never slowed down (INT-8)."""


_REFRESH = f"rmt_{SecretKind.REFRESH}_"

NO_REFRESH = NotLive(reason="not a refresh token of who asked")


async def introspect(
    tenant: TenantId, presented: Presented, token: str, deps: Deps, origin: Origin
) -> Claims | Refusal | TooMany:
    """Answer the owning client and the resource named in `aud`; everybody else learns nothing (INT-3, INT-4).

    A question is a read, unless its caller has an assertion to use up. What is written down about it comes after.
    """
    opened = deps.db.work(tenant) if presented.proof is Proof.ASSERTION else deps.db.read(tenant)
    async with opened as work:
        caller = await _caller(work, presented, deps)
        answer = caller if isinstance(caller, Refusal) else await _answer(work, caller, token, deps)
    if isinstance(answer, Refusal):
        async with deps.db.work(tenant) as work:
            return await refuse_stranger(work, answer, presented, deps, origin, grant_type="introspection")
    if isinstance(answer, NotLive):
        await _note(tenant, answer, deps, origin, asked_at="introspection")
        who = f"{tenant}:{presented.client}"
        wait = deps.throttle.allow("not live", who, limit=MISSES, per_seconds=MISSES_SECONDS, now=deps.clock.now())
        return TooMany(wait) if wait else INACTIVE
    if not isinstance(answer, LiveToken):
        return answer
    now, chain = deps.clock.now(), answer.chain
    if not deps.throttle.allow("introspected", f"{tenant}:{chain.jti}", limit=1, per_seconds=60, now=now):
        asker = origin.chain(chain, actor_kind="resource" if isinstance(caller, Resource) else "client")
        async with deps.db.work(tenant) as work:
            await work.events.append(TokenIntrospected(who=asker), at=now)
    return answer.answer


async def _answer(work: Work, caller: Party | Resource, token: str, deps: Deps) -> LiveToken | Claims | NotLive:
    """Return the access token that a caller may see, or the claims of his refresh token."""
    if token.startswith(_REFRESH):
        return await _refresh_claims(work, caller, token, deps)
    live = await judge_token(work, token, deps)
    if isinstance(live, NotLive):
        return live
    if not _may_see(caller, live):
        return NotLive(reason="the token is not for who asked", chain=live.chain)
    return live


async def _caller(work: Work, presented: Presented, deps: Deps) -> Party | Resource | Refusal:
    if presented.client.startswith(f"{Prefix.RESOURCE}_"):
        return await authenticate_resource(work, presented, deps)
    party = await authenticate(work, presented, deps)
    if isinstance(party, Party) and party.client.public:
        # A public client proves nothing, so anybody could scan for tokens in its name.
        return replace(FAILED, audit="a public client cannot introspect")
    return party


def _may_see(caller: Party | Resource, live: LiveToken) -> bool:
    if isinstance(caller, Resource):
        return live.chain.resource is not None and live.chain.resource.id == caller.id
    return live.chain.party.client.id == caller.client.id


async def _refresh_claims(work: Work, caller: Party | Resource, text: str, deps: Deps) -> Claims | NotLive:
    """Describe a refresh token, to its own client only (INT-6)."""
    found = await find_refresh(work, text, deps)
    if found is None or isinstance(caller, Resource):
        return NO_REFRESH
    _, token = found
    line = await work.lines.get(token.line)
    if line is None or line.client != caller.client.id:
        return NO_REFRESH
    now = deps.clock.now()
    chain = await chain_of(work, caller, line)
    if isinstance(chain, Refusal):
        return NO_REFRESH
    if (verdict := await dead(work, chain, now=now)) is not None:
        return NotLive(reason=verdict.hint, chain=chain)
    if token.state is not RefreshState.LIVE or now >= token.expires_at:
        return NotLive(reason="the refresh token was used, or expired", chain=chain)
    told: Claims = {} if line.details is None else {"authorization_details": json.loads(line.details)}
    return {
        **told,
        "active": True,
        "client_id": caller.client.wire_id,
        "sub": line.user,
        "scope": scope_rules.render(line.scopes),
        "iat": seconds(token.issued_at),
        "exp": seconds(token.expires_at),
        "iss": chain.tenant.issuer,
        "token_type": "refresh_token",
    }


async def userinfo(
    tenant: TenantId, token: Secret, proven: Proven | None, deps: Deps, origin: Origin
) -> Claims | NotLive:
    """Tell about the user of a live access token that holds `openid` (OIDC Core §5.3)."""
    live = await judge_presented(tenant, token, proven, deps)
    if isinstance(live, LiveToken) and (live.chain.user is None or "openid" not in live.scopes):
        live = NotLive(reason="userinfo needs openid", chain=live.chain)
    if isinstance(live, NotLive) or live.chain.user is None:
        refused = live if isinstance(live, NotLive) else UNKNOWN
        await _note(tenant, refused, deps, origin, asked_at="userinfo")
        return refused
    return {"sub": live.chain.user.id, **user_claims(live.chain.user, live.scopes)}


async def _note(tenant: TenantId, verdict: NotLive, deps: Deps, origin: Origin, *, asked_at: str) -> None:
    """Write down why a token was not accepted: once a minute for each token, or each peer where it is none of ours."""
    who = origin.nobody() if verdict.chain is None else origin.chain(verdict.chain)
    event = TokenRefused(who=who, grant_type=asked_at, code=verdict.code, reason=verdict.reason)
    about = who.jti or who.line or "unknown"
    async with deps.db.work(tenant) as work:
        await work.events.tally(event, reason=f"{asked_at} {about}: {verdict.reason}", at=deps.clock.now())


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


__all__ = ["INACTIVE", "introspect", "userinfo"]
