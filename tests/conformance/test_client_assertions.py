"""What client assertions may be, on the wire: the cases of the OpenID suite for private_key_jwt, and a few more."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from remit.core.oauth.client_auth import FAILED
from remit.crypto.compact import write_base64url
from tests.http.refusals import refused
from tests.kit.flows import get_tokens
from tests.kit.world import client_key

ROWS = json.loads((Path(__file__).with_name("vectors") / "assertions.json").read_text(encoding="utf-8"))
KIND = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def written_out(value: Any, *, issuer: str, now: float) -> Any:
    match value:
        case {"seconds_from_now": distance}:
            return now + distance
        case [*values]:
            return [written_out(one, issuer=issuer, now=now) for one in values]
        case str():
            return value.replace("{issuer}", issuer)
        case _:
            return value


def changed(before: dict[str, Any], changes: dict[str, Any]) -> bytes:
    after = before | changes
    return write_base64url(json.dumps({name: value for name, value in after.items() if value is not None}).encode())


@pytest.mark.requirement("CA-3", "CA-4", "CA-5", "CA-6", "CA-7", "CA-8", "GEN-15", "GEN-16", "GEN-19", "BCP-17")
@pytest.mark.parametrize("row", ROWS, ids=[row["source"] for row in ROWS])
async def test_an_assertion(remit, row):
    world = remit.acme

    now = int(remit.clock.now().timestamp())
    text = (await get_tokens(remit, world, world.keyed))["refresh_token"]
    changes = {name: written_out(value, issuer=world.issuer, now=now) for name, value in row.get("claims", {}).items()}
    claims = {
        "iss": world.keyed.id,
        "sub": world.keyed.id,
        "aud": world.issuer,
        "exp": now + 60,
        "iat": now,
        "jti": "j1",
    }
    message = changed({"alg": "ES256", "kid": "k1"}, row.get("header", {})) + b"." + changed(claims, changes)
    signed = message + b"." + write_base64url(client_key().sign(message))
    answer = await remit.http.post(
        f"{world.issuer}/oauth/token",
        data={
            "grant_type": "refresh_token",
            "refresh_token": text,
            "client_id": world.keyed.id,
            "client_assertion": signed.decode(),
            "client_assertion_type": KIND,
        },
    )
    if row["accepted"]:
        assert answer.status_code == 200, answer.text
    else:
        assert refused(answer, "invalid_client", 401) == FAILED.hint
