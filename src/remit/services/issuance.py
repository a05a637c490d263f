"""From a chain of authority to tokens: the one place where authority becomes an access token."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from remit.core.audit.events import TokenIssued
from remit.core.authority import (
    EARLIER_REMIT,
    Authority,
    Ceiling,
    Chain,
    Dead,
    attenuate,
    of_grant,
    of_line,
    of_remit,
    of_resource,
    of_rights,
    of_tenant,
    of_way,
    principal_live,
)
from remit.core.clients import Party
from remit.core.delegation import Actor
from remit.core.keys import KeyUse, SigningKey
from remit.core.names import ClientId, Kid, Prefix, Secret, TokenId
from remit.core.oauth.details import Details, ends, judge_details, narrow, on_resource, render, reread
from remit.core.oauth.dpop import NEEDED, Proven
from remit.core.oauth.scopes import IDENTITY_SCOPES
from remit.core.oauth.token_set import TokenSet
from remit.core.oauth.verdicts import Refusal
from remit.core.permissions import of_role
from remit.core.resources import Resource
from remit.core.tokens import AccessClaims
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.delegation import as_tokens_say
from remit.services.origin import Origin
from remit.services.possession import use_up

ACCESS_ALG = "ES256"
NOTHING_LEFT = "nothing is left of what was granted: ask for access again"


async def dead(work: Work, chain: Chain, *, now: datetime) -> Dead | None:
    """Ask whether everybody in the chain is live, with the stops as they stand in this work."""
    return principal_live(chain, await work.stops.on(chain.targets()), now=now)


def refuse_dead(verdict: Dead) -> Refusal:
    """Say no for a dead chain: a dead client is `invalid_client`, anybody else ends the grant (OA-20)."""
    code = "invalid_client" if verdict.part == "client" else "invalid_grant"
    return Refusal(code, verdict.hint)


async def ceilings(work: Work, chain: Chain, deps: Deps) -> tuple[Ceiling, ...]:
    """Return everything that limits this chain now; a missing part of the chain limits to nothing."""
    limits = [of_tenant(chain.tenant.lifetimes.over(deps.lifetimes).access_seconds)]
    if chain.resource is None or chain.party.remit is None:
        return (Ceiling(name="remit", scopes=frozenset()),)
    limits += [of_resource(chain.resource), of_remit(chain.party.remit, chain.resource)]
    if chain.user is not None and chain.resource.uri == chain.tenant.api:
        limits.append(of_role(chain.user.role))
    elif chain.user is not None:
        limits.append(of_rights(await work.users.rights(chain.user.id, chain.resource.id)))
    if chain.grant is not None:
        limits.append(of_grant(chain.grant))
    if chain.line is not None:
        limits.append(of_line(chain.line))
    for earlier in chain.before:
        limits.append(_of_earlier(earlier, chain.resource))
    for passed, way in enumerate(chain.passed, start=1):
        # What the token came from is judged anew as well: whoever had it then, and what the user may do there.
        limits.append(of_way(way))
        limits += [_of_earlier(earlier, way) for earlier in chain.before[-passed:]]
        if chain.user is not None and way.uri != chain.tenant.api:
            limits.append(of_rights(await work.users.rights(chain.user.id, way.id)))
    return tuple(limits)


def _of_earlier(party: Party, resource: Resource) -> Ceiling:
    """Return what an agent may do itself: it hands on no more. Without a remit it may do nothing."""
    if party.remit is None:
        return Ceiling(name=EARLIER_REMIT, scopes=frozenset())
    return of_remit(party.remit, resource, name=EARLIER_REMIT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Issue:
    """A decided issuance. Its event is written in the work; its signature is made once the work has committed."""

    chain: Chain
    asked: frozenset[str]
    authority: Authority
    claims: AccessClaims
    keys: Sequence[SigningKey]

    def sign(self, deps: Deps) -> TokenSet:
        token = deps.keyring.sign_access(self.chain.tenant, self.keys, self.claims)
        lifetime = int((self.claims.expires_at - self.claims.issued_at).total_seconds())
        return TokenSet(
            access_token=Secret(token),
            expires_in=lifetime,
            scopes=self.claims.scopes,
            details=self.claims.details,
            bound=self.claims.jkt is not None,
        )


async def decide(
    work: Work,
    chain: Chain,
    asked: frozenset[str],
    deps: Deps,
    *,
    proven: Proven | None,
    details: str | None = None,
    further: Sequence[Ceiling] = (),
) -> Issue | Refusal:
    """Decide an access token: live chain, narrowed authority, and the key it is bound to where one was proven.

    Nothing is signed yet, and nothing written but that the proof was used.
    The chain must hold its grant: a token without an approval on record does not exist. `details` are what the call
    asks for, where it asks for less than all that was approved; `further` ceilings are those of the tokens that were
    shown for it.
    """
    now = deps.clock.now()
    keys = await work.keys.all()
    kid = deps.keyring.active_kid(keys, KeyUse.ACCESS, ACCESS_ALG)
    # The new token's own id is in no stop yet.
    chain = replace(chain, kid=Kid(kid))
    if proven is None and chain.dpop_bound:
        return NEEDED
    if chain.resource is None or chain.grant is None:
        return Refusal("invalid_grant", "no approval on record")
    verdict = await dead(work, chain, now=now)
    if verdict is not None:
        return refuse_dead(verdict)
    held_to = _details(chain, chain.resource, details, now=now)
    if isinstance(held_to, Refusal):
        return held_to
    over = Ceiling(name="details", scopes=None, until=ends(held_to))
    authority = attenuate(asked, (*await ceilings(work, chain, deps), *further, over), now=now)
    if not authority.scopes - {"offline_access"} or (
        asked - IDENTITY_SCOPES and not authority.scopes - IDENTITY_SCOPES
    ):
        return Refusal("invalid_grant", NOTHING_LEFT, audit=told(authority))
    party, user = chain.party, chain.user
    jti = TokenId(deps.fresh.id(Prefix.TOKEN))
    claims = AccessClaims(
        jti=jti,
        issuer=chain.tenant.issuer,
        audience=chain.resource.uri,
        subject=user.id if user is not None else (chain.before[-1] if chain.before else party).agent.id,
        client=party.client.wire_id,
        scopes=authority.scopes,
        issued_at=now,
        expires_at=authority.expires_at,
        tenant=chain.tenant.id,
        agent=party.agent.id,
        owner=party.agent.owner,
        purpose=party.agent.purpose,
        grant=chain.grant.id,
        line=chain.line.id if chain.line is not None else None,
        session=_backing_session(chain),
        auth_time=chain.login.auth_time if chain.login is not None else None,
        amr=chain.login.amr if chain.login is not None else (),
        epoch=await work.tenants.epoch(),
        details=None if held_to is None else render(held_to),
        may_act=chain.resource.served_by,
        actors=_actors(chain),
        via=as_tokens_say(chain),
        jkt=proven.jkt if proven is not None else None,
    )
    if claims.too_long:
        return Refusal(
            "invalid_scope", "a token with all this is too long for a header: ask for fewer scopes or details"
        )
    if proven is not None and (used := await use_up(work, proven, deps)) is not None:
        return used
    return Issue(chain=replace(chain, jti=jti), claims=claims, keys=keys, asked=asked, authority=authority)


def _details(chain: Chain, resource: Resource, asked: str | None, *, now: datetime) -> Details | Refusal | None:
    """Return what the token is held to beside its scopes: what it comes from says, and what the call asks for less."""
    # A token that was shown may be held to less than its line.
    said = chain.details or (chain.line.details if chain.line is not None else None)
    held = None if said is None else on_resource(reread(said), resource.uri)
    if held == ():
        return Refusal("invalid_target", "what was approved in detail is for other resources: name one of those")
    wanted: Details | Refusal | None = None
    if asked is not None:
        client = chain.party.client
        wanted = judge_details(
            asked,
            client_types=client.details_types,
            resource_types=resource.details_types,
            resource=resource.uri,
            now=now,
        )
    if isinstance(wanted, Refusal):
        return wanted
    left = narrow(held, wanted, now=now)
    if isinstance(left, tuple) and not {detail.type for detail in left} <= resource.details_types:
        # Where nobody keeps to the limits any more, a token would allow more than was approved.
        return Refusal("invalid_grant", "the resource no longer keeps to what was approved in detail: ask again")
    return left


def _actors(chain: Chain) -> tuple[Actor, ...]:
    """Return who acts by exchange, newest first. The client of the grant does not: it is whom the subject allowed."""
    acting = (chain.party, *chain.before[:-1]) if chain.before else ()
    return tuple(Actor(agent=party.agent.id, client=ClientId(party.client.wire_id)) for party in acting)


def _backing_session(chain: Chain) -> str | None:
    """Return the login session that a token depends on: none where its line may go on while the user is away."""
    return chain.session if chain.line is not None and not chain.line.while_away else None


async def record(work: Work, issue: Issue, origin: Origin, *, grant_type: str, replay: bool = False) -> None:
    """Write the event of an issuance, in the same transaction as everything else about it."""
    authority = issue.authority
    await work.events.append(
        TokenIssued(
            who=origin.chain(issue.chain),
            grant_type=grant_type,
            requested=tuple(sorted(issue.asked)),
            scopes=tuple(sorted(authority.scopes)),
            removed=tuple(f"{name}:{scope}" for name, lost in authority.removed for scope in sorted(lost)),
            expires_at=authority.expires_at.isoformat(timespec="seconds"),
            replay=replay,
            details=issue.claims.details,
            bound_to=issue.claims.jkt,
        ),
        at=issue.claims.issued_at,
    )


def told(authority: Authority) -> str:
    """Tell the audit log which ceiling took what."""
    return "; ".join(f"{name} took {' '.join(sorted(lost))}" for name, lost in authority.removed)
