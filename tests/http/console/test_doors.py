"""Who may open and send what. The routes themselves are the list, so that a new one cannot be forgotten."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from remit.http.account.security.routes import ROUTES as SECURITY
from remit.http.account.self_service import ROUTES as ACCOUNT
from remit.http.console.routes import ROUTES as CONSOLE
from tests.http.world import BASE, csrf_in

PAGES = [route.path for route in (*CONSOLE, *ACCOUNT, *SECURITY) if "GET" in (route.methods or ())]
FORMS = [route.path for route in (*CONSOLE, *ACCOUNT, *SECURITY) if "POST" in (route.methods or ())]


@dataclass(frozen=True, slots=True)
class Ids:
    """One id of each kind that a path may name."""

    agent: str
    grant: str
    event: str
    stop: str
    client: str
    resource: str
    credential: str
    secret: str

    def fill(self, path: str) -> str:
        return re.sub(r"\{(\w+)\}", lambda found: getattr(self, found[1]), path)


async def ids_of(world, site, person) -> Ids:
    """Names of things that are there: the grant of one person, the agent, its stop and some event."""
    await world.consent(site, person)
    admin = await world.browser(site, "dana" if site is world.acme else "carol")
    stopped = await admin.post(f"/console/agents/{site.agent.id}/stop")
    assert stopped.status_code == 303
    async with world.deps.db.read(site.tenant.id) as work:
        stop = (await work.stops.list(in_force_at=world.clock.now()))[0]
        event = (await work.events.after(-1, limit=1))[0]
        (secret,) = await work.resources.secrets(site.resource.id)
        older, newer = await work.clients.secrets(site.client.id)
    async with world.deps.db.work(site.tenant.id) as work:
        # With two that are good nothing could be rolled.
        await work.clients.end_secret(site.client.id, older.id, at=world.clock.now())
    return Ids(
        agent=site.agent.id,
        grant=await world.grant_of(site, person),
        event=event.id,
        stop=stop.id,
        client=site.client.id,
        resource=site.resource.id,
        credential=newer.id,
        secret=secret.id,
    )


NOBODYS = Ids(
    agent="agt_" + "0" * 26,
    grant="grt_" + "0" * 26,
    event="evt_" + "0" * 26,
    stop="stp_" + "0" * 26,
    client="cli_" + "0" * 26,
    resource="res_" + "0" * 26,
    credential="0" * 26,
    secret="0" * 26,
)
NO_IDS = Ids(
    agent="%00",
    grant="%20",
    event="EVT_X",
    stop="'--",
    client="%00",
    resource="RES",
    credential="%2e%2e",
    secret="%2e%2e",
)


FILLED_IN = {
    "/console/agents/register",
    "/console/clients/{client}/keys",
    "/console/grants/revoke",
    "/console/grants/trim",
    "/console/settings/keys/revoke",
    "/console/stops",
}
"""Forms that do nothing while they are empty, and say so."""


def taken(path: str, status: int) -> bool:
    """Say whether a form was taken. A new secret is the answer itself, shown once; so is what is wrong with a code."""
    if path in FILLED_IN:
        return status in {200, 400, 404}
    return status == (200 if path.endswith("/roll") or path.startswith("/account/security/") else 303)


READS = {"dana": 200, "amir": 200, "alice": 403, "bob": 403}


@pytest.mark.parametrize("path", [path for path in PAGES if path.startswith("/console")])
async def test_administrators_and_auditors_read_the_console_and_users_do_not(world, path):
    filled = (await ids_of(world, world.acme, "alice")).fill(path)
    for person, status in READS.items():
        answer = await (await world.browser(world.acme, person)).get(filled)
        assert (person, answer.status_code) == (person, status)
        assert status == 200 or "Open My agents" in answer.text


@pytest.mark.parametrize("path", [path for path in FORMS if path.startswith("/console")])
@pytest.mark.parametrize("person", ["amir", "alice"])
async def test_nobody_but_an_administrator_acts_in_the_console(world, path, person):
    filled = (await ids_of(world, world.acme, "alice")).fill(path)
    browser, before = await world.browser(world.acme, person), await world.size(world.acme)
    assert (await browser.post(filled)).status_code == 403
    assert await world.size(world.acme) == before
    administrator = await world.browser(world.acme, "dana")
    assert taken(path, (await administrator.post(filled)).status_code)


async def test_an_auditor_is_offered_no_button_that_he_may_not_press(world):
    ids = await ids_of(world, world.acme, "alice")
    auditor, administrator = await world.browser(world.acme, "amir"), await world.browser(world.acme, "dana")
    for path in PAGES:
        if path.startswith("/console"):
            text = (await auditor.get(ids.fill(path))).text
            offered = re.findall(r'method="post" action="([^"]*/console/[^"]*)"', text)
            assert offered == []
    assert "/resume" in (await administrator.get("/console/agents")).text


@pytest.mark.parametrize("path", PAGES)
async def test_who_is_not_signed_in_is_sent_to_sign_in_and_back(world, path):
    filled = NOBODYS.fill(path)
    answer = await (await world.browser(world.globex)).get(filled + "?type=token.issued")
    assert answer.status_code == 303
    assert answer.headers["location"] == (
        f"{BASE}/t/globex/login?next=%2Ft%2Fglobex{filled.replace('/', '%2F')}%3Ftype%3Dtoken.issued"
    )


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_without_a_sign_in_changes_nothing(world, path):
    ids = await ids_of(world, world.acme, "alice")
    nobody, before = await world.browser(world.acme), await world.size(world.acme)
    answer = await nobody.post(ids.fill(path))
    assert answer.status_code == 303
    assert "/login?next=%2F" + path.split("/")[1] == answer.headers["location"].removeprefix(BASE)
    assert await world.size(world.acme) == before


@pytest.mark.parametrize(
    "wanted",
    ["//evil.example/console", "/console%0d%0aset-cookie:x=y", "/console/agents/https:%2f%2fevil.example"],
    ids=["two slashes", "a line break", "a URL inside"],
)
async def test_the_way_back_stays_on_this_server(world, wanted):
    answer = await (await world.browser(world.acme)).http.get(BASE + wanted)
    location = answer.headers.get("location", f"{BASE}/login")
    assert re.fullmatch(re.escape(BASE) + r"/login(\?next=%2F(?!%2F)[A-Za-z0-9%._-]*)?", location)


async def test_a_path_that_is_no_local_path_is_not_carried_along(world):
    answer = await (await world.browser(world.acme)).get("/console/agents/%22%3Cscript%3E")
    assert answer.headers["location"] == f"{BASE}/login"


FORGERIES: dict[str, dict[str, str | None]] = {
    "another origin": {"origin": "https://evil.example"},
    "another port of this host": {"origin": "http://127.0.0.1:8701"},
    "an origin hidden by another site": {"origin": "null", "sec-fetch-site": "cross-site"},
    "an origin that no browser vouches for": {"origin": "null", "sec-fetch-site": None},
    "an origin that is typed in": {"origin": "null", "sec-fetch-site": "none"},
    "a page of another site": {"sec-fetch-site": "cross-site"},
    "a page of a neighbour": {"sec-fetch-site": "same-site"},
}


@pytest.mark.requirement("GEN-11")
@pytest.mark.parametrize("path", FORMS)
async def test_a_form_from_elsewhere_changes_nothing(world, path):
    site = world.acme
    filled = (await ids_of(world, site, "dana")).fill(path)
    browser, before = await world.browser(site, "dana"), await world.size(site)
    for headers in FORGERIES.values():
        assert (await browser.post(filled, headers=headers)).status_code == 403
    other = await world.browser(site, "dana")
    theirs = {
        "no token": "",
        "a made-up token": "x" * 43,
        "the token of another browser of the same user": await _csrf(other),
        "the token of another tenant": await _csrf(await world.browser(world.globex, "carol")),
    }
    for token in theirs.values():
        assert (await browser.post(filled, csrf=token)).status_code == 403
    bare = await world.browser(site, "dana")
    token = await _csrf(bare)
    del bare.http.cookies["remit_default.b"]
    assert (await bare.post(filled, csrf=token)).status_code == 403
    assert await world.size(site) == before


async def _csrf(browser) -> str:
    return csrf_in((await browser.get("/account")).text)


@pytest.mark.parametrize("path", FORMS)
async def test_a_form_is_taken_under_the_referrer_policy_of_our_pages(world, path):
    # Under no-referrer a browser sends `Origin: null` with our own forms and says itself that they are ours.
    filled = (await ids_of(world, world.acme, "dana")).fill(path)
    browser = await world.browser(world.acme, "dana")
    answer = await browser.post(filled, {"scope": "read:calendar"}, headers={"origin": "null"})
    assert taken(path, answer.status_code)


WITH_IDS = [path for path in (*PAGES, *FORMS) if "{" in path]


@pytest.mark.parametrize("path", sorted(set(WITH_IDS)))
async def test_what_is_not_here_and_what_belongs_to_others_is_not_found_alike(world, path):
    theirs = await ids_of(world, world.globex, "alice")
    browser, before = await world.browser(world.acme, "dana"), await world.size(world.globex)
    answers = []
    for ids in (theirs, NOBODYS, NO_IDS):
        filled = ids.fill(path)
        if path in PAGES:
            answers.append(await browser.get(filled))
        if path in FORMS:
            answers.append(await browser.post(filled, {"scope": "read:calendar"}))
    assert {answer.status_code for answer in answers} == {404}
    bodies = {re.sub(r'req_\w+|<time.*?</time>|name="back" value="[^"]*"', "", answer.text) for answer in answers}
    assert len(bodies) == 1
    assert await world.size(world.globex) == before


@pytest.mark.parametrize("path", sorted({path for path in (*PAGES, *FORMS) if path.startswith("/account/agents/")}))
async def test_a_user_reaches_no_grant_of_another_user(world, path):
    ids = await ids_of(world, world.acme, "alice")
    browser, before = await world.browser(world.acme, "bob"), await world.size(world.acme)
    if path in PAGES:
        assert (await browser.get(ids.fill(path))).status_code == 404
    if path in FORMS:
        assert (await browser.post(ids.fill(path), {"scope": "read:calendar"})).status_code == 404
    assert await world.size(world.acme) == before


async def test_a_session_of_one_tenant_is_none_at_another(world):
    browser = await world.browser(world.acme, "dana")
    cookie = browser.http.cookies["remit_default"]
    stranger = world.http({"remit_globex": cookie})
    assert (await stranger.get("/t/globex/console")).status_code == 303
