"""Abuse case B-CODE-05 for registration: its tokens open nothing else, and nothing else opens what they do."""

from __future__ import annotations

from datetime import timedelta

from remit.core.admission import Admission, Registrations
from remit.services.admission import choose_admission
from remit.services.provisioning.initial_tokens import add_initial_token
from tests.abuse.doors import NAMES, doors_of
from tests.abuse.test_wrong_slots import SLOTS, collected
from tests.kit.devices import let_devices
from tests.kit.registering import PUBLIC, let_in, register
from tests.kit.world import SEEDER, sure


async def test_b_code_05_a_token_of_registration_is_nothing_else_and_nothing_else_is_one(remit):
    world, tenant = remit.acme, remit.acme.tenant.id
    await let_in(remit, world)
    told = (await register(remit, world)).json()
    _, initial = sure(await add_initial_token(tenant, remit.deps, SEEDER, note="", uses=1, lives=timedelta(days=1)))
    choice = Admission(registration=Registrations.TOKEN)
    sure(await choose_admission(tenant, remit.deps, SEEDER, choice))
    own, door = told["registration_access_token"], f"{world.issuer}/oauth/register"

    async def shown(text: str, method: str, url: str) -> int:
        answer = await remit.http.request(method, url, json=PUBLIC, headers={"authorization": f"Bearer {text}"})
        return int(answer.status_code)

    await let_devices(remit, world)
    async with remit.browser() as browser, doors_of(remit, world) as doors:
        for text in (own, initial.reveal()):
            for knock in SLOTS.values():
                remit.clock.forward(seconds=0.02)
                await knock(remit, world, text)
            for name in NAMES:
                assert await doors.opens(name, text) is False, name
        others, _ = await collected(remit, world, browser)
        for kind, text in others.items():
            # What no header can hold is refused as a message, everything else as a token.
            assert await shown(text, "GET", told["registration_client_uri"]) in {400, 401}, kind
            assert await shown(text, "POST", door) in {400, 401}, kind
        assert await shown(initial.reveal(), "GET", told["registration_client_uri"]) == 401
        assert await shown(own, "POST", door) == 401
    assert await shown(own, "GET", told["registration_client_uri"]) == 200
    assert await shown(initial.reveal(), "POST", door) == 201
