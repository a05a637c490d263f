"""Introspection and its reading of access tokens (RFC 7662): is this token live, now, for this caller?"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from remit.core.audit.events import TokenIntrospected, TokenRefused
from remit.core.authority import Chain, lives_until, principal_live
from remit.core.clients import Party
from remit.core.names import ClientId, GrantId, Kid, LineId, Prefix, SecretKind, TenantId, TokenId, UserId
from remit.core.oauth import scopes as scope_rules
from remit.core.oauth.client_auth import FAILED, Presented, Proof
from remit.core.oauth.details import canonical
from remit.core.oauth.verdicts import Refusal, TooMany
from remit.core.resources import Resource
from remit.core.stops import Stop
from remit.core.tokens import RefreshState
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.client_auth import authenticate, authenticate_resource
from remit.services.grants.family import chain_of, find_refresh
from remit.services.grants.refusing import refuse_stranger
from remit.services.id_tokens import user_claims
from remit.services.issuance import ceilings, dead
from remit.services.origin import Origin

Claims = dict[str, object]

INACTIVE: Claims = {"active": False}

MISSES = 600
MISSES_SECONDS = 60
"""So often a caller may ask about what is not live for him. Who asks for live tokens is never slowed down (INT-8)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveToken:
    """An access token of ours whose whole chain is live at this moment."""

    chain: Chain
    claims: Claims
    scopes: frozenset[str]
    answer: Claims
    """What introspection tells about it. Nobody changes it: every question about this token gets this one."""
    since: datetime
    until: datetime
    """The times between which this stands, unless somebody changes something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NotLive:
    """Why a token says nothing here. For the audit log alone: whoever asked learns no reason (INT-3)."""

    reason: str
    chain: Chain | None = None


_REFRESH = f"rmt_{SecretKind.REFRESH}_"

UNKNOWN = NotLive(reason="not an access token of this issuer, or expired")
NO_REFRESH = NotLive(reason="not a refresh token of who asked")


async def read_live(work: Work, token: str, deps: Deps) -> LiveToken | None:
    """Return the token if it is live, for callers that do not tell why it is not."""
    verdict = await judge_token(work, token, deps)
    return verdict if isinstance(verdict, LiveToken) else None


async def judge_token(work: Work, token: str, deps: Deps) -> LiveToken | NotLive:
    """Return the token if it is ours, untouched, in time, and everybody in its chain is live now.

    Scopes are what is left after every ceiling as it stands now, which may be less than the token says.
    """
    now = deps.clock.now()
    known = await work.verdicts.find(token)
    if isinstance(known, LiveToken) and await _stands(work, known, now=now):
        return known
    verdict = await _judge(work, token, deps, now=now)
    if isinstance(verdict, LiveToken):
        work.verdicts.keep(token, verdict)
    return verdict


async def _stands(work: Work, live: LiveToken, *, now: datetime) -> bool:
    """Say whether a verdict that nobody's change has ended still holds: its time, its line and its login session."""
    if not live.since <= now < live.until:
        return False
    line, login = live.chain.line, live.chain.login
    return (line is None or await work.lines.get(line.id) == line) and (
        login is None or await work.sessions.find(login.id) == login
    )


async def _judge(work: Work, token: str, deps: Deps, *, now: datetime) -> LiveToken | NotLive:
    tenant = await work.tenants.current()
    claims = deps.keyring.read_access(tenant, await work.keys.all(), token, now=now)
    if claims is None:
        return UNKNOWN
    party = await work.clients.party(ClientId(str(claims["client_id"])))
    grant = await work.grants.get(GrantId(str(claims["grant_id"])))
    resource = await work.resources.by_uri(str(claims["aud"]))
    if party is None or grant is None or resource is None:
        return UNKNOWN
    if grant.client != party.client.id or grant.resource != resource.id:
        return UNKNOWN
    line = user = login = None
    if claims.get("line_id") is not None:
        line = await work.lines.get(LineId(str(claims["line_id"])))
        user = await work.users.get(UserId(str(claims["sub"])))
        if line is None or user is None or line.grant != grant.id:
            return UNKNOWN
        login = None if line.while_away else await work.sessions.find(line.session)
    session = claims.get("sid")
    chain = Chain(
        tenant=tenant,
        party=party,
        resource=resource,
        user=user,
        grant=grant,
        line=line,
        session=str(session) if session is not None else None,
        login=login,
        kid=Kid(str(claims["kid"])),
        jti=TokenId(str(claims["jti"])),
        details=canonical(claims["authorization_details"]) if "authorization_details" in claims else None,
    )
    stops = await work.stops.on(chain.targets())
    if (verdict := principal_live(chain, stops, now=now)) is not None:
        return NotLive(reason=verdict.hint, chain=chain)
    if _stopped_since(stops, claims):
        return NotLive(reason="a stop fell after this token was issued", chain=chain)
    scopes = frozenset(str(claims.get("scope", "")).split())
    for ceiling in await ceilings(work, chain, deps):
        if ceiling.scopes is not None:
            scopes &= ceiling.scopes
    if not scopes:
        # Active without any scope would read as "no limit" to an API that forgets to ask for one.
        return NotLive(reason="nothing is left of what was granted", chain=chain)
    told = {key: value for key, value in claims.items() if key != "kid"}
    ends, expires = lives_until(chain), _expiry(claims)
    return LiveToken(
        chain=chain,
        claims=claims,
        scopes=scopes,
        answer={"active": True, **told, "scope": scope_rules.render(scopes), "token_type": "Bearer"},
        since=now,
        until=expires if ends is None else min(ends, expires),
    )


def _expiry(claims: Claims) -> datetime:
    expires = claims["exp"]
    assert isinstance(expires, int | float)  # noqa: S101 - read_access checked the type
    return datetime.fromtimestamp(expires, UTC)


def _stopped_since(stops: Iterable[Stop], claims: Claims) -> bool:
    """Say whether one of the chain's stops fell after this token was issued, lifted or not: old tokens stay dead."""
    epoch = claims["epo"]
    assert isinstance(epoch, int)  # noqa: S101 - read_access checked the type
    return any(stop.epoch > epoch for stop in stops)


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


async def userinfo(tenant: TenantId, token: str, deps: Deps, origin: Origin) -> Claims | None:
    """Tell about the user of a live access token that holds `openid` (OIDC Core §5.3). None: there is none."""
    async with deps.db.read(tenant) as work:
        live = await judge_token(work, token, deps)
    if isinstance(live, LiveToken) and (live.chain.user is None or "openid" not in live.scopes):
        live = NotLive(reason="userinfo needs openid", chain=live.chain)
    if isinstance(live, NotLive) or live.chain.user is None:
        await _note(tenant, live if isinstance(live, NotLive) else UNKNOWN, deps, origin, asked_at="userinfo")
        return None
    return {"sub": live.chain.user.id, **user_claims(live.chain.user, live.scopes)}


async def _note(tenant: TenantId, verdict: NotLive, deps: Deps, origin: Origin, *, asked_at: str) -> None:
    """Write down why a token was not accepted: once a minute for each token, or each peer where it is none of ours."""
    who = origin.nobody() if verdict.chain is None else origin.chain(verdict.chain)
    event = TokenRefused(who=who, grant_type=asked_at, code="invalid_token", reason=verdict.reason)
    about = who.jti or who.line or "unknown"
    async with deps.db.work(tenant) as work:
        await work.events.tally(event, reason=f"{asked_at} {about}: {verdict.reason}", at=deps.clock.now())


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


__all__ = ["INACTIVE", "Claims", "LiveToken", "NotLive", "introspect", "judge_token", "read_live", "userinfo"]
