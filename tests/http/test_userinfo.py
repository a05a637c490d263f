"""GET and POST /oauth/userinfo: what the granted identity scopes open, and no more."""

from __future__ import annotations

import pytest

from tests.kit.flows import act_for_itself, get_tokens, revoke, userinfo

CLAIMS = {
    "openid": ("openid read:calendar", {}),
    "a name": ("openid profile read:calendar", {"name": "Alice"}),
    "an address": ("openid email read:calendar", {"email": "alice@example.com"}),
    "both": ("openid profile email read:calendar", {"name": "Alice", "email": "alice@example.com"}),
}

EITHER = 'Bearer realm="remit", DPoP algs="ES256 EdDSA Ed25519 PS256"'
"""Whoever comes without a token may come again with one of either kind."""


def url(remit):
    return f"{remit.acme.issuer}/oauth/userinfo"


@pytest.mark.requirement("BR-1", "BR-7", "OIDC-6")
@pytest.mark.parametrize(("scope", "claims"), CLAIMS.values(), ids=CLAIMS)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_each_scope_opens_its_claims(remit, scope, claims, method):
    world = remit.acme
    access = (await get_tokens(remit, world, world.web, scope=scope))["access_token"]
    answer = await remit.http.request(method, url(remit), headers={"authorization": f"bearer {access}"})
    assert answer.json() == {"sub": world.alice.id, **claims}
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_scope_that_the_user_unticked_stays_closed(remit):
    world = remit.acme
    tokens = await get_tokens(remit, world, world.web, scope="openid email read:calendar", untick=["email"])
    assert (await userinfo(remit, world, tokens["access_token"])).json() == {"sub": world.alice.id}


@pytest.mark.requirement("BR-2", "OIDC-6")
async def test_without_a_token_the_challenge_names_no_error(remit):
    answer = await remit.http.get(url(remit))
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, EITHER)
    assert answer.content == b""


@pytest.mark.requirement("BCP-18", "BR-3", "BR-5", "OIDC-6")
async def test_every_other_token_gets_one_answer(remit):
    world = remit.acme
    silent = (await get_tokens(remit, world, world.web, scope="read:calendar"))["access_token"]
    itself = (await act_for_itself(remit, world, world.web)).json()["access_token"]
    tokens = await get_tokens(remit, world, world.web, scope="openid read:calendar")
    foreign = await get_tokens(remit, remit.globex, remit.globex.web, scope="openid read:calendar")
    dead = await get_tokens(remit, world, world.web, scope="openid read:calendar", prompt="consent")
    await revoke(remit, world, world.web, dead["access_token"])
    said = set()
    for text in (
        silent,
        itself,
        tokens["refresh_token"],
        tokens["id_token"],
        foreign["access_token"],
        dead["access_token"],
        "x",
        tokens["access_token"][:-1],
    ):
        answer, events = await remit.events_of(world, userinfo(remit, world, text))
        assert (answer.status_code, answer.content) == (401, b"")
        assert text not in str(events)
        said.add(answer.headers["www-authenticate"])
    assert len(said) == 1
    assert 'error="invalid_token"' in said.pop()


async def test_each_refusal_is_told_with_its_cause(remit):
    world = remit.acme
    silent = (await get_tokens(remit, world, world.web, scope="read:calendar"))["access_token"]
    _, events = await remit.events_of(world, userinfo(remit, world, silent))
    assert [(event["what"]["grant_type"], event["what"]["reason"]) for event in events] == [
        ("userinfo", "userinfo needs openid")
    ]
    assert events[0]["who"]["user"] == world.alice.id


async def test_a_token_is_over_on_the_very_second(remit):
    world = remit.acme
    access = (await get_tokens(remit, world, world.web, scope="openid read:calendar"))["access_token"]
    remit.clock.forward(seconds=900)
    assert (await userinfo(remit, world, access)).status_code == 401


MALFORMED = {
    "in the URL": {"params": {"access_token": "x"}},
    "in the URL as well": {"params": {"access_token": "x"}, "headers": {"authorization": "Bearer x"}},
    "two tokens": {"headers": {"authorization": "Bearer a, Bearer b"}},
    "two headers": {"headers": [("authorization", "Bearer a"), ("authorization", "Bearer b")]},
    "a scheme alone": {"headers": {"authorization": "Bearer "}},
}


@pytest.mark.requirement("BR-1", "BR-3", "OIDC-6")
@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
async def test_a_token_in_the_wrong_place_or_shape_is_a_bad_request(remit, sent):
    answer, events = await remit.events_of(remit.acme, remit.http.get(url(remit), **sent))
    assert answer.status_code == 400
    assert 'error="invalid_request"' in answer.headers["www-authenticate"]
    assert [event["type"] for event in events] == ["token.refused"]


@pytest.mark.requirement("BR-1")
@pytest.mark.parametrize("also", [True, False], ids=["with a header too", "alone"])
async def test_a_token_in_a_form_is_a_bad_request(remit, also):
    world = remit.acme
    access = (await get_tokens(remit, world, world.web, scope="openid read:calendar"))["access_token"]
    headers = {"authorization": f"Bearer {access}"} if also else {}
    answer = await remit.http.post(url(remit), data={"access_token": access}, headers=headers)
    assert answer.status_code == 400
    assert 'error="invalid_request"' in answer.headers["www-authenticate"]


async def test_another_form_beside_the_header_does_not_matter(remit):
    world = remit.acme
    access = (await get_tokens(remit, world, world.web, scope="openid read:calendar"))["access_token"]
    for sent in ({"data": {"a": "1"}}, {"content": b"x" * 100_000}, {"json": {"access_token": "x"}}):
        answer = await remit.http.post(url(remit), headers={"authorization": f"Bearer {access}"}, **sent)
        assert answer.status_code == 200


async def test_another_scheme_is_no_token(remit):
    answer = await remit.http.get(url(remit), headers={"authorization": "Basic YTpi"})
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, EITHER)
