"""Every page in a real browser: Chromium, the seeded tenant and a server of its own."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

import apsw
import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, ViewportSize, sync_playwright

from remit.core.clients import GrantType
from tests.flows.client import Browser as Person
from tests.flows.client import Party
from tests.flows.server import Seeded, Server

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

# On a machine that checks every change a missing browser is a fault, not a reason to look away.
pytestmark = pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ, reason="no Chromium on this machine")

ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"], "resultTypes": ["violations"]}
WIDE: ViewportSize = {"width": 1200, "height": 900}
NARROW: ViewportSize = {"width": 320, "height": 640}


# A table scrolls by itself when it must, and then hides its last column: the buttons.
CUT_OFF = """[...document.querySelectorAll(".table")]
    .filter((table) => table.scrollWidth > table.clientWidth).map((table) => table.innerText)"""


@dataclass(slots=True, kw_only=True)
class Visitor:
    """One tab, and everything that the browser complained about in it."""

    page: Page
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", lambda message: self._hear(message))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def sign_in(self, address: str, email: str) -> None:
        self.page.goto(address)
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill("password")
        self.page.get_by_role("button", name="Sign in").click()


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The running server with a little history, and a browser to look at it."""

    acme: dict[str, Any]
    chromium: Browser

    @property
    def issuer(self) -> str:
        issuer: str = self.acme["issuer"]
        return issuer

    def ask(self) -> str:
        """Write down an authorization request that ends at the consent page."""
        scope = "openid read:calendar write:calendar delete:calendar"
        return Party(self.acme, "pub2").request(scope, state="s")

    def device(self) -> str:
        """Let a device ask, and return the address that it shows."""
        asked = {
            "client_id": Party(self.acme, "pub2").id,
            "scope": "read:calendar",
            "resource": self.acme["resources"]["R1"]["uri"],
        }
        told = httpx.post(f"{self.issuer}/oauth/device_authorization", data=asked, timeout=20)
        assert told.status_code == 200, told.text
        return str(told.json()["verification_uri_complete"])

    def visitor(self, **more: Any) -> Visitor:
        return Visitor(page=self.chromium.new_context(**more).new_page())


def let_devices(server: Server, client: str) -> None:
    """Turn the device flow on in the data of a server that has not begun."""
    connection = apsw.Connection(str(server.data / "remit.db"))
    connection.execute("update tenant set device_flow = 1 where slug = 'acme'")
    connection.execute(
        "update client set grant_types = json_insert(grant_types, '$[#]', ?) where id = ?",
        (GrantType.DEVICE_CODE.value, client),
    )
    assert connection.changes() == 1
    connection.close()


@pytest.fixture(scope="module")
def house(tmp_path_factory) -> Iterator[House]:
    seeded = Seeded.make(tmp_path_factory.mktemp("pages"))
    copied = seeded.copy(tmp_path_factory.mktemp("house") / "instance")
    let_devices(copied, Party(seeded.acme, "pub2").id)
    server = copied.start()
    try:
        party = Party(seeded.acme)
        with Person() as alice:
            granted = party.redeem(alice.allow(party.request("read:calendar write:calendar")))
        assert party.refresh(granted.refresh).status_code == 200
        with sync_playwright() as playwright:
            chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            yield House(acme=seeded.acme, chromium=chromium)
            chromium.close()
    finally:
        server.end()


@pytest.fixture(scope="module")
def stranger(house):
    return house.visitor()


@pytest.fixture(scope="module")
def alice(house):
    visitor = house.visitor()
    visitor.sign_in(house.ask(), "alice@example.com")
    return visitor


@pytest.fixture(scope="module")
def admin(house):
    visitor = house.visitor()
    visitor.sign_in(f"{house.issuer}/console", "admin@example.com")
    return visitor


def first_of(rows: str):
    def go(house: House, page: Page) -> None:
        page.goto(f"{house.issuer}/console/{rows}")
        page.locator("a.open").first.click()

    return go


def tab(name: str):
    def go(house: House, page: Page) -> None:
        page.goto(f"{house.issuer}/console/agents")
        page.locator("a.open").first.click()
        page.get_by_role("navigation", name="Agent").get_by_role("link", name=name).click()

    return go


def an_event(kind: str):
    def go(house: House, page: Page) -> None:
        page.goto(f"{house.issuer}/console/audit?type={kind}")
        page.locator("a.open").first.click()

    return go


def at(path: str):
    return lambda house, page: page.goto(f"{house.issuer}{path}")


def a_devices_question(house: House, page: Page) -> None:
    page.goto(house.device())
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("heading", name="Did you start this yourself?").wait_for()


PAGES = {
    "sign in": ("stranger", lambda house, page: page.goto(house.ask())),
    "consent": ("alice", lambda house, page: page.goto(house.ask())),
    "device": ("alice", at("/device")),
    "device, its question": ("alice", a_devices_question),
    "docs": ("stranger", at("/docs#invalid_grant")),
    "API reference": ("stranger", at("/docs/api#create_agent")),
    "my agents": ("alice", at("/account")),
    "overview": ("admin", at("/console")),
    "agents": ("admin", at("/console/agents")),
    "agent": ("admin", first_of("agents")),
    "grants": ("admin", at("/console/grants")),
    "audit": ("admin", at("/console/audit")),
    "event": ("admin", first_of("audit")),
    "event with its chain": ("admin", an_event("token.issued")),
    "my activity": ("alice", at("/account/activity")),
    "my activity, nothing": ("admin", at("/account/activity?show=calls")),
    "register an agent": ("admin", at("/console/agents/register")),
    "agents nobody has": ("admin", at("/console/agents?show=no-owner")),
    "agent's access": ("admin", tab("Access")),
    "agent's activity": ("admin", tab("Activity")),
    "agent's credentials": ("admin", tab("Credentials")),
    "agent's history": ("admin", tab("History")),
    "grants of nobody": ("admin", at("/console/grants?user=nobody")),
    "grants to revoke": ("admin", at("/console/grants/revoke?scope=read:calendar")),
    "grants to trim": ("admin", at("/console/grants/trim?scope=read:calendar")),
    "resources": ("admin", at("/console/resources")),
    "search": ("admin", at("/console/search?q=alice%40example.com")),
    "settings": ("admin", at("/console/settings")),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("who", "go"), PAGES.values(), ids=PAGES)
def test_a_page_is_quiet_accessible_and_fits_a_small_screen(house, request, who, go, scheme):
    visitor: Visitor = request.getfixturevalue(who)
    page = visitor.page
    visitor.complaints.clear()
    page.emulate_media(color_scheme=scheme)
    page.set_viewport_size(WIDE)
    go(house, page)
    page.wait_for_load_state("load")
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        # Colours do not depend on the width, so the narrow page is looked through once.
        if size is WIDE or scheme == "light":
            found = Axe().run(page, options=RULES)
            assert found.violations_count == 0, found.generate_report()
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
        assert page.evaluate(CUT_OFF) == []
    assert visitor.complaints == []


@pytest.mark.requirement("CON-9")
def test_the_tab_key_reaches_deny_before_allow(house, alice):
    page = alice.page
    page.goto(house.ask())
    reached: list[str] = []
    for _ in range(60):
        page.keyboard.press("Tab")
        here = page.evaluate("document.activeElement.name === 'decision' ? document.activeElement.value : ''")
        reached += [here] if here and here not in reached else []
    assert reached == ["deny", "allow"]


@pytest.mark.parametrize(("decision", "answer"), [("deny", "error=access_denied"), ("allow", "code=")])
def test_consent_works_without_scripts(house, decision, answer):
    page = house.visitor(java_script_enabled=False)
    page.sign_in(house.ask(), "bob@example.com")
    with page.page.expect_request(lambda request: "/callback?" in request.url) as asked:
        page.page.locator(f"button[name=decision][value={decision}]").click(no_wait_after=True)
    assert answer in asked.value.url


@pytest.mark.requirement("OA-21")
@pytest.mark.parametrize("scripts", [True, False], ids=["by itself", "by a button, without scripts"])
def test_an_answer_is_posted_to_the_client(house, scripts):
    visitor = house.visitor(java_script_enabled=scripts)
    visitor.page.add_init_script("window.at = 1000; performance.now = () => window.at;")
    more = {"response_mode": "form_post", "prompt": "consent", "state": "s"}
    visitor.sign_in(Party(house.acme, "pub2").request("openid read:calendar", **more), "bob@example.com")
    allow = visitor.page.locator("button[name=decision][value=allow]")
    if scripts:
        visitor.page.evaluate("window.at = 9000")
    with visitor.page.expect_request(lambda request: "/callback" in request.url) as posted:
        allow.click(no_wait_after=True)
        if not scripts:
            visitor.page.get_by_role("button", name="Continue").click(no_wait_after=True)
    assert posted.value.method == "POST"
    fields = parse_qs(posted.value.post_data or "")
    assert fields.keys() == {"code", "state", "iss"}
    assert (fields["state"], fields["iss"]) == (["s"], [house.issuer])
    assert "?" not in posted.value.url
    assert [text for text in visitor.complaints if "Content Security Policy" in text] == []


def test_stop_works_without_scripts(house):
    visitor = house.visitor(java_script_enabled=False)
    visitor.sign_in(f"{house.issuer}/account", "alice@example.com")
    stop = visitor.page.get_by_role("button", name="Stop Invoice helper")
    assert stop.count() == 1
    with visitor.page.expect_navigation():
        stop.click()
    visitor.page.get_by_role("heading", name="My agents").wait_for()
    assert stop.count() == 0


@pytest.mark.requirement("CON-9")
def test_a_click_in_the_first_half_second_allows_nothing(house):
    # A page slid under a moving pointer, or a key that was already on its way, gives no yes.
    visitor = house.visitor()
    visitor.page.add_init_script("window.at = 1000; performance.now = () => window.at;")
    visitor.sign_in(house.ask(), "alice@example.com")
    asked = visitor.page.url
    allow = visitor.page.get_by_role("button", name="Allow")
    visitor.page.evaluate("window.at = 1499")
    allow.click(no_wait_after=True)
    allow.press("Enter", no_wait_after=True)
    assert visitor.page.evaluate("location.href") == asked
    visitor.page.evaluate("window.at = 9000")
    with visitor.page.expect_request(lambda request: request.method == "POST"):
        allow.click(no_wait_after=True)
