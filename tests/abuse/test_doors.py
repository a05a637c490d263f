"""The doors that the cases knock at do open, each for its own token alone."""

from __future__ import annotations

from tests.abuse.doors import api_token, doors_of
from tests.kit.flows import get_tokens


async def test_each_door_opens_for_its_own_token(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web, scope="openid read:calendar")
    async with doors_of(remit, world) as doors:
        assert await doors.which_open(tokens["access_token"]) == {"userinfo", "introspection", "guard"}
        assert await doors.which_open(await api_token(remit, world)) == {"api"}
        assert await doors.which_open("no-token-at-all") == set()
