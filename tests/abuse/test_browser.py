"""CONS in Chromium itself, over TLS under a name of our own, with nothing that a browser guards switched off.

Only the self-made certificate is trusted by order; site isolation, SameSite, CSP and framing are the browser's own.
"""

from __future__ import annotations

import html
import json
import os
from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import sync_playwright

from tests.abuse.house import ARGUMENTS, BASE, CHROMIUM, SCOPE, House, Person, follow, lured, posting, sandboxed
from tests.abuse.sites import EVIL, OURS, sites
from tests.flows.server import Server, free_port

# On a machine that checks every change a missing browser is a fault, not a reason to look away.
pytestmark = pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ, reason="no Chromium on this machine")


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("browser")
    server = Server(data=folder / "data", port=free_port(), base=BASE)
    told = folder / "seed.json"
    made = server.remit("dev-seed", "--json", str(told), "--base-url", BASE)
    assert made.returncode == 0, made.stderr
    server.start()
    try:
        with sites(folder, server.port) as web, sync_playwright() as playwright:
            rules = f"--host-resolver-rules={web.rules}"
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, rules])
            acme = json.loads(told.read_text("utf-8"))["tenants"]["acme"]
            yield House(server=server, acme=acme, evil=web.evil, chromium=chromium)
            chromium.close()
    finally:
        server.end()


@pytest.fixture
def alice(house) -> Iterator[Person]:
    person = house.person("alice@example.com")
    yield person
    person.close()


@pytest.fixture
def mallory(house) -> Iterator[Person]:
    person = house.person("mallory@example.com")
    yield person
    person.close()


WAYS = {"a page": lambda page: page, "a sandboxed frame": sandboxed}


@pytest.mark.parametrize("decision", ["allow", "deny"])
@pytest.mark.parametrize("wrap", WAYS.values(), ids=WAYS)
def test_b_cons_01_a_page_of_another_site_cannot_answer_for_alice(house, alice, mallory, wrap, decision):
    given, denied = house.told("consent.given"), house.told("consent.denied")
    theirs = mallory.consent() | {"decision": [decision], "scope": SCOPE.split()}
    mine = alice.consent() | {"decision": [decision], "scope": SCOPE.split()}
    session = alice.session()
    for number, fields in enumerate((theirs, theirs | {"csrf": mine["csrf"]}, mine)):
        body = wrap(posting(f"{house.issuer}/consent", fields))
        assert lured(alice, f"/consent-{number}", body, f"{house.issuer}/consent") == 403
    assert (house.told("consent.given"), house.told("consent.denied")) == (given, denied)
    assert alice.session() == session
    # The page that she has had open all along takes her own answer: nothing above failed for another reason.
    assert ("code=" in alice.answer(decision)) is (decision == "allow")


@pytest.mark.parametrize("wrap", WAYS.values(), ids=WAYS)
def test_b_cons_01_nobody_is_signed_in_as_somebody_else(house, wrap):
    """Login CSRF: the victim would go on to work in the attacker's account."""
    victim = house.person()
    stranger = house.person()
    stranger.page.goto(f"{house.issuer}/login")
    token = stranger.page.locator("form[action*='/login'] input[name=csrf]").get_attribute("value") or ""
    victim.page.goto(f"{house.issuer}/login")
    fields = {"email": ["mallory@example.com"], "password": ["password"], "csrf": [token]}
    signed_in = house.told("user.signed_in")
    for number, sent in enumerate((fields, {**fields, "csrf": [""]})):
        body = wrap(posting(f"{house.issuer}/login", sent))
        assert lured(victim, f"/login-{number}", body, f"{house.issuer}/login") == 403
    assert victim.session() == ""
    assert house.told("user.signed_in") == signed_in
    victim.close()
    stranger.close()


ACTIONS = ("/logout", "/account/stop-everything", "/console/agents/{agent}/stop")


@pytest.mark.parametrize("action", ACTIONS)
def test_b_cons_01_no_other_form_is_sent_from_elsewhere(house, action):
    admin = house.person("admin@example.com")
    session = admin.session()
    target = house.issuer + action.format(agent=house.acme["agents"]["A"]["id"])
    before = house.told("stop.placed"), house.told("user.signed_out")
    for wrap in WAYS.values():
        assert lured(admin, "/form", wrap(posting(target, {"csrf": ["x"], "reason": ["x"]})), target) == 403
    assert (house.told("stop.placed"), house.told("user.signed_out")) == before
    admin.page.goto(f"{house.issuer}/console")
    assert (admin.session(), admin.page.url) == (session, f"{house.issuer}/console")
    admin.close()


def test_b_cons_01_cookies_are_what_a_browser_guards_best(house, alice):
    alice.page.goto(house.ask(prompt="consent"))
    cookies = alice.cookies()
    assert cookies.keys() == {"__Host-remit_acme", "__Host-remit_acme.b"}
    for cookie in cookies.values():
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")
        assert (cookie["path"], cookie["domain"]) == ("/", OURS)
    assert alice.page.evaluate("document.cookie") == ""


def test_b_cons_01_another_site_sees_and_sends_no_cookie(house, alice):
    house.evil.asked.clear()
    address = house.evil.write(
        "/fetch",
        f"""<script>
        fetch("{house.issuer}/account", {{credentials: "include"}}).then(
            (answer) => answer.text()).then((text) => {{ window.read = text; }}, () => {{ window.read = "nothing"; }});
        </script>""",
    )
    alice.page.goto(address)
    alice.until("window.read !== undefined")
    assert alice.page.evaluate("window.read") == "nothing"


FRAMED = ("login", "login/code", "account", "account/security", "console", "consent", "device", "docs", "nothing-here")


@pytest.mark.parametrize("what", FRAMED)
def test_b_cons_02_no_page_of_ours_opens_in_a_frame(house, alice, what):
    target = house.ask(prompt="consent") if what == "consent" else f"{house.issuer}/{what}"
    for tag in ("iframe", "object", "embed"):
        name = "data" if tag == "object" else "src"
        address = house.evil.write("/frame", f'<{tag} {name}="{html.escape(target)}" width=600 height=600></{tag}>')
        alice.page.goto(address)
        alice.page.wait_for_load_state("networkidle")
        for frame in alice.page.frames[1:]:
            # What a browser refuses to show becomes an error page of its own, without a word of ours.
            assert OURS not in frame.url, (tag, frame.url, frame.evaluate("document.body.innerText"))
    # By itself it does open, so the frame was what kept it shut.
    alice.page.goto(target)
    assert alice.page.url.startswith(house.issuer)


def test_b_cons_02_not_even_in_a_frame_of_our_own_site(house, alice):
    """A page of ours that took in a frame could be dressed up too."""
    alice.page.goto(f"{house.issuer}/account")
    alice.page.evaluate(
        f"document.body.append(Object.assign(document.createElement('iframe'), {{src: '{house.issuer}/account'}}))"
    )
    alice.until("window.violations.length > 0")
    assert [seen.split()[0] for seen in alice.page.evaluate("window.violations")] == ["frame-src"]


SMUGGLED = {
    "a script in the page": ("script-src-elem", "<script>window.pwned = 1</script>"),
    "a handler": ("script-src-attr", '<button id=lure onclick="window.pwned = 1">x</button>'),
    "an address that runs": ("script-src-elem", '<a id=lure href="javascript:window.pwned=1">x</a>'),
    "a script from elsewhere": ("script-src-elem", f'<script src="https://{EVIL}/pwn.js"></script>'),
    "an object": ("object-src", f'<object data="https://{EVIL}/pwn.html"></object>'),
    "a frame": ("frame-src", f'<iframe src="https://{EVIL}/pwn.html"></iframe>'),
    "a style": ("style-src-elem", "<style>body { background: red }</style>"),
    "a style on an element": ("style-src-attr", '<p style="background: red">x</p>'),
    "a picture that tells": ("img-src", f'<img src="https://{EVIL}/leak">'),
    "a base": ("base-uri", f'<base href="https://{EVIL}/">'),
}
"""What somebody smuggles into a page, and the part of the policy that keeps it from working."""


@pytest.mark.parametrize(("directive", "markup"), SMUGGLED.values(), ids=SMUGGLED)
def test_b_cons_02_what_is_smuggled_into_a_page_does_not_run(house, alice, directive, markup):
    """As if a page of ours forgot to escape: the policy is the second wall."""
    house.evil.asked.clear()
    house.evil.pages["/pwn.js"] = "window.pwned = 1"
    for where in (f"{house.issuer}/account", house.ask(prompt="consent")):
        alice.page.goto(where)
        assert alice.page.evaluate("window.violations") == []
        alice.page.evaluate(
            "(markup) => document.body.append(document.createRange().createContextualFragment(markup))", markup
        )
        lure = alice.page.locator("#lure")
        if lure.count():
            lure.dispatch_event("click")
        alice.until("window.violations.length > 0")
        assert {seen.split()[0] for seen in alice.page.evaluate("window.violations")} == {directive}
        assert alice.page.evaluate("window.pwned") is None
        assert house.evil.asked == []
        assert alice.page.evaluate("document.baseURI").startswith(house.issuer)


def test_b_cons_02_what_was_smuggled_in_can_tell_nobody(house, alice):
    house.evil.asked.clear()
    alice.page.goto(f"{house.issuer}/account")
    said = alice.page.evaluate(f"fetch('https://{EVIL}/leak').then(() => 'told', () => 'kept')")
    assert (said, house.evil.asked) == ("kept", [])
    # A form that leads elsewhere is not sent either.
    alice.page.evaluate(
        f"""() => {{
            const form = document.createElement("form");
            form.action = "https://{EVIL}/take"; form.method = "post";
            document.body.append(form); form.submit();
        }}"""
    )
    alice.until("window.violations.some((seen) => seen.startsWith('form-action'))")
    assert house.evil.asked == []


def test_b_cons_02_our_own_pages_break_no_policy(house):
    for person, paths in (
        (house.person(), ("/login", "/docs", "/account")),
        (house.person("alice@example.com"), ("/account", "/console")),
        (
            house.person("admin@example.com"),
            ("/console", "/console/agents", "/console/grants", "/console/audit", "/account"),
        ),
    ):
        for path in (*paths, None):
            person.page.goto(f"{house.issuer}{path}" if path else house.ask(prompt="consent"))
            person.page.wait_for_load_state("load")
            assert person.page.evaluate("window.violations") == [], path
        person.close()


def test_b_cons_03_a_link_on_another_site_gets_no_silent_code(house, alice):
    """She has allowed exactly this before; her browser says that the request came from elsewhere."""
    alice.page.goto(house.ask(prompt="consent"))
    assert "code=" in alice.answer("allow")
    quiet = house.ask()
    given = house.told("consent.given")
    for way in (
        f'<meta http-equiv="refresh" content="0; url={html.escape(quiet)}">',
        f"<script>location = {quiet!r}</script>",
        posting(quiet.partition("?")[0], {k: [v] for k, v in parse_qsl(quiet.partition("?")[2])}),
    ):
        address = house.evil.write("/link", way)
        tab = alice.context.new_page()
        follow(tab, address)
        # A form of another site comes without her session, so there she is even asked who she is.
        tab.wait_for_url(lambda url: any(step in url for step in ("/consent?", "/login?", "/callback?")))
        assert "/callback?" not in tab.url
        tab.close()
    assert house.told("consent.given") == given


def test_b_cons_06_what_a_browser_keeps_of_alice_is_nothing_to_bob(house):
    person = house.person()
    person.page.goto(f"{house.issuer}/login")
    c0 = {cookie["value"] for cookie in person.cookies().values()}
    person.sign_in(f"{house.issuer}/account", "alice@example.com")
    c1 = person.session()
    person.page.goto(house.ask(prompt="consent"))
    assert "alice@example.com" in person.page.content()
    # In another tab alice goes, and bob comes.
    other = Person(house=house, context=person.context, page=person.context.new_page())
    other.page.goto(f"{house.issuer}/account")
    other.page.locator("details summary").first.click()
    other.page.get_by_role("button", name="Sign out").click()
    other.page.wait_for_url("**/logout")
    assert person.session() == ""
    other.sign_in(f"{house.issuer}/account", "bob@example.com")
    assert person.session() not in c0 | {c1, ""}
    # Alice's page is still open, and bob presses her button.
    given = house.told("consent.given")
    person.until("performance.now() > 700")
    with person.page.expect_response(lambda answer: answer.request.method == "POST") as seen:
        person.page.locator("button[name=decision][value=allow]").click(no_wait_after=True)
    assert seen.value.status == 403
    person.page.get_by_text("open the page again").wait_for()
    assert house.told("consent.given") == given
    # Nor is a page of hers kept for the back button: what comes back is asked of bob.
    person.page.goto(house.ask(prompt="consent"))
    person.page.goto("about:blank")
    person.page.go_back()
    assert "bob@example.com" in person.page.content()
    assert "alice@example.com" not in person.page.content()
    person.context.close()
