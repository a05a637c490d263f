"""Introspection and its reading of access tokens (RFC 7662): is this token live, now, for this caller?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from remit.core.audit.events import Event, TokenIntrospected, TokenRefused, Who
from remit.core.authority import Chain, Dead
from remit.core.clients import Party
from remit.core.names import ClientId, GrantId, Kid, LineId, Prefix, SecretKind, TenantId, TokenId, UserId, parse_opaque
from remit.core.oauth import scopes as scope_rules
from remit.core.oauth.client_auth import FAILED, Presented, Proof
from remit.core.oauth.verdicts import Refusal
from remit.core.resources import Resource
from remit.core.tokens import RefreshState
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.client_auth import authenticate, authenticate_resource
from remit.services.grants.family import chain_of
from remit.services.issuance import ceilings, dead
from remit.services.origin import Origin

Claims = dict[str, object]

INACTIVE: Claims = {"active": False}


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveToken:
    """An access token of ours whose whole chain is live at this moment."""

    chain: Chain
    claims: Claims
    scopes: frozenset[str]


async def read_live(work: Work, token: str, deps: Deps) -> LiveToken | None:
    """Return the token if it is ours, untouched, in time, and everybody in its chain is live now.

    Scopes are what is left after every ceiling as it stands now, which may be less than the token says.
    """
    now = deps.clock.now()
    tenant = await work.tenants.current()
    claims = deps.keyring.read_access(tenant, await work.keys.all(), token, now=now)
    if claims is None:
        return None
    party = await work.clients.party(ClientId(str(claims["client_id"])))
    grant = await work.grants.get(GrantId(str(claims["grant_id"])))
    resource = await work.resources.by_uri(str(claims["aud"]))
    if party is None or grant is None or resource is None or grant.client != party.client.id:
        return None
    line = user = None
    if claims.get("line_id") is not None:
        line = await work.lines.get(LineId(str(claims["line_id"])))
        user = await work.users.get(UserId(str(claims["sub"])))
        if line is None or user is None or line.grant != grant.id:
            return None
    session = claims.get("sid")
    chain = Chain(
        tenant=tenant,
        party=party,
        resource=resource,
        user=user,
        grant=grant,
        line=line,
        session=str(session) if session is not None else None,
        kid=Kid(str(claims["kid"])),
        jti=TokenId(str(claims["jti"])),
    )
    if await _stopped_since(work, chain, claims) or await dead(work, chain, now=now) is not None:
        return None
    scopes = frozenset(str(claims.get("scope", "")).split())
    for ceiling in await ceilings(work, chain, token_seconds=deps.lifetimes.access_seconds):
        if ceiling.scopes is not None:
            scopes &= ceiling.scopes
    return LiveToken(chain=chain, claims=claims, scopes=scopes)


async def _stopped_since(work: Work, chain: Chain, claims: Claims) -> bool:
    """Say whether a stop fell on the chain after this token was issued. A lifted stop counts: old tokens stay dead."""
    epoch = claims["epo"]
    assert isinstance(epoch, int)  # noqa: S101 - read_access checked the type
    return any(stop.epoch > epoch for stop in await work.stops.on(chain.targets()))


async def introspect(
    tenant: TenantId, presented: Presented, token: str, deps: Deps, origin: Origin
) -> Claims | Refusal:
    """Answer the owning client and the resource named in `aud`; everybody else learns nothing (INT-3, INT-4).

    A question is a read, unless its caller has an assertion to use up. What is written down about it comes after.
    """
    opened = deps.db.work(tenant) if presented.proof is Proof.ASSERTION else deps.db.read(tenant)
    async with opened as work:
        caller = await _caller(work, presented, deps)
        answer = caller if isinstance(caller, Refusal) else await _answer(work, caller, token, deps, origin)
    if isinstance(answer, Refusal):
        event: Event = TokenRefused(
            who=origin.nobody(client=presented.client),
            grant_type="introspection",
            code=answer.code,
            reason=answer.audit or answer.hint,
        )
        async with deps.db.work(tenant) as work:
            await work.events.tally(event, reason=answer.audit or answer.hint, at=deps.clock.now())
        return answer
    claims, who = answer
    if who is not None and not deps.throttle.allow(
        "introspected", f"{tenant}:{who.jti}", limit=1, per_seconds=60, now=deps.clock.now()
    ):
        async with deps.db.work(tenant) as work:
            await work.events.append(TokenIntrospected(who=who), at=deps.clock.now())
    return claims


async def _answer(
    work: Work, caller: Party | Resource, token: str, deps: Deps, origin: Origin
) -> tuple[Claims, Who | None]:
    """Return the claims a caller may see, and who to name in the event of a positive answer."""
    if token.startswith(f"rmt_{SecretKind.REFRESH}_"):
        return await _refresh_claims(work, caller, token, deps), None
    live = await read_live(work, token, deps)
    if live is None or not _may_see(caller, live):
        return INACTIVE, None
    told = {key: value for key, value in live.claims.items() if key != "kid"}
    claims = {"active": True, **told, "scope": scope_rules.render(live.scopes), "token_type": "Bearer"}
    return claims, origin.chain(live.chain, actor_kind="resource" if isinstance(caller, Resource) else "client")


async def _caller(work: Work, presented: Presented, deps: Deps) -> Party | Resource | Refusal:
    if presented.client.startswith(f"{Prefix.RESOURCE}_"):
        return await authenticate_resource(work, presented, deps)
    party = await authenticate(work, presented, deps)
    if isinstance(party, Party) and party.client.public:
        # A public client proves nothing, so anybody could scan for tokens in its name.
        return FAILED
    return party


def _may_see(caller: Party | Resource, live: LiveToken) -> bool:
    if isinstance(caller, Resource):
        return live.chain.resource is not None and live.chain.resource.id == caller.id
    return live.chain.party.client.id == caller.client.id


async def _refresh_claims(work: Work, caller: Party | Resource, text: str, deps: Deps) -> Claims:
    """Describe a refresh token, to its own client only (INT-6)."""
    opaque = parse_opaque(text, SecretKind.REFRESH)
    token = await work.refresh_tokens.find(opaque.id) if opaque else None
    if opaque is None or token is None or isinstance(caller, Resource):
        return INACTIVE
    line = await work.lines.get(token.line)
    proven = deps.digester.matches(opaque, token.digest) and line is not None and line.client == caller.client.id
    now = deps.clock.now()
    if not proven or line is None or token.state is not RefreshState.LIVE or now >= token.expires_at:
        return INACTIVE
    chain = await chain_of(work, caller, line)
    if isinstance(chain, Refusal) or await dead(work, chain, now=now) is not None:
        return INACTIVE
    return {
        "active": True,
        "client_id": caller.client.id,
        "sub": line.user,
        "scope": scope_rules.render(line.scopes),
        "iat": seconds(token.issued_at),
        "exp": seconds(token.expires_at),
        "iss": chain.tenant.issuer,
        "token_type": "refresh_token",
    }


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


__all__ = ["INACTIVE", "Claims", "Dead", "LiveToken", "introspect", "read_live"]
