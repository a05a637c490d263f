"""What the console says and does."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest

from remit.core.audit.events import EVENTS, SYSTEM
from remit.core.stops import Target, TargetKind
from remit.http.console.routes import ROUTES
from remit.http.console.sentences import REASONS, SUMMARIES, summary, why
from remit.ports.work import EventFilter
from remit.services.activity import find_event
from remit.services.stops import place_stop
from tests.http.pages.well_formed import read
from tests.http.world import STRANGE, words


async def test_one_click_stops_an_agent_everywhere_and_one_takes_it_back(world):
    site = world.acme
    tokens = await world.consent(site, "alice")
    assert (await world.introspect(site, tokens.access))["active"]
    browser = await world.browser(site, "dana")

    stopped = await browser.post(f"/console/agents/{site.agent.id}/stop")
    assert (await world.introspect(site, tokens.access)) == {"active": False}
    refused = await world.token(site, grant_type="refresh_token", refresh_token=tokens.refresh)
    assert (refused.status, refused.error) == (400, "invalid_grant")
    assert (await world.token(site, grant_type="client_credentials")).error == "invalid_grant"

    page = (await browser.http.get(stopped.headers["location"])).text
    assert "is stopped, everywhere." in page
    assert "stopped in the console" in page
    undo = re.search(r'action="([^"]+/resume)"', page)
    assert undo is not None
    resumed = await browser.post(undo[1].removeprefix(site.tenant.issuer))
    assert "may work again" in (await browser.http.get(resumed.headers["location"])).text
    # Lifting revives no old access token; the refresh token gets a new one.
    assert (await world.introspect(site, tokens.access)) == {"active": False}
    again = await world.token(site, grant_type="refresh_token", refresh_token=tokens.refresh)
    assert (await world.introspect(site, again.access))["active"]


@pytest.mark.requirement("CON-6")
async def test_a_stop_names_who_did_it_and_why(world):
    site = world.acme
    browser = await world.browser(site, "dana")
    await browser.post(f"/console/agents/{site.agent.id}/stop?to=agents", {"reason": "paid  twice\n"})
    (event,) = [json.loads(body) for body in await world.events(site, "stop.placed")]
    assert event["who"]["actor"] == site.people["dana"].id
    assert event["who"]["agent"] == site.agent.id
    assert "user" not in event["who"]
    assert event["what"]["reason"] == "paid twice"


async def test_a_stop_that_is_in_force_is_lifted_from_the_overview(world):
    site = world.acme
    bob = site.people["bob"]
    await place_stop(site.tenant.id, Target(TargetKind.USER, bob.id), world.deps, SYSTEM, reason="left the house")
    browser = await world.browser(site, "dana")
    page = (await browser.get("/console")).text
    assert "left the house" in page
    (action,) = re.findall(r'action="[^"]*(/console/stops/[^"]+)"', page)
    answer = await browser.post(action)
    assert "The stop is lifted" in (await browser.http.get(answer.headers["location"])).text
    async with world.deps.db.read(site.tenant.id) as work:
        assert [stop for stop in await work.stops.list() if stop.in_force(world.clock.now())] == []


@pytest.mark.requirement("CON-6")
async def test_revoking_a_grant_is_final_and_spares_the_others(world):
    site = world.acme
    alice, bob = await world.consent(site, "alice"), await world.consent(site, "bob")
    browser = await world.browser(site, "dana")
    answer = await browser.post(f"/console/grants/{await world.grant_of(site, 'alice')}/revoke?to=agent")
    assert answer.headers["location"].startswith(f"{site.tenant.issuer}/console/agents/{site.agent.id}?said=revoked")
    assert "That access is revoked" in (await browser.http.get(answer.headers["location"])).text
    assert not (await world.introspect(site, alice.access))["active"]
    assert (await world.introspect(site, bob.access))["active"]
    assert (await world.token(site, grant_type="refresh_token", refresh_token=alice.refresh)).error == "invalid_grant"
    (event,) = [json.loads(body) for body in await world.events(site, "stop.placed")]
    assert event["who"]["actor"] == site.people["dana"].id
    assert event["who"]["user"] == site.people["alice"].id
    # Once more changes nothing and says the same.
    before = await world.size(site)
    assert (await browser.post(f"/console/grants/{event['what']['target']}/revoke")).status_code == 303
    assert await world.size(site) == before


async def test_a_notice_is_shown_only_where_it_is_true(world):
    site = world.acme
    browser = await world.browser(site, "dana")
    grant = site.admin_grant
    for said, about in (("stopped", site.agent.id), ("revoked", grant), ("lifted", "stp_x"), ("you won", "x")):
        page = (await browser.get(f"/console/agents?said={said}&about={about}")).text
        assert 'class="notice"' not in page
    assert "may work again" in (await browser.get(f"/console/agents?said=resumed&about={site.agent.id}")).text


PAGES = [route.path for route in ROUTES if "GET" in (route.methods or ())]


@pytest.mark.parametrize("path", PAGES)
async def test_hostile_names_stay_text_and_pages_stay_well_formed(world, path):
    site = world.acme
    await world.consent(site, "alice")
    async with world.deps.db.read(site.tenant.id) as work:
        (event,) = await work.events.page(EventFilter(type="consent.given"), limit=1)
    browser = await world.browser(site, "dana")
    page = (await browser.get(path.format(agent=site.agent.id, event=event.id))).text
    assert read(page).faults == []
    assert "<b>eduler" not in page
    assert "<i>meetings" not in page
    assert '" onclick="' not in page
    assert "Acme &lt;EU&gt;" in page


async def test_every_event_type_has_a_sentence_of_its_own_fields(world):
    assert set(SUMMARIES) == {event.type for event in EVENTS}
    assert set(REASONS) <= set(SUMMARIES)
    chain = {"actor", "user", "agent", "owner", "client", "grant", "resource", "approver", "taken", "bound", "stopped"}
    for event in EVENTS:
        own = set(event.__dataclass_fields__) | chain
        for text in (SUMMARIES[event.type], REASONS.get(event.type, "")):
            assert set(re.findall(r"\{(\w+)\}", text)) <= own


async def test_the_list_and_the_page_of_an_event_say_who_what_and_why(world):
    site = world.acme
    await world.consent(site, "alice", frozenset({"read:calendar"}))
    async with world.deps.db.read(site.tenant.id) as work:
        (event,) = await work.events.page(EventFilter(type="consent.given"), limit=1)
    told = await find_event(site.tenant.id, event.id, world.deps)
    assert told is not None
    assert summary(told) == f"alice@example.com let {STRANGE} do: read:calendar"
    assert "left ticked: read:calendar. It holds until 2026-03-31 12:00:00 UTC." in why(told)
    browser = await world.browser(site, "amir")
    text = words(await browser.get(f"/console/audit/{event.id}"))
    for part in ("Under which approval consent of alice@example.com", site.agent.id, f"Leaf {event.seq}", "Owner"):
        assert part in text


FILTERS = {
    "a type": ("type=consent.given", {"consent.given"}),
    "an address": ("user=alice%40example.com&type=user.signed_in", set()),
    "an agent's name": ("agent={name}&type=token.issued", {"token.issued"}),
    "an id": ("agent={agent}&outcome=alarm", set()),
    "nobody": ("user=nobody", set()),
    "a type that does not exist": ("type=%27%20or%201=1", set()),
}


@pytest.mark.parametrize(("query", "types"), FILTERS.values(), ids=FILTERS)
async def test_the_audit_list_is_narrowed_by(world, query, types):
    site = world.acme
    await world.consent(site, "alice")
    browser = await world.browser(site, "amir")
    name = STRANGE.replace('"', "%22").replace(" ", "+").replace("<", "%3C")
    page = (await browser.get(f"/console/audit?{query.format(name=name, agent=site.agent.id)}")).text
    assert set(re.findall(r'<span class="sub mono">([^<]+)</span>', page)) == types


async def test_pages_of_the_audit_list_join_without_gap_or_repeat(world):
    site = world.acme
    browser = await world.browser(site, "dana")
    for _ in range(60):
        await browser.post(f"/console/agents/{site.agent.id}/stop")
    seen, url, way, page = [], f"{site.tenant.issuer}/console/audit?type=stop.placed", [], ""
    while url:
        page = (await browser.http.get(url)).text
        seen += re.findall(r'class="open" href="[^"]*/(evt_\w+)"', page)
        way.append(url)
        older = re.search(r'href="([^"]+)" rel="next"', page)
        url = older[1].replace("&amp;", "&") if older else ""
    assert len(seen) == len(set(seen)) == 60
    assert len(way) == 2
    (newer,) = re.findall(r'href="([^"]+)" rel="prev"', page)
    assert newer.replace("&amp;", "&") == way[0]


async def test_the_overview_counts_the_last_day(world):
    site = world.acme
    tokens = await world.consent(site, "alice")
    claims = await world.introspect(site, tokens.access)
    world.clock.advance(timedelta(hours=25))
    report = {
        "at_ms": int(world.clock.now().timestamp() * 1000),
        "reason": "insufficient_scope",
        "method": "DELETE",
        "path": "/events/1",
        "status": 403,
        "required": ["delete:calendar"],
        "scopes": ["read:calendar"],
        "jti": claims["jti"],
        "subject": claims["sub"],
        "client": claims["client_id"],
        "agent": claims["agent_id"],
        "grant": claims["grant_id"],
        "line": claims["line_id"],
    }
    reports = [
        {**report, "id": "r1", "decision": "deny"},
        {**report, "id": "r2", "decision": "deny"},
        {**report, "id": "r3", "decision": "permit", "required": ["read:calendar"], "reason": "ok", "status": 200},
    ]
    await _report(world, site, reports)
    browser = await world.browser(site, "dana")
    text = words(await browser.get("/console"))
    assert "1 agent 2 live grants 3 calls, last 24 hours 2 denied, last 24 hours" in text
    assert re.search(r"delete:calendar .* insufficient scope 2 times", text)
    agent = words(await browser.get(f"/console/agents/{site.agent.id}"))
    assert "Last seen just now" in agent
    world.clock.advance(timedelta(hours=25))
    late = await world.browser(site, "dana")
    assert "0 calls, last 24 hours" in words(await late.get("/console"))


async def _report(world, site, reports):
    from remit.core.names import ClientId
    from remit.core.oauth.client_auth import Presented, Proof
    from remit.services.decisions import Report, report
    from remit.services.origin import Origin

    presented = Presented(client=ClientId(site.resource.id), proof=Proof.SECRET, value=site.resource_secret)
    entries = tuple(
        Report(
            **{
                **{key: value for key, value in entry.items() if key != "decision"},
                "permitted": entry["decision"] == "permit",
                "required": tuple(entry["required"]),
                "scopes": tuple(entry["scopes"]),
                "purpose": None,
                "peer": None,
            }
        )
        for entry in reports
    )
    told = await report(site.tenant.id, presented, entries, world.deps, Origin(peer=None, request=None))
    assert told == entries
