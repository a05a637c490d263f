"""What access tokens say, and what they are like (RFC 9068; JAT)."""

from __future__ import annotations

import json
from bisect import bisect_left
from dataclasses import replace

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from remit.core.agents import ScopeKey
from remit.core.names import SecretKind, TokenId, parse_opaque
from remit.core.resources import Risk, Scope
from remit.core.tokens import MAX_TOKEN_LENGTH, AccessClaims
from remit.services.provisioning.agents import publish_remit
from remit.services.provisioning.grants import approve_agent
from remit.services.provisioning.resources import create_resource
from tests.crypto.making import ACME, a_ring, claims_for, keys_of
from tests.http.refusals import refused
from tests.kit.flows import act_for_itself, approve, claims_of, get_tokens
from tests.kit.world import SEEDER, sure

KEYS = keys_of(ACME)
ID = "x" * 30
"""As long as every id of ours."""


@pytest.mark.requirement("JAT-2", "JAT-4")
async def test_a_token_tells_an_api_who_and_nothing_personal(remit):
    world = remit.acme
    scope = "openid profile email read:calendar"
    tokens = await get_tokens(remit, world, world.web, scope=scope)
    said = claims_of(tokens["access_token"])
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti", "scope", "auth_time", "acr", "amr"} <= said.keys()
    assert {"tenant", "agent_id", "agent_owner", "purpose", "grant_id", "line_id", "epo"} <= said.keys()
    for personal in (world.alice.email, world.alice.name, world.admin.email):
        assert personal not in json.dumps(said)


@pytest.mark.requirement("JAT-3")
async def test_users_and_agents_are_never_taken_for_each_other(remit):
    world = remit.acme
    for_alice = claims_of((await get_tokens(remit, world, world.web))["access_token"])
    for_itself = claims_of((await act_for_itself(remit, world, world.web)).json()["access_token"])
    assert (for_alice["sub"], for_itself["sub"]) == (world.alice.id, world.agent.id)
    assert for_alice["sub"].startswith("usr_")
    assert for_itself["sub"].startswith("agt_")
    assert for_alice["client_id"] == for_itself["client_id"] == world.web.id
    assert world.web.id.startswith("cli_")


@pytest.mark.requirement("JAT-8", "GEN-8")
async def test_what_is_no_jwt_has_a_kind_and_a_checksum_for_scanners(remit):
    world = remit.acme
    code = (await approve(remit, world, world.web)).code
    text = (await get_tokens(remit, world, world.web))["refresh_token"]
    for secret, kind in ((code, SecretKind.CODE), (text, SecretKind.REFRESH), (world.web_secret.reveal(), "cs")):
        found = parse_opaque(secret, SecretKind(kind))
        assert found is not None
        assert secret.startswith(f"rmt_{kind}_")
        assert len(found.secret.reveal()) * 6 >= 256
        broken = secret[:-1] + ("A" if secret[-1] != "A" else "B")
        assert parse_opaque(broken, SecretKind(kind)) is None, "a checksum tells a token from a typing error"


@pytest.mark.requirement("JAT-7")
@given(
    purpose=st.text(st.characters(exclude_categories=["C", "Z"]), max_size=400),
    path=st.text("abc", max_size=512 - len("https://api.example/")),
    names=st.integers(1, 80),
    details=st.none() | st.integers(0, 1400),
)
@example(purpose='"' * 400, path="", names=1, details=None)
@example(purpose="\U0001f600" * 400, path="", names=3, details=None)
@example(purpose="", path="", names=1, details=1400)
def test_no_token_is_longer_than_a_header_may_be(purpose, path, names, details):
    """The longest scope that still passes makes a token that still fits."""
    claims = replace(
        claims_for(),
        jti=TokenId(ID),
        subject=ID,
        client=ID,
        tenant=ID,
        agent=ID,
        owner=ID,
        grant=ID,
        line=ID,
        session=ID,
        epoch=2**40,
        purpose=purpose,
        audience=f"https://api.example/{path}",
        details=None if details is None else f'["{"d" * details}"]',
    )
    fixed = {f"{number:02}" for number in range(names)}

    def with_one_of(length: int) -> AccessClaims:
        return replace(claims, scopes=frozenset(fixed | {"s" * length}))

    at = bisect_left(range(3, MAX_TOKEN_LENGTH), True, key=lambda length: with_one_of(length).too_long)
    assume(at > 0)
    assert len(a_ring().sign_access(ACME, KEYS, with_one_of(at + 2))) < MAX_TOKEN_LENGTH


@pytest.mark.requirement("JAT-7")
async def test_whoever_asks_for_more_than_a_token_can_carry_is_told_to_ask_for_less(remit):
    world = remit.acme
    names = [f"{number:02}:{'s' * 60}" for number in range(60)]
    scopes = tuple(Scope(name=name, sentence="See something", risk=Risk.READ) for name in names)
    wide = sure(await create_resource(world.tenant.id, remit.deps, SEEDER, uri="urn:wide", name="Wide", scopes=scopes))
    every = frozenset(ScopeKey(wide.id, name) for name in names)
    sure(await publish_remit(world.tenant.id, remit.deps, SEEDER, agent=world.agent.id, scopes=every))
    sure(
        await approve_agent(
            world.tenant.id,
            remit.deps,
            SEEDER,
            client=world.web.id,
            resource=wide.id,
            scopes=frozenset(names),
            approver=world.admin.id,
        )
    )
    answer = await act_for_itself(remit, world, world.web, resource=wide.uri, scope=" ".join(names))
    assert "ask for fewer" in refused(answer, "invalid_scope")
    answer = await act_for_itself(remit, world, world.web, resource=wide.uri, scope=" ".join(names[:20]))
    assert answer.json()["scope"] == " ".join(names[:20])
