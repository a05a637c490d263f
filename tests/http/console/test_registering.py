"""An agent is registered on one page with its remit and its client, all of it or nothing; its secret is shown once."""

from __future__ import annotations

import re

import pytest

from remit.core.agents import AgentState
from remit.core.clients import GrantType
from tests.http.world import words


async def there(world, site):
    """Return the agents, their remits and clients by name."""
    async with world.deps.db.read(site.tenant.id) as work:
        agents = {agent.name: agent for agent in await work.agents.page(limit=99)}
        remits = {name: await work.agents.remit(agent.id) for name, agent in agents.items()}
        clients = {client.name: client for client in await work.clients.page(limit=99)}
    return agents, remits, clients


def typed(site, **changes):
    return {
        "name": "helper",
        "purpose": "helps",
        "owner": "dana@example.com",
        "scope": [f"{site.resource.id} read:calendar"],
        "client": "web",
        "redirect": "https://helper.example/cb",
        **changes,
    }


async def test_an_agent_gets_its_remit_and_its_client_and_its_secret_is_shown_once(world):
    site = world.acme
    browser = await world.browser(site, "dana")
    table = (await browser.get("/console/agents")).text
    (link,) = re.findall(r'href="([^"]*/console/agents/register)"', table)
    form = (await browser.http.get(link)).text
    assert 'name="owner" autocomplete="off" maxlength="320" value="dana@example.com"' in form
    made = await browser.post("/console/agents/register", typed(site))
    (secret,) = re.findall(r"rmt_cs_[\w.-]+", made.text)
    assert made.headers["cache-control"] == "no-store"
    agents, remits, clients = await there(world, site)
    agent, client = agents["helper"], clients["helper"]
    assert (agent.state, agent.owner) == (AgentState.ACTIVE, site.people["dana"].id)
    assert [key.name for key in remits["helper"].scopes] == ["read:calendar"]
    assert (client.agent, client.redirect_uris) == (agent.id, ("https://helper.example/cb",))
    shown = await browser.get(f"/console/agents/{agent.id}/credentials")
    assert (client.id in shown.text, secret in shown.text) == (True, False)
    for kind in ("agent.created", "remit.published", "client.created", "credential.added"):
        assert agent.id.encode() in (await world.events(site, kind))[-1]


KINDS = {
    "from a server": ("web", {GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN}, True),
    "from their own computer": ("native", {GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN}, False),
    "for itself": ("itself", {GrantType.CLIENT_CREDENTIALS}, True),
    "not yet": ("none", None, False),
    "what nobody offered": ("other", None, False),
}


@pytest.mark.parametrize(("kind", "grants", "secret"), KINDS.values(), ids=KINDS)
async def test_its_client_is_of_the_kind_that_was_chosen(world, kind, grants, secret):
    site = world.acme
    browser = await world.browser(site, "dana")
    redirect = {"native": "http://127.0.0.1/cb", "itself": ""}.get(kind, "https://helper.example/cb")
    made = await browser.post("/console/agents/register", typed(site, client=kind, redirect=redirect, client_name="c"))
    assert (made.status_code == 200, "rmt_cs_" in made.text) == (secret, secret)
    if not secret:
        assert "helper is registered" in words(await browser.http.get(made.headers["location"]))
    client = (await there(world, site))[2].get("c")
    assert (None if client is None else client.grant_types) == grants


WRONG = {
    "no name": ({"name": ""}, "name", "Give the agent a name."),
    "a name that is taken": ({"name": "{taken}"}, "name", "There is an agent"),
    "no purpose": ({"purpose": ""}, "purpose", "Say what the agent is for"),
    "an owner whom nobody knows": ({"owner": "nobody@example.com"}, "owner", "No user here has this address."),
    "nobody who owns it": ({"owner": ""}, "owner", "No user here has this address."),
    "a sponsor whom nobody knows": ({"sponsor": "x@example.com"}, "sponsor", "No user here has this address."),
    "a scope that is not there": ({"scope": ["{resource} fly"]}, "scope", "fly"),
    "a client without a way back": ({"redirect": ""}, "redirect", "redirect"),
    "a way back in the clear": ({"redirect": "http://helper.example/cb"}, "redirect", "https"),
    "a client's name that is taken": ({"client_name": "{taken}"}, "client_name", "There is a client"),
}


@pytest.mark.parametrize(("changes", "field", "said"), WRONG.values(), ids=WRONG)
async def test_what_is_wrong_is_told_at_its_field_and_nothing_is_there(world, changes, field, said):
    site = world.acme
    browser, before = await world.browser(site, "dana"), await world.size(site)
    names = {"taken": site.agent.name, "resource": site.resource.id}
    filled = {
        name: [text.format_map(names) for text in value] if isinstance(value, list) else value.format_map(names)
        for name, value in changes.items()
    }
    answer = await browser.post("/console/agents/register", typed(site, **filled))
    (error,) = re.findall(rf'<a href="#field-{field}">(.*?)</a>', answer.text)
    assert said in error
    assert 'value="https://helper.example/cb"' in answer.text or field == "redirect"
    assert await world.size(site) == before
    assert "helper" not in (await there(world, site))[0]


async def test_a_remit_names_nothing_of_another_tenant(world):
    browser = await world.browser(world.acme, "dana")
    answer = await browser.post("/console/agents/register", typed(world.globex))
    assert answer.status_code == 404
    assert "helper" not in (await there(world, world.acme))[0]
