"""`remit login` against a running server: a test plays the browser, everything else is the real thing."""

from __future__ import annotations

import json
import re
import stat
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.flows.server import REMIT, Server, environment
from tests.kit.flows import answered
from tests.kit.pages import follow, form_to, submit


@dataclass(frozen=True, slots=True, kw_only=True)
class Shell:
    """A terminal of somebody whose sign-ins lie in a file of his own."""

    logins: Path
    issuer: str
    client: str

    @property
    def environ(self) -> dict[str, str]:
        return environment(REMIT_LOGINS=str(self.logins))

    def __call__(self, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [REMIT, *words], env=self.environ, input=stdin, capture_output=True, text=True, check=False, timeout=60
        )

    async def sign_in(self, password: str, email: str, *, decision: str = "allow", **changes: str) -> Any:
        """Run `remit login`, open what it prints in a browser, and walk to its end."""
        words = [REMIT, "login", self.issuer, "--client", self.client, "--no-browser", "--json"]
        with subprocess.Popen(words, env=self.environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as login:
            try:
                await self._browse(login, password, email, decision, changes)
            except BaseException:
                login.kill()
                raise
            out, err = login.communicate(timeout=60)
            return login.returncode, out.decode(), err.decode()

    async def _browse(
        self, login: subprocess.Popen[bytes], password: str, email: str, decision: str, changes: dict[str, str]
    ) -> None:
        assert login.stderr is not None
        address = ""
        while not address.startswith("http"):
            line = login.stderr.readline()
            assert line, "it ended"
            address = line.decode().strip()
        async with httpx.AsyncClient(timeout=30) as browser:
            page = await follow(browser, await browser.get(address, headers={"sec-fetch-site": "none"}))
            form = form_to(page, "/login")
            form.put("email", email)
            form.put("password", password)
            page = await follow(browser, await submit(browser, page, form))
            form = answered(page, decision)
            if decision == "allow":
                form.put("scope", *sorted(form.options("scope")))
            answer = await submit(browser, page, form)
            location = answer.headers["location"]
            stray = await browser.get(location.partition("?")[0] + "?code=x&state=y")
            assert stray.status_code == 404
            for name, value in changes.items():
                location = re.sub(rf"\b{name}=[^&]*", f"{name}={value}", location)
            await browser.get(location)


@pytest.fixture
def shell(server: Server, acme, tmp_path):
    where = ["--data", str(server.data), "--base-url", server.base]
    made = subprocess.run(
        [REMIT, "clients", "for-login", "--owner", "admin@example.com", "--tenant", "acme", "--json", *where[:2]],
        env=environment(REMIT_SERVER__BASE_URL=server.base),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert made.returncode == 0, made.stderr
    told = json.loads(made.stdout)
    assert told["issuer"] == acme["issuer"]
    return Shell(logins=tmp_path / "mine" / "logins.json", issuer=told["issuer"], client=told["client_id"])


def saved(shell: Shell) -> Any:
    return json.loads(shell.logins.read_text("utf-8"))


async def test_an_administrator_signs_in_and_does_his_work(shell, acme):
    code, out, err = await shell.sign_in("password", "admin@example.com")
    assert code == 0, err
    assert "agents:write" in json.loads(out)["scopes"]
    assert stat.S_IMODE(shell.logins.stat().st_mode) == 0o600
    assert stat.S_IMODE(shell.logins.parent.stat().st_mode) == 0o700
    token = saved(shell)["logins"][shell.issuer]["access_token"]
    assert token not in out + err
    listed = shell("api", "get", "agents?limit=200")
    assert listed.returncode == 0, listed.stderr
    names = {agent["name"]: agent for agent in json.loads(listed.stdout)["agents"]}
    agent = names["Invoice helper"]["id"]
    tried = shell("api", "post", "stops", "kind=agent", f"id={agent}", "reason=look", "seconds:=60", "--dry-run")
    assert (tried.returncode, json.loads(tried.stdout)["kind"]) == (0, "agent")
    assert json.loads(shell("api", "get", f"agents/{agent}").stdout)["state"] == "active"
    changed = shell("api", "patch", f"agents/{agent}", "model=m-2")
    assert (changed.returncode, json.loads(changed.stdout)["model"]) == (0, "m-2")
    stale = shell("api", "patch", f"agents/{agent}", "model=m-3", "--if-match", '"other"')
    assert (stale.returncode, "it was changed since you read it" in stale.stderr) == (1, True)
    wrong = shell("api", "post", "agents", "--stdin", stdin="{")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert shell("api", "get", "agents/agt_0").returncode == 3
    # A command of its own asks the same server, and he approves in his own name.
    approved = shell("grants", "approve", "conf1", "Calendar", "read:calendar", "--json")
    assert (approved.returncode, approved.stderr) == (0, f"Done on {shell.issuer}.\n")
    assert json.loads(approved.stdout)["approver"] == acme["users"]["admin"]["id"]
    assert json.loads(shell("own", "list", "--json").stdout)[0]["agent_name"] == "remit-cli"
    assert json.loads(shell("own", "activity", "-n", "1", "--json").stdout)[0]["type"] == "grant.approved"
    # Who did it is in the log, by name.
    events = json.loads(shell("api", "get", "events?type=agent.changed").stdout)["events"]
    assert events[0]["event"]["who"]["actor"] == acme["users"]["admin"]["id"]


async def test_a_token_is_renewed_and_given_back(shell):
    await shell.sign_in("password", "admin@example.com")
    logins = saved(shell)
    old = logins["logins"][shell.issuer]
    old["expires_at"] = (datetime.now(UTC) - timedelta(seconds=1)).isoformat()
    shell.logins.write_text(json.dumps(logins), "utf-8")
    assert shell("api", "get", "settings").returncode == 0
    new = saved(shell)["logins"][shell.issuer]
    assert new["refresh_token"] != old["refresh_token"]
    out = shell("logout")
    assert (out.returncode, saved(shell)) == (0, {"default": None, "logins": {}})
    late = shell("api", "get", "settings")
    assert (late.returncode, "not signed in" in late.stderr) == (4, True)
    # The tokens are dead on the server, too.
    answer = httpx.get(f"{shell.issuer}/api/v1/settings", headers={"authorization": f"Bearer {new['access_token']}"})
    assert answer.status_code == 401


async def test_a_user_may_only_what_his_role_allows(shell):
    code, _, err = await shell.sign_in("password", "alice@example.com")
    assert code == 0, err
    assert shell("api", "get", "own/grants").returncode == 0
    refused = shell("api", "get", "agents")
    assert (refused.returncode, "this needs agents:read" in refused.stderr) == (1, True)


async def test_who_says_no_is_not_signed_in(shell):
    code, out, err = await shell.sign_in("password", "admin@example.com", decision="deny")
    assert (code, out) == (4, "")
    assert "not signed in" in err
    assert not shell.logins.exists()


async def test_an_answer_of_another_issuer_is_not_redeemed(shell):
    code, _, err = await shell.sign_in("password", "admin@example.com", iss="https%3A%2F%2Felsewhere.example")
    assert (code, "another issuer" in err) == (4, True)
    assert not shell.logins.exists()


WRONG = {
    "plain http elsewhere": ("http://remit.example.com", 4, "https"),
    "a server that is none": ("http://127.0.0.1:1", 5, "did not answer"),
}


@pytest.mark.parametrize(("issuer", "code", "said"), WRONG.values(), ids=WRONG)
def test_only_an_issuer_is_signed_in_to(shell, issuer, code, said):
    ran = shell("login", issuer, "--client", "cli_0", "--no-browser")
    assert (ran.returncode, said in ran.stderr) == (code, True), ran.stderr


def test_a_page_that_is_not_the_issuer_it_was_asked_for_is_refused(shell):
    ran = shell("login", f"{shell.issuer}x", "--client", shell.client, "--no-browser")
    assert ran.returncode in (3, 5), ran.stderr
