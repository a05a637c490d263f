"""Reading access tokens: is this one ours, untouched, in time, and is everybody behind it live now?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from remit.core.authority import Chain, lives_until, principal_live
from remit.core.names import ClientId, GrantId, Kid, LineId, Secret, TenantId, TokenId, UserId
from remit.core.oauth import scopes as scope_rules
from remit.core.oauth.details import canonical
from remit.core.oauth.dpop import Proven
from remit.core.stops import Stop
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.delegation import handed_on
from remit.services.issuance import ceilings
from remit.services.possession import use_up

Claims = dict[str, object]


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
    part: str = ""
    """The part of the chain that is dead, where one is."""
    code: str = "invalid_token"


UNKNOWN = NotLive(reason="not an access token of this issuer, or expired")


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


async def judge_presented(tenant: TenantId, token: Secret, proven: Proven | None, deps: Deps) -> LiveToken | NotLive:
    """Return the token that a request was sent with if it is live and its key was proven (RFC 9449 §7.1, §7.2).

    A bound token without its proof may have been stolen, and a bearer token proves nothing by the scheme DPoP. What is
    remembered is the token alone: each request proves its key anew.
    """
    async with deps.db.read(tenant) as work:
        live = await judge_token(work, token.reveal(), deps)
    if isinstance(live, NotLive):
        return live
    if not is_held(live.claims, proven):
        return NotLive(reason="the key that the token is bound to was not proven", chain=live.chain)
    if proven is not None:
        async with deps.db.work(tenant) as work:
            if (used := await use_up(work, proven, deps)) is not None:
                return NotLive(reason=used.hint, chain=live.chain, code=used.code)
    return live


def is_held(claims: Claims, proven: Proven | None) -> bool:
    """Say whether whoever proved this key, or none, may use a token of these claims."""
    bound = claims.get("cnf")
    if bound is None or proven is None:
        return bound is None and proven is None
    return bound == {"jkt": proven.jkt}


async def _stands(work: Work, live: LiveToken, *, now: datetime) -> bool:
    """Say whether a verdict that nobody's change has ended still holds: its time, its line and its login session.

    Whoever handed the token on, and what it passed, is covered by the stamps of the tenant, as everybody else is.
    """
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
    handed = await handed_on(work, claims, party, grant, resource)
    if handed is None:
        return UNKNOWN
    line = user = login = None
    if claims.get("line_id") is not None:
        line = await work.lines.get(LineId(str(claims["line_id"])))
        user = await work.users.get(UserId(str(claims["sub"])))
        if line is None or user is None or line.grant != grant.id or line.user != user.id:
            return UNKNOWN
        login = None if line.while_away else await work.sessions.find(line.session)
    elif grant.user is not None or claims["sub"] != grant.agent:
        # Without a line nobody but an agent is spoken for, by its own grant (JAT-3).
        return UNKNOWN
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
        before=handed.before,
        passed=handed.passed,
        via=handed.via,
    )
    stops = await work.stops.on(chain.targets())
    if (verdict := principal_live(chain, stops, now=now)) is not None:
        return NotLive(reason=verdict.hint, chain=chain, part=verdict.part)
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
    ends, expires = lives_until(chain), expiry(claims)
    kind = "DPoP" if "cnf" in told else "Bearer"
    return LiveToken(
        chain=chain,
        claims=claims,
        scopes=scopes,
        answer={"active": True, **told, "scope": scope_rules.render(scopes), "token_type": kind},
        since=now,
        until=expires if ends is None else min(ends, expires),
    )


def expiry(claims: Claims) -> datetime:
    """Return when a token ends by itself."""
    expires = claims["exp"]
    assert isinstance(expires, int | float)  # noqa: S101 - read_access checked the type
    return datetime.fromtimestamp(expires, UTC)


def _stopped_since(stops: Iterable[Stop], claims: Claims) -> bool:
    """Say whether one of the chain's stops fell after this token was issued, lifted or not: old tokens stay dead."""
    epoch = claims["epo"]
    assert isinstance(epoch, int)  # noqa: S101 - read_access checked the type
    return any(stop.epoch > epoch for stop in stops)
