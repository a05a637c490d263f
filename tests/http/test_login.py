"""GET and POST /login, POST /logout: who somebody is, kept on our side and forgotten when he says so."""

from __future__ import annotations

import pytest

from remit.core.users import UserState
from remit.services.provisioning.users import set_user_state
from tests.kit.flows import answer_of, ask, request_for, sign_in, sign_out, visit
from tests.kit.pages import form_to, submit, text_of
from tests.kit.world import PASSWORD, SEEDER, sure

WRONG = "That email address and password do not belong together here."


def url(remit):
    return f"{remit.acme.issuer}/login"


def is_signed_in(page):
    return "alice@example.com" in page.text


async def attempt(browser, remit, email="alice@example.com", password=PASSWORD):
    page = await browser.get(url(remit))
    form = form_to(page, "/login")
    form.put("email", email)
    form.put("password", password)
    return await submit(browser, page, form)


@pytest.mark.requirement("GEN-11", "GEN-12")
async def test_the_right_password_opens_a_session(remit):
    async with remit.browser() as browser:
        answer, events = await remit.events_of(remit.acme, attempt(browser, remit))
        assert (answer.status_code, answer.headers["location"]) == (303, f"{remit.acme.issuer}/account")
        assert [(event["type"], event["who"]["user"]) for event in events] == [("user.signed_in", remit.acme.alice.id)]
        (cookie,) = [line for line in answer.headers.get_list("set-cookie") if line.startswith("__Host-remit_acme=")]
        attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert attributes == {"path=/", "secure", "httponly", "samesite=lax"}


@pytest.mark.requirement("BCP-9", "BCP-13", "GEN-11")
async def test_the_page_cannot_be_framed_and_loads_nothing_of_others(remit):
    page = await remit.http.get(url(remit))
    assert page.headers["x-frame-options"] == "DENY"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["cache-control"] == "no-store"
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "http" not in policy.replace("https://app.example", "")


REFUSED = {
    "a wrong password": ("alice@example.com", "wrong", "wrong address or password"),
    "no password": ("alice@example.com", "", "wrong address or password"),
    "nobody of that address": ("nobody@example.com", PASSWORD, "wrong address or password"),
    "no address": ("", PASSWORD, "wrong address or password"),
    "a password as long as a book": ("alice@example.com", "x" * 5000, "wrong address or password"),
    "an address in other letters": ("ａlice@example.com", PASSWORD, "wrong address or password"),
    "an address with something invisible": ("alice\u200b@example.com", PASSWORD, "wrong address or password"),
    "somebody of another tenant": ("carol@example.com", PASSWORD, "wrong address or password"),
}


@pytest.mark.requirement("BCP-20")
@pytest.mark.parametrize(("email", "password", "reason"), REFUSED.values(), ids=REFUSED)
async def test_every_refusal_reads_alike(remit, email, password, reason):
    async with remit.browser() as browser:
        answer, events = await remit.events_of(remit.acme, attempt(browser, remit, email, password))
        assert WRONG in text_of(answer)
        assert "__Host-remit_acme" not in browser.cookies
        assert [(event["type"], event["what"]["reason"]) for event in events] == [("user.sign_in_refused", reason)]
        assert PASSWORD not in str(events)


async def test_an_inactive_user_reads_the_same_and_the_log_knows_why(remit):
    world = remit.acme
    sure(
        await set_user_state(
            world.tenant.id, remit.deps, SEEDER, user=world.alice.id, state=UserState.INACTIVE, reason="left"
        )
    )
    async with remit.browser() as browser:
        answer, events = await remit.events_of(world, attempt(browser, remit))
        assert WRONG in text_of(answer)
        assert events[0]["what"]["reason"] == "the user is inactive"


async def test_a_session_ends_with_its_user(remit):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        assert is_signed_in(await browser.get(f"{world.issuer}/oauth/authorize"))
        sure(
            await set_user_state(
                world.tenant.id, remit.deps, SEEDER, user=world.alice.id, state=UserState.INACTIVE, reason="left"
            )
        )
        assert not is_signed_in(await browser.get(f"{world.issuer}/oauth/authorize"))


async def test_addresses_are_compared_without_regard_to_case_and_spaces(remit):
    async with remit.browser() as browser:
        assert (await attempt(browser, remit, " Alice@EXAMPLE.com ")).status_code == 303


@pytest.mark.requirement("BCP-20", "GEN-13")
async def test_ten_tries_and_then_a_pause_however_the_name_is_written(remit):
    spellings = ["alice@example.com", "ALICE@example.com", " alice@example.com", "Alice@Example.Com "] * 3
    async with remit.browser() as browser:
        for email in spellings[:10]:
            assert WRONG in text_of(await attempt(browser, remit, email, "wrong"))
        answer, events = await remit.events_of(remit.acme, attempt(browser, remit))
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
        assert f"Wait {answer.headers['retry-after']} seconds" in text_of(answer)
        assert [event["what"]["reason"] for event in events] == ["too many tries"]
        async with remit.browser() as other:
            assert (await attempt(other, remit, "mallory@example.com")).status_code == 303
        remit.clock.forward(minutes=5)
        assert (await attempt(browser, remit)).status_code == 303


@pytest.mark.requirement("BCP-18")
async def test_the_session_of_one_tenant_is_none_at_another(remit):
    async with remit.browser() as browser:
        await visit(browser, remit.acme)
        cookie = browser.cookies["__Host-remit_acme"]
        browser.cookies.set("__Host-remit_globex", cookie, domain="id.example", path="/")
        assert not is_signed_in(await browser.get(f"{remit.globex.issuer}/oauth/authorize"))
        assert is_signed_in(await browser.get(f"{remit.acme.issuer}/oauth/authorize"))


@pytest.mark.requirement("GEN-11")
async def test_every_login_has_a_session_of_its_own(remit):
    async with remit.browser() as browser:
        await attempt(browser, remit)
        first = browser.cookies["__Host-remit_acme"]
        await sign_out(remit, browser, remit.acme)
        assert "__Host-remit_acme" not in browser.cookies
        await attempt(browser, remit, "mallory@example.com")
        assert browser.cookies["__Host-remit_acme"] != first
        browser.cookies.set("__Host-remit_acme", first, domain="id.example", path="/")
        assert not is_signed_in(await browser.get(f"{remit.acme.issuer}/oauth/authorize"))


@pytest.mark.parametrize(("hours", "alive"), [(7.9, True), (8, False)])
async def test_a_session_left_idle_ends(remit, hours, alive):
    async with remit.browser() as browser:
        await visit(browser, remit.acme)
        remit.clock.forward(hours=hours)
        assert is_signed_in(await browser.get(f"{remit.acme.issuer}/oauth/authorize")) == alive


async def test_a_damaged_cookie_is_no_session(remit):
    async with remit.browser() as browser:
        await visit(browser, remit.acme)
        cookie = browser.cookies["__Host-remit_acme"]
        for damaged in (cookie[:-1], cookie.upper(), "x", cookie.replace("rmt_ls_", "rmt_br_")):
            browser.cookies.set("__Host-remit_acme", damaged, domain="id.example", path="/")
            assert not is_signed_in(await browser.get(f"{remit.acme.issuer}/oauth/authorize"))


FORGERIES = {
    "from another site": {"origin": "https://evil.example"},
    "from nowhere": {"origin": "null"},
    "from another site, says the browser": {"sec-fetch-site": "cross-site"},
    "from a neighbour, says the browser": {"sec-fetch-site": "same-site"},
}


@pytest.mark.requirement("GEN-11")
@pytest.mark.parametrize("headers", FORGERIES.values(), ids=FORGERIES)
@pytest.mark.parametrize("path", ["/login", "/logout"])
async def test_a_form_from_elsewhere_is_refused(remit, headers, path):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        page = await browser.get(f"{world.issuer}/oauth/authorize")
        token = form_to(page, "/logout").value("csrf")
        data = {"csrf": token, "email": "mallory@example.com", "password": PASSWORD}
        answer = await browser.post(world.issuer + path, data=data, headers=headers)
        assert answer.status_code == 403
        assert is_signed_in(await browser.get(f"{world.issuer}/oauth/authorize"))


@pytest.mark.requirement("GEN-11")
@pytest.mark.parametrize("token", [None, "", "x", "é"])
async def test_a_form_without_its_token_is_refused(remit, token):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        data = {"email": "mallory@example.com", "password": PASSWORD} | ({"csrf": token} if token is not None else {})
        for path in ("/login", "/logout"):
            answer = await browser.post(world.issuer + path, data=data, headers={"origin": "https://id.example"})
            assert answer.status_code == 403
        assert is_signed_in(await browser.get(f"{world.issuer}/oauth/authorize"))


async def test_the_token_of_another_browser_is_refused(remit):
    async with remit.browser() as mine, remit.browser() as other:
        token = form_to(await other.get(url(remit)), "/login").value("csrf")
        await mine.get(url(remit))
        answer = await mine.post(url(remit), data={"csrf": token, "email": "alice@example.com", "password": PASSWORD})
        assert answer.status_code == 403
        answer = await remit.browser().post(url(remit), data={"csrf": token})
        assert answer.status_code == 403


STAYS = "https://id.example/t/acme/account"
NEXT = {
    "a page of ours": ("/t/acme/console?page=2", "/t/acme/console?page=2"),
    "another server": ("https://evil.example", STAYS),
    "another server without its scheme": ("//evil.example", STAYS),
    "a backslash": ("/\\evil.example", STAYS),
    "a scheme without slashes": ("https:evil.example", STAYS),
    "something invisible": ("\x01//evil.example", STAYS),
    "a tab": ("/\t/evil.example", STAYS),
    "a script": ("javascript:alert(1)", STAYS),
}


@pytest.mark.requirement("BCP-7")
@pytest.mark.parametrize(("wanted", "expected"), NEXT.values(), ids=NEXT)
async def test_a_login_leads_to_a_page_of_ours(remit, wanted, expected):
    async with remit.browser() as browser:
        page = await browser.get(url(remit), params={"next": wanted})
        if page.status_code == 400:
            assert "\x01" in wanted
            return
        form = form_to(page, "/login")
        form.put("email", "alice@example.com")
        form.put("password", PASSWORD)
        answer = await submit(browser, page, form)
        assert (answer.status_code, answer.headers["location"]) == (303, expected)
        again = await browser.get(url(remit), params={"next": wanted})
        assert (again.status_code, again.headers["location"]) == (303, expected)


async def test_a_request_goes_on_after_the_login(remit):
    world = remit.acme
    async with remit.browser() as browser:
        page = await ask(browser, world, request_for(world.web, login_hint="alice@example.com"))
        assert form_to(page, "/login").value("email") == "alice@example.com"
        assert "web" in text_of(page)
        assert "https://app.example" in page.headers["content-security-policy"]
        page = await sign_in(browser, page, password="wrong")
        assert WRONG in text_of(page)
        page = await sign_in(browser, page)
        assert page.url.path.endswith("/consent")


async def test_signing_out_says_what_goes_on(remit):
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        answer, events = await remit.events_of(world, sign_out(remit, browser, world))
        assert answer.status_code == 200
        assert {event["type"] for event in events} >= {"stop.placed", "user.signed_out"}
        assert [event["what"]["target_kind"] for event in events if event["type"] == "stop.placed"] == ["session"]
        assert not is_signed_in(await browser.get(f"{world.issuer}/oauth/authorize"))


async def test_a_suspended_tenant_lets_nobody_in(remit):
    world = remit.acme
    remit.sql("update tenant set state = 'suspended' where tenant = :tenant", tenant=world.tenant.id)
    async with remit.browser() as browser:
        assert WRONG in text_of(await attempt(browser, remit))


async def test_bodies_that_cannot_be_read_are_refused(remit):
    async with remit.browser() as browser:
        await browser.get(url(remit))
        form = {"content-type": "application/x-www-form-urlencoded"}
        assert (await browser.post(url(remit), content=b"csrf=a&csrf=b", headers=form)).status_code == 400
        assert (await browser.post(url(remit), content=b"email=%00", headers=form)).status_code == 400
        assert (await browser.post(url(remit), content=b"a" * 70_000, headers=form)).status_code == 413
        assert (await browser.post(url(remit), json={"csrf": "a"})).status_code == 400


async def test_a_stranger_signed_in_elsewhere_is_not_known_by_the_binding_alone(remit):
    """The browser's binding cookie says nothing about who sits in front of it."""
    world = remit.acme
    async with remit.browser() as browser:
        await visit(browser, world)
        del browser.cookies["__Host-remit_acme"]
        page = await ask(browser, world, request_for(world.web))
        assert page.url.path.endswith("/login")
        assert answer_of(await ask(browser, world, request_for(world.web, prompt="none"))).fields["error"] == (
            "login_required"
        )
