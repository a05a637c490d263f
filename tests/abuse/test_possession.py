"""POP: proof of possession (DPoP), used twice, bent, left out, or asked about while nobody remembers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.abuse.on_postgres import instance_at
from tests.http.test_dpop import (
    OURS,
    THEIRS,
    approved,
    beside,
    bound_tokens,
    fresh,
    itself,
    redeem,
    refresh,
    refused,
    tell,
    token_url,
)
from tests.kit.dpop import proof
from tests.kit.flows import introspect
from tests.kit.postgres import migrated
from tests.store.cut import cable_to

TWICE = (400, "invalid_dpop_proof")


async def test_b_pop_01_a_proof_that_was_used_is_refused(remit):
    shown = fresh(remit)
    assert (await itself(remit, shown)).status_code == 200
    assert refused(await itself(remit, shown)) == TWICE
    token = (await bound_tokens(remit, remit.acme.web))["access_token"]
    shown = beside(remit, token)
    assert (await tell(remit, token, shown)).status_code == 200
    again = await tell(remit, token, shown)
    assert again.status_code == 401
    assert 'error="invalid_dpop_proof"' in again.headers["www-authenticate"]


async def test_b_pop_01_of_many_at_two_nodes_one_wins(cluster, tmp_path):
    place = await migrated(cluster)
    async with instance_at(place, tmp_path) as one, instance_at(place, tmp_path, worlds=one.worlds) as two:
        shown = fresh(one)
        answers = await asyncio.gather(*(itself((one, two)[number % 2], shown) for number in range(12)))
        assert sorted(answer.status_code for answer in answers) == [200, *[400] * 11]
        token = (await bound_tokens(one, one.acme.web))["access_token"]
        shown = beside(one, token)
        told = await asyncio.gather(*(tell((one, two)[number % 2], token, shown) for number in range(12)))
        assert sorted(answer.status_code for answer in told) == [200, *[401] * 11]


async def test_b_pop_02_another_spelling_of_the_same_request_is_no_new_one(remit):
    url, now = token_url(remit), remit.clock.now()
    host, path = url.split("//")[1].split("/", 1)
    spellings = [
        url,
        f"https://{host}:443/{path}",
        f"HTTPS://{host.upper()}/{path}",
        f"{url}?a=b",
        f"{url}#c",
        f"https://{host}/{path.replace('token', '%74oken')}",
        f"https://{host}/x/../{path}",
    ]
    for jti in ("one", "two"):
        answers = [await itself(remit, proof(OURS, "POST", spelling, at=now, jti=jti)) for spelling in spellings]
        assert [answer.status_code for answer in answers] == [200, *[400] * (len(spellings) - 1)]
        assert {answer.json()["error_description"] for answer in answers[1:]} == {
            "this DPoP proof was used before: make a new one for every request"
        }
        spellings.reverse()
    # What is no spelling of it is refused for that, also with a new id.
    for method, spelling in (("post", url), ("POST", f"https://{host}./{path}"), ("POST", url.upper())):
        assert refused(await itself(remit, proof(OURS, method, spelling, at=now))) == TWICE


async def test_b_pop_03_a_bound_token_is_worth_nothing_without_its_key(remit):
    local = remit.acme.local
    tokens = await bound_tokens(remit, local)
    token = tokens["access_token"]
    for shown, scheme in (((), "Bearer"), ((), "DPoP"), ((beside(remit, token, THEIRS),), "DPoP")):
        answer = await tell(remit, token, *shown, scheme=scheme)
        assert answer.status_code == 401
        assert "DPoP" in answer.headers["www-authenticate"]
    for shown in ((), (fresh(remit, THEIRS),)):
        assert refused(await refresh(remit, local, tokens["refresh_token"], *shown)) == (400, "invalid_grant")
    # Nobody's line was rotated or ended by that.
    assert (await introspect(remit, remit.acme, token))["active"]
    assert (await refresh(remit, local, tokens["refresh_token"], fresh(remit))).status_code == 200


async def test_b_ref_02_a_lost_answer_is_repeated_to_its_key_alone(remit):
    local = remit.acme.local
    first = await bound_tokens(remit, local)
    lost = (await refresh(remit, local, first["refresh_token"], fresh(remit))).json()
    for shown in ((), (fresh(remit, THEIRS),)):
        assert refused(await refresh(remit, local, first["refresh_token"], *shown)) == (400, "invalid_grant")
    again = (await refresh(remit, local, first["refresh_token"], fresh(remit))).json()
    assert again["refresh_token"] == lost["refresh_token"]
    assert (await refresh(remit, local, again["refresh_token"], fresh(remit))).status_code == 200


@pytest.mark.parametrize("after", [True, False], ids=["after the server had it", "before the server had it"])
async def test_b_pop_04_nothing_is_taken_while_nobody_remembers_proofs(cluster, tmp_path, after):
    place = await migrated(cluster)
    async with cable_to(place) as (cable, ours), instance_at(ours, tmp_path) as remit:
        web = remit.acme.web
        token = (await redeem(remit, web, await approved(remit, web), fresh(remit))).json()["access_token"]
        asks: dict[str, tuple[Any, tuple[Any, ...], list[int]]] = {
            "at the token endpoint": (itself, (fresh(remit),), [400, 400] if after else [200, 400]),
            # What is cut there is a look at the token, before the proof is used.
            "at userinfo": (tell, (token, beside(remit, token)), [200, 401]),
        }
        for name, (ask, shown, then) in asks.items():
            cable.after, cable.cut_at = after, b"\x0bcommit\x00"
            answer = await ask(remit, *shown)
            assert answer.status_code == 503, (name, answer.text)
            # It works again without a hand, and the proof is good for one success at most.
            assert [(await ask(remit, *shown)).status_code for _ in range(2)] == then, name
        assert cable.cuts == len(asks)
