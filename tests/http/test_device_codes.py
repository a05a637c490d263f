"""The codes of devices: how they are made, kept and bound, and which clients may have them (RFC 8628)."""

from __future__ import annotations

import pytest

from remit.core.names import SecretKind, parse_opaque
from remit.core.oauth.device import DEVICE_LIFETIME, spell
from remit.ports.work import EventFilter
from remit.services.provisioning.changes import change_client
from tests.kit.devices import (
    DEVICE_CODE,
    answer_device,
    ask_for_codes,
    codes,
    let_devices,
    poll,
    to_consent,
)
from tests.kit.dpop import key_of, proof
from tests.kit.flows import answered, claims_of, visit
from tests.kit.pages import submit, text_of
from tests.kit.registering import let_in, register
from tests.kit.world import CALENDAR, SEEDER, sure


@pytest.fixture
async def world(remit):
    await let_devices(remit, remit.acme)
    return remit.acme


@pytest.mark.requirement("DEV-2")
async def test_the_codes_are_stored_as_digests(remit, world):
    told = await codes(remit, world, world.web)
    stored = (remit.folder / "remit.db").read_bytes() + (remit.folder / "remit.db-wal").read_bytes()
    assert told["user_code"].encode() not in stored
    assert told["user_code"].replace("-", "").encode() not in stored
    assert told["device_code"].rpartition(".")[2][:20].encode() not in stored


@pytest.mark.requirement("DEV-2")
async def test_no_two_devices_that_wait_show_the_same_code(remit, world, monkeypatch):
    drawn = iter([7, 7, 7, 8])
    monkeypatch.setattr(type(remit.deps.fresh), "random", lambda self, length: next(drawn).to_bytes(length, "big"))
    first, second = await codes(remit, world, world.web), await codes(remit, world, world.web)
    assert (first["user_code"], second["user_code"]) == (spell(7), spell(8))
    drawn = iter([7] * 5)
    full = await ask_for_codes(remit, world, world.web)
    assert (full.status_code, full.json()["error"]) == (400, "temporarily_unavailable")


async def test_a_device_that_nobody_answered_is_forgotten_soon_and_one_that_was_a_day_later(remit, world):
    left, kept = await codes(remit, world, world.web), await codes(remit, world, world.web)
    await answer_device(remit, world, kept["user_code"])
    remit.clock.forward(seconds=DEVICE_LIFETIME.total_seconds() + 601)
    async with remit.deps.db.system() as system:
        await system.purge(now=remit.clock.now())
    heard = [(await poll(remit, world, world.web, told["device_code"])).json()["error"] for told in (left, kept)]
    assert heard == ["invalid_grant", "expired_token"]


async def test_a_client_that_registers_itself_may_be_a_device_where_devices_may_ask(remit):
    world = remit.acme
    await let_in(remit, world)
    asked = {
        "client_name": "Kitchen display",
        "redirect_uris": None,
        "response_types": None,
        "grant_types": [DEVICE_CODE, "refresh_token"],
        "token_endpoint_auth_method": "none",
        "scope": "read:calendar",
    }
    assert (await register(remit, world, **asked)).json()["error"] == "invalid_redirect_uri"
    await let_devices(remit, world)
    nameless = await register(remit, world, **{**asked, "client_name": None})
    assert (nameless.status_code, nameless.json()["error"]) == (400, "invalid_client_metadata")
    made = (await register(remit, world, **asked)).json()
    assert (made["grant_types"], made["redirect_uris"], made["response_types"]) == (
        sorted(["refresh_token", DEVICE_CODE]),
        [],
        [],
    )
    sent = {"client_id": made["client_id"], "resource": CALENDAR}
    told = (await remit.http.post(f"{world.issuer}/oauth/device_authorization", data=sent)).json()
    async with remit.browser() as browser:
        await visit(browser, world)
        consent = await to_consent(browser, world, told["user_code"])
        assert "Your organisation has not checked this agent" in text_of(consent)
        await submit(browser, consent, answered(consent))
    sent = {"client_id": made["client_id"], "grant_type": DEVICE_CODE, "device_code": told["device_code"]}
    got = await remit.http.post(f"{world.issuer}/oauth/token", data=sent)
    assert (got.status_code, got.json()["scope"]) == (200, "read:calendar")


@pytest.mark.requirement("DEV-5")
@pytest.mark.parametrize("shown", ["when it asks", "only at the end"])
async def test_what_a_device_gets_is_bound_to_the_key_that_it_proves(remit, world, shown):
    client, ours, theirs = world.local, key_of("device"), key_of("thief")

    async def sent(path, key, **fields):
        url = f"{world.issuer}/oauth/{path}"
        headers = {} if key is None else {"dpop": proof(key, "POST", url, at=remit.clock.now())}
        return await remit.http.post(url, data={"client_id": client.id, **fields}, headers=headers)

    asked = {"scope": "read:calendar", "resource": CALENDAR}
    told = (await sent("device_authorization", ours if shown == "when it asks" else None, **asked)).json()
    await answer_device(remit, world, told["user_code"])
    fetch = {"grant_type": DEVICE_CODE, "device_code": told["device_code"]}
    if shown == "when it asks":
        for key in (None, theirs):
            stolen = await sent("token", key, **fetch)
            assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    got = await sent("token", ours, **fetch)
    assert (got.status_code, got.json()["token_type"]) == (200, "DPoP")
    assert claims_of(got.json()["access_token"])["cnf"]["jkt"]
    renewing = {"grant_type": "refresh_token", "refresh_token": got.json()["refresh_token"]}
    assert (await sent("token", theirs, **renewing)).json()["error"] == "invalid_grant"
    assert (await sent("token", ours, **renewing)).status_code == 200


async def test_a_proof_asks_for_one_device_alone(remit, world):
    url = f"{world.issuer}/oauth/device_authorization"
    headers = {"dpop": proof(key_of("device"), "POST", url, at=remit.clock.now())}
    asked = {"client_id": world.local.id, "scope": "read:calendar", "resource": CALENDAR}
    assert (await remit.http.post(url, data=asked, headers=headers)).status_code == 200
    again = await remit.http.post(url, data=asked, headers=headers)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_dpop_proof")


@pytest.mark.requirement("DEV-5")
async def test_a_device_code_is_its_whole_text(remit, world):
    told = await codes(remit, world, world.web)
    await answer_device(remit, world, told["user_code"])
    known = parse_opaque(told["device_code"], SecretKind.DEVICE)
    assert known is not None
    forged = remit.deps.fresh.opaque(SecretKind.DEVICE, id=known.id).text().reveal()
    for text in (forged, told["device_code"][:-1], known.id, told["user_code"]):
        answer = await poll(remit, world, world.web, text)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert (await poll(remit, world, world.web, told["device_code"])).status_code == 200


async def test_a_client_that_may_no_longer_be_a_device_gets_nothing(remit, world):
    told = await codes(remit, world, world.web)
    await answer_device(remit, world, told["user_code"])
    sure(await change_client(world.tenant.id, remit.deps, SEEDER, world.web))
    answer = await poll(remit, world, world.web, told["device_code"])
    assert (answer.status_code, answer.json()["error"]) == (400, "unauthorized_client")


async def test_the_chain_of_a_token_leads_to_the_device(remit, world):
    told = await codes(remit, world, world.web)
    await answer_device(remit, world, told["user_code"])
    await poll(remit, world, world.web, told["device_code"])
    async with remit.deps.db.read(world.tenant.id) as work:
        (issued,) = await work.events.page(EventFilter(type="token.issued"), limit=1)
    (asked,) = await remit.events(world, type="device.asked")
    async with remit.browser() as browser:
        await visit(browser, world, "admin@example.com")
        page = text_of(await browser.get(f"{world.issuer}/console/audit/{issued.id}"))
        assert f"to a device with a code: request {asked['what']['device']}" in page
        assert "Devices" in text_of(await browser.get(f"{world.issuer}/console/settings"))
