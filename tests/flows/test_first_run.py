"""The first morning: an empty folder, a link that works once, and no password that anybody could guess."""

from __future__ import annotations

import re
import stat

import httpx
import pytest

from tests.flows.client import Browser
from tests.flows.server import Server, free_port
from tests.kit.pages import form_to, text_of

LINK = re.compile(r"^ *(http://\S+/setup\?token=\S+)$", re.MULTILINE)
PASSWORD = "four words are enough"


@pytest.fixture
def fresh(tmp_path, running):
    """A server that has just made its instance out of nothing."""
    port = free_port()
    made = Server(data=tmp_path / "new" / "data", port=port, base=f"http://127.0.0.1:{port}")
    made.data.parent.mkdir()
    running.append(made)
    return made.start()


def link_of(server):
    found = LINK.findall(server.log.read_text("utf-8"))
    assert found, server.log.read_text("utf-8")
    return found[-1]


def fill_in(browser, page):
    form = form_to(page, "/setup")
    form.put("name", "Dana Okafor")
    form.put("email", "dana@example.com")
    form.put("password", PASSWORD)
    form.put("password_again", PASSWORD)
    return browser.submit(page, form)


def test_the_link_makes_one_administrator_and_then_nobody(fresh):
    link = link_of(fresh)
    with Browser() as dana, Browser() as eve:
        opened_before = eve.http.get(link)
        console = fill_in(dana, dana.http.get(link))
        assert (console.status_code, str(console.url)) == (200, f"{fresh.base}/console")
        assert "Dana Okafor" in text_of(console)

        # Neither the link again, nor a form that was opened in time, makes a second one.
        again = eve.http.get(link)
        assert (again.status_code, "This setup link does not work" in text_of(again)) == (404, True)
        assert fill_in(eve, opened_before).status_code == 404
        assert "Dana" not in eve.http.get(f"{fresh.base}/console").text

    assert [user["email"] for user in fresh.users()] == ["dana@example.com"]
    with Browser("dana@example.com", PASSWORD) as dana:
        assert "Dana Okafor" in text_of(dana.open(f"{fresh.base}/console"))


def test_until_then_nobody_can_sign_in_and_a_restart_prints_a_new_link(fresh):
    first = link_of(fresh)
    for password in ("", "admin", "password", "remit", "changeme"):
        with Browser("admin@example.com", password) as guest:
            page = guest.open(f"{fresh.base}/console")
            assert str(page.url).startswith(f"{fresh.base}/login"), "somebody got in"
    assert fresh.users() == []
    assert fresh.end() == 0

    fresh.start()
    assert link_of(fresh) != first
    with Browser() as dana:
        assert fill_in(dana, dana.http.get(link_of(fresh))).status_code == 200
    assert fresh.end() == 0

    printed = fresh.log.read_text("utf-8").count("/setup?token=")
    fresh.start()
    assert fresh.log.read_text("utf-8").count("/setup?token=") == printed
    assert httpx.get(first).status_code == 404


def test_what_it_makes_is_its_owners_alone(fresh):
    assert stat.S_IMODE(fresh.data.stat().st_mode) == 0o700
    for file in fresh.data.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file.name
