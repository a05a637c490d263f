"""`remit demo`: the main job from start to end, against real processes. Each line was checked before it is told."""

from __future__ import annotations

import base64
import json
import socket
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import requests
from cyclopts import Parameter

from remit.demo.processes import AgentProcess, run_api, run_remit, run_server, tampered_copy
from remit.demo.tell import DemoFailed, Teller, check
from remit.demo.visitor import Page, Visitor
from remit.demo.world import PURPOSE, World, prepare

CALLBACK = "http://127.0.0.1:8765/callback"
WITHIN_MS = 1000
"""The promise: from click to the first refusal."""


def demo(
    *,
    once: Annotated[bool, Parameter(negative="", help="End when the story is told, instead of staying up.")] = False,
    port: Annotated[int, Parameter(help="Port of Remit; 0 takes a free one.")] = 0,
) -> int:
    """Play the story of an agent that is allowed, refused and stopped, with real processes on this machine.

    Examples:
      remit demo
      remit demo --once
    """
    return play(once=once, port=port)


def play(*, once: bool, port: int = 0, api_module: str = "remit.demo.calendar_api") -> int:
    """Tell the story. Returns 0, or 1 with one sentence when something did not behave."""
    teller = Teller()
    try:
        with ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="remit-demo-")))
            story = _Story.begin(stack, teller, folder, port=port or _free_port(), api_module=api_module)
            story.tell()
            if not once:
                story.stay()
    except DemoFailed as failure:
        print(f"\nThe demo failed: {failure}", file=sys.stderr)
        return 1
    return 0


@dataclass(slots=True, kw_only=True)
class _Story:
    teller: Teller
    folder: Path
    world: World
    agent: AgentProcess
    visitor: Visitor
    token: str = ""

    @classmethod
    def begin(cls, stack: ExitStack, teller: Teller, folder: Path, *, port: int, api_module: str) -> _Story:
        base, api_port = f"http://127.0.0.1:{port}", _free_port()
        api = f"http://127.0.0.1:{api_port}"
        teller.chapter("A fresh Remit, a calendar API with one guard, an agent with a remit")
        world = prepare(folder / "data", base_url=base, api=api, callback=CALLBACK)
        stack.enter_context(run_server(folder / "data", base_url=base, port=port))
        teller.line("Remit", f"{base}  (a fresh SQLite file)")
        stack.enter_context(run_api(api_module, world.issuer, api_port, world.credentials))
        teller.line("Calendar API", f"{api}  (GET /events, DELETE /events/1)")
        agent = stack.enter_context(AgentProcess.run(world.issuer, world.client_id, api, CALLBACK))
        teller.line("Agent", f"Calendar helper, owned by dana: “{PURPOSE}”")
        teller.line("Its remit", "read:calendar delete:calendar on Calendar, for 90 days")
        return cls(teller=teller, folder=folder, world=world, agent=agent, visitor=Visitor())

    def tell(self) -> None:
        self._refused_without_a_token()
        self._consent()
        self._token()
        self._calls()
        self._refresh()
        self._stop()
        self._audit()
        self._tamper()

    def _refused_without_a_token(self) -> None:
        answer = requests.get(f"{self.world.api}/events", timeout=10)
        check(answer.status_code == 401, "the API answered somebody without a token")
        self.teller.outcome("GET /events without token", "401", good=False, detail="the API trusts nobody by default")

    def _consent(self) -> None:
        self.teller.chapter("The agent asks, Alice allows less than it asked for")
        page = self.visitor.open(self.agent.call("ask")["url"])
        page = self.visitor.press(page, "Sign in", email=self.world.alice.email, password=self.world.alice.password)
        check("wants to work for you" in page.heading, f"the consent page did not come, but `{page.heading}`")
        self.teller.line(f"“{page.heading}”")
        for box in page.form("Allow").boxes:
            box.ticked = box.value != "delete:calendar"
            self.teller.line(f"[{'x' if box.ticked else ' '}] {box.words:<34}", box.value)
        location = self.visitor.leave(page, "Allow", duration="day")
        query = parse_qs(urlsplit(location).query)
        check(location.startswith(CALLBACK) and "code" in query, "the answer did not come back to the agent")
        check(query["iss"] == [self.world.issuer], "the answer does not name its issuer")
        self.teller.line("Allow, for 8 hours", "a code goes back to the agent, good once, for a minute")
        got = self.agent.call("finish", location)
        check("token" in got, f"the code was not redeemed: {got}")
        self.token = got["token"]

    def _token(self) -> None:
        claims = _decode(self.token)
        check(claims["scope"] == "read:calendar", f"the token holds `{claims['scope']}`, which Alice did not allow")
        check(claims["aud"] == self.world.api, "the token is not bound to the calendar")
        lifetime = claims["exp"] - claims["iat"]
        check(0 < lifetime <= 1800, "the token lives too long")
        self.teller.chapter(f"Its token: this API, this scope, {lifetime // 60} minutes")
        names = {"aud": "for which API", "scope": "may do", "sub": "for whom", "agent_id": "who", "purpose": "why"}
        for name, meaning in names.items():
            self.teller.line(meaning, f"{name} = {claims[name]}")
        self.teller.line("under which approval", f"grant_id = {claims['grant_id']}")

    def _calls(self) -> None:
        self.teller.chapter("It does what it may, and is refused what it may not")
        allowed = self.agent.call("get", "/events")
        check(allowed.get("status") == 200, f"GET /events answered {allowed}")
        self.teller.outcome("GET /events", "200", good=True)
        refused = self.agent.call("delete", "/events/1")
        check(refused.get("status") == 403, f"DELETE /events/1 answered {refused}")
        check('error="insufficient_scope"' in refused["challenge"], "the refusal does not say insufficient_scope")
        check("delete:calendar" in refused["challenge"], "the refusal does not name the missing scope")
        self.teller.outcome("DELETE /events/1", "403", good=False, detail="insufficient_scope: needs delete:calendar")

    def _refresh(self) -> None:
        self.teller.chapter("The token ages; the agent renews it in the background")
        self.agent.call("old")
        answer = self.agent.call("get", "/events")
        check(answer.get("status") == 200 and answer["rotations"] == 1, f"no refresh happened: {answer}")
        before, after = _decode(self.token), _decode(answer["token"])
        check(before["jti"] != after["jti"], "the refresh gave the same token")
        check(before["line_id"] == after["line_id"], "the refresh left its line")
        check(before["scope"] == after["scope"], "the refresh changed what the agent may do")
        self.token = answer["token"]
        self.teller.outcome("GET /events", "200", good=True, detail="with a new token of the same approval")
        self.teller.line("its refresh token", "rotated: the old one is spent, and showing it again is theft")

    def _stop(self) -> None:
        self.teller.chapter("Alice presses Stop")
        page = self.visitor.open(f"{self.world.issuer}/account")
        watch = _Watch(f"{self.world.api}/events", self.token)
        watch.started.wait(10)
        clicked = time.perf_counter()
        after: Page = self.visitor.press(page, "Stop Calendar helper")
        refused = watch.refused_at(within=3.0)
        check(refused is not None, "the API went on answering after Stop")
        milliseconds = ((refused or clicked) - clicked) * 1000
        check(milliseconds <= WITHIN_MS, f"the stop took {milliseconds:.0f} ms to reach the API")
        left = int((_decode(self.token)["exp"] - time.time()) // 60)
        self.teller.line("Stop", f"pressed on the page “{after.heading}”")
        detail = f"{milliseconds:.0f} ms after the click, with {left} minutes left in the token"
        self.teller.outcome("GET /events", "401", good=False, detail=detail)
        self.agent.call("old")
        renewed = self.agent.call("get", "/events")
        check(renewed.get("error") == "invalid_grant", f"a stopped agent could renew its token: {renewed}")
        self.teller.outcome("refresh", "400", good=False, detail=f"invalid_grant: {renewed['description']}")

    def _audit(self) -> None:
        self.teller.chapter("Who did what, for whom, under which approval")
        wanted = ["consent.given", "token.issued", "decision.permit", "decision.deny", "stop.placed", "token.refused"]
        events = self._events(set(wanted))
        for event in events:
            who = event["who"]
            line = f"{event['at'][11:23]}  {event['type']:<16} {event['outcome']:<8}"
            approval = who.get("grant", "")
            self.teller.code(f"{line} {who['actor_kind']:<7} {approval[-6:]:<7} {_told(event)}")
        missing = set(wanted) - {event["type"] for event in events}
        check(not missing, f"the audit log lacks {' '.join(sorted(missing))}")
        told = [event for event in events if event["type"].startswith("decision.") and event["who"].get("grant")]
        check(told and all(event["who"].get("approver") for event in told), "a decision does not name its approval")

    def _events(self, wanted: set[str]) -> list[dict[str, Any]]:
        """Return the events of the story; the guard's last reports may be a moment behind."""
        deadline = time.monotonic() + 10
        while True:
            done = run_remit("audit", "tail", "-n", "200", "--json", data=self.folder / "data")
            check(done.returncode == 0, f"audit tail failed: {done.stderr}")
            events = [json.loads(line) for line in done.stdout.splitlines()]
            found = [event for event in events if event["type"] in wanted]
            stopped = any(event["what"].get("reason") == "stopped" for event in found)
            if ({event["type"] for event in found} >= wanted and stopped) or time.monotonic() > deadline:
                return found
            time.sleep(0.2)

    def _tamper(self) -> None:
        self.teller.chapter("Nothing was altered, and it can be proven")
        self.teller.line("remit audit verify", self._verified())
        copy = self.folder / "copy"
        seq = tampered_copy(self.folder / "data", copy)
        self.teller.line("In a copy, entry", f"{seq} is changed: the refusal becomes a permit")
        done = run_remit("audit", "verify", data=copy)
        check(done.returncode == 1, "a tampered log verified")
        named = [line for line in done.stdout.splitlines() if str(seq) in line and "edited" in line.lower()]
        check(named, f"verify does not name entry {seq}: {done.stdout}")
        self.teller.line("remit audit verify", named[0].strip())

    def _verified(self) -> str:
        """Verify the real log, once a signed checkpoint covers all of it; return what verify says first."""
        deadline = time.monotonic() + 10
        while True:
            done = run_remit("audit", "verify", "--json", data=self.folder / "data")
            check(done.returncode == 0, f"the untouched log does not verify: {done.stdout}{done.stderr}")
            told = json.loads(done.stdout)
            if told["signed"] == told["entries"]:
                return f"sound: {told['entries']} entries, all under signed checkpoints"
            check(time.monotonic() < deadline, "no signed checkpoint covers the log")
            time.sleep(0.2)

    def stay(self) -> None:
        world = self.world
        self.teller.chapter("Look around; Ctrl-C ends it")
        self.teller.line("Console", f"{world.issuer}/console")
        self.teller.line("", f"{world.admin.email}  {world.admin.password}")
        self.teller.line("My agents", f"{world.issuer}/account")
        self.teller.line("", f"{world.alice.email}  {world.alice.password}")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            self.teller.line("Ended.")


class _Watch:
    """Calls the API over and over with one token, and notes when it is refused for the first time."""

    def __init__(self, url: str, token: str) -> None:
        self.started = threading.Event()
        self._refused: float | None = None
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(url, token), daemon=True)
        self._thread.start()

    def refused_at(self, *, within: float) -> float | None:
        self._thread.join(within)
        self._over.set()
        return self._refused

    def _run(self, url: str, token: str) -> None:
        with requests.Session() as session:
            while not self._over.wait(0.005):
                status = session.get(url, headers={"authorization": f"Bearer {token}"}, timeout=5).status_code
                if status == 401:
                    self._refused = time.perf_counter()
                    return
                self.started.set()


def _decode(token: str) -> dict[str, Any]:
    """Read the claims for showing. The API has verified the signature; here nobody decides by them."""
    body = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return claims


def _told(event: dict[str, Any]) -> str:
    what = event["what"]
    if event["type"].startswith("decision."):
        return f"{what['method']} {what['path']} {what['status']} {what['reason']}"
    return str(what.get("reason") or " ".join(what.get("scopes", ())))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
