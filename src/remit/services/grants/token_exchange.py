"""grant_type=token-exchange (RFC 8693): an agent that was shown a token acts on for its subject, visibly, with less.

Who may act on: the agent that answers at the resource the token is for. What it gets: no more than the token, the
grant behind it, and the remit of every agent in the chain hold. It stands on the grant and the line of the token that
was shown, so whatever ends any link ends it too.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from remit.core.audit.events import TokenExchanged
from remit.core.authority import Ceiling, Chain
from remit.core.clients import GrantType, Party
from remit.core.delegation import NOT_OURS, judge_chain, judge_presenter
from remit.core.names import Secret, TenantId
from remit.core.oauth.client_auth import Presented
from remit.core.oauth.dpop import Proven
from remit.core.oauth.exchange import ACCESS_TOKEN, ExchangeCall, choose_scopes, judge_exchange
from remit.core.oauth.token_set import TokenCall, TokenSet
from remit.core.oauth.verdicts import Refusal
from remit.core.resources import Resource
from remit.core.stops import Target, TargetKind
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.client_auth import authenticate
from remit.services.grants.refusing import refuse, refuse_stranger
from remit.services.issuance import NOTHING_LEFT, Issue, decide
from remit.services.live_tokens import LiveToken, NotLive, expiry, is_held, judge_token
from remit.services.origin import Origin
from remit.services.shown_elsewhere import tell_its_tenant
from remit.services.targets import pick_resource

LEAST = timedelta(seconds=1)
"""What must be left of a token for another one to come out of it."""


async def exchange(
    tenant: TenantId, presented: Presented, call: TokenCall, deps: Deps, origin: Origin
) -> TokenSet | Refusal:
    async with deps.db.work(tenant) as work:
        party = await authenticate(work, presented, deps)
        if isinstance(party, Refusal):
            return await refuse_stranger(work, party, presented, deps, origin, grant_type=call.grant_type)
        issued = await _exchange(work, party, call, deps, origin)
        if isinstance(issued, Refusal):
            await refuse(work, issued, origin.party(party), deps, grant_type=call.grant_type)
    if isinstance(issued, Issue):
        return replace(issued.sign(deps), issued_token_type=ACCESS_TOKEN)
    if issued is NOT_OURS and call.exchange is not None:
        await tell_its_tenant(tenant, call.exchange.subject_token, deps, origin, asked_at=call.grant_type)
    return issued


async def _exchange(work: Work, party: Party, call: TokenCall, deps: Deps, origin: Origin) -> Issue | Refusal:
    if party.client.public or GrantType.TOKEN_EXCHANGE not in party.client.grant_types:
        return Refusal("unauthorized_client", "this client is not registered for token-exchange")
    asked = call.exchange or ExchangeCall()
    if (flaw := judge_exchange(asked)) is not None:
        return flaw
    shown = await _shown(work, party, asked, call.proven, deps)
    if isinstance(shown, Refusal):
        return shown
    target = await _target(work, party, call, asked)
    if isinstance(target, Refusal):
        return target
    scopes = choose_scopes(call.scopes, shown.subject.scopes, target.scope_names)
    if isinstance(scopes, Refusal):
        return scopes
    chain = await _chain(work, party, shown, target)
    issued = await decide(work, chain, scopes, deps, details=call.details, proven=call.proven, further=shown.ceilings())
    if isinstance(issued, Refusal):
        return _explained(issued)
    await work.events.append(_event(issued, shown, call, origin), at=issued.claims.issued_at)
    return issued


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """The tokens of one exchange, both live: whose authority is handed on, and perhaps who proves to act."""

    subject: LiveToken
    actor: LiveToken | None

    def ceilings(self) -> tuple[Ceiling, ...]:
        """Return how both tokens bound what comes out; an actor token says who acts, and nothing about scopes."""
        limits = [Ceiling(name="subject token", scopes=self.subject.scopes, until=expiry(self.subject.claims))]
        if self.actor is not None:
            limits.append(Ceiling(name="actor token", scopes=None, until=expiry(self.actor.claims)))
        return tuple(limits)

    def via(self) -> tuple[Target, ...]:
        """Name everything on the way at which a stop must end what comes out."""
        # One resource for each agent before, in order; so nothing that stands twice is left out.
        targets = [*self.subject.chain.via, *_stood_on(self.subject.chain)]
        if self.actor is not None:
            targets += [
                target
                for target in self.actor.chain.own_targets()
                if target.kind in {TargetKind.TOKEN, TargetKind.KID, TargetKind.GRANT}
            ]
        return tuple(targets)


_ON_THE_WAY = frozenset({TargetKind.TOKEN, TargetKind.KID, TargetKind.RESOURCE, TargetKind.AGENT, TargetKind.CLIENT})


def _stood_on(chain: Chain) -> list[Target]:
    """Name what a new token would not name itself: it has the same tenant, user, grant, line and session."""
    return [target for target in chain.own_targets() if target.kind in _ON_THE_WAY]


async def _shown(work: Work, party: Party, asked: ExchangeCall, proven: Proven | None, deps: Deps) -> _Shown | Refusal:
    subject = await _subject(work, party, asked.subject_token, deps)
    if isinstance(subject, Refusal):
        return subject
    if (flaw := judge_chain(party, (subject.chain.party, *subject.chain.before))) is not None:
        return flaw
    actor = None if asked.actor_token is None else await _actor(work, party, asked.actor_token, proven, deps)
    if isinstance(actor, Refusal):
        return actor
    shown = _Shown(subject=subject, actor=actor)
    if min(limit.until for limit in shown.ceilings() if limit.until is not None) - deps.clock.now() < LEAST:
        return Refusal("invalid_request", "less than a second is left of what was shown: get a new subject_token")
    return shown


async def _subject(work: Work, party: Party, token: Secret | None, deps: Deps) -> LiveToken | Refusal:
    """Return the subject token, if this agent may act on with it and everybody behind it is live."""
    text, tenant = (token.reveal() if token is not None else ""), await work.tenants.current()
    claims = deps.keyring.read_access(tenant, await work.keys.all(), text, now=deps.clock.now())
    if claims is None:
        return NOT_OURS
    flaw = judge_presenter(claims, await work.resources.by_uri(str(claims["aud"])), party)
    if flaw is not None:
        return flaw
    live = await judge_token(work, text, deps)
    return _ended("subject_token", live) if isinstance(live, NotLive) else live


async def _actor(work: Work, party: Party, token: Secret, proven: Proven | None, deps: Deps) -> LiveToken | Refusal:
    """Return the actor token. It says nothing new about who acts, so it must say the same: this very client.

    Where it is bound to a key, this request proves it. A subject token may be bound to somebody else's key: whoever it
    was shown to answers at its audience, and needs no proof of that one (TX-12).
    """
    live = await judge_token(work, token.reveal(), deps)
    if isinstance(live, LiveToken):
        chain = live.chain
        if chain.party.client.id == party.client.id and chain.user is None and not chain.before:
            if "cnf" in live.claims and not is_held(live.claims, proven):
                return Refusal("invalid_request", "actor_token is bound to a key: send a DPoP proof by that key")
            return live
    elif live.chain is not None and live.chain.party.client.id == party.client.id:
        return _ended("actor_token", live)
    return Refusal(
        "invalid_request",
        "actor_token must be a live token that this very client got by client_credentials; it may be left out",
    )


def _ended(name: str, verdict: NotLive) -> Refusal:
    """Say that a token is not live.

    Where the token alone ended, the request cannot be followed (TX-3). Where somebody behind it did, its authority is
    gone, and no other token of the same chain would mend that.
    """
    code = "invalid_grant" if verdict.chain is not None and verdict.part != "token" else "invalid_request"
    return Refusal(code, f"{name} is not live: {verdict.reason}; get a new one")


async def _target(work: Work, party: Party, call: TokenCall, asked: ExchangeCall) -> Resource | Refusal:
    target = await pick_resource(work, (*call.resources, *asked.audiences), party.client)
    if isinstance(target, Resource) and party.remit is not None and not party.remit.on(target.id):
        return Refusal(
            "invalid_target",
            "the remit of this agent holds nothing on that resource: an administrator can publish one that does",
        )
    return target


async def _chain(work: Work, party: Party, shown: _Shown, target: Resource) -> Chain:
    subject = shown.subject.chain
    login = subject.login
    if login is None and subject.line is not None:
        login = await work.sessions.find(subject.line.session)
    return replace(
        subject,
        party=party,
        resource=target,
        session=subject.line.session if subject.line is not None else None,
        login=login,
        jti=None,
        before=(subject.party, *subject.before),
        passed=(*subject.passed, *([subject.resource] if subject.resource is not None else [])),
        via=shown.via(),
    )


def _explained(refusal: Refusal) -> Refusal:
    """Tell which ceiling took what, where nothing is left: whoever asks knows which scopes he asked for."""
    if refusal.hint != NOTHING_LEFT:
        return refusal
    return Refusal(
        "invalid_scope",
        f"nothing is left of the scopes on that resource: {refusal.audit}. Every agent of the chain needs them in its "
        "remit, and the user among his rights",
    )


def _event(issued: Issue, shown: _Shown, call: TokenCall, origin: Origin) -> TokenExchanged:
    chain, authority = issued.chain, issued.authority
    subject = shown.subject.chain
    assert subject.resource is not None and subject.jti is not None  # noqa: S101, PT018 - a live token has both
    return TokenExchanged(
        who=origin.chain(chain),
        grant_type=call.grant_type,
        requested=tuple(sorted(call.scopes if call.scopes is not None else issued.asked)),
        scopes=tuple(sorted(authority.scopes)),
        removed=tuple(f"{name}:{scope}" for name, lost in authority.removed for scope in sorted(lost)),
        expires_at=authority.expires_at.isoformat(timespec="seconds"),
        chain=tuple(party.agent.id for party in reversed((chain.party, *chain.before))),
        subject_token=subject.jti,
        subject_resource=subject.resource.uri,
        subject_expires_at=expiry(shown.subject.claims).isoformat(timespec="seconds"),
        actor_token=shown.actor.chain.jti if shown.actor is not None else None,
        details=issued.claims.details,
        bound_to=issued.claims.jkt,
    )
