"""Fill the tab of credentials."""

from __future__ import annotations

from remit.core.clients import AuthMethod, Client, ClientState, Logout
from remit.core.credentials import Credential
from remit.core.names import AgentId
from remit.core.stops import TargetKind
from remit.http._kit.views import StopTarget
from remit.http.console.agent.head import head_of
from remit.http.console.agent_credentials.page import AgentCredentialsPage, ClientCard
from remit.http.console.rows import console_frame, credential_rows, stopped_among
from remit.http.visits import Visit
from remit.services.directory import describe_agent
from remit.services.provisioning.credentials import SECRET_METHODS, credentials_in


async def load(visit: Visit, agent: AgentId) -> AgentCredentialsPage | None:
    record = await describe_agent(visit.tenant, agent, visit.deps)
    if record is None:
        return None
    async with visit.deps.db.read(visit.tenant) as work:
        held = [(client, await credentials_in(work, client, visit.deps)) for client in record.facts.clients]
    stopped = await stopped_among(visit, TargetKind.CLIENT, [client.id for client, _ in held])
    return AgentCredentialsPage(
        frame=await console_frame(visit, "Agents"),
        head=head_of(visit, record, "Credentials"),
        clients=tuple(_card(visit, client, credentials, stopped) for client, credentials in held),
    )


def _card(visit: Visit, client: Client, credentials: tuple[Credential, ...], stopped: frozenset[str]) -> ClientCard:
    url = f"{visit.issuer}/console/clients/{client.id}"
    active = client.state is ClientState.ACTIVE
    keyed = client.auth_method is AuthMethod.PRIVATE_KEY_JWT
    return ClientCard(
        id=client.id,
        name=client.name,
        auth=client.auth_method,
        redirects=client.redirect_uris,
        sign_outs=_sign_outs(client.logout),
        registered=_registered(client),
        document=client.document or "",
        state="stopped" if client.id in stopped else client.state,
        stop=StopTarget(kind="client", id=client.id, name=client.name) if active and client.id not in stopped else None,
        bound=client.dpop_bound,
        credentials=credential_rows(visit, url, credentials),
        roll=f"{url}/roll" if visit.may_write and active and client.auth_method in SECRET_METHODS else "",
        keys=f"{url}/keys" if visit.may_write and active and keyed and client.document is None else "",
    )


def _sign_outs(logout: Logout) -> tuple[str, ...]:
    told = () if logout.backchannel_uri is None else (f"told of sign-outs at {logout.backchannel_uri}",)
    return (*(f"after sign-out {uri}" for uri in logout.redirect_uris), *told)


def _registered(client: Client) -> str:
    if client.document is not None:
        return "described by itself" if client.self_registered else "described by itself, expected by an administrator"
    return "registered by itself" if client.self_registered else "registered by an administrator"
