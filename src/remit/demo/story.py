"""`remit demo`: the main job from start to end, against real processes. Each line was checked before it is told."""

from __future__ import annotations

import json
import signal
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qs, urlsplit

import requests
from cyclopts import Parameter

from remit.demo.processes import AgentProcess, run_api, run_remit, run_server, tampered_copy
from remit.demo.tell import DemoFailed, Teller, check
from remit.demo.tokens import read_token
from remit.demo.visitor import Page, Visitor
from remit.demo.world import PURPOSE, World, prepare

CALLBACK = "http://127.0.0.1:8765/callback"
ALLOWED = "read:calendar write:calendar"
ROW = "{:<8}  {:<15}  {:<7}  {:<7}  {:<5}  {:<6}  {}"
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
        with _ended_by_signals(), ExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="remit-demo-")))
            story = _Story.begin(stack, teller, folder, port=_free_port(port), api_module=api_module)
            story.tell()
            if not once:
                story.stay()
    except (DemoFailed, LookupError, requests.RequestException) as failure:
        print(f"\nThe demo failed: {failure}", file=sys.stderr)
        return 1
    return 0


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Let a plain kill and a closed terminal end us as Ctrl-C does, so that none of our processes stays behind."""
    kinds = (signal.SIGTERM, signal.SIGHUP)
    before = {kind: signal.signal(kind, signal.default_int_handler) for kind in kinds}
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


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
        stack.enter_context(run_api(api_module, world.issuer, api_port, world.credentials, folder / "api.log"))
        teller.line("Calendar API", f"{api}  (GET, POST, DELETE /events)")
        agent = stack.enter_context(AgentProcess.run(world.issuer, world.client_id, api, CALLBACK))
        teller.line("Agent", "Calendar helper, owned by dana@example.com")
        teller.line("Its purpose", f"“{PURPOSE}”")
        teller.line("Its remit, for 90 days", "read:calendar write:calendar delete:calendar")
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
        self.teller.outcome("GET /events, no token", "401", good=False, detail="the API trusts nobody by default")

    def _consent(self) -> None:
        self.teller.chapter("The agent asks, Alice allows less than it asked for")
        page = self.visitor.open(self.agent.call("ask")["url"])
        page = self.visitor.press(page, "Sign in", email=self.world.alice.email, password=self.world.alice.password)
        check("wants to work for you" in page.heading, f"the consent page did not come, but `{page.heading}`")
        check(f"“{PURPOSE}”" in page.text, "the consent page does not tell the agent's purpose")
        self.teller.line(f"“{page.heading}”")
        self.teller.line(f"“{PURPOSE}”")
        for box in page.form("Allow").boxes:
            box.ticked = box.value != "delete:calendar"
            self.teller.line(f"[{'x' if box.ticked else ' '}] {box.words:<40}", box.value)
        location = self.visitor.leave(page, "Allow", duration="day")
        query = parse_qs(urlsplit(location).query)
        check(location.startswith(CALLBACK) and "code" in query, "the answer did not come back to the agent")
        check(query["iss"] == [self.world.issuer], "the answer does not name its issuer")
        self.teller.line("Allow, for 8 hours", "a code goes back to the agent, good once")
        got = self.agent.call("finish", location)
        check("token" in got, f"the code was not redeemed: {got}")
        self.token = got["token"]

    def _token(self) -> None:
        claims = self._read(self.token)
        check(claims["scope"] == ALLOWED, f"the token holds `{claims['scope']}`, and Alice allowed `{ALLOWED}`")
        lifetime = claims["exp"] - claims["iat"]
        check(0 < lifetime <= 1800, "the token lives too long")
        self.teller.chapter(f"Its token: this API, these scopes, {lifetime // 60} minutes")
        names = {"aud": "for which API", "scope": "may do", "sub": "for whom", "agent_id": "who", "purpose": "why"}
        for name, meaning in (names | {"grant_id": "under which approval"}).items():
            self.teller.line(meaning, f"{name} = {claims[name]}")
        self.teller.line("signature", "verifies under the key that the issuer publishes")

    def _calls(self) -> None:
        self.teller.chapter("It does what it may, and is refused what it may not")
        for verb, status in (("get", 200), ("post", 201)):
            allowed = self.agent.call(verb, "/events")
            check(allowed.get("status") == status, f"{verb.upper()} /events answered {allowed}")
            self.teller.outcome(f"{verb.upper()} /events", str(status), good=True)
        refused = self.agent.call("delete", "/events/1")
        check(refused.get("status") == 403, f"DELETE /events/1 answered {refused}")
        check('error="insufficient_scope"' in refused["challenge"], "the refusal does not say insufficient_scope")
        check('scope="delete:calendar"' in refused["challenge"], "the refusal does not name the missing scope")
        self.teller.outcome("DELETE /events/1", "403", good=False, detail="insufficient_scope: needs delete:calendar")

    def _refresh(self) -> None:
        self.teller.chapter("The token ages; the agent renews it in the background")
        self.agent.call("old")
        answer = self.agent.call("get", "/events")
        check(answer.get("status") == 200 and answer["rotations"] == 1, f"the refresh token did not rotate: {answer}")
        before, after = self._read(self.token), self._read(answer["token"])
        check(before["jti"] != after["jti"], "the refresh gave the same token")
        check(before["line_id"] == after["line_id"], "the refresh left its line")
        check(before["scope"] == after["scope"], "the refresh changed what the agent may do")
        self.token = answer["token"]
        self.teller.outcome("GET /events", "200", good=True, detail="with a new token of the same approval")
        self.teller.line("token", f"jti = {before['jti']}")
        self.teller.line("", f"   -> {after['jti']}")
        self.teller.line("line", f"line_id = {after['line_id']}, as before")
        self.teller.line("refresh token", "rotated: the old one is spent")

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
        left = int((self._read(self.token)["exp"] - time.time()) // 60)
        self.teller.line("Stop", f"pressed on the page “{after.heading}”")
        detail = f"{milliseconds:.0f} ms after the click; it had {left} min left"
        self.teller.outcome("GET /events", "401", good=False, detail=detail)
        self.agent.call("old")
        renewed = self.agent.call("get", "/events")
        check(renewed.get("error") == "invalid_grant", f"a stopped agent could renew its token: {renewed}")
        self.teller.outcome("refresh", "400", good=False, detail=f"invalid_grant: {renewed['description']}")

    def _audit(self) -> None:
        self.teller.chapter("Who did what, for whom, under which approval")
        wanted = ["consent.given", "token.issued", "decision.permit", "decision.deny", "stop.placed", "token.refused"]
        events = self._events(set(wanted))
        self.teller.code(ROW.format("time", "event", "outcome", "who", "whom", "grant", "").rstrip())
        for event in events:
            self.teller.code(self._row(event))
        missing = set(wanted) - {event["type"] for event in events}
        check(not missing, f"the audit log lacks {' '.join(sorted(missing))}")
        told = [event for event in events if event["type"].startswith("decision.") and event["who"].get("grant")]
        check(told and all(event["who"].get("approver") for event in told), "a decision does not name its approval")

    def _row(self, event: Mapping[str, Any]) -> str:
        who, what = event["who"], event["what"]
        is_call = event["type"].startswith("decision.")
        told = f"{what['method']} {what['path']}" if is_call else " ".join(what.get("scopes", ()))
        return ROW.format(
            event["at"][11:19],
            event["type"],
            event["outcome"],
            who["actor_kind"],
            self.world.names.get(who.get("user", ""), ""),
            who.get("grant", "")[-6:],
            told.replace(":calendar", ""),
        ).rstrip()

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
        done = run_remit("audit", "verify", "--json", data=copy)
        check(done.returncode == 1, "a tampered log verified")
        faults = json.loads(done.stdout)["faults"]
        found = [fault for fault in faults if (fault["kind"], fault["index"]) == ("edited", seq)]
        check(found, f"verify does not name entry {seq}: {done.stdout}")
        self.teller.line("remit audit verify", f"edited: entry {seq}")
        self.teller.line("", found[0]["event"])

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

    def _read(self, token: str) -> Mapping[str, Any]:
        return read_token(token, issuer=self.world.issuer, api=self.world.api)

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


def _free_port(wanted: int = 0) -> int:
    """Return a port that is free, the wanted one if there is one.

    Raises:
        DemoFailed: somebody has it.
    """
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", wanted))
        except OSError as error:
            raise DemoFailed(f"port {wanted} cannot be had: {error.strerror}") from error
        port: int = probe.getsockname()[1]
        return port
