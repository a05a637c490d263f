"""grant_type=authorization_code (RFC 6749 §4.1.3, RFC 7636): redeem one code, once."""

from __future__ import annotations

from remit.core.clients import GrantType, Party
from remit.core.names import SecretKind, TenantId, parse_opaque
from remit.core.oauth.client_auth import Presented
from remit.core.oauth.code import REPLAYED, Replayed, judge_code
from remit.core.oauth.token_set import TokenCall, TokenSet
from remit.core.oauth.verdicts import Refusal
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.client_auth import authenticate
from remit.services.grants.family import Outcome, chain_of, may_refresh, next_link
from remit.services.grants.refusing import end_leaked_line, refuse
from remit.services.id_tokens import IdBasis
from remit.services.issuance import decide, record
from remit.services.origin import Origin
from remit.services.targets import same_resource


async def redeem_code(
    tenant: TenantId, presented: Presented, call: TokenCall, deps: Deps, origin: Origin
) -> TokenSet | Refusal:
    async with deps.db.work(tenant) as work:
        party = await authenticate(work, presented, deps)
        if isinstance(party, Refusal):
            return await refuse(work, party, origin.nobody(client=presented.client), deps, grant_type=call.grant_type)
        outcome = await _decide(work, party, call, deps, origin)
        if isinstance(outcome, Refusal):
            who = origin.party(party)
            return await refuse(work, outcome, who, deps, grant_type=call.grant_type)
    return outcome.sign(deps)


async def _decide(work: Work, party: Party, call: TokenCall, deps: Deps, origin: Origin) -> Outcome | Refusal:
    if GrantType.AUTHORIZATION_CODE not in party.client.grant_types:
        return Refusal("unauthorized_client", "this client is not registered for authorization_code")
    if call.code is None:
        return Refusal("invalid_request", "send code: the authorization code from the redirect")
    now = deps.clock.now()
    opaque = parse_opaque(call.code, SecretKind.CODE)
    found = await work.codes.find(opaque.id) if opaque else None
    if opaque is not None and found is not None and not deps.digester.matches(opaque, found.digest):
        found = None
    verdict = judge_code(found, client=party.client.id, redirect_uri=call.redirect_uri, verifier=call.verifier, now=now)
    if isinstance(verdict, Refusal):
        return verdict
    code = verdict.code
    line = await work.lines.get(code.line)
    if line is None:
        return Refusal("invalid_grant", "what was approved no longer exists; ask the user again")
    if isinstance(verdict, Replayed) or not await work.codes.spend(code, at=now):
        # Losing the race for the code is the same fact as coming second: two hold code and verifier (OA-11, OA-12).
        await end_leaked_line(work, line, origin.party(party), deps, reason="code_replay")
        return REPLAYED
    chain = await chain_of(work, party, line)
    if isinstance(chain, Refusal):
        return chain
    assert chain.resource is not None and chain.user is not None  # noqa: S101, PT018 - chain_of loads both
    refusal = same_resource(call.resources, chain.resource)
    if refusal is not None:
        return refusal
    asked = line.scopes if call.scopes is None else line.scopes & call.scopes
    issued = await decide(work, chain, asked, deps, auth_time=code.auth_time, amr=code.amr)
    if isinstance(issued, Refusal):
        return issued
    await record(work, issued, origin, grant_type=call.grant_type)
    refresh = None
    if may_refresh(party):
        opaque_refresh, token = next_link(line, deps, now=now)
        await work.refresh_tokens.add(token)
        refresh = opaque_refresh.text()
    id_basis = None
    if "openid" in issued.claims.scopes:
        id_basis = IdBasis(user=chain.user, nonce=code.nonce, auth_time=code.auth_time, amr=code.amr)
    return Outcome(issue=issued, refresh=refresh, id_basis=id_basis)
