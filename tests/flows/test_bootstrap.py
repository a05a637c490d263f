"""A first run that nobody watches: the first administrator comes from the settings, and settings that lie stop it."""

from __future__ import annotations

import stat
import subprocess

import httpx
import pytest

from tests.flows.client import Browser
from tests.flows.server import REMIT, Server, environment, free_port
from tests.kit.pages import text_of

EMAIL = "dana@example.com"
PASSWORD = "four words are enough"

WRONG = {
    "REMIT_SERVER__PROT": "9000",
    "REMIT_SERVER__BASE_URL": "http://remit.example.com",
    "REMIT_TOKENS__ACCESS_SECONDS": "86400",
    "REMIT_BOOTSTRAP__ADMIN_EMAIL": EMAIL,
}
COMPLAINTS = [
    "REMIT_SERVER__PROT: unknown setting; did you mean `REMIT_SERVER__PORT`?",
    "REMIT_SERVER__BASE_URL: server.base_url must be https; http is for loopback alone",
    "REMIT_TOKENS__ACCESS_SECONDS: tokens.access_seconds must be from 60 to 1800",
    "bootstrap.admin_email and bootstrap.admin_password_file come together",
]


@pytest.fixture
def unattended(tmp_path, running):
    port = free_port()
    made = Server(data=tmp_path / "data", port=port, base=f"http://127.0.0.1:{port}")
    running.append(made)
    return made


def test_the_settings_name_the_first_administrator_once(unattended, tmp_path):
    password = tmp_path / "password"
    password.write_text(PASSWORD + "\n")
    unattended.settings |= {
        "REMIT_BOOTSTRAP__ADMIN_EMAIL": EMAIL,
        "REMIT_BOOTSTRAP__ADMIN_PASSWORD_FILE": str(password),
    }
    unattended.start()
    with Browser(EMAIL, PASSWORD) as dana:
        page = dana.open(f"{unattended.base}/console")
        assert (page.status_code, str(page.url)) == (200, f"{unattended.base}/console"), text_of(page)
    assert "/setup?token=" not in unattended.log.read_text("utf-8")
    assert PASSWORD not in unattended.log.read_text("utf-8")
    assert unattended.end() == 0

    # With somebody in it the instance reads them no more: a changed file changes nobody's password.
    password.write_text("another four words here\n")
    unattended.start()
    assert [user["email"] for user in unattended.users()] == [EMAIL]
    with Browser(EMAIL, PASSWORD) as dana:
        assert str(dana.open(f"{unattended.base}/console").url) == f"{unattended.base}/console"


def test_a_password_that_is_too_short_makes_nobody(unattended, tmp_path):
    password = tmp_path / "password"
    password.write_text("short")
    settings = {"REMIT_BOOTSTRAP__ADMIN_EMAIL": EMAIL, "REMIT_BOOTSTRAP__ADMIN_PASSWORD_FILE": str(password)}
    ended = serve(unattended, **settings)
    assert ended.returncode not in {0, None}
    assert "bootstrap.admin_email: " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert unattended.users() == []


def test_a_password_file_that_is_not_there_is_told_in_a_sentence(unattended, tmp_path):
    missing = tmp_path / "nowhere"
    settings = {"REMIT_BOOTSTRAP__ADMIN_EMAIL": EMAIL, "REMIT_BOOTSTRAP__ADMIN_PASSWORD_FILE": str(missing)}
    ended = serve(unattended, **settings)
    assert ended.returncode not in {0, None}
    assert str(missing) in ended.stderr
    assert "Traceback" not in ended.stderr


def test_the_link_goes_to_a_file_of_its_owner_alone_and_a_restart_writes_a_new_one(unattended, tmp_path):
    file = tmp_path / "link"
    unattended.settings["REMIT_BOOTSTRAP__TOKEN_FILE"] = str(file)
    links = []
    for _ in range(2):
        unattended.start()
        links.append(file.read_text("utf-8").strip())
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert httpx.get(links[-1]).status_code == 200
        assert unattended.end() == 0
    assert links[0] != links[1]
    assert "/setup?token=" not in unattended.log.read_text("utf-8")


def test_settings_that_do_not_hold_are_all_told_at_once_and_nothing_is_made(unattended):
    ended = serve(unattended, flags=[], **WRONG)
    assert ended.returncode == 2
    told = [line.strip() for line in ended.stderr.splitlines()]
    assert told[0] == "remit does not start:"
    assert sorted(told[1:]) == sorted(COMPLAINTS)
    assert not unattended.data.exists()


def serve(server, flags=None, **settings):
    """Run a server that is not to come up."""
    where = ["--port", str(server.port), "--base-url", server.base] if flags is None else flags
    command = [REMIT, "serve", "--data", server.data, *where]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=20, env=environment(**settings))
