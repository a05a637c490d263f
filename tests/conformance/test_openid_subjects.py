"""Who a subject is, for ever; and that a request of OpenID is held to all that OAuth asks for (OIDC-7, OIDC-10)."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from remit.core.names import Prefix
from remit.core.users import Role, UserState
from remit.services.provisioning.changes import change_user
from remit.services.provisioning.users import set_user_state
from tests.kit.flows import (
    VERIFIER,
    answer_of,
    approve,
    assertion,
    claims_of,
    get_tokens,
    redeem,
    request_for,
    request_object,
)
from tests.kit.world import SEEDER, sure
from tests.rules.test_sql import STATEMENTS


@pytest.mark.requirement("OIDC-7")
async def test_a_subject_stays_who_he_is(remit):
    world = remit.acme
    seen = set()
    for name, role in (("Alice", Role.USER), ("Alicia", Role.AUDITOR)):
        args = (world.tenant.id, remit.deps, SEEDER)
        sure(await change_user(*args, replace(world.alice, name=name, role=role)))
        for client in (world.web, world.keyed):
            tokens = await get_tokens(remit, world, client, scope="openid read:calendar")
            seen.add(claims_of(tokens["id_token"])["sub"])
        await set_user_state(*args, user=world.alice.id, state=UserState.INACTIVE, reason="away")
        await set_user_state(*args, user=world.alice.id, state=UserState.ACTIVE, reason="back")
    assert seen == {world.alice.id}
    # The namesake with the same address in another tenant is somebody else.
    assert remit.globex.alice.id != world.alice.id


@pytest.mark.requirement("OIDC-7")
def test_a_subject_is_never_given_to_somebody_else(remit):
    # Nobody's row is ever dropped or renamed, so whoever comes later gets an id that has never been anybody's.
    touching = [
        sql for sql in STATEMENTS.values() if re.search(r"\b(delete\s+from|update)\s+users\b", sql, re.IGNORECASE)
    ]
    assert touching
    for sql in touching:
        assert not re.search(r"delete\s+from\s+users", sql, re.IGNORECASE)
        assert not re.search(r"\bset\b[^;]*?(?<![\w.])id\s*=\s*:", sql.partition("where")[0], re.IGNORECASE)
    fresh = {remit.deps.fresh.id(Prefix.USER) for _ in range(100)}
    assert len(fresh) == 100


OPEN = {"scope": "openid read:calendar"}
ASKED_WRONGLY = {
    "no challenge": {"code_challenge": None, "code_challenge_method": None},
    "a plain challenge": {"code_challenge_method": "plain"},
    "an id token in front": {"response_type": "code id_token"},
    "an id token alone": {"response_type": "id_token"},
    "a fragment": {"response_mode": "fragment"},
    "a prompt beside none": {"prompt": "none login"},
    "an object of a client without keys": {"request": "a.b.c"},
    "an object elsewhere": {"request_uri": "https://app.example/request.jwt"},
    "a resource that there is not": {"resource": "https://elsewhere.example/"},
}


@pytest.mark.requirement("OIDC-10", "PKCE-2", "OA-1")
@pytest.mark.parametrize("changes", ASKED_WRONGLY.values(), ids=ASKED_WRONGLY)
async def test_openid_opens_no_other_way_to_ask(remit, changes):
    world = remit.acme
    said = [
        answer_of(
            await remit.http.get(
                f"{world.issuer}/oauth/authorize", params=request_for(world.web, scope=scope, **changes)
            )
        ).fields
        for scope in (OPEN["scope"], "read:calendar")
    ]
    assert said[0] == said[1]
    assert said[0]["error"]


@pytest.mark.requirement("OIDC-10", "JAR-2")
async def test_openid_takes_no_unsigned_object(remit):
    # OpenID Connect Core §6.1 knows `alg: none`; RFC 9101 §10.8 does not, and nor do we.
    world = remit.acme
    unsigned = request_object(remit, world, world.keyed, header={"alg": "none"}, **OPEN).rpartition(".")[0] + "."
    asked = {"client_id": world.keyed.id, "request": unsigned}
    answer = await remit.http.get(f"{world.issuer}/oauth/authorize", params=asked)
    assert (answer.status_code, "location" in answer.headers) == (400, False)


PROVEN_WRONGLY = {
    "another verifier": {"code_verifier": "x" * 50},
    "no verifier": {"code_verifier": None},
    "an assertion for the token endpoint of another tenant": {"client_assertion": "globex"},
}


@pytest.mark.requirement("OIDC-10", "CA-3", "PKCE-3")
@pytest.mark.parametrize("changes", PROVEN_WRONGLY.values(), ids=PROVEN_WRONGLY)
async def test_openid_opens_no_other_way_to_a_token(remit, changes):
    world = remit.acme
    code = (await approve(remit, world, world.keyed, scope=OPEN["scope"])).code
    if "client_assertion" in changes:
        changes = {"client_assertion": assertion(remit, world, world.keyed, aud=remit.globex.issuer)}
    sent = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    proof = {"client_assertion": assertion(remit, world, world.keyed), "client_assertion_type": kind}
    data = {name: value for name, value in {**sent, **proof, **changes}.items() if value is not None}
    answer = await remit.http.post(f"{world.issuer}/oauth/token", data=data)
    assert answer.status_code in {400, 401}
    assert "id_token" not in answer.json()
    tokens = await redeem(remit, world, world.keyed, code)
    assert claims_of(tokens.json()["id_token"])["sub"] == world.alice.id
