"""grant_type=refresh_token (RFC 6749 §6, RFC 9700 §4.14.2): rotate, repeat a lost answer, or end the line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from remit.core.authority import Chain
from remit.core.clients import GrantType, Party
from remit.core.grants import Line
from remit.core.lifetimes import refresh_end
from remit.core.names import Opaque, Secret, TenantId
from remit.core.oauth.client_auth import Presented
from remit.core.oauth.refresh import EXPIRED, REUSED, Replay, RevokeLine, Rotate, judge_refresh
from remit.core.oauth.token_set import TokenCall, TokenSet
from remit.core.oauth.verdicts import Refusal
from remit.core.tokens import RefreshToken
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.client_auth import authenticate
from remit.services.grants.family import Outcome, chain_of, find_refresh, next_link
from remit.services.grants.refusing import before_proof, end_leaked_line, refuse, refuse_stranger
from remit.services.issuance import decide, record
from remit.services.origin import Origin
from remit.services.targets import same_resource


async def refresh(
    tenant: TenantId, presented: Presented, call: TokenCall, deps: Deps, origin: Origin
) -> TokenSet | Refusal:
    async with deps.db.work(tenant) as work:
        party = await authenticate(work, presented, deps)
        if isinstance(party, Refusal):
            return await refuse_stranger(work, party, presented, deps, origin, grant_type=call.grant_type)
        step = await _judge(work, party, call, deps, origin)
        if isinstance(step, Refusal):
            return await refuse(work, step, before_proof(party, origin), deps, grant_type=call.grant_type)
        outcome = await step.take(call, deps, origin)
        if isinstance(outcome, Refusal):
            return await refuse(work, outcome, origin.chain(step.chain), deps, grant_type=call.grant_type)
    return outcome.sign(deps)


def replay_window(deps: Deps) -> timedelta:
    """Return how long a lost answer may be fetched again; none at all where the settings say 0 (RT-3)."""
    return timedelta(seconds=deps.lifetimes.replay_seconds)


async def _judge(work: Work, party: Party, call: TokenCall, deps: Deps, origin: Origin) -> _Step | Refusal:
    if GrantType.REFRESH_TOKEN not in party.client.grant_types:
        return Refusal("unauthorized_client", "this client is not registered for refresh_token")
    if call.refresh_token is None:
        return Refusal("invalid_request", "send refresh_token")
    now = deps.clock.now()
    found = await find_refresh(work, call.refresh_token, deps)
    opaque, token = found if found is not None else (None, None)
    line = await work.lines.get(token.line) if token else None
    window = replay_window(deps)
    verdict = judge_refresh(
        token, line, client=party.client.id, wanted=call.scopes, jkt=call.jkt, now=now, window=window
    )
    match verdict:
        case Refusal():
            return verdict
        case RevokeLine(reason, refusal):
            assert line is not None  # noqa: S101 - the verdict is about a line
            await end_leaked_line(work, line, origin.party(party), deps, reason=reason)
            return refusal
        case Rotate(token, scopes) | Replay(token, scopes):
            assert line is not None and opaque is not None  # noqa: S101, PT018 - a proven token has both
            chain = await chain_of(work, party, line)
            if isinstance(chain, Refusal):
                return chain
            replay = isinstance(verdict, Replay)
            return _Step(work=work, chain=chain, line=line, token=token, presented=opaque, scopes=scopes, replay=replay)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A good refresh: everything that is needed to rotate the token or to repeat the answer."""

    work: Work
    chain: Chain
    line: Line
    token: RefreshToken
    presented: Opaque
    scopes: frozenset[str]
    replay: bool

    async def take(self, call: TokenCall, deps: Deps, origin: Origin) -> Outcome | Refusal:
        """Decide first, then rotate: a dead principal must not cost the client its refresh token."""
        assert self.chain.resource is not None  # noqa: S101 - chain_of loads it
        refusal = same_resource(call.resources, self.chain.resource)
        if refusal is not None:
            return refusal
        issued = await decide(self.work, self.chain, self.scopes, deps, details=call.details, proven=call.proven)
        if isinstance(issued, Refusal):
            # Who or what ended says more than that this token did with it.
            return issued
        lifetimes, now = self.chain.tenant.lifetimes.over(deps.lifetimes), deps.clock.now()
        if now >= refresh_end(self.line, lifetimes, issued_at=self.token.issued_at):
            return EXPIRED
        successor = self._repeat(self.token, deps) if self.replay else await self._rotate(call, deps)
        if successor is None:
            # The sealed successor does not open for this bearer: not a lost answer of his.
            who = origin.chain(self.chain)
            await end_leaked_line(self.work, self.line, who, deps, reason="refresh_token_reuse")
            return REUSED
        await record(self.work, issued, origin, grant_type=call.grant_type, replay=self.replay)
        return Outcome(issue=issued, refresh=successor)

    def _repeat(self, spent: RefreshToken, deps: Deps) -> Secret | None:
        """Open the successor that was sealed for whoever holds the spent token."""
        text = deps.sealer.unseal_for_bearer(spent.sealed, self.presented) if spent.sealed else None
        return Secret(text) if text is not None else None

    async def _rotate(self, call: TokenCall, deps: Deps) -> Secret | None:
        now = deps.clock.now()
        opaque, successor = next_link(self.chain, self.line, deps, jkt=call.jkt, now=now)
        text = opaque.text()
        sealed = deps.sealer.seal_for_bearer(text.reveal(), self.presented)
        if await self.work.refresh_tokens.spend(self.token, successor=successor.id, sealed=sealed, at=now):
            await self.work.refresh_tokens.add(successor)
            return text
        # A sibling won between our look and our statement: give the same successor that it got.
        won = await self.work.refresh_tokens.find(self.token.id)
        if won is None or not won.replayable(now, replay_window(deps)) or not won.fits(call.jkt):
            return None
        return self._repeat(won, deps)
