"""Knocking with what a forger wrote, at every door for access tokens and as a client."""

from __future__ import annotations

import base64
import json

from tests.abuse.forging import compact, forge_from
from tests.http.refusals import refused
from tests.kit.flows import assertion, get_tokens
from tests.kit.world import client_key

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
OWN_DOORS = {"userinfo", "introspection", "guard"}
"""The doors that a good token of the calendar with `openid` opens."""


async def start(remit):
    """A good token that opens three doors, and what its forger knows."""
    tokens = await get_tokens(remit, remit.acme, remit.acme.web, scope="openid read:calendar")
    return await forge_from(remit, remit.acme, tokens["access_token"]), tokens


async def nobody_opens(doors, forgeries):
    for name, text in forgeries.items():
        assert await doors.which_open(text) == set(), name


def client_forge(remit, *, header=None, claims=None, key=None):
    """An assertion of `keyed`, but for some of it."""
    good = assertion(remit, remit.acme, remit.acme.keyed).split(".")
    told = [json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))) for part in good[:2]]
    return compact({**told[0], **(header or {})}, {**told[1], **(claims or {})}, client_key() if key is None else key)


async def as_client(remit, text):
    """Show a text as client assertion; what asks for a code of nobody proves that the client was believed."""
    world = remit.acme
    data = {
        "grant_type": "authorization_code",
        "code": "x",
        "client_id": world.keyed.id,
        "client_assertion": text,
        "client_assertion_type": ASSERTION,
    }
    return await remit.http.post(f"{world.issuer}/oauth/token", data=data)


async def no_client(remit, forgeries):
    believed = await as_client(remit, assertion(remit, remit.acme, remit.acme.keyed))
    refused(believed, "invalid_grant")
    for number, (name, text) in enumerate(forgeries.items()):
        if number % 5 == 4:
            remit.clock.forward(minutes=6)  # nobody may guess at a client for long
        answer = await as_client(remit, text(remit) if callable(text) else text)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client"), name
