"""RED: authorization requests and where their answers go."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import quote, urljoin, urlsplit

import pytest

from tests.abuse.watched import rows
from tests.kit.flows import (
    STATE,
    answer_of,
    answered,
    approve,
    ask,
    redeem,
    request_for,
    sign_in,
    visit,
)  # fmt: skip
from tests.kit.logout import with_logout
from tests.kit.pages import form_to, read_forms, submit, text_of
from tests.kit.registering import LOCAL, let_in, register
from tests.kit.world import CALLBACK, LOOPBACK, OTHER_CALLBACK

NOT_REGISTERED = "redirect_uri is not one that this client registered; it must match to the letter"
"""What the event calls a redirect URI that does not match."""


async def refused_by_our_own_page(remit, client, uri):
    """Ask with a redirect URI in every way there is: our page answers, nothing is stored, one event tells."""
    world = remit.acme
    stored = rows(remit)
    asked = request_for(client, redirect_uri=uri)
    for send in ("GET", "POST"):
        remit.clock.forward(minutes=2)  # refusals of strangers are told once a minute and then counted
        where = {"params": asked} if send == "GET" else {"data": asked}
        call = remit.http.request(send, f"{world.issuer}/oauth/authorize", **where)
        answer, events = await remit.events_of(world, call)
        assert answer.status_code == 400, uri
        assert "location" not in answer.headers
        assert "redirect_uri is not one" in text_of(answer).lower()
        assert [urlsplit(form.action).path for form in read_forms(answer)] == []
        told = [(event["type"], event["what"]["reason"]) for event in events if event["type"] != "refusals.counted"]
        assert told == [("authorization.refused", NOT_REGISTERED)]
    assert rows(remit) == stored


SHARES = {
    "a host that begins alike": "https://app.example.evil.test/cb",
    "a path that begins alike": "https://app.example/cb2",
    "a path below": "https://app.example/cb/x",
    "a query": "https://app.example/cb?x=1",
    "another port": "https://app.example:8443/cb",
    "another scheme": "http://app.example/cb",
    "other letters": "https://APP.example/CB",
    "a path that ends earlier": "https://app.example/c",
    "a host that ends alike": "https://evil-app.example/cb",
    "a host below": "https://x.app.example/cb",
    "the default port": "https://app.example:443/cb",
    "a slash behind": "https://app.example/cb/",
    "an empty query": "https://app.example/cb?",
    "a fragment": "https://app.example/cb#",
    "a dot behind the host": "https://app.example./cb",
}


@pytest.mark.parametrize("uri", SHARES.values(), ids=SHARES)
async def test_b_red_01_what_only_shares_a_part_is_not_registered(remit, uri):
    await refused_by_our_own_page(remit, remit.acme.web, uri)


LOOKS_LOCAL = (
    "http://localhost.evil.test/cb",
    "http://127.0.0.1.evil.test/cb",
    "http://localhost@evil.test/cb",
    "http://127.0.0.1:80@evil.test/cb",
    "http://evil.test/localhost",
    "http://localhost./cb",
    "http://127.1/cb",
    "http://2130706433/cb",
    "http://0x7f000001/cb",
    "http://0.0.0.0/cb",
    "http://[::]/cb",
    "http://[::ffff:127.0.0.1]/cb",
    "http://127.0.0.2/cb",
    "http://LOCALHOST/cb",
)


async def not_registered(remit, uri, *, error="invalid_redirect_uri", **changes):
    """Try to register what may not be: as itself and through the use case of administrators."""
    stored = rows(remit)
    remit.clock.forward(minutes=2)
    for kind in ("web", "native"):
        call = register(remit, remit.acme, application_type=kind, **(changes or {"redirect_uris": [uri]}))
        answer, events = await remit.events_of(remit.acme, call)
        assert (answer.status_code, answer.json()["error"]) == (400, error), (uri, kind)
        assert "evil" not in answer.text
        assert {event["type"] for event in events} <= {"client.registration_refused"}
        remit.clock.forward(hours=2)  # no peer may register too often
    assert rows(remit) == stored


@pytest.mark.parametrize("uri", LOOKS_LOCAL)
async def test_b_red_02_what_looks_like_loopback_is_not_registered(remit, uri):
    await let_in(remit, remit.acme)
    await not_registered(remit, uri)


@pytest.mark.parametrize(
    "uri", ["http://127.0.0.1/cb", "http://[::1]/cb", "http://localhost/cb", "https://app.example/cb"]
)
async def test_b_red_02_real_loopback_still_is(remit, uri):
    await let_in(remit, remit.acme)
    assert (await register(remit, remit.acme, redirect_uris=[uri])).status_code == 201


TRICKS = {
    "a user in front": "https://app.example@evil.test/cb",
    "two @": "https://a@b@app.example/cb",
    "a user with a password": "https://app.example:443@evil.test/cb",
    "an empty user": "https://@app.example/cb",
    "a backslash": "https://evil.test\\@app.example/cb",
    "a backslash behind": "https://app.example\\@evil.test/cb",
    "an encoded @": "https://app.example%40evil.test/cb",
    "a tab": "https://app.example\t.evil.test/cb",
    "a line end": "https://app.example/cb\n",
    "a carriage return": "https://app.example\r/cb",
    "an encoded NUL": "https://app.example%00.evil.test/cb",
    "a space": "https://app.example /cb",
    "a wide slash": "https://evil.test／app.example/cb",
    "an ideographic dot": "https://app.example。evil.test/cb",
    "no slashes": "https:app.example/cb",
    "three slashes": "https:///app.example/cb",
}


@pytest.mark.requirement("RED-5")
@pytest.mark.parametrize("uri", TRICKS.values(), ids=TRICKS)
async def test_b_red_03_tricks_fool_neither_request_nor_registration(remit, uri):
    await let_in(remit, remit.acme)
    await refused_by_our_own_page(remit, remit.acme.web, uri)
    await not_registered(remit, uri)


RUNS = (
    "javascript:alert(1)//",
    "JaVaScRiPt:alert(1)//",
    " javascript:alert(1)",
    "javascript://app.example/%0aalert(1)",
    "javascript://app.example/x",
    "java\tscript:alert(1)",
    "data:text/html,x",
    "DATA:text/html;base64,eA==",
    "vbscript:x",
    "blob:https://x",
    "file:///etc/passwd",
    "about:blank",
    "filesystem:https://x/temporary/x",
    "view-source:https://x",
    "intent://x#Intent;end",
)
LEADS = frozenset({"href", "src", "action", "formaction", "srcset", "data", "poster", "background", "ping", "style"})
LINKS = ("client_uri", "logo_uri", "policy_uri", "tos_uri", "jwks_uri")


@pytest.mark.parametrize("uri", RUNS)
async def test_b_red_04_no_scheme_that_runs_something_is_stored(remit, uri):
    await let_in(remit, remit.acme)
    await not_registered(remit, uri)
    for member in LINKS:
        await not_registered(remit, uri, error="invalid_client_metadata", **{member: uri})
        remit.clock.forward(hours=2)
    await refused_by_our_own_page(remit, remit.acme.web, uri)


def leads_of(page):
    """Every attribute of a page that can lead somewhere."""
    found: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.extend(value or "" for name, value in attrs if name in LEADS)

    Reader().feed(page.text)
    return found


async def test_b_red_04_pages_show_no_link_of_a_stranger(remit):
    """What a client may link to is not even shown: consent leads to our own pages alone."""
    world = remit.acme
    await let_in(remit, world)
    links = dict.fromkeys(LINKS[:4], "https://evil.test/link")
    made = (await register(remit, world, **links, client_name='"><a href=javascript:alert(1)>x</a>')).json()
    async with remit.deps.db.read(world.tenant.id) as work:
        client = await work.clients.get(made["client_id"])
    async with remit.browser() as browser:
        page = await sign_in(browser, await ask(browser, world, request_for(client, redirect_uri=LOCAL)))
    assert page.url.path.endswith("/consent")
    leads = leads_of(page)
    assert leads
    for lead in leads:
        assert not urlsplit(lead.strip()).scheme or lead.startswith(world.issuer), lead
        assert "evil.test" not in lead


@pytest.mark.parametrize("decision", ["allow", "deny"])
async def test_b_red_05_the_form_cannot_say_where_the_answer_goes(remit, decision):
    world = remit.acme
    smuggled = {
        "redirect_uri": "https://evil.test/cb",
        "client_id": world.rival.id,
        "response_mode": "fragment",
        "state": "theirs",
        "iss": "https://evil.test",
        "code_challenge": "x" * 43,
    }
    for more in ({"redirect_uri": smuggled["redirect_uri"]}, {"client_id": smuggled["client_id"]}, smuggled):
        async with remit.browser() as browser:
            page = await sign_in(browser, await ask(browser, world, request_for(world.web, prompt="consent")))
            form = answered(page, decision)
            for name, value in more.items():
                form.put(name, value)
            answer = answer_of(await submit(browser, page, form))
        assert answer.url.startswith(CALLBACK + "?")
        assert (answer.fields["state"], answer.fields["iss"]) == (STATE, world.issuer)
        if decision == "deny":
            assert answer.fields["error"] == "access_denied"
            continue
        assert (await redeem(remit, world, world.rival, answer.code)).json()["error"] == "invalid_grant"
        granted = await redeem(remit, world, world.web, answer.code, redirect_uri=CALLBACK)
        assert granted.status_code == 200, granted.text
        remit.clock.forward(hours=1)


async def test_b_red_05_neither_can_the_address_of_the_form(remit):
    world = remit.acme
    async with remit.browser() as browser:
        page = await sign_in(browser, await ask(browser, world, request_for(world.web)))
        form = answered(page)
        form.action += "?redirect_uri=https://evil.test/cb&client_id=" + world.rival.id
        assert answer_of(await submit(browser, page, form)).url.startswith(CALLBACK + "?")


WALKS = (
    "/cb/..;/evil",
    "/cb/%2e%2e/evil",
    "/cb/%252e%252e/evil",
    "/cb%2f..%2fevil",
    "//cb",
    "/cb;a=b",
    "/cb/．．/evil",
    "/x/../cb",
    "/./cb",
    "/%63b",
    "/cb/.",
    "/c%62",
    "\\cb",
)


@pytest.mark.parametrize("path", WALKS)
async def test_b_red_06_a_path_is_compared_to_the_byte(remit, path):
    await refused_by_our_own_page(remit, remit.acme.web, "https://app.example" + path)


@pytest.mark.parametrize("path", [path for path in WALKS if ".." in path or "%2" in path or "．" in path])
async def test_b_red_06_and_no_walk_is_registered(remit, path):
    await let_in(remit, remit.acme)
    await not_registered(remit, "https://app.example" + path)


NOT_LOCAL = (
    "http://127.0.0.1:53121/CB",
    "http://127.0.0.1:53121/cb/x",
    "http://127.0.0.1:53121/cb?x",
    "http://127.0.0.2:1/cb",
    "https://127.0.0.1:1/cb",
    "http://localhost:1/cb",
    "http://[::1]:1/cb",
    "http://127.0.0.1:/cb",
    "http://127.0.0.1:0/cb",
    "http://127.0.0.1:65536/cb",
    "http://127.0.0.1:053121/cb",
    "http://127.0.0.1:1@evil.test/cb",
    "http://127.0.0.1:1.evil.test/cb",
    "http://127.0.0.1:٣/cb",
)


async def test_b_red_07_the_port_of_a_loopback_may_vary(remit):
    world = remit.acme
    for port in ("", ":53121", ":1", ":65535"):
        asked = request_for(world.local, redirect_uri=f"http://127.0.0.1{port}/cb")
        answer = await remit.http.get(f"{world.issuer}/oauth/authorize", params=asked)
        assert answer.status_code == 303
    back = "http://127.0.0.1:53121/cb"
    answer = await approve(remit, world, world.local, redirect_uri=back)
    assert answer.url.startswith(back + "?")
    # Another port than the request's is another URI when the code is redeemed (RFC 6749 §4.1.3).
    assert (await redeem(remit, world, world.local, answer.code, redirect_uri=LOOPBACK)).status_code == 400
    assert (await redeem(remit, world, world.local, answer.code, redirect_uri=back)).status_code == 200


@pytest.mark.parametrize("uri", NOT_LOCAL)
async def test_b_red_07_and_nothing_else(remit, uri):
    assert remit.acme.local.redirect_uris == (LOOPBACK,)
    await refused_by_our_own_page(remit, remit.acme.local, uri)


ELSEWHERE = (
    "https://evil.test",
    "//evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "https:evil.test",
    "https:/evil.test",
    "/%2f%2fevil.test",
    "/%5cevil.test",
    "\x01//evil.test",
    "/\t/evil.test",
    "/\n/evil.test",
    " //evil.test",
    "///evil.test",
    "/.//evil.test",
    "/..//evil.test",
    "javascript:alert(1)",
    "@evil.test",
    ".evil.test",
)


@pytest.mark.parametrize("wanted", ELSEWHERE)
async def test_b_red_08_sign_in_leads_to_our_own_pages(remit, wanted):
    world = remit.acme
    home = urlsplit(world.issuer)
    for sent in (wanted, quote(wanted)):
        async with remit.browser() as browser:
            page = await browser.get(f"{world.issuer}/login", params={"next": sent})
            if page.status_code == 400:  # a control character is no parameter at all
                assert "location" not in page.headers
                continue
            form = form_to(page, "/login")
            form.put("email", "alice@example.com")
            form.put("password", "a password for tests")
            gone = await submit(browser, page, form)
            assert gone.status_code == 303
            led = urlsplit(urljoin(str(gone.request.url), gone.headers["location"]))
            assert (led.scheme, led.netloc) == (home.scheme, home.netloc)
            assert "\\" not in gone.headers["location"]
            # Somebody who is signed in already is sent on at once.
            again = await browser.get(f"{world.issuer}/login", params={"next": sent})
            led = urlsplit(urljoin(str(again.request.url), again.headers["location"]))
            assert (led.scheme, led.netloc) == (home.scheme, home.netloc)


async def test_b_red_08_sign_out_shows_a_page_of_ours(remit):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        page = await browser.get(f"{world.issuer}/oauth/authorize", params={"client_id": "nobody"})
        form = form_to(page, "/logout")
        form.put("post_logout_redirect_uri", "https://evil.test")
        form.put("client_id", world.web.id)
        form.put("next", "https://evil.test")
        form.action += "?post_logout_redirect_uri=https://evil.test"
        gone = await submit(browser, page, form)
    assert gone.status_code == 200
    assert "location" not in gone.headers
    assert "evil.test" not in gone.text


@pytest.mark.parametrize(
    "wanted", [*ELSEWHERE, "https://app.example/bye/", "https://app.example/bye?x", "https://app.example/cb"]
)
async def test_b_red_08_the_logout_endpoint_leads_where_a_client_registered_alone(remit, wanted):
    world = await with_logout(remit, redirect_uris=("https://app.example/bye",))
    for named in ({"client_id": world.web.id}, {"client_id": "nobody"}, {}):
        asked = {**named, "post_logout_redirect_uri": wanted}
        answer = await remit.http.get(f"{world.issuer}/oauth/end-session", params=asked)
        assert "location" not in answer.headers
        # A control character is no parameter at all.
        assert answer.status_code in {200, 400}
        assert "evil.test" not in answer.text


async def test_b_red_08_errors_go_back_to_registered_addresses_alone(remit):
    """`error_uri`, Referer and a repeated redirect URI steer nothing."""
    world = remit.acme
    asked = request_for(world.web, response_type="token", redirect_uri=OTHER_CALLBACK, error_uri="https://evil.test")
    headers = {"referer": "https://evil.test/page", "x-forwarded-host": "evil.test", "forwarded": "host=evil.test"}
    answer = answer_of(await remit.http.get(f"{world.issuer}/oauth/authorize", params=asked, headers=headers))
    assert answer.url.startswith(OTHER_CALLBACK + "?")
    assert "evil" not in answer.url
    twice = [*request_for(world.web).items(), ("redirect_uri", "https://evil.test/cb")]
    refused = await remit.http.get(f"{world.issuer}/oauth/authorize", params=twice)
    assert (refused.status_code, "location" in refused.headers) == (400, False)
