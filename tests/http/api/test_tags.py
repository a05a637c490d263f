"""Whoever holds an answer already is told so by 304, everywhere where an answer has a tag (RFC 9110 §13.1.2)."""

from __future__ import annotations

import pytest

from remit.http.api.table import OPERATIONS

PUBLIC = (
    "/api/v1/openapi.json",
    "/docs",
    "/docs/api",
    "/oauth/jwks",
    "/.well-known/oauth-authorization-server",
)


async def held(ask, url, **headers):
    """Ask with and without a tag; return the tag that both carry."""
    first = await ask(url, **headers)
    assert first.status_code == 200, first.text
    tag = first.headers["etag"]
    for sent in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = await ask(url, **headers, **{"if-none-match": sent})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), sent
        assert again.headers["cache-control"] == first.headers["cache-control"]
    for sent in ('"other"', tag.strip('"'), f"x{tag}"):
        other = await ask(url, **headers, **{"if-none-match": sent})
        assert (other.status_code, other.content) == (200, first.content), sent
    return tag


@pytest.mark.parametrize("path", PUBLIC)
async def test_what_everybody_may_read(remit, path):
    async def ask(url, **headers):
        return await remit.http.get(url, headers=headers)

    await held(ask, remit.acme.issuer + path)


async def test_static_files(remit):
    async def ask(url, **headers):
        return await remit.http.get(url, headers=headers)

    page = (await remit.http.get(f"{remit.acme.issuer}/docs")).text
    files = [part.partition('"')[0] for part in page.split('="/static/')[1:]]
    assert len(files) == 3
    for name in files:
        await held(ask, f"{remit.acme.issuer}/static/{name}")


async def test_one_thing_of_the_api(remit, api):
    world = remit.acme
    stop = (await api.post("/stops", {"kind": "token", "id": "t", "reason": "r"})).json()["id"]
    event = (await api.get("/events?limit=1")).json()["events"][0]["event"]["id"]
    grant = (await api.get("/grants?limit=1")).json()["grants"][0]["id"]
    ids = {
        "agent": world.agent.id,
        "client": world.web.id,
        "grant": grant,
        "resource": world.tickets.id,
        "user": world.alice.id,
        "stop": stop,
        "event": event,
    }
    nouns = [row for row in OPERATIONS if row.tagged and not row.changes]
    assert {row.path.rpartition("/")[2] for row in nouns} == {"settings", *(f"{{{name}}}" for name in ids)}

    async def ask(url, **headers):
        return await api.ask("GET", url, **headers)

    for row in nouns:
        await held(ask, row.path.removeprefix("/api/v1").format(**ids))


async def test_a_tag_changes_with_the_thing(remit, api):
    path = f"/agents/{remit.acme.agent.id}"
    tag = (await api.get(path)).headers["etag"]
    await api.post("/stops", {"kind": "agent", "id": remit.acme.agent.id, "reason": "r"})
    changed = await api.ask("GET", path, if_none_match=tag)
    assert (changed.status_code, changed.json()["state"]) == (200, "stopped")
    assert changed.headers["etag"] != tag


async def test_nobody_is_told_by_a_tag_what_he_may_not_read(remit, api):
    path = f"{remit.acme.issuer}/api/v1/agents/{remit.acme.agent.id}"
    tag = (await api.get(f"/agents/{remit.acme.agent.id}")).headers["etag"]
    assert (await remit.http.get(path, headers={"if-none-match": tag})).status_code == 401
    assert (await api.ask("GET", "/agents/agt_0", if_none_match="*")).status_code == 404
