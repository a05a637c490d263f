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
from remit.services.grants.family import Outcome, chain_of, may_refresh, next_link
from remit.services.grants.refusing import before_proof, end_leaked_line, refuse, refuse_stranger
from remit.services.id_tokens import IdBasis
from remit.services.issuance import decide, record
from remit.services.origin import Origin
from remit.services.possession import use_up
from remit.services.targets import same_resource


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
    """Decide first, then spend: a dead principal or a wrong parameter must not cost the client its code."""
    code, chain = found.code, found.chain
    line, resource, user = chain.line, chain.resource, chain.user
    assert line is not None and resource is not None and user is not None  # noqa: S101, PT018 - chain_of loads them
    refusal = same_resource(call.resources, resource)
    if refusal is not None:
        return refusal
    asked = line.scopes if call.scopes is None else line.scopes & call.scopes
    if not asked:
        return Refusal("invalid_scope", "none of the scopes was approved: leave out scope, or name approved ones")
    issued = await decide(work, chain, asked, deps, details=call.details, proven=call.proven)
    if isinstance(issued, Refusal):
        return issued
    now = deps.clock.now()
    if not await work.codes.spend(code, at=now):
        # Losing the race for the code is the same fact as coming second: two hold code and verifier (OA-11, OA-12).
        return await _end_replayed(work, chain, deps, origin)
    await record(work, issued, origin, grant_type=call.grant_type)
    refresh = None
    if may_refresh(chain.party):
        opaque_refresh, token = next_link(chain, line, deps, jkt=call.jkt, now=now)
        await work.refresh_tokens.add(token)
        refresh = opaque_refresh.text()
    id_basis = None
    if "openid" in issued.claims.scopes:
        id_basis = IdBasis(user=user, nonce=code.nonce, auth_time=code.auth_time, amr=code.amr)
    return Outcome(issue=issued, refresh=refresh, id_basis=id_basis)


async def _end_replayed(work: Work, chain: Chain, deps: Deps, origin: Origin) -> Refusal:
    assert chain.line is not None  # noqa: S101 - chain_of loads it
    await end_leaked_line(work, chain.line, origin.chain(chain), deps, reason="code_replay")
    return REPLAYED
