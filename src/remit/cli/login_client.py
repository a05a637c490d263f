"""`remit clients for-login`: the client that `remit login` signs in with."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from remit.cli.exits import NOT_FOUND, OK, SERVER
from remit.cli.here import NOTHING_KEPT, DryRun, Here, Where, end, in_tenant, refused, say
from remit.cli.output import write_record
from remit.core.agents import Agent, ScopeKey
from remit.core.clients import AuthMethod, Client
from remit.core.names import UserId
from remit.core.oauth.verdicts import Refusal
from remit.core.permissions import API_SCOPES
from remit.core.registration import ClientDraft
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.provisioning.agents import create_agent, publish_remit
from remit.services.provisioning.clients import NewClient, create_client
from remit.services.together import together

NAME = "remit-cli"
PURPOSE = "Administers this tenant from the command line, in the name of whoever is signed in"


def for_login(
    *,
    owner: Annotated[str, Parameter(help="Who answers for it: address or id.")],
    dry_run: DryRun = False,
    where: Where | None = None,
) -> int:
    """Make the client that `remit login` signs in with: public, on the loopback, for the permissions of the API.

    It holds nothing itself. What a person may do by it is what he agrees to and his role allows.
    """
    where = where or Where()

    async def make(here: Here) -> int:
        async def body(work: Work, deps: Deps) -> NewClient | Refusal:
            return await _make(here, work, deps, owner)

        made = await together(
            here.tenant.id, here.deps, body, keep=lambda outcome: not (dry_run or isinstance(outcome, Refusal))
        )
        if isinstance(made, Refusal):
            raise refused(made)
        client: Client = made.client
        write_record({"client_id": client.id, "issuer": here.tenant.issuer}, json=where.json)
        say(NOTHING_KEPT if dry_run else f"Sign in with: remit login {here.tenant.issuer} --client {client.id}")
        return OK

    return in_tenant(where, make)


async def _make(here: Here, work: Work, deps: Deps, owner: str) -> NewClient | Refusal:
    tenant = here.tenant.id
    api = await work.resources.by_uri(here.tenant.api)
    if api is None:
        raise end("this tenant has lost its own API", SERVER)
    person = await work.users.get(UserId(owner)) or await work.users.by_email(owner)
    if person is None:
        raise end(f"there is no user `{owner}` in this tenant: `remit users list` shows which there are", NOT_FOUND)
    agent: Agent | Refusal = await create_agent(
        tenant, deps, here.who, name=NAME, purpose=PURPOSE, owner=person.id, active=True
    )
    if isinstance(agent, Refusal):
        return agent
    names = frozenset(scope.name for scope in API_SCOPES)
    ceiling = frozenset(ScopeKey(api.id, name) for name in names)
    remit = await publish_remit(tenant, deps, here.who, agent=agent.id, scopes=ceiling)
    if isinstance(remit, Refusal):
        return remit
    draft = ClientDraft(
        agent=agent.id,
        name=NAME,
        auth_method=AuthMethod.NONE,
        redirect_uris=("http://127.0.0.1/callback",),
        application_type="native",
        default_resource=api.id,
        default_scopes=names,
    )
    return await create_client(tenant, deps, here.who, draft)
