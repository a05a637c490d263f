"""Secrets, key sets and signing keys change over from the pages, for as long as is chosen."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from remit.core.audit.events import SYSTEM
from remit.core.clients import AuthMethod
from remit.core.keys import KeyState, KeyUse
from remit.core.names import ClientId
from remit.core.registration import ClientDraft
from remit.crypto.jose import PrivateKey
from remit.services.provisioning.clients import create_client
from tests.http.world import words
from tests.kit.world import sure

OVERLAPS = {"none": 0, "hour": 3600, "day": 86400, "week": 604800, "month": 2592000, "what nobody offered": 86400}


@pytest.mark.parametrize(("overlap", "seconds"), OVERLAPS.items(), ids=OVERLAPS)
@pytest.mark.parametrize("holder", ["client", "resource"])
async def test_the_secret_before_stays_good_as_long_as_chosen(world, holder, overlap, seconds):
    site = world.globex
    thing = getattr(site, holder)
    async with world.deps.db.work(site.tenant.id) as work:
        table = getattr(work, f"{holder}s")
        *older, newest = await table.secrets(thing.id)
        for secret in older:
            await table.end_secret(thing.id, secret.id, at=world.clock.now())
    browser = await world.browser(site, "carol")
    assert "rmt_" in (await browser.post(f"/console/{holder}s/{thing.id}/roll", {"overlap": overlap})).text
    async with world.deps.db.read(site.tenant.id) as work:
        ends = {secret.id: secret.expires_at for secret in await getattr(work, f"{holder}s").secrets(thing.id)}
    assert ends[newest.id] == world.clock.now() + timedelta(seconds=seconds)


def key_set(**more):
    return json.dumps({"keys": [PrivateKey.generate("ES256").jwk() | {"alg": "ES256", "use": "sig", **more}]})


async def keyed(world, site) -> ClientId:
    draft = ClientDraft(
        agent=site.agent.id,
        name="keyed",
        auth_method=AuthMethod.PRIVATE_KEY_JWT,
        redirect_uris=("https://keyed.example/cb",),
        jwks=key_set(),
    )
    return sure(await create_client(site.tenant.id, world.deps, SYSTEM, draft)).client.id


async def test_a_key_set_is_replaced_on_the_page(world):
    site = world.acme
    client, browser = await keyed(world, site), await world.browser(site, "dana")
    tab = (await browser.get(f"/console/agents/{site.agent.id}/credentials")).text
    assert tab.count('name="jwks"') == 1
    path, after = f"/console/clients/{client}/keys", key_set()
    for wrong, said in (("{}", "JSON Web Key Set"), ("", "JSON Web Key Set"), (key_set(d="AA"), "holds a private key")):
        answer = await browser.post(path, {"jwks": wrong})
        assert (answer.status_code, said in words(answer)) == (400, True)
    done = await browser.post(path, {"jwks": after, "overlap": "hour"})
    assert "The new keys are good" in words(await browser.http.get(done.headers["location"]))
    async with world.deps.db.read(site.tenant.id) as work:
        held = await work.clients.get(client)
    assert (held.jwks, held.old_jwks_until) == (after, world.clock.now() + timedelta(hours=1))


async def keys_of(world, site, use=KeyUse.ACCESS):
    async with world.deps.db.read(site.tenant.id) as work:
        return {key.state: key for key in await work.keys.all() if key.use is use}


async def test_signing_keys_of_one_use_rotate_when_it_is_chosen(world):
    site = world.acme
    browser = await world.browser(site, "dana")
    before = await keys_of(world, site)
    others = await keys_of(world, site, KeyUse.AUDIT)
    for when, said in (("known", None), ("known", "less than 5 minutes ago"), ("now", None)):
        answer = await browser.post("/console/settings/rotate", {"use": "access", "when": when})
        assert (answer.status_code == 303, said is None or said in words(answer)) == (said is None, True)
    after = await keys_of(world, site)
    assert after[KeyState.ACTIVE].kid not in {key.kid for key in before.values()}
    assert await keys_of(world, site, KeyUse.AUDIT) == others


async def test_a_leaked_key_goes_out_when_it_is_typed_and_its_tokens_with_it(world):
    site = world.acme
    alice = await world.consent(site, "alice")
    browser, before = await world.browser(site, "dana"), await keys_of(world, site)
    kid = before[KeyState.ACTIVE].kid
    sent = {"kid": kid, "typed": kid[-6:], "reason": "INC-42"}
    for wrong, status in (
        ({"typed": ""}, 400),
        ({"typed": kid[-5:]}, 400),
        ({"reason": " "}, 400),
        ({"kid": "x"}, 404),
    ):
        answer = await browser.post("/console/settings/keys/revoke", {**sent, **wrong})
        assert answer.status_code == status
    assert await keys_of(world, site) == before
    done = await browser.post("/console/settings/keys/revoke", sent)
    assert "That key is out" in words(await browser.http.get(done.headers["location"]))
    after = await keys_of(world, site)
    assert after[KeyState.ACTIVE].kid == before[KeyState.NEXT].kid
    assert not (await world.introspect(site, alice.access))["active"]
