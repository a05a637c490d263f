"""grant_type=client_credentials (RFC 6749 §4.4): an agent acts for itself, under an administrator's approval."""

from __future__ import annotations

from remit.core.authority import Chain
from remit.core.clients import GrantType, Party
from remit.core.names import TenantId
from remit.core.oauth.client_auth import Presented
from remit.core.oauth.scopes import IDENTITY_SCOPES
from remit.core.oauth.token_set import TokenCall, TokenSet
from remit.core.oauth.verdicts import Refusal
from remit.core.resources import Resource
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.client_auth import authenticate
from remit.services.grants.refusing import refuse
from remit.services.issuance import Issue, decide, record
from remit.services.origin import Origin
from remit.services.targets import pick_resource


async def act_for_itself(
    tenant: TenantId, presented: Presented, call: TokenCall, deps: Deps, origin: Origin
) -> TokenSet | Refusal:
    async with deps.db.work(tenant) as work:
        party = await authenticate(work, presented, deps)
        if isinstance(party, Refusal):
            return await refuse(work, party, origin.nobody(client=presented.client), deps, grant_type=call.grant_type)
        issued = await _decide(work, party, call, deps, origin)
        if isinstance(issued, Refusal):
            return await refuse(work, issued, origin.party(party), deps, grant_type=call.grant_type)
    return issued.sign(deps)


async def _decide(work: Work, party: Party, call: TokenCall, deps: Deps, origin: Origin) -> Issue | Refusal:
    if party.client.public or GrantType.CLIENT_CREDENTIALS not in party.client.grant_types:
        return Refusal("unauthorized_client", "this client is not registered for client_credentials")
    resource = await pick_resource(work, call.resources, party.client)
    if isinstance(resource, Refusal):
        return resource
    grant = await work.grants.of_agent(party.client.id, resource.id)
    if grant is None:
        return Refusal("invalid_grant", "no administrator has approved this client for this resource")
    asked = _asked(call, party, resource, grant.scopes)
    if isinstance(asked, Refusal):
        return asked
    chain = Chain(tenant=await work.tenants.current(), party=party, resource=resource, grant=grant)
    issued = await decide(work, chain, asked, deps)
    if isinstance(issued, Issue):
        await record(work, issued, origin, grant_type=call.grant_type)
    return issued


def _asked(call: TokenCall, party: Party, resource: Resource, granted: frozenset[str]) -> frozenset[str] | Refusal:
    """Choose what is asked for: what the call names, or the client's default. Nobody logs in here, so no `openid`."""
    if call.scopes is not None and call.scopes & IDENTITY_SCOPES:
        return Refusal("invalid_scope", "openid and its kin need a user: leave them out of client_credentials")
    asked = call.scopes if call.scopes is not None else party.client.default_scopes - IDENTITY_SCOPES
    if not asked:
        return Refusal("invalid_scope", "send scope: this client has no default scopes")
    if not asked & resource.scope_names & granted:
        return Refusal("invalid_scope", "none of the scopes is granted to this client on this resource")
    return asked
