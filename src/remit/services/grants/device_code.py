"""grant_type=device_code (RFC 8628 §3.4): a device asks whether its user has answered, and redeems his yes once."""

from __future__ import annotations

from remit.core.clients import GrantType, Party
from remit.core.names import SecretKind, TenantId, parse_opaque
from remit.core.oauth.client_auth import Presented
from remit.core.oauth.device import OFF, USED, DeviceRequest, Ready, Wait, judge_poll
from remit.core.oauth.token_set import TokenCall, TokenSet
from remit.core.oauth.verdicts import Refusal
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.client_auth import authenticate
from remit.services.grants.family import SignedInBy, chain_of, first_tokens
from remit.services.grants.refusing import before_proof, refuse, refuse_stranger
from remit.services.origin import Origin


async def redeem_device_code(
    tenant: TenantId, presented: Presented, call: TokenCall, deps: Deps, origin: Origin
) -> TokenSet | Refusal:
    async with deps.db.work(tenant) as work:
        party = await authenticate(work, presented, deps)
        if isinstance(party, Refusal):
            return await refuse_stranger(work, party, presented, deps, origin, grant_type=call.grant_type)
        found = await _find(work, party, call, deps)
        if isinstance(found, Refusal):
            return await refuse(work, found, before_proof(party, origin), deps, grant_type=call.grant_type)
        verdict = judge_poll(found, client=party.client.id, jkt=call.jkt, now=deps.clock.now())
        if isinstance(verdict, Refusal):
            return await refuse(work, verdict, before_proof(party, origin), deps, grant_type=call.grant_type)
        if isinstance(verdict, Wait):
            # Nothing is refused yet, so nothing is written down but the pace.
            await work.devices.pace(verdict.id, interval=verdict.interval, next_at=verdict.next_at)
            return verdict.told
        line = await work.lines.get(verdict.request.line) if verdict.request.line is not None else None
        chain = await chain_of(work, party, line)
        if isinstance(chain, Refusal):
            return await refuse(work, chain, before_proof(party, origin), deps, grant_type=call.grant_type)
        by, ready = _signed_in(verdict), verdict.request.id
        outcome = await first_tokens(work, chain, call, by, deps, origin, spend=lambda: work.devices.spend(ready))
        if outcome is None:
            # Another poll of the same device won; devices ask again when an answer is lost, so no line ends by it.
            outcome = USED
        if isinstance(outcome, Refusal):
            return await refuse(work, outcome, origin.chain(chain), deps, grant_type=call.grant_type)
    return outcome.sign(deps)


async def _find(work: Work, party: Party, call: TokenCall, deps: Deps) -> DeviceRequest | Refusal | None:
    if not (await work.tenants.current()).device_flow:
        return OFF
    if GrantType.DEVICE_CODE not in party.client.grant_types:
        return Refusal("unauthorized_client", "this client is not registered for device_code")
    if call.device_code is None:
        return Refusal("invalid_request", "send device_code: what the device_authorization_endpoint answered")
    opaque = parse_opaque(call.device_code, SecretKind.DEVICE)
    found = await work.devices.find(opaque.id) if opaque else None
    return found if opaque is not None and found is not None and deps.digester.matches(opaque, found.digest) else None


def _signed_in(ready: Ready) -> SignedInBy:
    request = ready.request
    return SignedInBy(nonce=None, auth_time=request.auth_time or request.created_at, amr=request.amr)
