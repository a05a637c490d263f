"""Token exchange (RFC 8693): who may act on for whom, what comes out, and what ends it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from remit.core.delegation import MAX_DEPTH
from remit.core.oauth.exchange import ACCESS_TOKEN
from remit.core.stops import TargetKind
from remit.core.tokens import MAX_TOKEN_LENGTH
from remit.services.lifetimes import shorten_resource
from tests.http.refusals import refused
from tests.kit.delegation import EXCHANGE, about, acting_alone, acts_of, allow, exchange, handed_on, team
from tests.kit.flows import act_for_itself, claims_of, get_tokens, token
from tests.kit.stops import stop
from tests.kit.world import SEEDER, sure

SCOPE = "read:calendar write:calendar"


@pytest.fixture
async def three(remit):
    return await team(remit, remit.acme, "scheduler", "finder", "sender")


@pytest.fixture
async def subject(remit, three):
    """What the scheduler was shown: the user's token, by way of the planner, for the calendar."""
    return (await get_tokens(remit, remit.acme, remit.acme.web, scope=SCOPE))["access_token"]


@pytest.mark.requirement("TX-1", "TX-2")
async def test_an_exchange_answers_a_token_and_its_type(remit, three, subject):
    scheduler, finder, _ = three
    answer = await exchange(remit, remit.acme, scheduler, subject, finder.resource)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body.keys() == {"access_token", "issued_token_type", "token_type", "expires_in", "scope"}
    assert (body["issued_token_type"], body["token_type"]) == (ACCESS_TOKEN, "Bearer")
    assert set(body["scope"].split()) == set(SCOPE.split())
    assert 0 < body["expires_in"] <= 900
    assert (await about(remit, remit.acme, body["access_token"], finder))["active"] is True


@pytest.mark.requirement("TX-6")
async def test_the_subject_stays_and_actors_are_nested(remit, three, subject):
    world, (scheduler, finder, sender) = remit.acme, three
    first = await handed_on(remit, world, scheduler, subject, finder.resource)
    second = await handed_on(remit, world, finder, first, sender.resource)
    root, one, two = claims_of(subject), claims_of(first), claims_of(second)
    assert root["may_act"] == {"sub": scheduler.agent.id}
    assert one["act"] == {"sub": scheduler.agent.id, "client_id": scheduler.client.id}
    assert two["act"] == {"sub": finder.agent.id, "client_id": finder.client.id, "act": one["act"]}
    for claims, member, audience in ((one, scheduler, finder), (two, finder, sender)):
        assert claims["sub"] == root["sub"] == world.alice.id
        assert (claims["client_id"], claims["agent_id"]) == (member.client.id, member.agent.id)
        assert (claims["aud"], claims["may_act"]) == (audience.resource.uri, {"sub": audience.agent.id})
        assert (claims["grant_id"], claims["line_id"]) == (root["grant_id"], root["line_id"])
        assert claims["exp"] <= root["exp"]
    assert root["jti"] in one["via"]["token"]
    assert {root["jti"], one["jti"]} == set(two["via"]["token"])
    told = await about(remit, world, second, sender)
    assert (told["active"], told["act"]) == (True, two["act"])


async def test_an_agent_that_acts_for_itself_is_the_subject(remit, three):
    world, (scheduler, finder, _) = remit.acme, three
    subject = (await act_for_itself(remit, world, world.web, scope=SCOPE)).json()["access_token"]
    token = await handed_on(remit, world, scheduler, subject, finder.resource)
    assert (claims_of(token)["sub"], acts_of(token)) == (world.agent.id, [scheduler.agent.id])
    assert (await about(remit, world, token, finder))["active"] is True


@pytest.mark.requirement("TX-13")
async def test_the_event_tells_the_whole_chain(remit, three, subject):
    world, (scheduler, finder, sender) = remit.acme, three
    first = await handed_on(remit, world, scheduler, subject, finder.resource)
    actor = await acting_alone(remit, world, finder, sender.resource)
    call = exchange(
        remit, world, finder, first, sender.resource,
        scope="read:calendar", actor_token=actor, actor_token_type=ACCESS_TOKEN,
    )  # fmt: skip
    answer, (event,) = await remit.events_of(world, call)
    token = claims_of(answer.json()["access_token"])
    assert event["type"] == "token.exchanged"
    assert event["what"] == {
        "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
        "chain": [world.agent.id, scheduler.agent.id, finder.agent.id],
        "subject_token": claims_of(first)["jti"],
        "subject_resource": finder.resource.uri,
        "subject_expires_at": event["what"]["subject_expires_at"],
        "actor_token": claims_of(actor)["jti"],
        "requested": ["read:calendar"],
        "scopes": ["read:calendar"],
        "removed": [],
        "expires_at": event["what"]["expires_at"],
        "replay": False,
        "details": None,
        "bound_to": None,
    }
    who = event["who"]
    assert {name: who[name] for name in ("user", "agent", "client", "grant", "line", "jti", "resource", "purpose")} == {
        "user": world.alice.id,
        "agent": finder.agent.id,
        "client": finder.client.id,
        "grant": token["grant_id"],
        "line": token["line_id"],
        "jti": token["jti"],
        "resource": sender.resource.uri,
        "purpose": finder.agent.purpose,
    }


@pytest.mark.requirement("TX-5")
async def test_nothing_grows(remit, three, subject):
    world, (scheduler, finder, sender) = remit.acme, three
    remit.clock.forward(seconds=200)
    narrow = await handed_on(remit, world, scheduler, subject, finder.resource, scope="read:calendar")
    assert claims_of(narrow)["exp"] == claims_of(subject)["exp"]
    hint = refused(await exchange(remit, world, finder, narrow, sender.resource, scope=SCOPE), "invalid_scope")
    assert "ask for some of read:calendar" in hint
    again = await exchange(remit, world, finder, narrow, sender.resource)
    assert again.json()["scope"] == "read:calendar"
    # What the first agent may not do there itself, nobody does for it.
    calendar = {scheduler.resource: frozenset(SCOPE.split()), finder.resource: frozenset(["read:calendar"])}
    await allow(remit, world, scheduler.agent.id, calendar)
    subject = (await get_tokens(remit, world, world.web, scope=SCOPE, prompt="consent"))["access_token"]
    call = exchange(remit, world, scheduler, subject, finder.resource)
    answer, events = await remit.events_of(world, call)
    assert answer.json()["scope"] == "read:calendar"
    assert events[0]["what"]["removed"] == ["remit:write:calendar"]
    hint = refused(await exchange(remit, world, scheduler, subject, finder.resource, scope="write:calendar"),
                   "invalid_scope")  # fmt: skip
    assert "remit took write:calendar" in hint
    hint = refused(await exchange(remit, world, scheduler, subject, sender.resource), "invalid_target")
    assert "the remit of this agent holds nothing on that resource" in hint


async def test_the_remit_of_who_was_allowed_first_bounds_everybody(remit, three, subject):
    world, (scheduler, finder, _) = remit.acme, three
    derived = await handed_on(remit, world, scheduler, subject, finder.resource)
    await allow(remit, world, world.agent.id, {scheduler.resource: frozenset(SCOPE.split())})
    assert await about(remit, world, derived, finder) == {"active": False}
    subject = (await get_tokens(remit, world, world.web, scope=SCOPE, prompt="consent"))["access_token"]
    hint = refused(await exchange(remit, world, scheduler, subject, finder.resource), "invalid_scope")
    assert "remit of an earlier agent took" in hint


@pytest.mark.requirement("TX-9")
async def test_a_chain_ends_after_so_many_agents_and_never_turns(remit):
    world = remit.acme
    members = await team(remit, world, *[f"agent-{number}" for number in range(MAX_DEPTH + 1)])
    token = (await get_tokens(remit, world, world.web, scope=SCOPE))["access_token"]
    for now, then in pairwise(members):
        token = await handed_on(remit, world, now, token, then.resource)
    assert len(token) < MAX_TOKEN_LENGTH
    assert acts_of(token) == [member.agent.id for member in reversed(members[:-1])]
    assert (await about(remit, world, token, members[-1]))["active"] is True
    hint = refused(await exchange(remit, world, members[-1], token, members[0].resource), "invalid_request")
    assert f"{MAX_DEPTH} agents act in the chain" in hint

    first, second, third, *_ = members
    subject = (await get_tokens(remit, world, world.web, scope=SCOPE))["access_token"]
    back = await handed_on(remit, world, second, await handed_on(remit, world, first, subject, second.resource),
                           first.resource)  # fmt: skip
    hint = refused(await exchange(remit, world, first, back, third.resource), "invalid_request")
    assert "does not run in circles" in hint


JWT = "urn:ietf:params:oauth:token-type:jwt"
REFUSED = {
    "no subject token": ({"subject_token": None}, "invalid_request", "send subject_token and subject_token_type"),
    "an empty subject token": ({"subject_token": ""}, "invalid_request", "send subject_token"),
    "no type of it": ({"subject_token_type": None}, "invalid_request", "send subject_token and subject_token_type"),
    "another type of it": ({"subject_token_type": JWT}, "invalid_request", "subject_token_type must be"),
    "an id token": (
        {"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"},
        "invalid_request",
        "subject_token_type must be",
    ),
    "no token at all": ({"subject_token": "x"}, "invalid_request", "is not an access token of this issuer"),
    "an actor token without its type": ({"actor_token": "x"}, "invalid_request", "belong together"),
    "a type without its actor token": ({"actor_token_type": ACCESS_TOKEN}, "invalid_request", "belong together"),
    "an actor token that is none": (
        {"actor_token": "x", "actor_token_type": ACCESS_TOKEN},
        "invalid_request",
        "actor_token must be a live token that this very client got",
    ),
    "a refresh token wanted": (
        {"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"},
        "invalid_request",
        "requested_token_type must be",
    ),
    "somebody to be": ({"requested_subject": "admin"}, "invalid_request", "impersonation) does not exist here"),
    "an unknown target": ({"resource": "https://nowhere.example/"}, "invalid_target", "no such resource"),
    "an unknown audience": ({"resource": None, "audience": "nowhere"}, "invalid_target", "the resource"),
    "two targets": ({"audience": "https://calendar.example/"}, "invalid_target", "one token is for one resource"),
    "no target": ({"resource": None}, "invalid_target", "send resource"),
    "identity": ({"scope": "openid read:calendar"}, "invalid_scope", "openid and its kin are not handed on"),
    "more than was shown": ({"scope": "delete:calendar"}, "invalid_scope", "never gives more than subject_token"),
    "everything": ({"scope": "*"}, "invalid_scope", "never gives more than subject_token"),
}


@pytest.mark.requirement("TX-1", "TX-3", "TX-7")
@pytest.mark.parametrize(("changes", "error", "told"), REFUSED.values(), ids=REFUSED)
async def test_a_refusal_says_which_clause_and_what_to_change(remit, three, subject, changes, error, told):
    scheduler, finder, _ = three
    fields = {"target": finder.resource.uri, **changes}
    call = exchange(remit, remit.acme, scheduler, subject, fields.pop("target"), **fields)
    answer, events = await remit.events_of(remit.acme, call)
    assert told in refused(answer, error)
    assert [(event["type"], event["what"]["code"]) for event in events] == [("token.refused", error)]
    assert events[0]["who"]["client"] == scheduler.client.id


@pytest.mark.requirement("TX-1")
async def test_the_audience_is_another_name_of_the_target(remit, three, subject):
    scheduler, finder, _ = three
    uri = finder.resource.uri
    answer = await exchange(remit, remit.acme, scheduler, subject, None, audience=uri)
    assert claims_of(answer.json()["access_token"])["aud"] == uri
    both = await exchange(remit, remit.acme, scheduler, subject, uri, audience=uri, requested_token_type=ACCESS_TOKEN)
    assert both.status_code == 200


@pytest.mark.requirement("TX-4", "TX-8")
async def test_only_the_agent_that_was_shown_a_token_acts_on_with_it(remit, three, subject):
    world, (scheduler, finder, sender) = remit.acme, three
    hint = refused(await exchange(remit, world, finder, subject, sender.resource), "invalid_request")
    assert "at which this agent does not answer" in hint
    # Whom the token was issued to acts with it already.
    own = await acting_alone(remit, world, scheduler, scheduler.resource)
    hint = refused(await exchange(remit, world, scheduler, own, finder.resource), "invalid_request")
    assert "was issued to this very agent" in hint
    # A public client proves nothing, and one that is not registered for it may not.
    asked = {"grant_type": EXCHANGE, "subject_token": subject, "subject_token_type": ACCESS_TOKEN}
    for client in (world.local, world.web):
        hint = refused(await token(remit, world, client, **asked), "unauthorized_client")
        assert hint == "this client is not registered for token-exchange"
    # A token names whom it let act; another agent that answers there later was not meant.
    await answer_there(remit, world, sender, scheduler.resource)
    hint = refused(await exchange(remit, world, sender, subject, finder.resource), "invalid_request")
    assert "the may_act of subject_token names another actor" in hint
    fresh = (await get_tokens(remit, world, world.web, scope=SCOPE, prompt="consent"))["access_token"]
    assert await handed_on(remit, world, sender, fresh, finder.resource)


async def answer_there(remit, world, member, resource):
    """Let another agent answer at a resource, in the row alone: the use case ends every token from before."""
    remit.sql(
        "update resource set served_by = :agent where tenant = :tenant and id = :id",
        agent=member.agent.id,
        tenant=world.tenant.id,
        id=resource.id,
    )


async def test_a_refusal_before_liveness_tells_nothing_about_it(remit, three, subject):
    world, (_, finder, sender) = remit.acme, three
    live = await exchange(remit, world, finder, subject, sender.resource)
    await stop(remit, world, TargetKind.TOKEN, claims_of(subject)["jti"])
    assert (await exchange(remit, world, finder, subject, sender.resource)).json() == live.json()


@pytest.mark.requirement("TX-5", "TX-11")
async def test_an_actor_token_is_ones_own_and_bounds_what_comes_out(remit, three, subject):
    world, (scheduler, finder, sender) = remit.acme, three

    async def with_actor(text):
        fields = {"actor_token": text, "actor_token_type": ACCESS_TOKEN}
        return await exchange(remit, world, scheduler, subject, finder.resource, **fields)

    for foreign in (subject, await acting_alone(remit, world, sender, finder.resource)):
        assert "actor_token must be" in refused(await with_actor(foreign), "invalid_request")
    sure(await shorten_resource(world.tenant.id, remit.deps, SEEDER, resource=sender.resource.id, seconds=60))
    actor = await acting_alone(remit, world, scheduler, sender.resource)
    answer = await with_actor(actor)
    derived = answer.json()["access_token"]
    assert claims_of(derived)["exp"] == claims_of(actor)["exp"] < claims_of(subject)["exp"]
    assert (await about(remit, world, derived, finder))["active"] is True
    await stop(remit, world, TargetKind.GRANT, claims_of(actor)["grant_id"])
    assert await about(remit, world, derived, finder) == {"active": False}
    assert "actor_token is not live: the grant was stopped" in refused(await with_actor(actor), "invalid_grant")


@pytest.mark.requirement("TX-5")
async def test_what_ends_within_the_second_is_not_handed_on(remit, three, subject):
    world, (scheduler, finder, _) = remit.acme, three
    remit.clock.forward(seconds=899)
    assert (await exchange(remit, world, scheduler, subject, finder.resource)).json()["expires_in"] == 1
    remit.clock.forward(milliseconds=1)
    hint = refused(await exchange(remit, world, scheduler, subject, finder.resource), "invalid_request")
    assert "less than a second is left" in hint
    remit.clock.forward(seconds=1)
    hint = refused(await exchange(remit, world, scheduler, subject, finder.resource), "invalid_request")
    assert "it has expired" in hint
