"""Bad input: each refusal says what to change, and leaves nothing behind."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from remit.core.agents import AgentState, ScopeKey
from remit.core.clients import AuthMethod, GrantType
from remit.core.names import AgentId, ClientId, ResourceId, UserId
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import ClientDraft
from remit.core.resources import Risk, Scope
from remit.core.users import UserState
from remit.crypto.jose import PrivateKey
from remit.ports.work import EventFilter
from remit.services.provisioning.agents import create_agent, publish_remit, set_agent_state
from remit.services.provisioning.clients import add_client_secret, create_client
from remit.services.provisioning.grants import approve_agent
from remit.services.provisioning.resources import add_resource_secret, create_resource
from remit.services.provisioning.users import create_user, set_rights, set_user_state
from tests.kit.clock import NOW
from tests.kit.world import SEEDER

READ = Scope(name="read:notes", sentence="Read your notes", risk=Risk.READ)
PUBLIC = PrivateKey.generate("ES256").jwk() | {"kid": "k", "alg": "ES256", "use": "sig"}
PRIVATE = PUBLIC | {"d": "AAAA"}


def a_draft(world, **changes):
    draft = ClientDraft(
        agent=world.agent.id, name="new", auth_method=AuthMethod.SECRET_BASIC, redirect_uris=("https://new.example/cb",)
    )
    return replace(draft, **changes)


async def contents(remit, world):
    """Everything that provisioning could have left, to compare before and after."""
    async with remit.deps.db.read(world.tenant.id) as work:
        return (
            await work.users.list(),
            await work.agents.list(),
            await work.clients.list(),
            await work.resources.list(),
            await work.grants.list(active=False),
            await work.stops.list(),
            await work.events.page(EventFilter(), limit=1),
        )


BAD = {
    "a user without an at sign": (
        lambda t, d, w: create_user(t, d, SEEDER, email="alice", name="Alice"),
        "the address must look like name@example.com",
    ),
    "a user whose address is there, in other letters": (
        lambda t, d, w: create_user(t, d, SEEDER, email="ALICE@example.com", name="Alice"),
        "somebody in this tenant has the address ALICE@example.com already",
    ),
    "a password of eleven characters": (
        lambda t, d, w: create_user(t, d, SEEDER, email="new@example.com", name="New", password="x" * 11),
        "the password needs at least 12 characters",
    ),
    "a password like a book": (
        lambda t, d, w: create_user(t, d, SEEDER, email="new@example.com", name="New", password="x" * 1025),
        "the password has more than 1024 characters",
    ),
    "a name that turns the text around": (
        lambda t, d, w: create_user(t, d, SEEDER, email="new@example.com", name="a\u202eb"),
        "the name of the user must be one line of text without spaces around it",
    ),
    "rights to a scope that is not there": (
        lambda t, d, w: set_rights(
            t, d, SEEDER, user=w.alice.id, resource=w.tickets.id, scopes=frozenset({"tickets.close"})
        ),
        "Tickets does not define these scopes: tickets.close; it defines: tickets.update",
    ),
    "rights of a user of nobody": (
        lambda t, d, w: set_rights(t, d, SEEDER, user=UserId("usr_x"), resource=w.tickets.id, scopes=frozenset()),
        "no such user in this tenant",
    ),
    "a state of a user without a reason": (
        lambda t, d, w: set_user_state(t, d, SEEDER, user=w.alice.id, state=UserState.INACTIVE, reason=""),
        "say why: the change carries a reason",
    ),
    "a resource on plain http": (
        lambda t, d, w: create_resource(t, d, SEEDER, uri="http://api.example", name="A", scopes=[READ]),
        "the resource must use https; http only on 127.0.0.1, [::1] or localhost",
    ),
    "a resource with a fragment": (
        lambda t, d, w: create_resource(t, d, SEEDER, uri="https://api.example/#a", name="A", scopes=[READ]),
        "the resource has a fragment: leave out the # and what follows",
    ),
    "a resource that is there, its host in other letters": (
        lambda t, d, w: create_resource(t, d, SEEDER, uri="https://CALENDAR.example/", name="A", scopes=[READ]),
        "there is a resource https://calendar.example/ in this tenant already",
    ),
    "the tenant's own API, again": (
        lambda t, d, w: create_resource(t, d, SEEDER, uri=w.tenant.api, name="A", scopes=[READ]),
        "there is a resource https://id.example/t/acme/api in this tenant already",
    ),
    "a resource without scopes": (
        lambda t, d, w: create_resource(t, d, SEEDER, uri="https://api.example", name="A", scopes=[]),
        "name at least one scope: without one, no token can be for this resource",
    ),
    "a scope twice": (
        lambda t, d, w: create_resource(t, d, SEEDER, uri="https://api.example", name="A", scopes=[READ, READ]),
        "the scope `read:notes` is there twice",
    ),
    "a scope with a space": (
        lambda t, d, w: create_resource(
            t, d, SEEDER, uri="https://api.example", name="A", scopes=[replace(READ, name="read notes")]
        ),
        "a scope is printable ASCII without spaces, quotes and backslash, as in read:calendar",
    ),
    "a scope of OpenID Connect": (
        lambda t, d, w: create_resource(
            t, d, SEEDER, uri="https://api.example", name="A", scopes=[replace(READ, name="openid")]
        ),
        "`openid` belongs to OpenID Connect and to no resource: choose another name",
    ),
    "a scope that says nothing": (
        lambda t, d, w: create_resource(
            t, d, SEEDER, uri="https://api.example", name="A", scopes=[replace(READ, sentence="")]
        ),
        "say in a plain sentence what `read:notes` allows: people read it before they agree",
    ),
    "access tokens that live a day": (
        lambda t, d, w: create_resource(
            t, d, SEEDER, uri="https://api.example", name="A", scopes=[READ], token_seconds=86400
        ),
        "access tokens live 60 to 1800 seconds",
    ),
    "a secret for a resource of nobody": (
        lambda t, d, w: add_resource_secret(t, d, SEEDER, resource=ResourceId("res_x")),
        "no such resource in this tenant",
    ),
    "an agent for nothing": (
        lambda t, d, w: create_agent(t, d, SEEDER, name="new", purpose=""),
        "say what the agent is for: people read it before they agree",
    ),
    "an active agent that nobody owns": (
        lambda t, d, w: create_agent(t, d, SEEDER, name="new", purpose="plans", active=True),
        "name an owner before the agent becomes active",
    ),
    "an agent that a stranger owns": (
        lambda t, d, w: create_agent(t, d, SEEDER, name="new", purpose="plans", owner=UserId("usr_x")),
        "the owner must be an active user of this tenant",
    ),
    "an agent whose name is taken": (
        lambda t, d, w: create_agent(t, d, SEEDER, name="planner", purpose="plans"),
        "there is an agent `planner` in this tenant already: choose another name",
    ),
    "a remit for nobody": (
        lambda t, d, w: publish_remit(t, d, SEEDER, agent=AgentId("agt_x"), scopes=frozenset()),
        "no such agent in this tenant",
    ),
    "a remit with a scope of another resource": (
        lambda t, d, w: publish_remit(
            t, d, SEEDER, agent=w.agent.id, scopes=frozenset({ScopeKey(w.tickets.id, "read:calendar")})
        ),
        "Tickets does not define these scopes: read:calendar; it defines: tickets.update",
    ),
    "a remit that is over": (
        lambda t, d, w: publish_remit(t, d, SEEDER, agent=w.agent.id, scopes=frozenset(), expires_at=NOW),
        "the remit must end in the future",
    ),
    "an active agent made active": (
        lambda t, d, w: set_agent_state(t, d, SEEDER, agent=w.agent.id, state=AgentState.ACTIVE, reason="again"),
        "an agent that is active cannot become active",
    ),
    "a client of nobody": (
        lambda t, d, w: create_client(t, d, SEEDER, a_draft(w, agent=AgentId("agt_x"))),
        "no such agent in this tenant",
    ),
    "a client whose name is taken": (
        lambda t, d, w: create_client(t, d, SEEDER, a_draft(w, name="web")),
        "there is a client `web` in this tenant already: choose another name",
    ),
    "a client that nobody can come back to": (
        lambda t, d, w: create_client(t, d, SEEDER, a_draft(w, redirect_uris=())),
        "authorization_code needs a redirect URI: where the user's browser is sent back to",
    ),
    "a redirect URI that looks like loopback": (
        lambda t, d, w: create_client(t, d, SEEDER, a_draft(w, redirect_uris=("http://localhost.evil.test/cb",))),
        "the redirect URI must use https; http only on 127.0.0.1, [::1] or localhost",
    ),
    "a redirect URI of an app, for the web": (
        lambda t, d, w: create_client(t, d, SEEDER, a_draft(w, redirect_uris=("com.example.app:/cb",))),
        "the redirect URI must use https: an own scheme is for clients of application_type native only",
    ),
    "a redirect URI twice": (
        lambda t, d, w: create_client(t, d, SEEDER, a_draft(w, redirect_uris=("https://a.example/cb",) * 2)),
        "a redirect URI is there twice",
    ),
    "redirects for a client that acts for itself": (
        lambda t, d, w: create_client(t, d, SEEDER, a_draft(w, grant_types=frozenset({GrantType.CLIENT_CREDENTIALS}))),
        "redirect URIs are for authorization_code: add that grant type, or leave them out",
    ),
    "refresh tokens that come from nothing": (
        lambda t, d, w: create_client(
            t, d, SEEDER, a_draft(w, redirect_uris=(), grant_types=frozenset({GrantType.REFRESH_TOKEN}))
        ),
        "refresh_token needs authorization_code or device_code: refresh tokens come from a user's consent",
    ),
    "no grant type": (
        lambda t, d, w: create_client(t, d, SEEDER, a_draft(w, redirect_uris=(), grant_types=frozenset())),
        "name at least one grant type: authorization_code, device_code or client_credentials",
    ),
    "a public client that acts for itself": (
        lambda t, d, w: create_client(
            t, d, SEEDER, a_draft(w, auth_method=AuthMethod.NONE, grant_types=frozenset({*GrantType}))
        ),
        "client_credentials needs a client with a secret or a key: a public client can prove nothing",
    ),
    "a key method without keys": (
        lambda t, d, w: create_client(t, d, SEEDER, a_draft(w, auth_method=AuthMethod.PRIVATE_KEY_JWT)),
        "private_key_jwt needs the client's public keys: a JSON Web Key Set",
    ),
    "keys for a client with a secret": (
        lambda t, d, w: create_client(t, d, SEEDER, a_draft(w, jwks=json.dumps({"keys": [PUBLIC]}))),
        "public keys are for private_key_jwt: choose that method, or leave them out",
    ),
    "a private key": (
        lambda t, d, w: create_client(
            t, d, SEEDER, a_draft(w, auth_method=AuthMethod.PRIVATE_KEY_JWT, jwks=json.dumps({"keys": [PRIVATE]}))
        ),
        "private",
    ),
    "keys that are none": (
        lambda t, d, w: create_client(
            t, d, SEEDER, a_draft(w, auth_method=AuthMethod.PRIVATE_KEY_JWT, jwks='{"keys": []}')
        ),
        "key set",
    ),
    "default scopes of no resource": (
        lambda t, d, w: create_client(t, d, SEEDER, a_draft(w, default_scopes=frozenset({"read:calendar"}))),
        "default scopes need a default resource, which they belong to",
    ),
    "default scopes of another resource": (
        lambda t, d, w: create_client(
            t,
            d,
            SEEDER,
            a_draft(w, default_resource=w.tickets.id, default_scopes=frozenset({"read:calendar", "openid"})),
        ),
        "Tickets does not define these scopes: read:calendar; it defines: tickets.update",
    ),
    "an id token signed by a shared secret": (
        lambda t, d, w: create_client(t, d, SEEDER, a_draft(w, id_token_alg="HS256")),
        "id tokens are signed with RS256 or ES256",
    ),
    "a secret for a public client": (
        lambda t, d, w: add_client_secret(t, d, SEEDER, client=w.local.id),
        "this client authenticates by none: a secret proves nothing",
    ),
    "a secret that is over": (
        lambda t, d, w: add_client_secret(t, d, SEEDER, client=w.web.id, expires_at=NOW),
        "the secret must end in the future",
    ),
    "an approval for nobody": (
        lambda t, d, w: approve_agent(
            t, d, SEEDER, client=ClientId("cli_x"), resource=w.calendar.id, scopes=frozenset({"read:calendar"})
        ),
        "no such client in this tenant",
    ),
    "an approval that nothing could use": (
        lambda t, d, w: approve_agent(
            t, d, SEEDER, client=w.local.id, resource=w.calendar.id, scopes=frozenset({"read:calendar"})
        ),
        "this client is not registered for client_credentials, so nothing could use the grant",
    ),
    "an approval of nothing": (
        lambda t, d, w: approve_agent(t, d, SEEDER, client=w.web.id, resource=w.calendar.id, scopes=frozenset()),
        "name at least one scope to approve",
    ),
    "an approval by somebody who is no administrator": (
        lambda t, d, w: approve_agent(
            t,
            d,
            SEEDER,
            client=w.web.id,
            resource=w.calendar.id,
            scopes=frozenset({"read:calendar"}),
            approver=w.alice.id,
        ),
        "the approver must be an active administrator of this tenant",
    ),
}


@pytest.mark.parametrize(("verb", "hint"), list(BAD.values()), ids=list(BAD))
async def test_bad_input_is_told_what_to_change_and_leaves_nothing(remit, verb, hint):
    world = remit.acme
    before = await contents(remit, world)
    refusal = await verb(world.tenant.id, remit.deps, world)
    assert isinstance(refusal, Refusal)
    assert hint in refusal.hint
    assert await contents(remit, world) == before


FOREIGN = {
    "a remit for its agent": lambda t, d, w: publish_remit(t, d, SEEDER, agent=w.agent.id, scopes=frozenset()),
    "an agent owned by its user": lambda t, d, w: create_agent(
        t, d, SEEDER, name="new", purpose="plans", owner=w.alice.id
    ),
    "a client of its agent": lambda t, d, w: create_client(t, d, SEEDER, a_draft(w)),
    "a secret for its client": lambda t, d, w: add_client_secret(t, d, SEEDER, client=w.web.id),
    "a secret for its resource": lambda t, d, w: add_resource_secret(t, d, SEEDER, resource=w.calendar.id),
    "rights of its user": lambda t, d, w: set_rights(
        t, d, SEEDER, user=w.alice.id, resource=w.calendar.id, scopes=frozenset()
    ),
    "an approval for its client": lambda t, d, w: approve_agent(
        t, d, SEEDER, client=w.web.id, resource=w.calendar.id, scopes=frozenset({"read:calendar"})
    ),
}


@pytest.mark.parametrize("verb", list(FOREIGN.values()), ids=list(FOREIGN))
async def test_what_belongs_to_another_tenant_is_not_there(remit, verb):
    before = await contents(remit, remit.acme), await contents(remit, remit.globex)
    refusal = await verb(remit.acme.tenant.id, remit.deps, remit.globex)
    assert isinstance(refusal, Refusal)
    assert (await contents(remit, remit.acme), await contents(remit, remit.globex)) == before
