"""Changing over from one credential to the next, over the token endpoint and introspection."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from remit.app import build
from remit.core.names import ClientId, ResourceId, Secret, SecretKind, parse_opaque
from remit.core.oauth.client_auth import Presented, Proof
from remit.core.oauth.verdicts import Refusal
from remit.crypto.jose import PrivateKey
from remit.services.client_auth import EXPIRED, authenticate, authenticate_resource
from remit.services.provisioning.clients import add_client_secret
from remit.services.provisioning.credentials import (
    OLD_KEYS,
    client_credentials_of,
    resource_credentials_of,
    revoke_client_credential,
    revoke_resource_secret,
    rotate_client_keys,
    rotate_client_secret,
    rotate_resource_secret,
)
from remit.services.provisioning.resources import add_resource_secret
from remit.settings import Settings
from remit.worker import Worker
from tests.kit.flows import act_for_itself, assertion
from tests.kit.world import SEEDER, client_key, sure

HOUR = timedelta(hours=1)


def spot(remit):
    return remit.acme.tenant.id, remit.deps, SEEDER


async def proves(remit, secret) -> bool:
    presented = Presented(client=remit.acme.web.id, proof=Proof.SECRET, value=secret)
    async with remit.deps.db.work(remit.acme.tenant.id) as work:
        return not isinstance(await authenticate(work, presented, remit.deps), Refusal)


async def proves_resource(remit, secret) -> bool:
    presented = Presented(client=ClientId(remit.acme.calendar.id), proof=Proof.SECRET, value=secret)
    async with remit.deps.db.work(remit.acme.tenant.id) as work:
        return not isinstance(await authenticate_resource(work, presented, remit.deps), Refusal)


async def proves_by_key(remit) -> bool:
    """Say whether the client's first key still proves it."""
    world = remit.acme
    presented = Presented(
        client=world.keyed.id, proof=Proof.ASSERTION, value=Secret(assertion(remit, world, world.keyed))
    )
    async with remit.deps.db.work(world.tenant.id) as work:
        return not isinstance(await authenticate(work, presented, remit.deps), Refusal)


def new_keys() -> str:
    return json.dumps({"keys": [PrivateKey.generate("ES256").jwk() | {"kid": "k2", "alg": "ES256", "use": "sig"}]})


async def write_uses(remit):
    await Worker(remit.deps, checkpoints=remit.folder / "notes", seconds=60, events=1000).write_uses()


async def test_both_secrets_are_good_until_the_overlap_is_over(remit):
    world = remit.acme
    rotated = sure(await rotate_client_secret(*spot(remit), client=world.web.id, overlap=HOUR))
    assert rotated.until == remit.clock.now() + HOUR
    remit.clock.forward(seconds=3599)
    assert await proves(remit, world.web_secret)
    assert await proves(remit, rotated.secret)
    remit.clock.forward(seconds=1)
    assert not await proves(remit, world.web_secret)
    assert await proves(remit, rotated.secret)


async def test_without_an_overlap_the_old_secret_ends_now(remit):
    rotated = sure(await rotate_client_secret(*spot(remit), client=remit.acme.web.id, overlap=timedelta()))
    assert not await proves(remit, remit.acme.web_secret)
    assert await proves(remit, rotated.secret)


async def test_one_secret_is_revoked_at_once_and_the_other_stays(remit):
    world = remit.acme
    rotated = sure(await rotate_client_secret(*spot(remit), client=world.web.id, overlap=HOUR))
    ended = sure(await revoke_client_credential(*spot(remit), client=world.web.id, credential=rotated.replaced[0]))
    assert (ended.id, ended.live) == (rotated.replaced[0], False)
    assert not await proves(remit, world.web_secret)
    assert await proves(remit, rotated.secret)
    again = await revoke_client_credential(*spot(remit), client=world.web.id, credential=ended.id)
    assert isinstance(again, Refusal)
    assert again.code == "conflict"


async def test_a_revoked_secret_makes_room_for_the_next(remit):
    world = remit.acme
    remit.clock.forward(seconds=1)
    sure(await add_client_secret(*spot(remit), client=world.web.id))
    third = await add_client_secret(*spot(remit), client=world.web.id)
    assert isinstance(third, Refusal)
    assert third.hint.startswith("2 secrets are good already")
    assert isinstance(await rotate_client_secret(*spot(remit), client=world.web.id, overlap=HOUR), Refusal)
    first = sure(await client_credentials_of(world.tenant.id, remit.deps, world.web.id))[-1]
    sure(await revoke_client_credential(*spot(remit), client=world.web.id, credential=first.id))
    rotated = sure(await rotate_client_secret(*spot(remit), client=world.web.id, overlap=HOUR))
    assert await proves(remit, rotated.secret)


async def test_a_resource_changes_over_in_the_same_way(remit):
    world = remit.acme
    rotated = sure(await rotate_resource_secret(*spot(remit), resource=world.calendar.id, overlap=HOUR))
    assert await proves_resource(remit, world.calendar_secret)
    assert await proves_resource(remit, rotated.secret)
    assert isinstance(await add_resource_secret(*spot(remit), resource=world.calendar.id), Refusal)
    ended = await revoke_resource_secret(*spot(remit), resource=world.calendar.id, secret=rotated.replaced[0])
    assert not sure(ended).live
    assert not await proves_resource(remit, world.calendar_secret)
    remit.clock.forward(seconds=86400 * 400)
    assert await proves_resource(remit, rotated.secret)


async def test_old_keys_prove_their_client_until_the_overlap_is_over(remit):
    world = remit.acme
    rotated = sure(await rotate_client_keys(*spot(remit), client=world.keyed.id, jwks=new_keys(), overlap=HOUR))
    assert (rotated.secret, rotated.replaced) == (None, (OLD_KEYS,))
    remit.clock.forward(seconds=3599)
    assert await proves_by_key(remit)
    remit.clock.forward(seconds=1)
    assert not await proves_by_key(remit)


async def test_old_keys_are_revoked_at_once(remit):
    world = remit.acme
    sure(await rotate_client_keys(*spot(remit), client=world.keyed.id, jwks=new_keys(), overlap=HOUR))
    again = await rotate_client_keys(*spot(remit), client=world.keyed.id, jwks=new_keys(), overlap=HOUR)
    assert isinstance(again, Refusal)
    assert again.code == "conflict"
    sure(await revoke_client_credential(*spot(remit), client=world.keyed.id, credential=OLD_KEYS))
    assert not await proves_by_key(remit)
    over = await revoke_client_credential(*spot(remit), client=world.keyed.id, credential=OLD_KEYS)
    assert isinstance(over, Refusal)


async def test_new_keys_prove_the_client_at_once(remit):
    # The same key under rotation: what proves it afterwards is the new set, which is not only kept beside the old one.
    world = remit.acme
    jwks = json.dumps({"keys": [client_key().jwk() | {"kid": "k1", "alg": "ES256", "use": "sig"}]})
    sure(await rotate_client_keys(*spot(remit), client=world.keyed.id, jwks=new_keys(), overlap=timedelta()))
    assert not await proves_by_key(remit)
    sure(await rotate_client_keys(*spot(remit), client=world.keyed.id, jwks=jwks, overlap=timedelta()))
    assert await proves_by_key(remit)


async def test_an_assertion_is_used_once_also_with_the_old_keys(remit):
    world = remit.acme
    sure(await rotate_client_keys(*spot(remit), client=world.keyed.id, jwks=new_keys(), overlap=HOUR))
    said = Secret(assertion(remit, world, world.keyed))
    presented = Presented(client=world.keyed.id, proof=Proof.ASSERTION, value=said)
    outcomes = []
    for _ in range(2):
        async with remit.deps.db.work(world.tenant.id) as work:
            outcomes.append(isinstance(await authenticate(work, presented, remit.deps), Refusal))
    assert outcomes == [False, True]


async def test_the_new_keys_prove_the_client_while_the_old_ones_still_do(remit):
    world = remit.acme
    jwks = json.dumps({"keys": [client_key().jwk() | {"kid": "k1", "alg": "ES256", "use": "sig"}]})
    sure(await rotate_client_keys(*spot(remit), client=world.keyed.id, jwks=new_keys(), overlap=timedelta()))
    sure(await rotate_client_keys(*spot(remit), client=world.keyed.id, jwks=jwks, overlap=HOUR))
    assert await proves_by_key(remit)


async def test_the_name_of_a_secret_proves_nothing(remit):
    # An id stands in the log and on the console; only what comes behind it is secret.
    world = remit.acme
    ours, theirs = (parse_opaque(one.reveal(), SecretKind.CLIENT) for one in (world.web_secret, world.rival_secret))
    assert ours is not None
    assert theirs is not None
    assert await proves(remit, ours.text())
    assert not await proves(remit, replace(ours, secret=theirs.secret).text())
    api = parse_opaque(world.calendar_secret.reveal(), SecretKind.RESOURCE)
    assert api is not None
    assert not await proves_resource(remit, replace(api, secret=theirs.secret).text())


async def test_nothing_is_proven_by_nothing_nor_by_a_secret_that_is_not_shown_as_one(remit):
    world = remit.acme
    async with remit.deps.db.work(world.tenant.id) as work:
        for client, kind in ((world.web, Proof.SECRET), (world.keyed, Proof.ASSERTION)):
            empty = Presented(client=client.id, proof=kind)
            assert isinstance(await authenticate(work, empty, remit.deps), Refusal)
        odd = Presented(client=ClientId(world.calendar.id), proof=Proof.NONE, value=world.calendar_secret)
        assert isinstance(await authenticate_resource(work, odd, remit.deps), Refusal)
        nobody = Presented(client=ClientId("res_nobody"), proof=Proof.SECRET, value=world.calendar_secret)
        assert isinstance(await authenticate_resource(work, nobody, remit.deps), Refusal)


async def test_a_client_without_keys_cannot_prove_itself_by_one(remit):
    assert await proves_by_key(remit)
    remit.sql(
        "update client set jwks = null where tenant = :tenant and id = :id",
        tenant=remit.acme.tenant.id,
        id=remit.acme.keyed.id,
    )
    assert not await proves_by_key(remit)


async def test_an_expired_registration_is_told_to_register_again_whatever_it_shows(remit):
    world = remit.acme
    remit.sql(
        "update client set state = 'expired' where tenant = :tenant and id = :id",
        tenant=world.tenant.id,
        id=world.web.id,
    )
    presented = Presented(client=world.web.id, proof=Proof.SECRET, value=world.web_secret)
    async with remit.deps.db.work(world.tenant.id) as work:
        assert await authenticate(work, presented, remit.deps) == EXPIRED


async def test_last_use_is_told_for_each_secret_and_not_for_those_that_failed(remit):
    world = remit.acme
    remit.clock.forward(seconds=1)
    rotated = sure(await rotate_client_secret(*spot(remit), client=world.web.id, overlap=HOUR))
    remit.clock.forward(seconds=60)
    assert (await act_for_itself(remit, world, world.web)).status_code == 200
    used_at = remit.clock.now()
    await write_uses(remit)
    found = sure(await client_credentials_of(world.tenant.id, remit.deps, world.web.id))
    assert [(item.id == rotated.replaced[0], item.last_used_at) for item in found] == [(False, None), (True, used_at)]
    remit.clock.forward(seconds=3600)
    assert (await act_for_itself(remit, world, world.web)).status_code == 401
    await write_uses(remit)
    assert sure(await client_credentials_of(world.tenant.id, remit.deps, world.web.id))[1].last_used_at == used_at


async def test_last_use_is_told_for_keys_and_for_resources(remit):
    world = remit.acme
    assert await proves_by_key(remit)
    assert await proves_resource(remit, world.calendar_secret)
    await write_uses(remit)
    now = remit.clock.now()
    for found in (
        await client_credentials_of(world.tenant.id, remit.deps, world.keyed.id),
        await resource_credentials_of(world.tenant.id, remit.deps, world.calendar.id),
    ):
        assert [item.last_used_at for item in sure(found)] == [now]
    sure(await rotate_client_keys(*spot(remit), client=world.keyed.id, jwks=new_keys(), overlap=HOUR))
    new, old = sure(await client_credentials_of(world.tenant.id, remit.deps, world.keyed.id))
    assert (new.id, new.created_at, new.last_used_at, new.live) == ("keys-2", now, None, True)
    assert (old.id, old.expires_at, old.last_used_at, old.live) == (OLD_KEYS, now + HOUR, now, True)


async def test_what_was_noted_is_written_when_the_application_ends(remit):
    settings = Settings()
    notes = replace(settings.audit, checkpoints=str(remit.folder / "notes"))
    app, _ = build(remit.deps, replace(settings, audit=notes))
    assert await proves(remit, remit.acme.web_secret)
    said, heard = iter(("lifespan.startup", "lifespan.shutdown")), []

    async def receive():
        return {"type": next(said)}

    async def send(message):
        heard.append(message["type"])

    await app({"type": "lifespan", "state": {}}, receive, send)
    assert heard == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    found = sure(await client_credentials_of(remit.acme.tenant.id, remit.deps, remit.acme.web.id))
    assert [item.last_used_at for item in found] == [remit.clock.now()]


async def test_a_rotation_and_a_revocation_are_told_without_a_secret(remit):
    world = remit.acme
    rotated = sure(await rotate_client_secret(*spot(remit), client=world.web.id, overlap=HOUR))
    sure(await revoke_client_credential(*spot(remit), client=world.web.id, credential=rotated.replaced[0]))
    sure(await rotate_client_keys(*spot(remit), client=world.keyed.id, jwks=new_keys(), overlap=HOUR))
    told = (await remit.events(world))[-3:]
    assert [event["type"] for event in told] == ["credential.rotated", "credential.revoked", "credential.rotated"]
    first, second, third = (event["what"] for event in told)
    assert first["replaced"] == [second["credential"]] == list(rotated.replaced)
    assert first["holder"] == told[0]["who"]["client"] == world.web.id
    assert rotated.secret is not None
    assert rotated.secret.reveal().partition(".")[2] not in json.dumps(told)
    assert (third["credential"], third["replaced"]) == ("keys-2", ["keys-1"])


REFUSED = {
    "a secret of nobody": (
        lambda t, d, w: rotate_client_secret(t, d, SEEDER, client=ClientId("cli_x"), overlap=HOUR),
        "no such client",
    ),
    "a secret of a public client": (
        lambda t, d, w: rotate_client_secret(t, d, SEEDER, client=w.local.id, overlap=HOUR),
        "authenticates by none",
    ),
    "a secret of a client with keys": (
        lambda t, d, w: rotate_client_secret(t, d, SEEDER, client=w.keyed.id, overlap=HOUR),
        "authenticates by private_key_jwt",
    ),
    "keys of a client with a secret": (
        lambda t, d, w: rotate_client_keys(t, d, SEEDER, client=w.web.id, jwks=new_keys(), overlap=HOUR),
        "keys prove nothing",
    ),
    "keys that are none": (
        lambda t, d, w: rotate_client_keys(t, d, SEEDER, client=w.keyed.id, jwks="{}", overlap=HOUR),
        "must be a JSON Web Key Set",
    ),
    "an overlap of two months": (
        lambda t, d, w: rotate_client_secret(t, d, SEEDER, client=w.web.id, overlap=60 * 24 * HOUR),
        "nothing up to 30 days",
    ),
    "keys with an overlap of two months": (
        lambda t, d, w: rotate_client_keys(t, d, SEEDER, client=w.keyed.id, jwks=new_keys(), overlap=60 * 24 * HOUR),
        "nothing up to 30 days",
    ),
    "a secret of a resource of nobody": (
        lambda t, d, w: rotate_resource_secret(t, d, SEEDER, resource=ResourceId("res_x"), overlap=HOUR),
        "no such resource",
    ),
    "a secret that is not there": (
        lambda t, d, w: revoke_client_credential(t, d, SEEDER, client=w.web.id, credential="x"),
        "no such secret",
    ),
    "old keys of a client that has none": (
        lambda t, d, w: revoke_client_credential(t, d, SEEDER, client=w.keyed.id, credential=OLD_KEYS),
        "nothing is left to revoke",
    ),
    "a resource's secret that is not there": (
        lambda t, d, w: revoke_resource_secret(t, d, SEEDER, resource=w.calendar.id, secret="x"),
        "no such secret",
    ),
}


@pytest.mark.parametrize(("verb", "hint"), REFUSED.values(), ids=REFUSED)
async def test_what_cannot_be_done_says_why_and_changes_nothing(remit, verb, hint):
    world = remit.acme
    before = len(await remit.events(world))
    refusal = await verb(world.tenant.id, remit.deps, world)
    assert isinstance(refusal, Refusal)
    assert hint in refusal.hint
    assert len(await remit.events(world)) == before


FOREIGN = {
    "rotate a client's secret": lambda t, d, w: rotate_client_secret(t, d, SEEDER, client=w.web.id, overlap=HOUR),
    "rotate a client's keys": lambda t, d, w: rotate_client_keys(
        t, d, SEEDER, client=w.keyed.id, jwks=new_keys(), overlap=HOUR
    ),
    "rotate a resource's secret": lambda t, d, w: rotate_resource_secret(
        t, d, SEEDER, resource=w.calendar.id, overlap=HOUR
    ),
    "revoke a client's secret": lambda t, d, w: revoke_client_credential(t, d, SEEDER, client=w.web.id, credential="x"),
    "revoke a resource's secret": lambda t, d, w: revoke_resource_secret(
        t, d, SEEDER, resource=w.calendar.id, secret="x"
    ),
    "look at a client's": lambda t, d, w: client_credentials_of(t, d, w.web.id),
    "look at a resource's": lambda t, d, w: resource_credentials_of(t, d, w.calendar.id),
}


@pytest.mark.parametrize("verb", FOREIGN.values(), ids=FOREIGN)
async def test_what_belongs_to_another_tenant_is_not_there(remit, verb):
    refusal = await verb(remit.acme.tenant.id, remit.deps, remit.globex)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "not_found"
