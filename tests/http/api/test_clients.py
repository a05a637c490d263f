"""Clients over REST."""

from __future__ import annotations

import json

import pytest

from tests.kit.flows import act_for_itself, get_tokens, refresh
from tests.kit.world import client_key


def a_client(world, **changes):
    return {"agent": world.agent.id, "name": "new", "redirect_uris": ["https://new.example/cb"], **changes}


async def test_a_client_is_registered_with_a_secret_told_once(remit, api):
    body = a_client(remit.acme)
    made = await api.post("/clients", body, idempotency_key="k1")
    assert made.status_code == 201, made.text
    told = made.json()
    assert (told["auth_method"], "etag" in made.headers) == ("client_secret_basic", False)
    again = (await api.post("/clients", body, idempotency_key="k1")).json()
    assert (again["id"], again["client_secret"]) == (told["id"], None)
    asked = await remit.http.post(
        f"{remit.acme.issuer}/oauth/token",
        data={"grant_type": "authorization_code", "code": "x", "code_verifier": "y" * 43},
        auth=(told["id"], told["client_secret"]),
    )
    assert asked.json()["error"] == "invalid_grant"


async def test_a_client_with_keys_has_no_secret(remit, api):
    public = client_key().jwk() | {"kid": "k1", "alg": "ES256", "use": "sig"}
    body = a_client(remit.acme, auth_method="private_key_jwt", jwks={"keys": [public]})
    made = await api.post("/clients", body)
    assert (made.status_code, made.json()["client_secret"]) == (201, None)
    private = a_client(remit.acme, name="n2", auth_method="private_key_jwt", jwks={"keys": [public | {"d": "x"}]})
    assert (await api.post("/clients", private)).status_code == 400


async def test_a_change_that_people_see_makes_a_new_version(remit, api):
    path = f"/clients/{remit.acme.web.id}"
    read = await api.get(path)
    first = await api.patch(path, {"default_scopes": []}, tag=read.headers["etag"])
    assert (first.status_code, first.json()["version"]) == (200, 1)
    second = await api.patch(path, {"redirect_uris": ["https://app.example/new"]}, tag=first.headers["etag"])
    assert (second.json()["version"], second.json()["redirect_uris"]) == (2, ["https://app.example/new"])
    changed = await remit.events(remit.acme, type="client.changed")
    assert [event["what"]["changed"] for event in changed] == [["default_scopes"], ["redirect_uris"]]


CHANGES = {
    "the name of another client": ({"name": "rival"}, 409),
    "a redirect to plain http": ({"redirect_uris": ["http://app.example/cb"]}, 400),
    "a resource that is not here": ({"default_resource": "res_0"}, 404),
    "a scope that is unknown": ({"default_scopes": ["fly"]}, 400),
    "another agent": ({"agent": "agt_0"}, 400),
    "another way to prove itself": ({"auth_method": "none"}, 400),
    "grants that need what it has not": ({"grant_types": ["refresh_token"]}, 400),
}


@pytest.mark.parametrize(("body", "status"), CHANGES.values(), ids=CHANGES)
async def test_a_change_that_does_not_fit_changes_nothing(remit, api, body, status):
    path = f"/clients/{remit.acme.web.id}"
    before = (await api.get(path)).json()
    answer = await api.patch(path, body)
    assert answer.status_code == status, json.dumps(answer.json())
    assert (await api.get(path)).json() == before


async def test_a_retired_client_has_nothing_any_more(remit, api):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web)
    gone = await api.post(f"/clients/{world.web.id}/retire", {"reason": "replaced"})
    assert gone.json()["state"] == "retired"
    assert (await refresh(remit, world, world.web, tokens["refresh_token"])).json()["error"] == "invalid_client"
    assert (await act_for_itself(remit, world, world.web)).json()["error"] == "invalid_client"
    # Guards that read tokens by themselves learn it from the feed.
    (stop,) = [one for one in (await api.get("/stops")).json()["stops"] if one["target"] == world.web.id]
    assert stop["lifted_at"] is not None
    twice = await api.post(f"/clients/{world.web.id}/retire", {"reason": "again"})
    assert twice.status_code == 409
    assert (await api.patch(f"/clients/{world.web.id}", {"name": "n"})).status_code == 409


async def test_clients_are_listed_by_agent(remit, api):
    world = remit.acme
    page = (await api.get(f"/clients?agent={world.agent.id}")).json()
    assert {client["name"] for client in page["clients"]} == {"web", "local", "keyed"}


async def test_a_client_changes_over_to_a_new_secret(remit, api):
    world = remit.acme
    path = f"/clients/{world.web.id}"
    made = await api.post(f"{path}/secrets/rotate", {"overlap_seconds": 600}, idempotency_key="k1")
    assert (made.status_code, len(made.json()["replaced"])) == (201, 1)
    again = (await api.post(f"{path}/secrets/rotate", {"overlap_seconds": 600}, idempotency_key="k1")).json()
    assert again == made.json() | {"client_secret": None}
    both = [world.web_secret.reveal(), made.json()["client_secret"]]
    assert [await proves(remit, secret) for secret in both] == [True, True]
    third = await api.post(f"{path}/secrets")
    assert (third.status_code, third.json()["code"]) == (409, "conflict")
    listed = (await api.get(f"{path}/credentials")).json()["credentials"]
    assert [(one["kind"], one["live"]) for one in listed] == [("secret", True), ("secret", True)]
    old = made.json()["replaced"][0]
    ended = await api.post(f"{path}/credentials/{old}/revoke")
    assert (ended.status_code, ended.json()["live"]) == (200, False)
    assert [await proves(remit, secret) for secret in both] == [False, True]
    gone = await api.post(f"{path}/credentials/{old}/revoke")
    assert gone.status_code == 409


async def proves(remit, secret):
    world = remit.acme
    answer = await remit.http.post(
        f"{world.issuer}/oauth/token",
        data={"grant_type": "client_credentials", "resource": world.calendar.uri},
        auth=(world.web.id, secret),
    )
    return answer.status_code == 200


async def test_keys_are_for_clients_that_prove_themselves_by_keys(remit, api):
    public = client_key().jwk() | {"kid": "k2", "alg": "ES256", "use": "sig"}
    keyed = await api.post(f"/clients/{remit.acme.keyed.id}/keys/rotate", {"jwks": {"keys": [public]}})
    assert (keyed.status_code, keyed.json()["replaced"]) == (200, ["old-keys"])
    web = await api.post(f"/clients/{remit.acme.web.id}/keys/rotate", {"jwks": {"keys": [public]}})
    assert (web.status_code, web.json()["code"]) == (409, "conflict")
    ended = await api.post(f"/clients/{remit.acme.keyed.id}/credentials/old-keys/revoke")
    assert (ended.status_code, ended.json()["live"]) == (200, False)
