"""Where an error of the authorization endpoint goes: to the client, to the person first, or nowhere."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from remit.core.stops import TargetKind
from tests.kit.flows import STATE, answer_of, answered, approve, ask, request_for, sign_in, visit
from tests.kit.pages import links_of, submit, text_of
from tests.kit.stops import stop
from tests.kit.world import CALLBACK


def unvouched(remit):
    """Take back what an administrator said for the clients of acme."""
    remit.sql("update client set self_registered = 1 where tenant = :tenant", tenant=remit.acme.tenant.id)


ERRORS = {
    "a token": ({"response_type": "token"}, "unsupported_response_type"),
    "no challenge": ({"code_challenge": None}, "invalid_request"),
    "a scope that nobody knows": ({"scope": "admin"}, "invalid_scope"),
    "a resource that nobody knows": ({"resource": "https://x.example/"}, "invalid_target"),
    "a request object": ({"request": "a.b.c"}, "request_not_supported"),
    "an endless state": ({"state": "s" * 2049}, "invalid_request"),
    "nobody is signed in, and nobody may be asked": ({"prompt": "none"}, "login_required"),
}


@pytest.mark.requirement("OA-22", "BCP-7")
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize(("changes", "error"), ERRORS.values(), ids=ERRORS)
async def test_an_app_that_nobody_vouched_for_sends_no_browser_anywhere(remit, changes, error, method):
    # Whoever may register a client could otherwise send people from our address to his.
    world = remit.acme
    unvouched(remit)
    asked = request_for(world.web, **changes)
    sent = {"params": asked} if method == "GET" else {"data": asked}
    page = await remit.http.request(method, f"{world.issuer}/oauth/authorize", **sent)
    assert page.status_code == 400
    assert "location" not in page.headers
    assert "refresh" not in page.headers
    assert "app.example" in text_of(page)
    assert "nobody has checked it" in text_of(page)
    # The person may take the message there, and then the client learns what any client learns.
    (onward,) = [link for link in links_of(page) if link.startswith(CALLBACK)]
    fields = dict(parse_qsl(urlsplit(onward).query))
    assert fields.pop("error_description")
    assert fields.pop("error_uri") == f"{world.issuer}/docs#{error}"
    assert fields == {"error": error, "state": asked["state"], "iss": world.issuer}


@pytest.mark.requirement("OA-22")
async def test_after_the_person_has_acted_the_app_is_told_by_itself(remit):
    world = remit.acme
    unvouched(remit)
    async with remit.browser() as browser:
        page = await sign_in(browser, await ask(browser, world, request_for(world.web)))
        told = answer_of(await submit(browser, page, answered(page, "deny")))
    assert told.url.startswith(CALLBACK)
    assert told.fields["error"] == "access_denied"


@pytest.mark.requirement("OA-22")
async def test_consent_that_is_missing_under_prompt_none_sends_nobody_either(remit):
    world = remit.acme
    unvouched(remit)
    async with remit.browser() as browser:
        await visit(browser, world)
        page = await ask(browser, world, request_for(world.web, prompt="none"))
    assert (page.status_code, "location" in page.headers) == (400, False)
    assert "consent" in text_of(page)


@pytest.mark.requirement("OIDC-4", "OA-5")
async def test_prompt_none_tells_the_client_that_the_person_may_not(remit):
    # A page of ours in a hidden frame would leave the client waiting for good.
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        await approve(remit, world, world.web, browser=browser)
        await stop(remit, world, TargetKind.USER, world.alice.id)
        told = answer_of(await ask(browser, world, request_for(world.web, prompt="none")))
        assert told.fields.pop("error_description") == "the user was stopped"
        assert told.fields.pop("error_uri")
        assert told.fields == {"error": "access_denied", "state": STATE, "iss": world.issuer}
        # Without it the person reads it himself.
        page = await ask(browser, world, request_for(world.web))
        assert (page.status_code, "location" in page.headers) == (403, False)
        assert "the user was stopped" in text_of(page).lower()


@pytest.mark.requirement("OIDC-4")
async def test_prompt_none_tells_the_client_that_nothing_can_be_given(remit):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        remit.sql("update tenant set rights_on = 1 where tenant = :tenant", tenant=world.tenant.id)
        told = answer_of(await ask(browser, world, request_for(world.web, prompt="none")))
    assert told.fields["error"] == "access_denied"


async def test_a_request_that_is_only_looked_at_writes_nothing(remit):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        before = remit.deps.db.commits
        page = await ask(browser, world, request_for(world.web))
        assert page.url.path.endswith("/consent")
        answer_of(await ask(browser, world, request_for(world.web, prompt="none")))
        assert remit.deps.db.commits == before
        # A remembered approval does: it leaves a line, a code and an event.
        await approve(remit, world, world.web, browser=browser)
        before = remit.deps.db.commits
        assert answer_of(await ask(browser, world, request_for(world.web))).code
        assert remit.deps.db.commits == before + 1
