"""What the pages let a person do by hand: in a browser, with the forms that the server sent."""

from __future__ import annotations

import httpx

from tests.docs.terminal import Terminal
from tests.flows.client import Browser
from tests.kit.pages import form_to

EMAIL = "dana@example.com"
PASSWORD = "four words are enough"


def open_setup_link(terminal: Terminal) -> None:
    link = terminal.find(r"^ *(http://\S+/setup\?token=\S+)$")
    with Browser() as browser:
        page = browser.http.get(link)
        form = form_to(page, "/setup")
        form.put("name", "Dana")
        form.put("email", EMAIL)
        form.put("password", PASSWORD)
        form.put("password_again", PASSWORD)
        assert browser.submit(page, form).status_code == 200


def allow_as_it_stands(terminal: Terminal) -> None:
    address = terminal.find(r"(http://\S+/oauth/authorize\?\S+)")
    with Browser(EMAIL, PASSWORD) as browser:
        assert browser.http.get(allow(browser, address), follow_redirects=True).status_code == 200


def allow(browser: Browser, address: str) -> str:
    """Press Allow and touch nothing else: what is ticked is ticked. Return where that leads."""
    page = browser.open(address)
    form = form_to(page, "/consent")
    form.put("decision", "allow")
    answer = browser.submit(page, form)
    assert answer.is_redirect, answer.text
    return str(answer.headers["location"])


def answer_the_device(terminal: Terminal) -> None:
    address = terminal.find(r'"verification_uri_complete":"(http://[^"]+)"')
    with Browser(EMAIL, PASSWORD) as browser:
        page = browser.open(address)
        question = browser.submit(page, form_to(page, "/device"))
        form = form_to(question, "/device/answer")
        form.put("decision", "go")
        consent = browser.submit(question, form)
        form = form_to(consent, "/consent")
        form.put("decision", "allow")
        assert "Go back to your device" in browser.submit(consent, form).text


def stop_the_agent(terminal: Terminal) -> None:
    with Browser(EMAIL, PASSWORD) as browser:
        base = f"http://127.0.0.1:{terminal.ports['8700']}"
        page: httpx.Response = browser.open(f"{base}/account")
        assert "Stop" in browser.submit(page, form_to(page, "/stop")).text


def open_web_application(terminal: Terminal) -> None:
    application = f"http://127.0.0.1:{terminal.ports['9500']}/"
    with httpx.Client(transport=httpx.HTTPTransport(retries=5)) as tab, Browser(EMAIL, PASSWORD) as browser:
        asked = terminal.wait("the web application", lambda: visit(tab, application))
        back = allow(browser, asked.headers["location"])
        assert "Dentist" in tab.get(back, follow_redirects=True).text


def visit(tab: httpx.Client, address: str) -> httpx.Response | None:
    try:
        return tab.get(address)
    except httpx.ConnectError:
        return None


def has_a_server(terminal: Terminal) -> None:
    """Do what the quick start does in its first steps, for pages that begin after it."""
    terminal.type(".venv/bin/remit serve", stays=True)
    open_setup_link(terminal)
    scope = '--scope "read:calendar=See the events in your calendar"'
    terminal.type(f".venv/bin/remit resources create http://127.0.0.1:9100 --name Calendar {scope}")


def end_server(terminal: Terminal) -> None:
    terminal.end_server()


BY_HAND = {
    "dana: has a server with a calendar": has_a_server,
    "dana: ends the server": end_server,
    "dana: opens the setup link": open_setup_link,
    "dana: presses Allow": allow_as_it_stands,
    "dana: opens the web application and allows": open_web_application,
    "dana: types in the code and allows": answer_the_device,
    "dana: presses Stop": stop_the_agent,
}
"""By the words of the comment in the page."""
