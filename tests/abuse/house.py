"""Our server under a name of its own, the people at their browsers, and what an evil site has them do."""

from __future__ import annotations

import html
import shutil
from dataclasses import dataclass, field
from typing import Any

import apsw
from playwright.sync_api import Browser, BrowserContext, Page

from tests.abuse.sites import OURS, Evil
from tests.flows.client import Party
from tests.flows.server import Server
from tests.flows.waiting import until

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
BASE = f"https://{OURS}"
SCOPE = "read:calendar write:calendar"

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(event.effectiveDirective + " " + event.blockedURI);
});
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """Our server under its own name, the evil site, and a browser that knows where both live."""

    server: Server
    acme: dict[str, Any]
    evil: Evil
    chromium: Browser
    known: dict[str, BrowserContext] = field(default_factory=dict)
    """Browsers in which somebody is signed in already: nobody may try too often."""

    @property
    def issuer(self) -> str:
        issuer: str = self.acme["issuer"]
        return issuer

    def ask(self, **more: str) -> str:
        return Party(self.acme, "pub2").request(SCOPE, state="s", **more)

    def person(self, email: str = "") -> Person:
        """Return a new tab of somebody who is signed in, or of a browser that nobody has used."""
        context = self.known.get(email)
        if context is None:
            context = self.chromium.new_context(ignore_https_errors=True)
            context.add_init_script(WATCH)
        person = Person(house=self, context=context, page=context.new_page())
        if email and email not in self.known:
            person.sign_in(f"{self.issuer}/account", email)
            self.known[email] = context
        return person

    def told(self, type_: str) -> int:
        """Count the events of one type so far."""
        connection = apsw.Connection(str(self.server.data / "remit.db"), flags=apsw.SQLITE_OPEN_READONLY)
        found = connection.execute("select count(*) from event where type = ?", (type_,)).fetchall()
        connection.close()
        return int(str(found[0][0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """One browser profile with one tab."""

    house: House
    context: BrowserContext
    page: Page

    def sign_in(self, address: str, email: str) -> None:
        self.page.goto(address)
        self.page.get_by_label("E-mail").fill(email)
        self.page.get_by_label("Password").fill("password")
        with self.page.expect_navigation():
            self.page.get_by_role("button", name="Sign in").click()

    def cookies(self) -> dict[str, Any]:
        return {cookie["name"]: cookie for cookie in self.context.cookies()}

    def session(self) -> str:
        return str(self.cookies().get("__Host-remit_acme", {}).get("value", ""))

    def consent(self) -> dict[str, list[str]]:
        """Open a consent page and write down what its form would send."""
        self.page.goto(self.house.ask(prompt="consent"))
        assert "/consent?" in self.page.url
        pairs: list[list[str]] = self.page.evaluate(
            "[...new FormData(document.querySelector('form[action$=\"/consent\"]'))].map((pair) => [...pair])"
        )
        fields: dict[str, list[str]] = {}
        for name, value in pairs:
            fields.setdefault(name, []).append(value)
        return fields

    def until(self, expression: str) -> None:
        """Wait for what the page says; asked from outside, because a script of ours would break the very policy."""
        until(lambda: bool(self.page.evaluate(expression)), expression)

    def answer(self, decision: str) -> str:
        """Press a button of the consent page once it is armed, and return where the browser goes."""
        self.until("performance.now() > 700")
        with self.page.expect_request(lambda request: "/callback?" in request.url) as asked:
            self.page.locator(f"button[name=decision][value={decision}]").click(no_wait_after=True)
        return asked.value.url

    def close(self) -> None:
        self.page.close()


def posting(action: str, fields: dict[str, list[str]]) -> str:
    """A page that sends a form by itself, as soon as it is looked at."""
    inputs = "".join(
        f'<input name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, values in fields.items()
        for value in values
    )
    return f'<form method=post action="{action}">{inputs}</form><script>document.forms[0].submit()</script>'


def sandboxed(page: str) -> str:
    """The same out of a frame without an origin, which a browser calls null."""
    page = page.replace("<form ", "<form target=_top ")
    return f'<iframe sandbox="allow-scripts allow-forms allow-top-navigation" srcdoc="{html.escape(page)}"></iframe>'


def lured(person: Person, path: str, body: str, action: str) -> int:
    """Let somebody open an evil page that posts to us, and return the status of our answer."""
    address = person.house.evil.write(path, body)
    tab = person.context.new_page()
    with tab.expect_response(lambda answer: answer.url == action and answer.request.method == "POST") as seen:
        follow(tab, address)
    status = seen.value.status
    tab.close()
    return status


def follow(tab: Page, address: str) -> None:
    """Let a fresh tab go to an address without waiting: a page that sends it on at once would interrupt that."""
    tab.evaluate("(address) => { setTimeout(() => { location.href = address; }, 0); }", address)
