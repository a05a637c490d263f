"""CONS: our pages and their forms, and who may not send or frame them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from starlette.routing import Route

from remit.app import routes
from tests.abuse.asking import consent_of
from tests.abuse.watched import rows
from tests.kit.devices import codes, go_on, let_devices, type_in
from tests.kit.flows import answer_of, answered, approve, ask, request_for, sign_in, sign_out, visit
from tests.kit.pages import form_to, submit
from tests.kit.world import BASE

OURS = {"origin": BASE, "sec-fetch-site": "same-origin"}
EVIL = {"origin": "https://evil.test", "sec-fetch-site": "cross-site"}

TURNED_AWAY = {"page.refused", "refusals.counted"}
"""All that a form from elsewhere leaves behind: it is told once a minute and then counted."""

ELSEWHERE = {
    "another site": EVIL,
    "another site, in a browser that names no site": {"origin": "https://evil.test"},
    "another site that hides its name": {"origin": "null", "sec-fetch-site": "cross-site"},
    "nowhere": {"origin": "null"},
    "a sandbox of ours": {"origin": "null", "sec-fetch-site": "none"},
    "a neighbour": {"origin": "https://evil.id.example", "sec-fetch-site": "same-site"},
    "our host on another port": {"origin": BASE + ":8443", "sec-fetch-site": "same-site"},
    "our host without TLS": {"origin": "http://id.example", "sec-fetch-site": "cross-site"},
    "a site that only calls itself ours": {"origin": BASE, "sec-fetch-site": "cross-site"},
    "a site without a name": {"sec-fetch-site": "cross-site"},
}


def data_of(form):
    return {name: sorted(form.values(name)) for name, _ in form.fields}


@pytest.mark.parametrize("headers", ELSEWHERE.values(), ids=ELSEWHERE)
async def test_b_cons_01_a_form_from_elsewhere_approves_nothing(remit, headers):
    world = remit.acme
    async with remit.browser() as attacker, remit.browser() as alice:
        await visit(attacker, world, "mallory@example.com")
        theirs = answered(await consent_of(attacker, world))
        page = await consent_of(alice, world)
        mine = answered(page)
        stored = rows(remit)
        attempts = {
            "all of it the attacker's": data_of(theirs),
            "no token": {name: value for name, value in data_of(theirs).items() if name != "csrf"},
            "alice's token of another page": data_of(theirs) | {"csrf": mine.value("csrf")},
            "alice's page without its token": {name: value for name, value in data_of(mine).items() if name != "csrf"},
            "alice's page with the attacker's token": data_of(mine) | {"csrf": theirs.value("csrf")},
            "all of it alice's": data_of(mine),
        }
        for name, data in attempts.items():
            for decision in ("allow", "deny"):
                sent = {**data, "decision": decision}
                answer, events = await remit.events_of(world, alice.post(mine.action, data=sent, headers=headers))
                assert (answer.status_code, "location" in answer.headers) == (403, False), name
                assert {event["type"] for event in events} <= TURNED_AWAY
        assert rows(remit) == stored
        # What alice herself was asked still waits for her answer.
        assert answer_of(await submit(alice, page, mine)).code


async def test_b_cons_01_nor_does_one_without_the_cookie_of_its_page(remit):
    world = remit.acme
    async with remit.browser() as alice:
        page = await consent_of(alice, world)
        form = answered(page)
        cookies = {name: value for name, value in alice.cookies.items() if not name.endswith(".b")}
        for jar in ({}, cookies, cookies | {"__Host-remit_acme.b": "rmt_br_x"}, cookies | {"remit_acme.b": "x"}):
            async with remit.browser() as bare:
                for name, value in jar.items():
                    bare.cookies.set(name, value)
                answer = await bare.post(form.action, data=data_of(form), headers=OURS)
                assert (answer.status_code, "location" in answer.headers) == (403, False), jar.keys()
        assert answer_of(await submit(alice, page, form)).code


def paths(method: str) -> Iterator[str]:
    return (route.path for route in routes() if isinstance(route, Route) and method in (route.methods or ()))


NO_FORM = ("/oauth/", "/api/", "/decisions")
FORMS = sorted({path for path in paths("POST") if not path.startswith(NO_FORM)})
"""Every form of a page there is; the routes are the list, so a new one cannot be forgotten."""


@dataclass(frozen=True, slots=True)
class Ids:
    agent: str
    grant: str
    event: str
    stop: str

    def fill(self, path):
        return re.sub(r"\{(\w+)\}", lambda found: getattr(self, found[1], "x"), path)


async def ids_of(remit, world):
    await approve(remit, world, world.web)
    async with remit.deps.db.read(world.tenant.id) as work:
        grant = (await work.grants.list(user=world.alice.id))[0]
        event = (await work.events.after(-1, limit=1))[0]
    return Ids(agent=world.agent.id, grant=grant.id, event=event.id, stop="stp_" + "0" * 26)


@pytest.mark.parametrize("path", FORMS)
async def test_b_cons_01_no_form_of_ours_is_taken_from_elsewhere(remit, path):
    world = remit.acme
    filled = (await ids_of(remit, world)).fill(path)
    for person in ("alice", "admin"):
        async with remit.browser() as browser:
            await visit(browser, world, f"{person}@example.com")
            page = await browser.get(f"{world.issuer}/account")
            data = {"csrf": form_to(page, "/logout").value("csrf"), "reason": "x", "scope": "read:calendar"}
            stored = rows(remit)
            for headers in (*ELSEWHERE.values(), OURS):
                # With our own origin the token is what is missing.
                sent = data if headers is not OURS else {**data, "csrf": "x"}
                answer, events = await remit.events_of(
                    world, browser.post(world.issuer + filled, data=sent, headers=headers)
                )
                assert answer.status_code == 403, headers
                assert {event["type"] for event in events} <= TURNED_AWAY
            assert rows(remit) == stored
            assert (await browser.get(f"{world.issuer}/account")).status_code == 200


def test_b_cons_01_the_list_of_forms_is_not_empty():
    assert {"/login", "/logout", "/consent", "/setup", "/account/stop-everything"} < set(FORMS)


NO_PAGE = ("/oauth/", "/api/", "/.well-known", "/static", "/feed")
PAGES = sorted({path for path in paths("GET") if not path.startswith(NO_PAGE)})


class Inline(HTMLParser):
    """Collects whatever in a page would run, load or style by itself."""

    def __init__(self):
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag in {"script", "iframe", "object", "embed", "base", "applet", "style"} and not given.get("src"):
            self.found.append(tag)
        self.found += [f"{tag} {name}" for name in given if name.startswith("on") or name == "style"]


def unframed(page):
    """Look at the headers and the text of a page: nobody can put it into a frame or a script into it."""
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    directives = dict(part.strip().partition(" ")[::2] for part in policy.split(";"))
    assert directives["frame-ancestors"] == "'none'"
    assert directives["default-src"] == "'none'"
    assert directives["script-src"] == "'self'"
    assert directives["base-uri"] == "'none'"
    assert "unsafe" not in policy
    assert "*" not in policy
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cross-origin-opener-policy"] == "same-origin"
    inline = Inline()
    inline.feed(page.text)
    assert inline.found == []


@pytest.mark.parametrize("path", PAGES)
async def test_b_cons_02_no_page_can_be_framed_or_runs_a_script_of_its_own(remit, path):
    world = remit.acme
    filled = (await ids_of(remit, world)).fill(path)
    seen = set()
    for person in (None, "alice@example.com", "admin@example.com"):
        async with remit.browser() as browser:
            if person is not None:
                await visit(browser, world, person)
            for where in (filled, filled + "?said=stopped&about=x", filled + "?ix=x", re.sub("[0-9]", "0", filled)):
                page = await browser.get(world.issuer + where)
                seen.add(page.status_code)
                if page.is_redirect:
                    assert urlsplit(page.headers["location"]).netloc == "id.example"
                    assert page.headers["cache-control"] == "no-store"
                elif "html" in page.headers["content-type"]:
                    unframed(page)
                else:
                    assert page.headers["content-type"] == "application/problem+json"
                    shut(page)
    assert seen


def shut(told):
    """An error without a page is nothing but text, in nobody's frame."""
    assert told.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert (told.headers["x-frame-options"], told.headers["x-content-type-options"]) == ("DENY", "nosniff")


async def test_b_cons_02_nor_can_an_error_that_is_no_page(remit):
    world = remit.acme
    for status, method, where in (
        (404, "GET", f"{world.issuer}/nothing-here"),
        (404, "GET", f"{BASE}/t/nobody/login"),
        (405, "PUT", f"{world.issuer}/login"),
        (405, "PUT", f"{world.issuer}/oauth/authorize"),
        (413, "POST", f"{world.issuer}/oauth/authorize"),
        (413, "POST", f"{world.issuer}/login"),
        (400, "POST", f"{world.issuer}/oauth/token"),
        (405, "GET", f"{world.issuer}/oauth/token"),
    ):
        form = {"content-type": "application/x-www-form-urlencoded"}
        sent = {"content": b"a" * 70_000, "headers": form} if status == 413 else {}
        told = await remit.http.request(method, where, **sent)
        assert (told.status_code, "json" in told.headers["content-type"]) == (status, True), where
        shut(told)


async def test_b_cons_02_nor_can_the_pages_of_a_device(remit):
    world = remit.acme
    await let_devices(remit, world)
    async with remit.browser() as browser:
        await visit(browser, world)
        told = await codes(remit, world, world.web)
        page = await browser.get(told["verification_uri_complete"])
        unframed(page)
        unframed(await type_in(browser, world, "BCDF-GHJK"))
        question = await type_in(browser, world, told["user_code"])
        unframed(question)
        consent = await go_on(browser, question)
        unframed(consent)
        unframed(await submit(browser, consent, answered(consent)))


async def test_b_cons_02_nor_can_a_page_in_the_middle_of_something(remit):
    world = remit.acme
    async with remit.browser() as browser:
        page = await ask(browser, world, request_for(world.web))
        unframed(page)
        form = form_to(page, "/login")
        form.put("email", "alice@example.com")
        form.put("password", "wrong")
        unframed(await submit(browser, page, form))
        consent = await sign_in(browser, page)
        unframed(consent)
        unframed(await submit(browser, consent, answered(consent, untick=["read:calendar", "write:calendar"])))
        assert (await submit(browser, consent, answered(consent))).is_redirect
        for status, told in (
            (400, await submit(browser, consent, answered(consent))),
            (400, await browser.get(f"{world.issuer}/oauth/authorize", params={"client_id": "nobody"})),
            (403, await browser.post(f"{world.issuer}/logout", data={})),
            (403, await browser.get(f"{world.issuer}/console")),
            (404, await browser.get(f"{BASE}/setup", params={"token": "x"})),
        ):
            assert told.status_code == status
            unframed(told)
        out = await sign_out(remit, browser, world)
        assert out.status_code == 200
        unframed(out)
        page = await browser.get(f"{world.issuer}/login")
        for _ in range(11):
            form = form_to(page, "/login")
            form.put("email", "nobody@example.com")
            form.put("password", "wrong")
            told = await submit(browser, page, form)
        assert told.status_code == 429
        unframed(told)
