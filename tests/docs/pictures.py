"""Take the pictures of the README again, after a page has changed: `.venv/bin/python -m tests.docs.pictures`.

They show a seeded instance with a little history, in Chromium, by day.
"""

from __future__ import annotations

import secrets
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

from tests.flows.client import Browser as Person
from tests.flows.client import Party, Tokens
from tests.flows.server import Seeded
from tests.rules.tree import ROOT

IMAGES = ROOT / "docs" / "images"
ARGUMENTS = ("--no-sandbox", "--disable-gpu")


def live_a_little(acme: dict[str, Any]) -> None:
    """Let two agents be allowed something, and call."""
    for client, scope in (("pub1", "read:calendar write:calendar"), ("pub2", "read:calendar tickets.update")):
        party = Party(acme, client)
        with Person() as alice:
            report_call(acme, party.redeem(alice.allow(party.request(scope))))


def report_call(acme: dict[str, Any], tokens: Tokens) -> None:
    """Tell the server of a call, as the guard of the calendar does."""
    calendar, claims = acme["resources"]["R1"], tokens.claims
    call = {
        "id": secrets.token_hex(8),
        "at": int(time.time() * 1000),
        "decision": "permit",
        "method": "GET",
        "path": "/events",
        "status": 200,
        "required": ["read:calendar"],
        "peer": "198.51.100.4",
        **{name: claims[name] for name in ("scope", "jti", "sub", "client_id", "agent_id", "grant_id", "line_id")},
    }
    proof = (calendar["client_id"], calendar["client_secret"])
    answer = httpx.post(acme["decisions"], json={"decisions": [call]}, auth=proof)
    assert answer.status_code == 202, answer.text


def take(acme: dict[str, Any], chromium: Browser) -> None:
    """Take every picture."""
    asked = Party(acme, "pub2").request("openid read:calendar write:calendar", state="s")
    alice = visitor(chromium, 720, asked, "alice@example.com")
    alice.screenshot(path=IMAGES / "consent.png", full_page=True)
    alice.set_viewport_size({"width": 900, "height": 600})
    alice.goto(f"{acme['issuer']}/account")
    alice.screenshot(path=IMAGES / "my-agents.png", full_page=True)
    admin = visitor(chromium, 1200, f"{acme['issuer']}/console/agents", "admin@example.com")
    admin.screenshot(path=IMAGES / "agents.png", full_page=True)
    admin.set_viewport_size({"width": 1000, "height": 600})
    admin.goto(f"{acme['issuer']}/console/audit")
    admin.get_by_role("row").filter(has_text="decision.permit").first.get_by_role("link").first.click()
    admin.get_by_role("heading", name="decision.permit").wait_for()
    admin.screenshot(path=IMAGES / "event.png", full_page=True)


def visitor(chromium: Browser, width: int, address: str, email: str) -> Page:
    """Open a window, and sign in on the way to a page."""
    page = chromium.new_page(viewport={"width": width, "height": 480}, color_scheme="light")
    sign_in(page, address, email)
    page.get_by_role("heading", level=1).wait_for()
    return page


def sign_in(page: Page, address: str, email: str) -> None:
    page.goto(address)
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill("password")
    page.get_by_role("button", name="Sign in").click()


def main() -> None:
    chromium = shutil.which("chromium")
    assert chromium is not None, "this needs chromium on the PATH"
    folder = Path(tempfile.mkdtemp())
    seeded = Seeded.make(folder / "seeded")
    server = seeded.copy(folder / "instance").start()
    try:
        live_a_little(seeded.acme)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
            take(seeded.acme, browser)
            browser.close()
    finally:
        server.end()
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
