"""An answer that goes back in a form (OAuth 2.0 Form Post Response Mode; OA-21, ISS-1)."""

from __future__ import annotations

import pytest

from tests.kit.flows import STATE, answer_of, answered, ask, redeem, request_for, sign_in
from tests.kit.pages import read_forms, submit
from tests.kit.world import CALLBACK


def posted(page):
    """Return where the only form of a page leads and what it carries."""
    assert page.status_code == 200, page.headers
    (form,) = read_forms(page)
    assert len(form.fields) == len(dict(form.fields))
    return form.action, dict(form.fields)


def locked(page, origin):
    """Look at what keeps the page from being framed, kept, or led elsewhere."""
    policy = dict(part.strip().split(" ", 1) for part in page.headers["content-security-policy"].split(";"))
    assert policy["form-action"] == f"'self' {origin}"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["script-src"] == "'self'"
    assert (page.headers["cache-control"], page.headers["referrer-policy"]) == ("no-store", "no-referrer")


async def walk(remit, world, client, decision="allow", **changes):
    async with remit.browser() as browser:
        page = await ask(browser, world, request_for(client, response_mode="form_post", **changes))
        page = await sign_in(browser, page)
        return await submit(browser, page, answered(page, decision))


@pytest.mark.requirement("OA-21", "ISS-1", "OA-7")
async def test_a_yes_goes_back_in_a_form(remit):
    world = remit.acme
    page = await walk(remit, world, world.web)
    action, fields = posted(page)
    assert action == CALLBACK
    code = fields.pop("code")
    assert fields == {"state": STATE, "iss": world.issuer}
    locked(page, "https://app.example")
    assert "csrf" not in fields
    # It goes by itself, and by a button where there are no scripts.
    assert "data-submit" in page.text
    assert 'type="submit">Continue</button>' in page.text
    assert "<noscript" not in page.text
    assert (await redeem(remit, world, world.web, code)).status_code == 200


@pytest.mark.requirement("OA-21", "ISS-1", "OA-5")
async def test_a_no_goes_back_in_a_form(remit):
    world = remit.acme
    action, fields = posted(await walk(remit, world, world.web, "deny"))
    assert action == CALLBACK
    assert (fields["error"], fields["state"], fields["iss"]) == ("access_denied", STATE, world.issuer)
    assert fields["error_uri"].startswith(world.issuer)
    assert "code" not in fields


WRONG = {
    "another response type": ({"response_type": "token"}, "unsupported_response_type"),
    "no challenge": ({"code_challenge": None}, "invalid_request"),
    "nobody is signed in, and nobody may be asked": ({"prompt": "none"}, "login_required"),
}


@pytest.mark.requirement("OA-21", "ISS-1", "OA-5")
@pytest.mark.parametrize(("changes", "error"), WRONG.values(), ids=WRONG)
async def test_a_mistake_goes_back_in_a_form(remit, changes, error):
    world = remit.acme
    asked = request_for(world.web, response_mode="form_post", **changes)
    page = await remit.http.get(f"{world.issuer}/oauth/authorize", params=asked)
    action, fields = posted(page)
    assert (action, fields["error"], fields["state"], fields["iss"]) == (CALLBACK, error, STATE, world.issuer)
    locked(page, "https://app.example")


@pytest.mark.requirement("OA-21")
async def test_what_was_allowed_before_goes_back_in_a_form(remit):
    world = remit.acme
    async with remit.browser() as browser:
        page = await sign_in(browser, await ask(browser, world, request_for(world.web)))
        assert answer_of(await submit(browser, page, answered(page))).code
        page = await ask(browser, world, request_for(world.web, response_mode="form_post", prompt="none"))
    assert "code" in posted(page)[1]


@pytest.mark.requirement("OA-21", "OA-4")
async def test_a_stranger_gets_no_form(remit):
    world = remit.acme
    asked = request_for(world.web, response_mode="form_post", redirect_uri="https://evil.example/cb")
    page = await remit.http.get(f"{world.issuer}/oauth/authorize", params=asked)
    assert (page.status_code, read_forms(page)) == (400, [])
    assert "evil.example" not in page.headers["content-security-policy"]


@pytest.mark.requirement("OA-21")
async def test_no_form_is_posted_to_an_application(remit):
    """An address like com.example.app:/cb opens a program, which no form can be posted to."""
    world = remit.acme
    remit.sql(
        "update client set redirect_uris = '[\"com.example.app:/cb\"]' where tenant = :tenant and id = :id",
        tenant=world.tenant.id,
        id=world.local.id,
    )
    asked = request_for(world.local, response_mode="form_post", redirect_uri="com.example.app:/cb")
    answer = answer_of(await remit.http.get(f"{world.issuer}/oauth/authorize", params=asked))
    assert answer.url.startswith("com.example.app:/cb?")
    assert answer.fields["error"] == "invalid_request"
