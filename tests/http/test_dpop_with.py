"""DPoP with pushed and signed requests, token exchange and registration (RFC 9449 §5.2, §10; RFC 8693)."""

from __future__ import annotations

import pytest

from remit.core.oauth.exchange import ACCESS_TOKEN
from tests.http.test_dpop import OURS, THEIRS, approved, bound_tokens, fresh, redeem, refused, require, token_url
from tests.kit.delegation import EXCHANGE, team
from tests.kit.dpop import proof
from tests.kit.flows import answer_of, answered, claims_of, request_for, request_object, visit
from tests.kit.flows import ask as to_authorize
from tests.kit.flows import proof as identity
from tests.kit.pages import submit
from tests.kit.registering import let_in, register


async def pushing(remit, *shown, **changes):
    """Push a good request with these proofs, and say what came."""
    web = remit.acme.web
    known = identity(remit, remit.acme, web)
    headers = [("DPoP", text) for text in shown]
    data = {**request_for(web, scope="openid read:calendar", **changes), **known.pop("data", {})}
    return await remit.http.post(f"{remit.acme.issuer}/oauth/par", data=data, headers=headers, **known)


def at_par(remit, key=OURS, **changes):
    return proof(key, "POST", f"{remit.acme.issuer}/oauth/par", at=remit.clock.now(), **changes)


@pytest.mark.requirement("DPOP-15")
@pytest.mark.parametrize("named", [None, OURS.thumbprint()], ids=["by the proof alone", "by both"])
async def test_a_pushed_request_binds_its_code_to_the_key_that_was_proven(remit, named):
    world, web = remit.acme, remit.acme.web
    answer = await pushing(remit, at_par(remit), dpop_jkt=named)
    assert answer.status_code == 201, answer.text
    asked = {"client_id": web.id, "request_uri": answer.json()["request_uri"]}
    async with remit.browser() as browser:
        await visit(browser, world)
        page = await to_authorize(browser, world, asked)
        code = answer_of(await submit(browser, page, answered(page))).code
    for shown in ((), (fresh(remit, THEIRS),)):
        assert refused(await redeem(remit, web, code, *shown)) == (400, "invalid_grant")
    assert (await redeem(remit, web, code, fresh(remit))).json()["token_type"] == "DPoP"


@pytest.mark.requirement("DPOP-6", "DPOP-15", "DPOP-18")
async def test_a_pushed_request_with_a_proof_that_is_none_for_it_is_refused(remit):
    used = at_par(remit)
    assert (await pushing(remit, used)).status_code == 201
    bad = {
        "another key than it names": ((at_par(remit),), {"dpop_jkt": THEIRS.thumbprint()}),
        "a proof for the token endpoint": ((fresh(remit),), {}),
        "two proofs": ((at_par(remit), at_par(remit)), {}),
        "a second time": ((used,), {}),
    }
    for name, (shown, changes) in bad.items():
        answer, told = await remit.events_of(remit.acme, pushing(remit, *shown, **changes))
        assert refused(answer) == (400, "invalid_dpop_proof"), name
        assert len(told) == 1, name


@pytest.mark.requirement("DPOP-9", "DPOP-11")
async def test_a_nonce_is_asked_for_where_requests_are_pushed(asking):
    first = await pushing(asking, at_par(asking))
    assert refused(first) == (400, "use_dpop_nonce")
    again = await pushing(asking, at_par(asking, nonce=first.headers["dpop-nonce"]))
    assert (again.status_code, "dpop-nonce" in again.headers) == (201, True)


@pytest.mark.requirement("DPOP-15", "JAR-1")
async def test_a_signed_request_may_name_the_key(remit):
    world, keyed = remit.acme, remit.acme.keyed
    signed = request_object(remit, world, keyed, dpop_jkt=OURS.thumbprint())
    async with remit.browser() as browser:
        await visit(browser, world)
        page = await to_authorize(browser, world, {"client_id": keyed.id, "request": signed})
        code = answer_of(await submit(browser, page, answered(page))).code
    assert refused(await redeem(remit, keyed, code)) == (400, "invalid_grant")
    assert (await redeem(remit, keyed, code, fresh(remit))).status_code == 200


@pytest.mark.requirement("TX-12", "DPOP-12")
async def test_what_comes_out_of_an_exchange_is_bound_to_the_key_of_who_asks(remit):
    world = remit.acme
    scheduler, finder = await team(remit, world, "scheduler", "finder")
    bound = (await bound_tokens(remit, world.web))["access_token"]

    async def show_on(*shown, **fields):
        data = {
            "grant_type": EXCHANGE.value,
            "subject_token": bound,
            "subject_token_type": ACCESS_TOKEN,
            "resource": finder.resource.uri,
            "scope": "read:calendar",
            **fields,
        }
        headers = [("DPoP", text) for text in shown]
        return await remit.http.post(token_url(remit), data=data, headers=headers, auth=scheduler.auth)

    plain = (await show_on()).json()
    assert (plain["token_type"], "cnf" in claims_of(plain["access_token"])) == ("Bearer", False)
    answer, told = await remit.events_of(world, show_on(fresh(remit, THEIRS)))
    assert answer.json()["token_type"] == "DPoP"
    assert claims_of(answer.json()["access_token"])["cnf"] == {"jkt": THEIRS.thumbprint()}
    assert [(event["type"], event["what"]["bound_to"]) for event in told] == [("token.exchanged", THEIRS.thumbprint())]

    # An actor token that is bound says nothing without its key.
    grant = {"grant_type": "client_credentials", "resource": finder.resource.uri, "scope": "read:calendar"}
    headers = {"DPoP": fresh(remit, THEIRS)}
    acting = (await remit.http.post(token_url(remit), data=grant, headers=headers, auth=scheduler.auth)).json()
    actor = {"actor_token": acting["access_token"], "actor_token_type": ACCESS_TOKEN}
    for shown in ((), (fresh(remit),)):
        assert refused(await show_on(*shown, **actor)) == (400, "invalid_request")
    assert (await show_on(fresh(remit, THEIRS), **actor)).status_code == 200
    await require(remit, scheduler.client)
    assert refused(await show_on()) == (400, "invalid_dpop_proof")


@pytest.mark.requirement("DPOP-12", "DCR-3")
async def test_a_client_may_register_that_its_tokens_are_bound(remit):
    world = remit.acme
    await let_in(remit, world)
    made = (await register(remit, world, dpop_bound_access_tokens=True)).json()
    assert made["dpop_bound_access_tokens"] is True
    own = {"Authorization": f"Bearer {made['registration_access_token']}"}
    assert (await remit.http.get(made["registration_client_uri"], headers=own)).json()["dpop_bound_access_tokens"]
    async with remit.deps.db.read(world.tenant.id) as work:
        client = await work.clients.get(made["client_id"])
    code = await approved(remit, client)
    assert refused(await redeem(remit, client, code)) == (400, "invalid_dpop_proof")
    assert (await redeem(remit, client, code, fresh(remit))).json()["token_type"] == "DPoP"
