"""Resources, users and rights over REST."""

from __future__ import annotations

import pytest

from remit.core.names import GrantId
from tests.http.api.world import api_of
from tests.kit.flows import act_for_itself, claims_of

SCOPES = [{"name": "read:mail", "sentence": "Read your mail", "risk": "read"}]
MAIL = {"uri": "https://mail.example/", "name": "Mail", "scopes": SCOPES}


async def test_a_resource_is_registered_and_changed(remit, api):
    made = await api.post("/resources", MAIL)
    assert made.status_code == 201, made.text
    path = f"/resources/{made.json()['id']}"
    more = [*SCOPES, {"name": "send:mail", "sentence": "Send mail as you", "risk": "change", "sensitive": True}]
    tag = (await api.get(path)).headers["etag"]
    changed = await api.patch(path, {"name": "Post", "scopes": more, "token_seconds": 300}, tag=tag)
    assert changed.status_code == 200, changed.text
    told = (await api.get(path)).json()
    assert (told["name"], told["uri"], told["token_seconds"]) == ("Post", MAIL["uri"], 300)
    assert [scope["name"] for scope in told["scopes"]] == ["read:mail", "send:mail"]
    (event,) = await remit.events(remit.acme, type="resource.changed")
    assert event["what"]["changed"] == ["name", "token_seconds", "scopes"]
    assert event["what"]["removed"] == []


async def test_a_resource_is_found_by_its_uri_and_by_its_name(remit, api):
    world = remit.acme
    queries = {
        f"uri={world.calendar.uri}": [world.calendar.id],
        f"name={world.calendar.name}": [world.calendar.id],
        f"uri={world.calendar.uri}&name=other": [],
        f"uri={remit.globex.calendar.uri}/": [],
        "name=nothing": [],
    }
    found = {query: (await api.get(f"/resources?{query}")).json() for query in queries}
    assert {query: [row["id"] for row in page["resources"]] for query, page in found.items()} == queries
    assert {page["next"] for page in found.values()} == {None}
    twin = (await api.post("/resources", {**MAIL, "name": world.calendar.name})).json()
    both = (await api.get(f"/resources?name={world.calendar.name}")).json()["resources"]
    assert {row["id"] for row in both} == {world.calendar.id, twin["id"]}


@pytest.mark.requirement("API-2")
async def test_a_resource_gets_its_secret_with_itself_once(remit, api):
    assert (await api.post("/resources", MAIL)).json()["client_secret"] is None
    made = await api.post("/resources", {**MAIL, "uri": "https://b.example/", "secret": True}, idempotency_key="k")
    told = made.json()
    assert told["client_secret"].startswith("rmt_rs_")
    assert "etag" not in made.headers
    (secret,) = (await api.get(f"/resources/{told['id']}/credentials")).json()["credentials"]
    assert secret["live"]
    again = await api.post("/resources", {**MAIL, "uri": "https://b.example/", "secret": True}, idempotency_key="k")
    assert again.json() == {**told, "client_secret": None}


async def test_a_user_is_found_by_the_address(remit, api):
    alice = remit.acme.alice
    assert [user["id"] for user in (await api.get(f"/users?email={alice.email}")).json()["users"]] == [alice.id]
    assert (await api.get("/users?email=nobody@example.com")).json()["users"] == []


async def test_a_scope_that_goes_is_in_no_token_any_more(remit, api):
    world = remit.acme
    issued = (await act_for_itself(remit, world, world.web, resource=world.calendar.uri)).json()
    path = f"/resources/{world.calendar.id}"
    left = [scope for scope in (await api.get(path)).json()["scopes"] if scope["name"] != "write:calendar"]
    assert (await api.patch(path, {"scopes": left})).status_code == 200
    again = await act_for_itself(remit, world, world.web, resource=world.calendar.uri, scope="read:calendar")
    assert again.json()["scope"] == "read:calendar"
    # A guard that reads tokens by itself learns it by the epoch.
    assert claims_of(issued["access_token"])["epo"] < claims_of(again.json()["access_token"])["epo"]


async def test_a_resource_that_is_switched_off_gets_no_tokens(remit, api):
    world = remit.acme
    path = f"/resources/{world.calendar.id}"
    assert (await api.patch(path, {"state": "disabled"})).status_code == 200
    refused = await act_for_itself(remit, world, world.web, resource=world.calendar.uri)
    assert refused.json()["error"] == "invalid_target"
    assert (await api.patch(path, {"state": "active"})).status_code == 200
    assert (await act_for_itself(remit, world, world.web, resource=world.calendar.uri)).status_code == 200


CHANGES = {
    "no scope at all": {"scopes": []},
    "a scope that needs quotes": {"scopes": [{"name": 'a"b', "sentence": "s"}]},
    "a lifetime of a day": {"token_seconds": 86400},
    "an address": {"uri": "https://other.example/"},
}


@pytest.mark.parametrize("body", CHANGES.values(), ids=CHANGES)
async def test_a_change_that_does_not_fit_is_refused(remit, api, body):
    assert (await api.patch(f"/resources/{remit.acme.calendar.id}", body)).status_code == 400


async def test_the_tenants_own_api_is_what_it_is(remit, api):
    listed = (await api.get("/resources")).json()["resources"]
    own = next(resource for resource in listed if resource["built_in"])
    answer = await api.patch(f"/resources/{own['id']}", {"name": "Mine"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")


async def test_a_secret_is_told_once(remit, api):
    path = f"/resources/{remit.acme.calendar.id}/secrets"
    before = len(await remit.events(remit.acme, type="credential.added"))
    first = await api.post(path, idempotency_key="k1")
    assert (first.status_code, first.json()["client_id"]) == (201, remit.acme.calendar.id)
    secret = first.json()["client_secret"]
    again = await api.post(path, idempotency_key="k1")
    assert (again.status_code, again.json()["client_secret"]) == (201, None)
    assert len(await remit.events(remit.acme, type="credential.added")) == before + 1
    asked = await remit.http.post(
        f"{remit.acme.issuer}/oauth/introspect", data={"token": "x"}, auth=(remit.acme.calendar.id, secret)
    )
    assert asked.json() == {"active": False}
    # Nowhere in the database does it lie readable.
    stored = b"".join(file.read_bytes() for file in remit.folder.glob("remit.db*"))
    assert secret.partition(".")[2][:20].encode() not in stored


async def test_a_user_is_created_and_changed(remit, api):
    body = {"email": "eve@example.com", "name": "Eve", "password": "a long enough password"}
    made = await api.post("/users", body)
    assert (made.status_code, made.json()["signs_in"]) == (201, True)
    assert "password" not in made.text
    path = f"/users/{made.json()['id']}"
    assert (await api.patch(path, {"role": "auditor"})).json()["role"] == "auditor"
    ended = await api.post(f"{path}/state", {"state": "inactive", "reason": "left"})
    assert ended.json()["state"] == "inactive"
    taken = await api.post("/users", body | {"email": "EVE@example.com"})
    assert (taken.status_code, taken.json()["code"]) == (409, "conflict")
    short = await api.post("/users", body | {"email": "f@example.com", "password": "short"})
    assert short.status_code == 400


async def test_the_last_administrator_stays_one(remit, api):
    path = f"/users/{remit.acme.admin.id}"
    assert (await api.patch(path, {"role": "user"})).status_code == 409
    assert (await api.post(f"{path}/state", {"state": "inactive", "reason": "r"})).status_code == 409
    await api.patch(f"/users/{remit.acme.alice.id}", {"role": "admin"})
    assert (await api.patch(path, {"role": "user"})).status_code == 200


async def test_rights_are_set_for_one_resource_and_count_when_turned_on(remit, api):
    world = remit.acme
    path = f"/users/{world.alice.id}/rights/{world.calendar.id}"
    assert (await api.get(path)).json()["scopes"] is None
    tag = (await api.get(path)).headers["etag"]
    put = await api.ask("PUT", path, {"scopes": ["read:calendar"]}, if_match=tag)
    assert put.status_code == 200
    tag = (await api.get("/settings")).headers["etag"]
    assert (await api.patch("/settings", {"rights_on": True}, tag=tag)).json()["rights_on"] is True
    assert (await api.get(path)).json()["scopes"] == ["read:calendar"]
    off = await api.patch("/settings", {"rights_on": False})
    assert (off.status_code, off.json()["code"]) == (409, "conflict")
    stale = await api.ask("PUT", path, {"scopes": []}, if_match=tag)
    assert stale.status_code == 412


async def test_a_grant_is_approved_narrowed_and_revoked(remit, api):
    world = remit.acme
    asked = {"client": world.web.id, "resource": world.calendar.id, "scopes": ["read:calendar", "write:calendar"]}
    made = await api.post("/grants", asked)
    assert (made.status_code, made.json()["removed"]) == (201, [])
    grant = made.json()["id"]
    # The one before it has ended.
    assert (await api.get(f"/grants/{world.unattended.id}")).json()["standing"] == "revoked"
    wider = await api.post(f"/grants/{grant}/narrow", {"keep": ["delete:calendar"], "reason": "r"})
    assert wider.status_code == 400
    less = await api.post(f"/grants/{grant}/narrow", {"keep": ["read:calendar"], "reason": "unused"})
    assert less.json()["scopes"] == ["read:calendar"]
    (narrowed,) = await remit.events(world, type="grant.narrowed")
    assert narrowed["what"]["removed"] == ["write:calendar"]
    ended = await api.post(f"/grants/{grant}/revoke", {"reason": "over"})
    assert (ended.json()["state"], ended.json()["standing"]) == ("revoked", "revoked")
    late = await api.post(f"/grants/{grant}/narrow", {"keep": ["read:calendar"], "reason": "r"})
    assert late.status_code == 409
    async with remit.deps.db.read(world.tenant.id) as work:
        found = await work.grants.get(GrantId(grant))
    assert found is not None
    assert found.state == "revoked"


async def test_a_grant_of_another_tenant_is_nobodys(remit):
    api = await api_of(remit, remit.globex)
    for path, body in (
        (f"/grants/{remit.acme.unattended.id}/revoke", {"reason": "r"}),
        (f"/grants/{remit.acme.unattended.id}/narrow", {"keep": ["read:calendar"], "reason": "r"}),
        (f"/users/{remit.acme.alice.id}/state", {"state": "inactive", "reason": "r"}),
        (f"/resources/{remit.acme.calendar.id}/secrets", {}),
    ):
        answer = await api.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
