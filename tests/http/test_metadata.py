"""Discovery: one document, at every URL where a client may look for it."""

from __future__ import annotations

import pytest

from tests.kit.world import BASE

FORMS = {
    "OAuth, inserted": lambda path: f"{BASE}/.well-known/oauth-authorization-server{path}",
    "OpenID, inserted": lambda path: f"{BASE}/.well-known/openid-configuration{path}",
    "OpenID, appended": lambda path: f"{BASE}{path}/.well-known/openid-configuration",
}
PATHS = {"default": "", "acme": "/t/acme", "globex": "/t/globex"}


@pytest.mark.requirement("ASM-1", "ASM-2", "ASM-6", "MCP-1", "PKCE-5", "WK-1")
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("slug", PATHS)
async def test_every_url_serves_the_one_document_of_its_issuer(remit, form, slug):
    answer = await remit.http.get(form(PATHS[slug]))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]
    assert answer.json()["issuer"] == BASE + PATHS[slug] == remit.worlds[slug].issuer
    first = await remit.http.get(FORMS["OAuth, inserted"](PATHS[slug]))
    assert answer.content == first.content


UNKNOWN = {
    "another tenant": "/t/nobody",
    "the default tenant under its name": "/t/default",
    "no name": "/t/",
    "a name in capitals": "/t/ACME",
    "another page of a tenant": "/t/acme/console",
    "a tenant below a tenant": "/t/acme/t/globex",
}


@pytest.mark.requirement("ASM-7", "WK-1")
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("path", UNKNOWN.values(), ids=UNKNOWN)
async def test_nobody_else_has_one(remit, form, path):
    answer = await remit.http.get(form(path))
    assert answer.status_code == 404
    # Whoever looks for JSON must not find any, and a client in a browser must be able to see that there is nothing.
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "{" not in answer.text
    assert answer.headers.get_list("access-control-allow-origin") == ["*"]


@pytest.mark.requirement("ASM-7")
async def test_the_default_tenant_is_at_one_place(remit):
    for path in ("/t/default/oauth/token", "/t/default/oauth/jwks", "/t/default/login", "/t/default"):
        assert (await remit.http.get(path)).status_code == 404
    assert (await remit.http.get("/oauth/jwks")).status_code == 200


@pytest.mark.requirement("ASM-4", "OA-2")
async def test_every_endpoint_that_is_told_answers(remit):
    told = (await remit.http.get(f"{remit.acme.issuer}/.well-known/openid-configuration")).json()
    endpoints = {name: url for name, url in told.items() if name.endswith("_endpoint") or name == "jwks_uri"}
    assert len(endpoints) >= 8
    for name, endpoint in endpoints.items():
        assert endpoint.startswith(remit.acme.issuer + "/")
        assert not {"#", "?"} & set(endpoint)
        statuses = {(await remit.http.get(endpoint)).status_code, (await remit.http.post(endpoint)).status_code}
        assert 404 not in statuses, name
        assert not any(status >= 500 for status in statuses), name


@pytest.mark.requirement("CA-7", "PKCE-5")
async def test_it_says_what_works_and_nothing_else(remit):
    told = (await remit.http.get(f"{remit.acme.issuer}/.well-known/openid-configuration")).json()
    assert told["response_types_supported"] == ["code"]
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["grant_types_supported"] == [
        *("authorization_code", "refresh_token", "client_credentials"),
        "urn:ietf:params:oauth:grant-type:token-exchange",
    ]
    assert told["authorization_response_iss_parameter_supported"] is True
    assert "RS256" in told["id_token_signing_alg_values_supported"]
    assert told["subject_types_supported"] == ["public"]
    assert {"openid", "read:calendar", "tickets.update"} <= set(told["scopes_supported"])
    assert not any("agents:" in scope for scope in told["scopes_supported"])
    assert "none" not in told["introspection_endpoint_auth_methods_supported"]
    assert "none" not in told["token_endpoint_auth_signing_alg_values_supported"]
    assert not any(value in ([], None, "") for value in told.values())


PUBLIC = ("/.well-known/openid-configuration", "/oauth/jwks", "/.well-known/oauth-protected-resource/api")


@pytest.mark.requirement("ASM-6")
@pytest.mark.parametrize("path", PUBLIC)
async def test_a_copy_is_known_by_its_tag(remit, path):
    url = remit.acme.issuer + path
    first = await remit.http.get(url)
    again = await remit.http.get(url, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", first.headers["etag"])
    other = await remit.http.get(url, headers={"if-none-match": '"another"'})
    assert (other.status_code, other.content) == (200, first.content)


@pytest.mark.requirement("WK-1")
@pytest.mark.parametrize("path", PUBLIC)
async def test_its_head_is_the_same(remit, path):
    url = remit.acme.issuer + path
    body, head = await remit.http.get(url), await remit.http.head(url)
    assert head.status_code == 200
    for name in ("content-type", "etag", "content-length", "cache-control"):
        assert head.headers[name] == body.headers[name]


@pytest.mark.requirement("ASM-6", "GEN-10")
@pytest.mark.parametrize("path", PUBLIC)
async def test_an_agent_in_a_browser_may_ask_with_its_protocol_version(remit, path):
    asked = {"origin": "https://app.example", "access-control-request-headers": "mcp-protocol-version"}
    answer = await remit.http.options(remit.acme.issuer + path, headers=asked)
    assert answer.status_code == 204
    assert "mcp-protocol-version" in answer.headers["access-control-allow-headers"]


@pytest.mark.requirement("GEN-10")
async def test_the_authorization_endpoint_is_not_for_scripts_of_others(remit):
    answer = await remit.http.options(f"{remit.acme.issuer}/oauth/authorize", headers={"origin": "https://app.example"})
    assert answer.status_code == 405
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.requirement("PRM-1", "PRM-2", "PRM-3")
@pytest.mark.parametrize("slug", PATHS)
async def test_the_own_api_says_who_issues_for_it(remit, slug):
    path, issuer = PATHS[slug], remit.worlds[slug].issuer
    answer = await remit.http.get(f"{BASE}/.well-known/oauth-protected-resource{path}/api")
    assert answer.json()["resource"] == f"{issuer}/api"
    assert answer.json()["authorization_servers"] == [issuer]
