"""grant_type=client_credentials (RFC 6749 §4.4): an agent acts for itself, under an administrator's approval."""

from __future__ import annotations

from remit.core.authority import Chain
from remit.core.clients import GrantType, Party
from remit.core.names import TenantId
from remit.core.oauth.authorize import some
from remit.core.oauth.client_auth import Presented
from remit.core.oauth.scopes import IDENTITY_SCOPES
from remit.core.oauth.token_set import TokenCall, TokenSet
from remit.core.oauth.verdicts import Refusal
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.client_auth import authenticate
from remit.services.grants.refusing import refuse, refuse_stranger
from remit.services.issuance import Issue, decide, record
from remit.services.origin import Origin
from remit.services.targets import pick_resource


async def act_for_itself(
    tenant: TenantId, presented: Presented, call: TokenCall, deps: Deps, origin: Origin
) -> TokenSet | Refusal:
    async with deps.db.work(tenant) as work:
        party = await authenticate(work, presented, deps)
        if isinstance(party, Refusal):
            return await refuse_stranger(work, party, presented, deps, origin, grant_type=call.grant_type)
        chain = await _chain(work, party, call)
        if isinstance(chain, Refusal):
            return await refuse(work, chain, origin.party(party), deps, grant_type=call.grant_type)
        issued = await _decide(work, chain, call, deps, origin)
        if isinstance(issued, Refusal):
            return await refuse(work, issued, origin.chain(chain), deps, grant_type=call.grant_type)
    return issued.sign(deps)


async def _chain(work: Work, party: Party, call: TokenCall) -> Chain | Refusal:
    """Return everybody whom the token would speak for: a client by itself, and the approval that it stands on."""
    if party.client.public or GrantType.CLIENT_CREDENTIALS not in party.client.grant_types:
        return Refusal("unauthorized_client", "this client is not registered for client_credentials")
    resource = await pick_resource(work, call.resources, party.client)
    if isinstance(resource, Refusal):
        return resource
    grant = await work.grants.of_agent(party.client.id, resource.id)
    if grant is None:
        return Refusal("invalid_grant", "no administrator has approved this client for this resource")
    return Chain(tenant=await work.tenants.current(), party=party, resource=resource, grant=grant)


async def _decide(work: Work, chain: Chain, call: TokenCall, deps: Deps, origin: Origin) -> Issue | Refusal:
    asked = _asked(call, chain)
    if isinstance(asked, Refusal):
        return asked
    issued = await decide(work, chain, asked, deps, details=call.details, proven=call.proven)
    if isinstance(issued, Issue):
        await record(work, issued, origin, grant_type=call.grant_type)
    return issued


def _asked(call: TokenCall, chain: Chain) -> frozenset[str] | Refusal:
    """Choose what is asked for: what the call names, or the client's default. Nobody logs in here, so no `openid`."""
    assert chain.resource is not None and chain.grant is not None  # noqa: S101, PT018 - `_chain` sets both
    if call.scopes is not None and call.scopes & IDENTITY_SCOPES:
        return Refusal("invalid_scope", "openid and its kin need a user: leave them out of client_credentials")
    asked = call.scopes if call.scopes is not None else chain.party.client.default_scopes - IDENTITY_SCOPES
    open_here = chain.resource.scope_names & chain.grant.scopes
    if not asked:
        return Refusal("invalid_scope", f"send scope: {some(open_here)}")
    if not asked & open_here:
        return Refusal("invalid_scope", f"none of the scopes is granted to this client here: send {some(open_here)}")
    return asked
