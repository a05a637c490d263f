"""A client proves itself by the same rules at every endpoint, and guessing its secret gets slow."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from remit.core.clients import AuthMethod, Client
from remit.core.oauth.client_auth import FAILED
from remit.services.guessing import MISSES
from remit.services.provisioning.clients import add_client_secret
from tests.http.refusals import refused
from tests.kit.flows import assertion, proof
from tests.kit.instance import Remit
from tests.kit.world import SEEDER, World, sure

ENDPOINTS = {
    "token": ("/oauth/token", {"grant_type": "refresh_token", "refresh_token": "x"}),
    "revocation": ("/oauth/revoke", {"token": "x"}),
    "introspection": ("/oauth/introspect", {"token": "x"}),
}
BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


async def show(remit: Remit, world: World, name: str, shown: dict[str, Any]) -> httpx.Response:
    path, fields = ENDPOINTS[name]
    shown = dict(shown)
    return await remit.http.post(f"{world.issuer}{path}", data=fields | shown.pop("data", {}), **shown)


def by_key(remit, world, **changes):
    signed = assertion(remit, world, world.keyed, **changes)
    return {"data": {"client_assertion": signed, "client_assertion_type": BEARER, "client_id": world.keyed.id}}


@pytest.mark.requirement("CA-1", "CA-3", "CA-9", "REV-1", "INT-1")
@pytest.mark.parametrize("client", ["web", "rival", "keyed"])
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_a_good_proof_is_good_everywhere(remit, endpoint, client):
    world = remit.acme
    answer = await show(remit, world, endpoint, proof(remit, world, getattr(world, client)))
    if endpoint == "token":
        assert "unknown refresh token" in refused(answer, "invalid_grant")
    else:
        assert answer.status_code == 200


WRONG = {
    "another secret": lambda r, w: {"auth": (w.web.id, w.rival_secret.reveal())},
    "a secret of another tenant": lambda r, w: {"auth": (r.globex.web.id, r.globex.web_secret.reveal())},
    "a secret for a client with keys": lambda r, w: {"auth": (w.keyed.id, w.web_secret.reveal())},
    "no proof of a client that has one": lambda r, w: {"data": {"client_id": w.web.id}},
    "an assertion of a client with a secret": lambda r, w: (
        by_key(r, w, iss=w.web.id, sub=w.web.id)
        | {"data": {**by_key(r, w, iss=w.web.id, sub=w.web.id)["data"], "client_id": w.web.id}}
    ),
    "an assertion for the endpoint": lambda r, w: by_key(r, w, aud=f"{w.issuer}/oauth/token"),
    "an assertion for two": lambda r, w: by_key(r, w, aud=[w.issuer, "https://other.example"]),
    "an assertion for another tenant": lambda r, w: by_key(r, w, aud=r.globex.issuer),
    "an assertion that is over": lambda r, w: by_key(r, w, exp=int(r.clock.now().timestamp())),
    "an assertion without a jti": lambda r, w: by_key(r, w, jti=None),
    "an assertion about another client": lambda r, w: by_key(r, w, sub=w.web.id),
    "nobody": lambda r, w: {"auth": ("cli_nobody", "x")},
}


@pytest.mark.requirement("CA-2", "CA-4", "CA-5", "CA-8", "CA-9", "OA-19")
@pytest.mark.parametrize("shown", WRONG.values(), ids=WRONG)
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_a_bad_proof_is_answered_alike_everywhere(remit, endpoint, shown):
    answer = await show(remit, remit.acme, endpoint, shown(remit, remit.acme))
    assert refused(answer, "invalid_client", 401) == FAILED.hint


@pytest.mark.requirement("CA-4", "CA-9")
async def test_an_assertion_is_used_up_wherever_it_was_shown(remit):
    world = remit.acme
    shown = by_key(remit, world)
    assert (await show(remit, world, "introspection", shown)).status_code == 200
    for endpoint in ENDPOINTS:
        refused(await show(remit, world, endpoint, shown), "invalid_client", 401)


@pytest.mark.requirement("GEN-21", "CA-9")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_two_proofs_at_once_are_refused(remit, endpoint):
    world = remit.acme
    twice = {"auth": (world.web.id, world.web_secret.reveal()), "data": {"client_secret": world.web_secret.reveal()}}
    assert "exactly one way" in refused(await show(remit, world, endpoint, twice), "invalid_request")
    both = {"auth": (world.web.id, world.web_secret.reveal()), **by_key(remit, world)}
    refused(await show(remit, world, endpoint, both), "invalid_request")


@pytest.mark.requirement("CA-10")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_a_key_that_was_taken_out_proves_nothing_from_then_on(remit, endpoint):
    world = remit.acme
    refused(await show(remit, world, "token", by_key(remit, world)), "invalid_grant")
    remit.sql(
        """update client set jwks = '{"keys":[]}' where tenant = :tenant and id = :id""",
        tenant=world.tenant.id,
        id=world.keyed.id,
    )
    refused(await show(remit, world, endpoint, by_key(remit, world)), "invalid_client", 401)


async def guess(remit, world, client: Client, times, endpoint="token"):
    return [await show(remit, world, endpoint, {"auth": (client.id, f"guess {n}")}) for n in range(times)]


@pytest.mark.requirement("GEN-13", "BCP-20")
@pytest.mark.parametrize("endpoint", ENDPOINTS)
async def test_whoever_guesses_a_secret_has_to_wait_and_is_told_how_long(remit, endpoint):
    world = remit.acme
    tried = await guess(remit, world, world.web, MISSES, endpoint)
    assert {answer.status_code for answer in tried} == {401}
    # The right secret waits as well: otherwise only patience would be lost.
    good = {"auth": (world.web.id, world.web_secret.reveal())}
    late, events = await remit.events_of(world, show(remit, world, endpoint, good))
    assert late.status_code == 429
    wait = int(late.headers["retry-after"])
    assert 1 <= wait <= 10
    assert late.headers["cache-control"] == "no-store"
    assert [event["what"]["reason"] for event in events] == ["too many wrong proofs"]
    # The same guesser is known at the neighbouring endpoints, another client is not.
    for other in ENDPOINTS:
        assert (await show(remit, world, other, good)).status_code == 429
    rival = {"data": {"client_id": world.rival.id, "client_secret": world.rival_secret.reveal()}}
    assert (await show(remit, world, "revocation", rival)).status_code == 200
    assert (
        await show(remit, remit.globex, "revocation", proof(remit, remit.globex, remit.globex.web))
    ).status_code == 200
    remit.clock.forward(seconds=wait)
    assert (await show(remit, world, "revocation", good)).status_code == 200


@pytest.mark.requirement("GEN-13")
@pytest.mark.parametrize("path", ["/feed", "/decisions"])
async def test_a_resource_is_guessed_as_slowly(remit, path):
    world = remit.acme
    url, method = f"{world.issuer}{path}", "GET" if path == "/feed" else "POST"
    body: Any = None if path == "/feed" else {"decisions": []}
    for n in range(MISSES):
        assert (await remit.http.request(method, url, json=body, auth=(world.calendar.id, f"{n}"))).status_code == 401
    answer = await remit.http.request(method, url, json=body, auth=(world.calendar.id, world.calendar_secret.reveal()))
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1


async def test_nobody_is_held_back_for_what_is_no_guess(remit):
    world = remit.acme
    for _ in range(MISSES + 5):
        # Right proof, wrong code; and a public client, which proves nothing.
        refused(await show(remit, world, "token", proof(remit, world, world.web)), "invalid_grant")
        refused(await show(remit, world, "token", proof(remit, world, world.local)), "invalid_grant")


@pytest.mark.requirement("GEN-13")
async def test_another_address_is_not_held_back(remit):
    # Or anybody could lock a client out by guessing at it.
    world = remit.acme
    elsewhere = httpx.ASGITransport(app=remit.app, client=("198.51.100.7", 1))
    async with httpx.AsyncClient(transport=elsewhere) as http:
        url, data = f"{world.issuer}/oauth/revoke", {"token": "x"}
        answers = [await http.post(url, data=data, auth=(world.web.id, f"{n}")) for n in range(MISSES + 1)]
    assert answers[-1].status_code == 429
    assert (await show(remit, world, "revocation", proof(remit, world, world.web))).status_code == 200


@pytest.mark.requirement("CA-1")
async def test_two_secrets_overlap_and_each_ends_by_itself(remit):
    world, end = remit.acme, remit.clock.now() + timedelta(hours=1)
    second = sure(await add_client_secret(world.tenant.id, remit.deps, SEEDER, client=world.web.id, expires_at=end))
    for secret in (world.web_secret, second):
        assert (await show(remit, world, "revocation", {"auth": (world.web.id, secret.reveal())})).status_code == 200
    remit.clock.forward(hours=1)
    refused(await show(remit, world, "revocation", {"auth": (world.web.id, second.reveal())}), "invalid_client", 401)
    assert (await show(remit, world, "revocation", proof(remit, world, world.web))).status_code == 200


@pytest.mark.requirement("CA-2")
async def test_basic_and_post_are_one_method(remit):
    # DIV-1: libraries mix them for one client.
    world = remit.acme
    assert (world.web.auth_method, world.rival.auth_method) == (AuthMethod.SECRET_BASIC, AuthMethod.SECRET_POST)
    swapped = {"data": {"client_id": world.web.id, "client_secret": world.web_secret.reveal()}}
    assert (await show(remit, world, "revocation", swapped)).status_code == 200
    back = {"auth": (world.rival.id, world.rival_secret.reveal())}
    assert (await show(remit, world, "revocation", back)).status_code == 200
