"""Attacks of RFC 9700 that no other test tries as such (BCP)."""

from __future__ import annotations

import ast
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.kit.flows import (
    answer_of,
    answered,
    approve,
    ask,
    claims_of,
    get_tokens,
    introspect,
    proof,
    redeem,
    refresh,
    request_for,
    sign_in,
    userinfo,
)
from tests.kit.pages import form_to, submit
from tests.kit.world import BASE, PASSWORD
from tests.rules.tree import SERVER, below

PRETENDING = {
    "x-forwarded-host": "evil.example",
    "x-forwarded-for": "203.0.113.9",
    "x-forwarded-proto": "http",
    "x-forwarded-prefix": "/t/globex",
    "x-forwarded-port": "81",
    "x-real-ip": "203.0.113.9",
    "x-original-url": "/t/globex/oauth/token",
    "x-rewrite-url": "/t/globex/oauth/token",
    "forwarded": 'for=203.0.113.9;host="evil.example";proto=http',
    "host": "evil.example",
    "client-cert": ":MIIB:",
    "x-ssl-client-cert": "MIIB",
    "x-client-verify": "SUCCESS",
    "x-tenant": "globex",
}


@pytest.mark.requirement("BCP-15")
@pytest.mark.parametrize("name", PRETENDING)
async def test_a_header_moves_nothing(remit, name):
    """Neither the addresses in a document, nor the tenant, nor who is told to have asked, nor what proves a client."""
    world, headers = remit.acme, {name: PRETENDING[name]}
    path = "/t/acme/.well-known/openid-configuration"
    assert (await remit.http.get(path, headers=headers)).content == (await remit.http.get(path)).content
    form = {"grant_type": "client_credentials", "client_id": world.web.id}
    call = remit.http.post("/t/acme/oauth/token", data=form, headers=headers)
    answer, events = await remit.events_of(world, call)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert [event["who"]["peer"] for event in events] == ["127.0.0.1"]
    answer = await remit.http.get("/t/acme/oauth/authorize", params=request_for(world.web), headers=headers)
    assert answer.headers["location"].startswith(f"{world.issuer}/login?")


async def signed_in_to_the_end(remit, world, each):
    """Walk through a whole approval, and hand every answer of ours to `each`."""
    async with remit.browser() as browser:
        first = await browser.get(f"{world.issuer}/oauth/authorize", params=request_for(world.web))
        page = await browser.get(first.headers["location"])
        form = form_to(page, "/login")
        form.put("email", "alice@example.com")
        form.put("password", PASSWORD)
        after_login = await submit(browser, page, form)
        consent = await browser.get(after_login.headers["location"])
        last = await submit(browser, consent, answered(consent))
        for answer in (first, page, after_login, consent, last):
            each(answer)
        return answer_of(last).code


@pytest.mark.requirement("BCP-8", "GEN-12")
async def test_no_form_is_ever_sent_on(remit):
    """A browser repeats a form after 307 and 308, and with it a password."""
    statuses = []
    await signed_in_to_the_end(remit, remit.acme, lambda answer: statuses.append(answer.status_code))
    assert statuses == [303, 200, 303, 200, 303]


@pytest.mark.requirement("BCP-9")
async def test_no_page_tells_the_next_one_where_it_was(remit):
    world = remit.acme
    answers: list[Any] = []
    code = await signed_in_to_the_end(remit, world, answers.append)
    tokens = (await redeem(remit, world, world.web, code)).json()
    assert [answer.headers["referrer-policy"] for answer in answers] == ["no-referrer"] * 5
    assert [answer.headers["cache-control"] for answer in answers] == ["no-store"] * 5
    for answer in answers:
        for secret in (tokens["access_token"], tokens["refresh_token"], PASSWORD):
            assert secret not in answer.text + str(answer.headers)
    # The code goes to its client in the address, and nowhere else.
    assert [code in str(answer.headers) + answer.text for answer in answers] == [False] * 4 + [True]
    assert urlsplit(answers[-1].headers["location"]).netloc == urlsplit(world.web.redirect_uris[0]).netloc


@pytest.mark.requirement("BCP-9", "GEN-6")
@pytest.mark.parametrize("where", ["token", "introspect", "revoke", "userinfo"])
async def test_no_token_is_taken_from_an_address(remit, where):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web, scope="openid read:calendar")
    shown = proof(remit, world, world.web)
    parameters = {
        "token": {"refresh_token": tokens["refresh_token"]},
        "userinfo": {"access_token": tokens["access_token"]},
    }.get(where, {"token": tokens["access_token"]})
    data = {"grant_type": "refresh_token"} if where == "token" else {}
    answer = await remit.http.post(f"{world.issuer}/oauth/{where}", params=parameters, data=data, **shown)
    assert answer.status_code in {400, 401}
    assert (await userinfo(remit, world, tokens["access_token"])).status_code == 200
    assert (await refresh(remit, world, world.web, tokens["refresh_token"])).status_code == 200


MODES = ["web_message", "web_message_opener", "fragment", "form_post.jwt", "query.jwt", "jwt"]


@pytest.mark.requirement("BCP-16", "OA-7")
@pytest.mark.parametrize("mode", MODES)
async def test_an_answer_travels_in_one_way_only(remit, mode):
    world = remit.acme
    answer = await remit.http.get(
        f"{world.issuer}/oauth/authorize", params=request_for(world.web, response_mode=mode, prompt="none")
    )
    assert answer_of(answer).fields["error"] == "invalid_request"
    assert "code" not in answer_of(answer).fields


@pytest.mark.requirement("BCP-16")
def test_no_script_of_ours_speaks_to_other_windows():
    scripts = below(SERVER, suffix=".js")
    assert scripts
    for path in scripts:
        text = path.read_text(encoding="utf-8")
        assert not {word for word in ("postMessage", "window.opener", "BroadcastChannel") if word in text}


CALLING = {"http", "urllib.request", "socket", "httpx", "httpx2", "requests", "aiohttp", "ftplib", "smtplib"}
"""What a program imports that wants to call somebody."""

HERE = {
    "cli": "commands ask the server on this machine",
    "demo": "the demonstration plays clients",
}


def imports(text: str) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module, *(f"{node.module}.{name.name}" for name in node.names)}
    return {word for name in found for word in CALLING if name == word or name.startswith(f"{word}.")}


@pytest.mark.requirement("BCP-19")
def test_the_server_calls_nobody():
    """Whatever address a client registers or a token names, one module could fetch it, and reaches nothing inside."""
    calling = {
        path.relative_to(SERVER).as_posix(): imports(path.read_text(encoding="utf-8"))
        for path in below(SERVER)
        if path.relative_to(SERVER).parts[0] not in HERE
    }
    assert calling.pop("outbound/fetch.py")  # tests/outbound
    assert {path: words for path, words in calling.items() if words - {"socket"}} == {}
    # A socket is for listening.
    assert {path for path, words in calling.items() if words} <= {"http/server.py"}


@pytest.mark.requirement("BCP-18")
async def test_a_client_id_that_two_tenants_share_joins_nothing(remit):
    """Rows of one tenant under the ids of another: the wall is the tenant, not luck with ids."""
    acme, globex = remit.acme, remit.globex
    remit.sql(
        "update client set id = :id where tenant = :tenant and id = :old",
        id=acme.web.id,
        tenant=globex.tenant.id,
        old=globex.web.id,
    )
    tokens = await get_tokens(remit, acme, acme.web, scope="openid read:calendar")
    code = (await approve(remit, acme, acme.web, prompt="consent")).code
    shown = proof(remit, acme, acme.web)
    for fields in (
        {"grant_type": "authorization_code", "code": code},
        {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]},
    ):
        answer = await remit.http.post(f"{globex.issuer}/oauth/token", data=fields, **shown)
        assert answer.json()["error"] == "invalid_client"
    assert (await userinfo(remit, globex, tokens["access_token"])).status_code == 401
    assert await introspect(remit, globex, tokens["access_token"]) == {"active": False}
    assert claims_of(tokens["access_token"])["iss"] == acme.issuer != globex.issuer
    assert acme.issuer.startswith(BASE)
    assert (await redeem(remit, acme, acme.web, code)).status_code == 200


@pytest.mark.requirement("BCP-7")
async def test_after_a_login_nobody_is_sent_where_the_form_says(remit):
    world = remit.acme
    async with remit.browser() as browser:
        page = await ask(browser, world, request_for(world.web))
        form = form_to(page, "/login")
        for name in ("next", "redirect_uri", "url", "return_to", "continue"):
            form.put(name, "https://evil.example/")
        form.put("email", "alice@example.com")
        form.put("password", PASSWORD)
        answer = await submit(browser, page, form)
        assert answer.headers["location"].startswith(f"{world.issuer}/consent?")
    async with remit.browser() as browser:
        page = await browser.get(f"{world.issuer}/login", params={"next": "https://evil.example/"})
        assert "evil.example" not in page.text
        assert (await sign_in(browser, page)).url.host == urlsplit(BASE).hostname
