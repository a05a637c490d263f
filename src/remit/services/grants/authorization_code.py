"""grant_type=authorization_code (RFC 6749 §4.1.3, RFC 7636): redeem one code, once."""

from __future__ import annotations

from dataclasses import dataclass

from remit.core.authority import Chain
from remit.core.clients import GrantType, Party
from remit.core.grants import Code
from remit.core.names import SecretKind, TenantId, parse_opaque
from remit.core.oauth.client_auth import Presented
from remit.core.oauth.code import REPLAYED, Replayed, judge_code
from remit.core.oauth.token_set import TokenCall, TokenSet
from remit.core.oauth.verdicts import Refusal
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.client_auth import authenticate
from remit.services.grants.family import Outcome, SignedInBy, chain_of, first_tokens
from remit.services.grants.refusing import before_proof, end_leaked_line, refuse, refuse_stranger
from remit.services.origin import Origin
from remit.services.possession import use_up


async def redeem_code(
    tenant: TenantId, presented: Presented, call: TokenCall, deps: Deps, origin: Origin
) -> TokenSet | Refusal:
    async with deps.db.work(tenant) as work:
        party = await authenticate(work, presented, deps)
        if isinstance(party, Refusal):
            return await refuse_stranger(work, party, presented, deps, origin, grant_type=call.grant_type)
        found = await _find(work, party, call, deps, origin)
        if isinstance(found, Refusal):
            return await refuse(work, found, before_proof(party, origin), deps, grant_type=call.grant_type)
        outcome = await _redeem(work, found, call, deps, origin)
        if isinstance(outcome, Refusal):
            return await refuse(work, outcome, origin.chain(found.chain), deps, grant_type=call.grant_type)
    return outcome.sign(deps)


@dataclass(frozen=True, slots=True)
class _Found:
    """A code that its client may redeem now, and everybody whom it would speak for."""

    code: Code
    chain: Chain


async def _find(work: Work, party: Party, call: TokenCall, deps: Deps, origin: Origin) -> _Found | Refusal:
    if GrantType.AUTHORIZATION_CODE not in party.client.grant_types:
        return Refusal("unauthorized_client", "this client is not registered for authorization_code")
    if call.code is None:
        return Refusal("invalid_request", "send code: the authorization code from the redirect")
    opaque = parse_opaque(call.code, SecretKind.CODE)
    stored = await work.codes.find(opaque.id) if opaque else None
    if opaque is not None and stored is not None and not deps.digester.matches(opaque, stored.digest):
        stored = None
    verdict = judge_code(
        stored,
        client=party.client.id,
        redirect_uri=call.redirect_uri,
        verifier=call.verifier,
        jkt=call.jkt,
        now=deps.clock.now(),
    )
    if isinstance(verdict, Refusal):
        return verdict
    line = await work.lines.get(verdict.code.line)
    chain = await chain_of(work, party, line)
    if isinstance(chain, Refusal):
        return chain
    if isinstance(verdict, Replayed):
        # Whoever only repeats the whole request has shown no key: he ends nobody's line.
        if call.proven is not None and (used := await use_up(work, call.proven, deps)) is not None:
            return used
        return await _end_replayed(work, chain, deps, origin)
    return _Found(verdict.code, chain)


async def _redeem(work: Work, found: _Found, call: TokenCall, deps: Deps, origin: Origin) -> Outcome | Refusal:
    code, chain = found.code, found.chain
    by = SignedInBy(nonce=code.nonce, auth_time=code.auth_time, amr=code.amr)
    outcome = await first_tokens(
        work, chain, call, by, deps, origin, spend=lambda: work.codes.spend(code, at=deps.clock.now())
    )
    # Losing the race for the code is the same fact as coming second: two hold code and verifier (OA-11, OA-12).
    return await _end_replayed(work, chain, deps, origin) if outcome is None else outcome


async def _end_replayed(work: Work, chain: Chain, deps: Deps, origin: Origin) -> Refusal:
    assert chain.line is not None  # noqa: S101 - chain_of loads it
    await end_leaked_line(work, chain.line, origin.chain(chain), deps, reason="code_replay")
    return REPLAYED
