"""GET /oauth/jwks: public keys alone, those that verify now or soon."""

from __future__ import annotations

import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from remit.core.keys import KeyState, KeyUse
from tests.kit.flows import get_tokens

PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


async def keys_of(remit):
    return (await remit.http.get(f"{remit.acme.issuer}/oauth/jwks")).json()["keys"]


@pytest.mark.requirement("GEN-17", "BCP-17")
async def test_each_key_says_what_it_is_and_keeps_its_secret(remit):
    keys = await keys_of(remit)
    assert all({"kid", "kty", "alg"} <= set(key) and key["use"] == "sig" for key in keys)
    assert not any(PRIVATE & set(key) for key in keys)
    assert len({key["kid"] for key in keys}) == len(keys)
    # Of each kind the one that signs and the one that comes next; nobody fetches the key of the audit log here.
    assert sorted(key["alg"] for key in keys) == ["ES256"] * 4 + ["RS256"] * 2


@pytest.mark.requirement("JAT-1", "OIDC-3")
@pytest.mark.parametrize("client", ["web", "rival"])
async def test_an_independent_library_verifies_what_we_sign(remit, client):
    world = remit.acme
    tokens = await get_tokens(remit, world, getattr(world, client), scope="openid read:calendar")
    keys = KeySet.import_key_set({"keys": await keys_of(remit)})
    access = jwt.decode(tokens["access_token"], keys, algorithms=["ES256"])
    assert access.header["typ"] == "at+jwt"
    assert access.claims["iss"] == world.issuer
    identity = jwt.decode(tokens["id_token"], keys, algorithms=["RS256" if client == "web" else "ES256"])
    assert identity.claims["aud"] == getattr(world, client).id
    assert access.header["kid"] != identity.header["kid"]


@pytest.mark.requirement("GEN-17")
async def test_a_key_is_published_until_it_is_gone(remit):
    world = remit.acme
    async with remit.deps.db.read(world.tenant.id) as work:
        active = next(key for key in await work.keys.all() if key.use is KeyUse.ACCESS and key.state is KeyState.ACTIVE)
    for state, published in ((KeyState.RETIRING, True), (KeyState.GONE, False)):
        async with remit.deps.db.work(world.tenant.id) as work:
            await work.keys.change(active.kid, state, at=remit.clock.now())
        assert (active.kid in {key["kid"] for key in await keys_of(remit)}) == published


@pytest.mark.requirement("KEY-1", "BCP-18")
async def test_tenants_share_no_key(remit):
    other = (await remit.http.get(f"{remit.globex.issuer}/oauth/jwks")).json()["keys"]
    assert not {key["kid"] for key in other} & {key["kid"] for key in await keys_of(remit)}
