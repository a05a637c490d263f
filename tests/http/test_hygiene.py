"""What holds for every answer: caches, scripts of others, frames, redirects, and where parameters are read."""

from __future__ import annotations

import re
from typing import Any

import pytest
from starlette.routing import Route

from remit.app import routes
from remit.core.oauth.scopes import IDENTITY_SCOPES
from tests.http.refusals import FORM, refused
from tests.kit.flows import ask, get_tokens, request_for, sign_in, visit
from tests.kit.pages import form_to, submit
from tests.kit.registration import let_in
from tests.kit.world import CALLBACK


def basic(world):
    return world.web.id, world.web_secret.reveal()


CREDENTIALS = {
    "token": lambda w: ("/oauth/token", {"data": {"grant_type": "client_credentials"}, "auth": basic(w)}, 200),
    "token, refused": (lambda w: ("/oauth/token", {"data": {"grant_type": "password"}, "auth": basic(w)}, 400)),
    "token, not proven": lambda w: ("/oauth/token", {"data": {"grant_type": "refresh_token"}}, 401),
    "token, too large": lambda w: ("/oauth/token", {"content": b"a" * 70_000, "headers": FORM}, 413),
    "revocation": lambda w: ("/oauth/revoke", {"data": {"token": "x"}, "auth": basic(w)}, 200),
    "revocation, refused": lambda w: ("/oauth/revoke", {"data": {}, "auth": basic(w)}, 400),
    "introspection": lambda w: ("/oauth/introspect", {"data": {"token": "x"}, "auth": basic(w)}, 200),
    "introspection, not proven": lambda w: ("/oauth/introspect", {"data": {"token": "x"}}, 401),
    "pushed request": lambda w: ("/oauth/par", {"data": request_for(w.web), "auth": basic(w)}, 201),
    "pushed request, refused": lambda w: ("/oauth/par", {"data": {}, "auth": basic(w)}, 400),
    "registration": lambda w: ("/oauth/register", {"json": {"redirect_uris": ["https://a.example/cb"]}}, 201),
    "registration, refused": lambda w: ("/oauth/register", {"json": {"redirect_uris": ["http://a.example/"]}}, 400),
}


@pytest.mark.requirement("GEN-3")
@pytest.mark.parametrize("asked", CREDENTIALS.values(), ids=CREDENTIALS)
async def test_no_cache_keeps_what_is_about_credentials(remit, asked):
    world = remit.acme
    await let_in(remit, world)
    path, sent, status = asked(world)
    answer = await remit.http.post(f"{world.issuer}{path}", **sent)
    assert answer.status_code == status, answer.text
    assert (answer.headers["cache-control"], answer.headers["pragma"]) == ("no-store", "no-cache")


FORMS = {
    "token": ("/oauth/token", {"grant_type": "client_credentials"}, "send grant_type"),
    "revocation": ("/oauth/revoke", {"token_type_hint": "access_token"}, "send token"),
    "introspection": ("/oauth/introspect", {"token_type_hint": "access_token"}, "send token"),
    "pushed request": ("/oauth/par", {"redirect_uri": CALLBACK}, "send redirect_uri"),
}


@pytest.mark.requirement("GEN-6")
@pytest.mark.parametrize(("path", "query", "hint"), FORMS.values(), ids=FORMS)
async def test_a_query_is_never_part_of_a_form(remit, path, query, hint):
    world = remit.acme
    answer = await remit.http.post(f"{world.issuer}{path}", params=query, data={"x": "y"}, auth=basic(world))
    assert hint in refused(answer, "invalid_request")


@pytest.mark.requirement("GEN-6")
@pytest.mark.parametrize("name", ["client_secret", "client_assertion", "token", "refresh_token", "code_verifier"])
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/par"])
async def test_credentials_in_an_address_are_refused(remit, path, name):
    world = remit.acme
    data = {"grant_type": "client_credentials", "token": "x"}
    answer = await remit.http.post(f"{world.issuer}{path}", params={name: "x"}, data=data, auth=basic(world))
    assert "never into the URL" in refused(answer, "invalid_request")


@pytest.mark.requirement("GEN-4", "REV-7")
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/par"])
async def test_a_form_endpoint_takes_post_alone(remit, path):
    for method in ("GET", "PUT", "DELETE"):
        answer = await remit.http.request(method, f"{remit.acme.issuer}{path}")
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    answer = await remit.http.post(f"{remit.acme.issuer}{path}", json={"token": "x"}, auth=basic(remit.acme))
    refused(answer, "invalid_request")


OPEN = (
    "/oauth/token",
    "/oauth/revoke",
    "/oauth/register",
    "/oauth/userinfo",
    "/oauth/jwks",
    "/.well-known/oauth-authorization-server",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-protected-resource/api",
)
SHUT = (
    "/oauth/authorize",
    "/oauth/introspect",
    "/login",
    "/consent",
    "/account",
    "/console",
    "/api/v1/agents",
    "/feed",
)
ELSEWHERE = {"origin": "https://app.example"}


@pytest.mark.requirement("GEN-10")
@pytest.mark.parametrize("path", OPEN)
async def test_scripts_of_any_origin_reach_what_is_made_for_them(remit, path):
    url = f"{remit.acme.issuer}{path}"
    preflight = await remit.http.options(url, headers=ELSEWHERE | {"access-control-request-method": "POST"})
    assert preflight.headers["access-control-allow-origin"] == "*"
    for method in ("GET", "POST"):
        answer = await remit.http.request(method, url, headers=ELSEWHERE)
        assert answer.headers.get_list("access-control-allow-origin") == ["*"]
        assert "www-authenticate" in answer.headers["access-control-expose-headers"].lower()
        # With cookies an origin could act as whoever is signed in.
        assert "access-control-allow-credentials" not in {*answer.headers, *preflight.headers}


@pytest.mark.requirement("GEN-10", "BCP-16")
@pytest.mark.parametrize("path", SHUT)
async def test_and_nothing_else(remit, path):
    for method in ("OPTIONS", "GET", "POST"):
        answer = await remit.http.request(method, f"{remit.acme.issuer}{path}", headers=ELSEWHERE)
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def pages() -> list[str]:
    """Every route that a browser could open, with something in place of its parameters."""
    found = [route for route in routes() if isinstance(route, Route) and "GET" in (route.methods or set())]
    paths = {re.sub(r"\{[^}]*\}", "x", route.path) for route in found}
    return sorted(paths - {"/feed"})


@pytest.mark.requirement("GEN-2", "GEN-11", "BCP-9", "BCP-13")
@pytest.mark.parametrize("email", [None, "alice@example.com", "admin@example.com"])
async def test_no_page_can_be_framed_or_tells_where_somebody_was(remit, email):
    seen = 0
    async with remit.browser() as browser:
        if email is not None:
            await visit(browser, remit.acme, email)
        for path in pages():
            answer = await browser.get(f"{remit.acme.issuer}{path}")
            if not answer.headers.get("content-type", "").startswith("text/html"):
                continue
            seen += 1
            policy = dict(
                part.strip().partition(" ")[::2] for part in answer.headers["content-security-policy"].split(";")
            )
            assert policy["frame-ancestors"] == "'none'", path
            assert policy["default-src"] == "'none'", path
            assert policy["script-src"] == "'self'", path
            assert policy["base-uri"] == "'none'", path
            assert answer.headers["x-frame-options"] == "DENY", path
            assert answer.headers["referrer-policy"] == "no-referrer", path
            assert answer.headers["x-content-type-options"] == "nosniff", path
            assert answer.headers["strict-transport-security"] == "max-age=31536000", path
            assert not re.search(r"<(?:script|link|img)[^>]+(?:src|href)=\"(?:https?:)?//", answer.text), path
    assert seen >= (12 if email == "admin@example.com" else 4)


def forms() -> list[str]:
    """Every route that takes a form of one of our pages."""
    found = [route for route in routes() if isinstance(route, Route) and "POST" in (route.methods or set())]
    paths = {re.sub(r"\{[^}]*\}", "x", route.path) for route in found}
    return sorted(path for path in paths if not path.startswith(("/oauth/", "/api/", "/decisions", "/setup")))


@pytest.mark.requirement("GEN-11", "BCP-6")
@pytest.mark.parametrize("path", forms())
@pytest.mark.parametrize("missing", ["the token", "the origin", "our site"])
async def test_every_form_of_a_page_comes_from_a_page(remit, path, missing):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world, "admin@example.com")
        page = await browser.get(f"{world.issuer}/account")
        csrf = form_to(page, "/logout").value("csrf")
        headers = {
            "origin": "https://evil.example" if missing == "the origin" else "https://id.example",
            "sec-fetch-site": "cross-site" if missing == "our site" else "same-origin",
        }
        data = {"email": "a@example.com", "password": "x", "reason": "x"}
        if missing != "the token":
            data["csrf"] = csrf
        call = browser.post(f"{world.issuer}{path}", data=data, headers=headers)
        answer, events = await remit.events_of(world, call)
    assert (answer.status_code, answer.is_redirect) == (403, False)
    assert [event for event in events if event["outcome"] != "refused"] == []


async def test_a_page_over_plain_http_does_not_ask_for_https(world):
    # On loopback there is none: the browser would never find us again.
    answer = await world.http().get("/login")
    assert answer.status_code == 200
    assert "strict-transport-security" not in answer.headers


@pytest.mark.requirement("GEN-12", "BCP-8")
async def test_no_form_is_ever_sent_on(remit):
    # A browser repeats the body of a form after 307 and 308, password included.
    world = remit.acme
    async with remit.browser() as browser:
        page = await ask(browser, world, request_for(world.web))
        form = form_to(page, "/login")
        form.put("email", "alice@example.com")
        form.put("password", "a password for tests")
        signed_in = await submit(browser, page, form)
        page = await browser.get(signed_in.headers["location"])
        form = form_to(page, "/consent")
        form.put("decision", "allow")
        allowed = await submit(browser, page, form)
    assert [signed_in.status_code, allowed.status_code] == [303, 303]


@pytest.mark.requirement("GEN-11")
async def test_every_cookie_is_locked_to_the_host(remit):
    async with remit.browser() as browser:
        page = await ask(browser, remit.acme, request_for(remit.acme.web))
        first = await browser.get(f"{remit.acme.issuer}/login")
        await sign_in(browser, page)
        async with remit.browser() as fresh:
            first = await fresh.get(f"{remit.acme.issuer}/login")
        jar = [cookie.name for cookie in browser.cookies.jar]
    assert len(jar) == 2
    assert all(name.startswith("__Host-") for name in jar)
    for cookie in first.headers.get_list("set-cookie"):
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert parts == {"path=/", "secure", "httponly", "samesite=lax"}


TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


@pytest.mark.requirement("GEN-22")
@pytest.mark.parametrize(
    "path", ["/oauth/authorize", "/oauth/token", "/oauth/jwks", "/login", "/nowhere", "/api/v1/agents"]
)
async def test_every_answer_names_its_request(remit, path):
    answer = await remit.http.get(f"{remit.acme.issuer}{path}")
    assert answer.headers["x-request-id"].startswith("req_")


@pytest.mark.requirement("GEN-22")
async def test_the_trace_of_a_caller_is_in_the_event(remit):
    world = remit.acme
    sent = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}
    call = remit.http.post(
        f"{world.issuer}/oauth/token", data={"grant_type": "client_credentials"}, auth=basic(world), headers=sent
    )
    answer, (event,) = await remit.events_of(world, call)
    assert event["who"]["trace"] == TRACE
    assert event["who"]["request"] == answer.headers["x-request-id"]


PARAMETER = re.compile(r'([a-z_]+)="([\x20-\x21\x23-\x5b\x5d-\x7e]*)"')


@pytest.mark.requirement("BR-4")
async def test_every_challenge_is_well_formed(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web, scope="read:calendar")
    asked: list[tuple[str, dict[str, Any]]] = [
        (path, sent)
        for path in ("/oauth/userinfo", "/api/v1/agents", "/api/v1/grants")
        for sent in (
            {},
            {"headers": {"authorization": "Bearer x"}},
            {"headers": {"authorization": f"Bearer {tokens['access_token']}"}},
            {"headers": {"authorization": 'Bearer a"b, c'}},
            {"params": {"access_token": "x"}},
        )
    ]
    for path, sent in asked:
        answer = await remit.http.get(f"{world.issuer}{path}", **sent)
        assert answer.status_code in {400, 401, 403}
        (field,) = answer.headers.get_list("www-authenticate")
        scheme, _, rest = field.partition(" ")
        assert scheme == "Bearer"
        # A second challenge may follow (RFC 9449 §7.2).
        rest, other, algs = rest.partition(", DPoP ")
        assert not other or re.fullmatch('algs="[A-Za-z0-9 ]+"', algs), field
        assert re.fullmatch(rf"{PARAMETER.pattern}(, {PARAMETER.pattern})*", rest), field
        names = [name for name, _ in PARAMETER.findall(rest)]
        assert len(names) == len(set(names))
        assert "realm" in names or "resource_metadata" in names


@pytest.mark.requirement("OA-15", "RI-7")
async def test_whoever_asks_for_nothing_gets_his_default_and_never_everything(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web, scope=None, resource=None)
    assert set(tokens["scope"].split()) - IDENTITY_SCOPES == world.web.default_scopes
    remit.sql(
        "update client set default_scopes = '[]', default_resource = null where tenant = :tenant",
        tenant=world.tenant.id,
    )
    answer = await remit.http.get(
        f"{world.issuer}/oauth/authorize", params=request_for(world.web, scope=None, resource=None)
    )
    assert "error=invalid_target" in answer.headers["location"]
    answer = await remit.http.get(f"{world.issuer}/oauth/authorize", params=request_for(world.web, scope=None))
    assert "error=invalid_scope" in answer.headers["location"]
