"""POST /oauth/par, and what its reference is good for at the authorization endpoint (RFC 9126)."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace

import apsw
import pytest

from remit.core.names import SECRET_BYTES, Secret
from remit.core.oauth.authorize import AuthorizeRequest
from remit.core.oauth.form import Form
from remit.core.oauth.pushed import PREFIX, PUSHED_LIFETIME, read_reference, reference_to
from remit.core.stops import TargetKind
from remit.services.asking import choose_asking
from remit.services.authorize import begin, proceed
from remit.services.consent import ANSWERED, Answer
from remit.services.provisioning.changes import change_client
from remit.services.pushed import PUBLIC_PUSHES
from tests.http.refusals import FORM, refused
from tests.kit.flows import (
    STATE,
    answer_of,
    answered,
    ask,
    claims_of,
    push,
    pushed,
    redeem,
    request_for,
    request_object,
    sign_in,
    visit,
)
from tests.kit.pages import form_to, submit, text_of
from tests.kit.stops import stop
from tests.kit.world import CALENDAR, CALLBACK, HERE, SEEDER, sure

WAYS = {"with its secret": "web", "with its key": "keyed", "with its name alone": "local"}


def at_authorize(remit, **asked):
    return remit.http.get(f"{remit.acme.issuer}/oauth/authorize", params=asked)


def unknown(answer):
    assert (answer.status_code, "location" in answer.headers) == (400, False)
    assert "pushed request is unknown, used or expired" in text_of(answer)


@pytest.mark.requirement("PAR-1", "PAR-4", "PAR-5", "PAR-8")
@pytest.mark.parametrize("name", WAYS.values(), ids=WAYS)
async def test_a_client_pushes_and_asks_by_reference(remit, name):
    world = remit.acme
    client = getattr(world, name)
    answer = await push(remit, world, client, **request_for(client))
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    told = answer.json()
    assert told.keys() == {"request_uri", "expires_in"}
    assert 5 <= told["expires_in"] <= 600
    secret = re.fullmatch(PREFIX + r"rmt_pr_[0-9a-z]{26}\.([A-Za-z0-9_-]{43})[A-Za-z0-9]{6}", told["request_uri"])
    assert secret is not None
    assert SECRET_BYTES * 8 >= 128
    async with remit.browser() as browser:
        await visit(browser, world)
        # What stands beside the reference counts for nothing.
        beside = {"redirect_uri": "https://evil.test/", "state": "other", "scope": "delete:calendar", "prompt": "none"}
        page = await ask(browser, world, {"client_id": client.id, "request_uri": told["request_uri"], **beside})
        assert form_to(page, "/consent").options("scope") == {"read:calendar", "write:calendar"}
        given = answer_of(await submit(browser, page, answered(page)))
    assert given.url.startswith(client.redirect_uris[0])
    assert (given.fields["state"], given.fields["iss"]) == (STATE, world.issuer)
    body = (await redeem(remit, world, client, given.code)).json()
    assert claims_of(body["access_token"])["aud"] == CALENDAR


REFUSED = {
    "another request inside": ({"request_uri": PREFIX + "x"}, "invalid_request", "refers to no other"),
    "an address inside": ({"request_uri": "https://app.example/r"}, "invalid_request", "refers to no other"),
    "a redirect URI that is not registered": (
        {"redirect_uri": "https://evil.test/"},
        "invalid_request",
        "redirect_uri",
    ),
    "no redirect URI where two are registered": ({"redirect_uri": None}, "invalid_request", "send redirect_uri"),
    "another response type": ({"response_type": "token"}, "unsupported_response_type", "response_type=code"),
    "no challenge": ({"code_challenge": None}, "invalid_request", "send code_challenge"),
    "plain": ({"code_challenge_method": "plain"}, "invalid_request", "no other method"),
    "a scope that nobody knows": ({"scope": "admin"}, "invalid_scope", "one or more of"),
    "a scope that is none": ({"scope": '"'}, "invalid_scope", "single spaces"),
    "a resource that nobody knows": ({"resource": "https://x.example/"}, "invalid_target", "no such resource"),
    "an answer in a fragment": ({"response_mode": "fragment"}, "invalid_request", "query or form_post"),
    "an unknown prompt": ({"prompt": "create"}, "invalid_request", "prompt may be"),
    "an endless nonce": ({"nonce": "n" * 2049}, "invalid_request", "nonce is longer"),
    "more than is kept": ({"scope": "read:calendar " + "a" * 17_000}, "invalid_request", "16384 characters together"),
    "a hint that is none": ({"id_token_hint": "x"}, "invalid_request", "id_token_hint"),
    "an object without keys": ({"request": "a.b.c"}, "request_not_supported", "no keys"),
}


@pytest.mark.requirement("PAR-2", "PAR-3")
@pytest.mark.parametrize(("changes", "error", "hint"), REFUSED.values(), ids=REFUSED)
async def test_all_of_it_is_checked_when_it_comes(remit, changes, error, hint):
    world = remit.acme
    call = push(remit, world, world.web, **request_for(world.web, **changes))
    answer, events = await remit.events_of(world, call)
    assert hint in refused(answer, error)
    (event,) = events
    assert (event["type"], event["what"]["code"]) == ("authorization.refused", error)
    assert (event["who"]["actor_kind"], event["who"]["client"]) == ("client", world.web.id)
    assert stored(remit) == 0


@pytest.mark.requirement("PAR-1", "PAR-3")
async def test_who_is_not_proven_pushes_nothing(remit):
    world = remit.acme
    where, data = f"{world.issuer}/oauth/par", request_for(world.web)
    refused(await remit.http.post(where, data=data), "invalid_client", 401)
    refused(await remit.http.post(where, data=data, auth=(world.web.id, "wrong")), "invalid_client", 401)
    # Nobody pushes in another client's name.
    answer = await push(remit, world, world.rival, **request_for(world.web))
    refused(answer, "invalid_request")
    refused(await push(remit, world, world.web, **request_for(world.local)), "invalid_request")
    await stop(remit, world, TargetKind.CLIENT, world.web.id)
    refused(await push(remit, world, world.web, **data), "unauthorized_client")
    assert stored(remit) == 0


@pytest.mark.requirement("PAR-3")
async def test_other_methods_and_what_is_too_large_are_refused(remit):
    where = f"{remit.acme.issuer}/oauth/par"
    for method in ("GET", "PUT"):
        answer = await remit.http.request(method, where)
        assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert (await remit.http.post(where, content=b"a" * 70_000, headers=FORM)).status_code == 413
    refused(await remit.http.post(where, json=request_for(remit.acme.local)), "invalid_request")


@pytest.mark.requirement("PAR-3")
async def test_who_pushes_too_often_waits(remit):
    world = remit.acme
    asked = request_for(world.local, scope="nothing")
    for _ in range(PUBLIC_PUSHES):
        assert (await push(remit, world, world.local, **asked)).status_code == 400
    answer = await push(remit, world, world.local, **asked)
    assert (answer.status_code, answer.headers["retry-after"].isdecimal()) == (429, True)
    # Whoever proves himself does not wait for strangers, nor does another tenant.
    assert (await push(remit, world, world.web, **request_for(world.web))).status_code == 201
    other = remit.globex
    assert (await push(remit, other, other.local, **request_for(other.local))).status_code == 201


@pytest.mark.requirement("PAR-6")
@pytest.mark.parametrize("decision", ["allow", "deny"])
async def test_an_answer_uses_it_up_in_every_window(remit, decision):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        asked = await pushed(remit, world, world.web)
        first, second = await ask(browser, world, asked), await ask(browser, world, asked)
        # A reload before the answer is harmless.
        assert (await browser.get(first.url)).status_code == 200
        answer = answer_of(await submit(browser, first, answered(first, decision)))
        assert answer.fields.keys() >= ({"code"} if decision == "allow" else {"error"})
        again = await submit(browser, second, answered(second))
        assert (again.status_code, "already answered" in again.text) == (400, True)
        unknown(await browser.get(f"{world.issuer}/oauth/authorize", params=asked))
    assert stored(remit) == 0


@pytest.mark.requirement("PAR-6")
async def test_of_many_answers_at_once_one_counts(remit):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        asked = await pushed(remit, world, world.web)
        pages = [await ask(browser, world, asked) for _ in range(4)]
        answers = await asyncio.gather(*(submit(browser, page, answered(page)) for page in pages))
    assert sorted(answer.status_code for answer in answers) == [303, 400, 400, 400]
    assert stored(remit) == 0


@pytest.mark.requirement("PAR-6")
async def test_an_error_without_a_page_uses_it_up_too(remit):
    world = remit.acme
    asked = await pushed(remit, world, world.web, prompt="none")
    assert answer_of(await at_authorize(remit, **asked)).fields["error"] == "login_required"
    unknown(await at_authorize(remit, **asked))
    # So does one that only time brought about: what was checked when it came is checked again.
    asked = await pushed(remit, world, world.web)
    tenant = world.tenant.id
    narrowed = replace(world.web, redirect_uris=(CALLBACK,), default_scopes=frozenset())
    sure(await change_client(tenant, remit.deps, SEEDER, narrowed))
    assert (await at_authorize(remit, **asked)).headers["location"].startswith(f"{world.issuer}/login")
    sure(await change_client(tenant, remit.deps, SEEDER, replace(world.web, redirect_uris=("https://new.example/",))))
    assert "is not one that this client registered" in text_of(await at_authorize(remit, **asked))


@pytest.mark.requirement("PAR-6")
async def test_of_two_errors_at_once_the_client_hears_one(remit):
    world, tenant = remit.acme, remit.acme.tenant.id
    form = Form({name: (value,) for name, value in (await pushed(remit, world, world.web, prompt="none")).items()})
    started = [await begin(tenant, form, remit.deps, HERE, cross_site=True) for _ in range(2)]
    requests = [request for request in started if isinstance(request, AuthorizeRequest)]
    first, second = [await proceed(tenant, request, None, remit.deps, HERE) for request in requests]
    assert isinstance(first, Answer)
    assert first.refusal is not None
    assert (first.refusal.code, second) == ("login_required", ANSWERED)


@pytest.mark.requirement("PAR-6")
async def test_sign_in_may_take_longer_than_the_reference_lives(remit):
    world = remit.acme
    async with remit.browser() as browser:
        asked = await pushed(remit, world, world.web)
        remit.clock.forward(seconds=PUSHED_LIFETIME.total_seconds() - 1)
        page = await ask(browser, world, asked)
        assert page.url.path.endswith("/login")
        remit.clock.forward(minutes=10)
        async with remit.deps.db.system() as system:
            await system.purge(now=remit.clock.now())
        assert stored(remit) == 0
        page = await sign_in(browser, page)
        assert answer_of(await submit(browser, page, answered(page))).code
        unknown(await browser.get(f"{world.issuer}/oauth/authorize", params=asked))


@pytest.mark.requirement("PAR-5", "PAR-6", "PAR-8")
async def test_what_is_not_a_pushed_request_of_this_client_is_answered_alike(remit):
    world = remit.acme
    asked = await pushed(remit, world, world.web)
    text = asked["request_uri"]
    known = read_reference(text)
    assert known is not None
    guessed = reference_to(replace(known, secret=Secret("A" * 43)))
    theirs = await pushed(remit, remit.globex, remit.globex.web)
    for other in (
        {**asked, "client_id": world.rival.id},
        {**asked, "client_id": "cli_nobody"},
        {"request_uri": text},
        {**asked, "request_uri": PREFIX + "x"},
        {**asked, "request_uri": guessed},
        {**asked, "request_uri": text[:-7] + ("a" if text[-7] != "a" else "b") + text[-6:]},
        {**asked, "request_uri": theirs["request_uri"]},
    ):
        unknown(await at_authorize(remit, **other))
    answer = await at_authorize(remit, **asked, request="a.b.c")
    assert (answer.status_code, "not both" in text_of(answer)) == (400, True)
    assert (await at_authorize(remit, **asked)).status_code == 303
    remit.clock.forward(seconds=PUSHED_LIFETIME.total_seconds())
    unknown(await at_authorize(remit, **asked))


@pytest.mark.requirement("PAR-7")
async def test_pushing_can_be_required(remit):
    world = remit.acme
    sure(await change_client(world.tenant.id, remit.deps, SEEDER, replace(world.web, require_pushed=True)))
    answer = answer_of(await at_authorize(remit, **request_for(world.web)))
    assert answer.fields["error"] == "invalid_request"
    assert "pushed_authorization_request_endpoint" in answer.fields["error_description"]
    assert (await at_authorize(remit, **await pushed(remit, world, world.web))).status_code == 303
    assert (await at_authorize(remit, **request_for(world.local))).status_code == 303


@pytest.mark.requirement("PAR-7")
async def test_a_tenant_can_require_it_of_everybody(remit):
    world = remit.acme

    async def published(issuer):
        return (await remit.http.get(f"{issuer}/.well-known/openid-configuration")).json()[
            "require_pushed_authorization_requests"
        ]

    assert await published(world.issuer) is False
    await choose_asking(world.tenant.id, remit.deps, SEEDER, require_pushed=True)
    assert (await published(world.issuer), await published(remit.globex.issuer)) == (True, False)
    assert answer_of(await at_authorize(remit, **request_for(world.local))).fields["error"] == "invalid_request"
    assert (await at_authorize(remit, **await pushed(remit, world, world.local))).status_code == 303
    assert (await remit.events(world))[-2]["type"] == "tenant.asking_changed"
    await choose_asking(world.tenant.id, remit.deps, SEEDER, require_pushed=False)
    assert (await at_authorize(remit, **request_for(world.local))).status_code == 303


@pytest.mark.requirement("JAR-1", "JAR-2", "PAR-1")
async def test_what_is_pushed_may_be_signed(remit):
    world = remit.acme
    signed = request_object(remit, world, world.keyed, state="signed")
    beside = {"redirect_uri": "https://evil.test/", "state": "beside"}
    answer = await push(remit, world, world.keyed, request=signed, **beside)
    assert answer.status_code == 201, answer.text
    refused(await push(remit, world, world.keyed, request=signed), "invalid_request_object")
    asked = {"client_id": world.keyed.id, "request_uri": answer.json()["request_uri"], "prompt": "none"}
    assert (await at_authorize(remit, **asked)).headers["location"].startswith(f"{world.issuer}/login")
    other = request_object(remit, world, world.keyed, iss=world.web.id)
    assert "iss and client_id" in refused(
        await push(remit, world, world.keyed, request=other), "invalid_request_object"
    )


def stored(remit):
    connection = apsw.Connection(str(remit.folder / "remit.db"))
    ((count,),) = connection.execute("select count(*) from pushed_request")
    return count
