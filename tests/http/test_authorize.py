"""GET and POST /oauth/authorize: nothing goes anywhere before its URI is trusted, and every answer has `iss`."""

from __future__ import annotations

import apsw
import pytest

from remit.core.oauth.pkce import challenge_of
from remit.core.stops import TargetKind
from tests.kit.flows import STATE, VERIFIER, answer_of, approve, ask, claims_of, redeem, request_for, sign_in, visit
from tests.kit.pages import text_of
from tests.kit.stops import stop
from tests.kit.world import CALENDAR, CALLBACK, OTHER_CALLBACK, TICKETS

FRAMING = {
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
}


def url(remit):
    return f"{remit.acme.issuer}/oauth/authorize"


def framed(page):
    assert {name: page.headers[name] for name in FRAMING} == FRAMING
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    assert "unsafe" not in page.headers["content-security-policy"]


UNTRUSTED = {
    "no client": ({"client_id": None}, "No such client"),
    "a client that nobody knows": ({"client_id": "cli_nobody"}, "No such client"),
    "a client of another tenant": ({"client_id": "globex"}, "No such client"),
    "a line end in the client": ({"client_id": "cli\n1"}, "No such client"),
    "no redirect URI where two are registered": ({"redirect_uri": None}, "send redirect_uri"),
    "a longer path": ({"redirect_uri": CALLBACK + "2"}, "redirect_uri is not one"),
    "a path below": ({"redirect_uri": CALLBACK + "/x"}, "redirect_uri is not one"),
    "a query": ({"redirect_uri": CALLBACK + "?x=1"}, "redirect_uri is not one"),
    "another port": ({"redirect_uri": "https://app.example:8443/cb"}, "redirect_uri is not one"),
    "another scheme": ({"redirect_uri": "http://app.example/cb"}, "redirect_uri is not one"),
    "other letters": ({"redirect_uri": "https://APP.example/CB"}, "redirect_uri is not one"),
    "a host that begins alike": ({"redirect_uri": "https://app.example.evil.test/cb"}, "redirect_uri is not one"),
    "a user in front": ({"redirect_uri": "https://app.example@evil.test/cb"}, "redirect_uri is not one"),
    "a backslash": ({"redirect_uri": "https://evil.test\\@app.example/cb"}, "redirect_uri is not one"),
    "dots": ({"redirect_uri": "https://app.example/x/../cb"}, "redirect_uri is not one"),
    "a script": ({"redirect_uri": "javascript:alert(1)//"}, "redirect_uri is not one"),
    "the redirect URI of somebody else": ({"redirect_uri": "https://rival.example/cb"}, "redirect_uri is not one"),
}


@pytest.mark.requirement("BCP-1", "BCP-7", "GEN-20", "OA-3", "OA-4", "RED-1")
@pytest.mark.parametrize(("changes", "told"), UNTRUSTED.values(), ids=UNTRUSTED)
async def test_what_is_not_trusted_is_answered_by_our_own_page(remit, changes, told):
    world = remit.acme
    asked = request_for(world.web, **changes)
    if changes.get("client_id") == "globex":
        asked["client_id"] = remit.globex.web.id
    # The first wrong thing must not be told to a stranger's URI, whatever else is wrong.
    for more in ({}, {"response_type": "token", "scope": "nothing"}):
        answer = await remit.http.get(url(remit), params={**asked, **more})
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert told.lower() in text_of(answer).lower()
        framed(answer)
    # Strangers are counted: one event a minute.
    assert len(await remit.events(world, type="authorization.refused")) == 1


ERRORS = {
    "no response_type": ({"response_type": None}, "invalid_request", "response_type=code"),
    "a token": ({"response_type": "token"}, "unsupported_response_type", "only response_type=code"),
    "an id token": ({"response_type": "code id_token"}, "unsupported_response_type", "only response_type=code"),
    "no challenge": ({"code_challenge": None}, "invalid_request", "send code_challenge and"),
    "an empty challenge": ({"code_challenge": ""}, "invalid_request", "send code_challenge and"),
    "no method": ({"code_challenge_method": None}, "invalid_request", "code_challenge_method=S256"),
    "plain": ({"code_challenge_method": "plain"}, "invalid_request", "no other method"),
    "s256 in small letters": ({"code_challenge_method": "s256"}, "invalid_request", "no other method"),
    "a padded challenge": ({"code_challenge": "a" * 43 + "="}, "invalid_request", "without padding"),
    "no resource and no default": ({"resource": None}, "invalid_target", "send resource"),
    "a resource that nobody knows": ({"resource": "https://x.example/"}, "invalid_target", "no such resource"),
    "a longer resource": ({"resource": CALENDAR + "x"}, "invalid_target", "no such resource"),
    "a resource with a fragment": ({"resource": CALENDAR + "#"}, "invalid_target", "fragment"),
    "no URI": ({"resource": "calendar"}, "invalid_target", "absolute"),
    "two resources": ({"resource": [CALENDAR, TICKETS]}, "invalid_target", "send resource once"),
    "no scope and no default": ({"scope": None}, "invalid_scope", "read:calendar write:calendar"),
    "a scope that nobody knows": ({"scope": "admin"}, "invalid_scope", "one or more of delete:calendar"),
    "a scope of another resource": ({"scope": "tickets.update"}, "invalid_scope", "none of the scopes is open"),
    "two spaces": ({"scope": "read:calendar  write:calendar"}, "invalid_scope", "single spaces"),
    "a quote": ({"scope": '"'}, "invalid_scope", "single spaces"),
    "an unknown prompt": ({"prompt": "create"}, "invalid_request", "prompt may be"),
    "none with login": ({"prompt": "none login"}, "invalid_request", "stands alone"),
    "an age that is none": ({"max_age": "soon"}, "invalid_request", "number of seconds"),
    "a request object": ({"request": "a.b.c"}, "request_not_supported", "send the parameters themselves"),
    "a request by reference": ({"request_uri": "https://x"}, "request_uri_not_supported", "nothing is fetched"),
    "an answer in a fragment": (
        {"response_mode": "fragment"},
        "invalid_request",
        "response_mode is query or form_post",
    ),
    "an endless nonce": ({"nonce": "n" * 2049}, "invalid_request", "nonce is longer"),
    "nobody is signed in, and nobody may be asked": ({"prompt": "none"}, "login_required", "sign in"),
}


@pytest.mark.requirement(
    "BCP-5", "ISS-1", "OA-1", "OA-3", "OA-5", "OA-14", "OA-15", "PKCE-1", "PKCE-2", "PKCE-3", "RI-2", "RI-3", "RI-7"
)
@pytest.mark.parametrize(("changes", "error", "hint"), ERRORS.values(), ids=ERRORS)
async def test_other_mistakes_go_back_to_the_client(remit, changes, error, hint):
    world = remit.acme
    asked = request_for(world.local, redirect_uri="http://127.0.0.1:53121/cb", **changes)
    call = remit.http.get(url(remit), params=asked)
    response, events = await remit.events_of(world, call)
    answer = answer_of(response)
    assert answer.url.startswith("http://127.0.0.1:53121/cb?")
    assert answer.fields.pop("error_description")
    assert answer.fields == {
        "error": error, "error_uri": f"{world.issuer}/docs#{error}", "state": STATE, "iss": world.issuer,
    }  # fmt: skip
    assert hint in answer_of(response).fields["error_description"]
    assert "#" not in answer.url
    if error != "login_required":
        assert [(event["type"], event["what"]["code"]) for event in events] == [("authorization.refused", error)]


@pytest.mark.requirement("OA-5")
async def test_without_a_state_none_comes_back(remit):
    asked = request_for(remit.acme.web, state=None, response_type=None)
    assert set(answer_of(await remit.http.get(url(remit), params=asked)).fields) == {
        "error", "error_description", "error_uri", "iss",
    }  # fmt: skip


UNREADABLE = {
    "a parameter twice": "client_id=a&client_id=b",
    "no UTF-8": "client_id=%ff",
    "a NUL": "client_id=a&state=%00",
    "more than a hundred fields": "&".join(f"a{i}=1" for i in range(101)),
}


@pytest.mark.requirement("GEN-5", "OA-4")
@pytest.mark.parametrize("query", UNREADABLE.values(), ids=UNREADABLE)
async def test_what_cannot_be_read_is_answered_by_our_own_page(remit, query):
    answer, events = await remit.events_of(remit.acme, remit.http.get(f"{url(remit)}?{query}"))
    assert answer.status_code == 400
    assert "location" not in answer.headers
    framed(answer)
    assert [event["type"] for event in events] == ["authorization.refused"]


@pytest.mark.requirement("GEN-5", "OA-3")
async def test_unknown_parameters_are_ignored_and_empty_ones_absent(remit):
    asked = request_for(remit.acme.web, display="page", prompt="", max_age="", ui_locales="de")
    assert answer_to_login(await remit.http.get(url(remit), params=asked), remit)


def answer_to_login(response, remit):
    return response.status_code == 303 and response.headers["location"].startswith(f"{remit.acme.issuer}/login?ix=")


@pytest.mark.requirement("OA-2")
async def test_a_form_may_ask_as_well(remit):
    asked = request_for(remit.acme.web)
    assert answer_to_login(await remit.http.post(url(remit), data=asked), remit)
    assert (await remit.http.post(url(remit), json=asked)).status_code == 400
    assert (
        await remit.http.post(
            url(remit), content=b"a" * 70_000, headers={"content-type": "application/x-www-form-urlencoded"}
        )
    ).status_code == 413


@pytest.mark.requirement("OA-2")
async def test_other_methods_are_refused(remit):
    answer = await remit.http.put(url(remit))
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


async def test_nothing_is_stored_for_strangers(remit):
    """Requests that nobody finishes leave no row behind (they travel sealed)."""
    before = rows_of(remit)
    await repeated(lambda: remit.http.get(url(remit), params=request_for(remit.acme.web)), 30)
    assert rows_of(remit) == before


def rows_of(remit):
    connection = apsw.Connection(str(remit.folder / "remit.db"))
    tables = [name for (name,) in connection.execute("select name from sqlite_master where type = 'table'")]
    return {table: connection.execute(f"select count(*) from {table}").fetchall() for table in tables}


async def repeated(call, times):
    for _ in range(times):
        await call()


@pytest.mark.requirement("PKCE-7")
async def test_the_challenge_cannot_be_read_on_the_way(remit):
    response = await remit.http.get(url(remit), params=request_for(remit.acme.web))
    assert challenge_of(VERIFIER) not in response.headers["location"]
    assert "read:calendar" not in response.headers["location"]


DEAD = {
    "a stopped agent": (TargetKind.AGENT, lambda w: w.agent.id, "the agent was stopped"),
    "a stopped client": (TargetKind.CLIENT, lambda w: w.web.id, "the client was stopped"),
    "a stopped tenant": (TargetKind.TENANT, lambda w: w.tenant.id, "the tenant was stopped"),
    "a stopped resource": (TargetKind.RESOURCE, lambda w: w.calendar.id, "the resource was stopped"),
}


@pytest.mark.requirement("OA-4", "OA-20", "BCP-7")
@pytest.mark.parametrize(("kind", "id_", "told"), DEAD.values(), ids=DEAD)
async def test_the_dead_ask_nobody_and_get_no_redirect(remit, kind, id_, told):
    world = remit.acme
    await stop(remit, world, kind, id_(world))
    for changes in ({}, {"response_type": "token"}) if kind is not TargetKind.RESOURCE else ({},):
        answer = await remit.http.get(url(remit), params=request_for(world.web, **changes))
        assert answer.status_code == 400
        assert "location" not in answer.headers
        assert told in text_of(answer).lower()


async def test_an_agent_without_a_remit_asks_nobody(remit):
    world = remit.acme
    remit.sql(
        "update remit set state = 'superseded' where tenant = :tenant and agent_id = :agent",
        tenant=world.tenant.id,
        agent=world.agent.id,
    )
    answer = await remit.http.get(url(remit), params=request_for(world.web))
    assert (answer.status_code, "location" in answer.headers) == (400, False)


@pytest.mark.requirement("RI-2", "RI-4")
async def test_the_resource_is_spelled_in_one_way(remit):
    world = remit.acme
    code = (await approve(remit, world, world.web, resource="HTTPS://CALENDAR.example/")).code
    body = (await redeem(remit, world, world.web, code)).json()
    assert claims_of(body["access_token"])["aud"] == CALENDAR


@pytest.mark.requirement("OA-15", "RI-7")
async def test_without_a_resource_the_default_is_meant(remit):
    world = remit.acme
    code = (await approve(remit, world, world.web, resource=None, scope=None)).code
    body = (await redeem(remit, world, world.web, code)).json()
    assert (claims_of(body["access_token"])["aud"], body["scope"]) == (CALENDAR, "read:calendar")


@pytest.mark.requirement("OA-14", "RI-6")
async def test_scopes_beyond_the_remit_are_dropped_and_told(remit):
    world = remit.acme
    code = (await approve(remit, world, world.web, scope="read:calendar admin tickets.update")).code
    assert (await redeem(remit, world, world.web, code)).json()["scope"] == "read:calendar"


@pytest.mark.requirement("OIDC-4")
async def test_prompt_login_and_max_age_ask_for_a_new_login(remit):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        remit.clock.forward(minutes=10)
        for changes in ({"prompt": "login"}, {"prompt": "select_account"}, {"max_age": "599"}, {"max_age": "0"}):
            page = await ask(browser, world, request_for(world.web, **changes))
            assert page.url.path.endswith("/login"), changes
            remit.clock.forward(seconds=1)
            page = await sign_in(browser, page)
            assert page.url.path.endswith("/consent"), changes
            remit.clock.forward(minutes=10)
        page = await ask(browser, world, request_for(world.web, max_age="600"))
        assert page.url.path.endswith("/consent")


@pytest.mark.requirement("OIDC-4")
async def test_prompt_none_shows_nothing(remit):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        answer = answer_of(await ask(browser, world, request_for(world.web, prompt="none")))
        assert answer.fields["error"] == "consent_required"
        await approve(remit, world, world.web, browser=browser)
        answer = answer_of(await ask(browser, world, request_for(world.web, prompt="none")))
        assert answer.code
        remit.clock.forward(hours=9)
        answer = answer_of(await ask(browser, world, request_for(world.web, prompt="none")))
        assert answer.fields["error"] == "login_required"


REMEMBERED = {
    "the same again": ({}, {}, True),
    "less": ({"scope": "read:calendar"}, {}, True),
    "more": ({"scope": "read:calendar delete:calendar"}, {}, False),
    "another redirect URI": ({"redirect_uri": OTHER_CALLBACK}, {}, False),
    "another resource": ({"resource": TICKETS, "scope": "tickets.update"}, {}, False),
    "prompt=consent": ({"prompt": "consent"}, {}, False),
    "from another site": ({}, {"sec_fetch_site": "cross-site"}, False),
    "from who knows where": ({}, {"sec_fetch_site": ""}, False),
    "from our own pages": ({}, {"sec_fetch_site": "same-origin"}, True),
}


@pytest.mark.requirement("CON-2", "OIDC-4")
@pytest.mark.parametrize(("changes", "headers", "silent"), REMEMBERED.values(), ids=REMEMBERED)
async def test_an_approval_is_remembered_for_the_same_request_only(remit, changes, headers, silent):
    world = remit.acme
    async with remit.browser() as browser:
        await approve(remit, world, world.web, browser=browser)
        before = len(await remit.events(world, type="consent.given"))
        page = await ask(browser, world, request_for(world.web, **changes), **headers)
        if silent:
            assert answer_of(page).code
        else:
            assert page.url.path.endswith("/consent"), page.text
        events = (await remit.events(world, type="consent.given"))[before:]
        assert [event["what"]["remembered"] for event in events] == ([True] if silent else [])


@pytest.mark.requirement("CON-2")
async def test_another_user_is_asked_himself(remit):
    world = remit.acme
    await approve(remit, world, world.web)
    async with remit.browser() as browser:
        await visit(browser, world, "mallory@example.com")
        assert (await ask(browser, world, request_for(world.web))).url.path.endswith("/consent")


FORGOTTEN = {
    "the client changed": "update client set version = version + 1 where tenant = :tenant",
    "the line was revoked": "update line set state = 'revoked' where tenant = :tenant",
    "the line is over": "update line set expires_at = 1 where tenant = :tenant",
    "the grant was revoked": "update grants set state = 'revoked' where tenant = :tenant and user_id is not null",
    "the grant is over": "update grants set expires_at = 1 where tenant = :tenant and user_id is not null",
    "the grant was narrowed": "update grants set scopes = '[]' where tenant = :tenant and user_id is not null",
}


@pytest.mark.requirement("CON-2", "CON-3")
@pytest.mark.parametrize("change", FORGOTTEN.values(), ids=FORGOTTEN)
async def test_an_approval_is_forgotten(remit, change):
    world = remit.acme
    async with remit.browser() as browser:
        await approve(remit, world, world.web, browser=browser)
        remit.sql(change, tenant=world.tenant.id)
        assert (await ask(browser, world, request_for(world.web))).url.path.endswith("/consent")


@pytest.mark.requirement("CON-2")
async def test_a_self_registered_client_on_this_computer_is_never_remembered(remit):
    world = remit.acme
    remit.sql("update client set self_registered = 1 where tenant = :tenant", tenant=world.tenant.id)
    async with remit.browser() as browser:
        await approve(remit, world, world.local, browser=browser)
        assert (await ask(browser, world, request_for(world.local))).url.path.endswith("/consent")
        await approve(remit, world, world.web, browser=browser)
        assert answer_of(await ask(browser, world, request_for(world.web))).code


async def test_a_remembered_approval_lasts_no_longer_than_the_first(remit):
    world = remit.acme
    async with remit.browser() as browser:
        await approve(remit, world, world.web, browser=browser)
        first = (await remit.events(world, type="consent.given"))[-1]["what"]["until"]
        remit.clock.forward(hours=1)
        await ask(browser, world, request_for(world.web))
        assert (await remit.events(world, type="consent.given"))[-1]["what"]["until"] == first
