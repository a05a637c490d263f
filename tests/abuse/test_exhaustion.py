"""Hostile input that wants to exhaust something (B-DOS)."""

from __future__ import annotations

import base64
import time

import pytest

from remit.core.oauth.device import DEVICE_LIFETIME
from remit.core.oauth.pushed import PUSHED_LIFETIME
from remit.http import server as limits
from remit.services.devices import PUBLIC_STARTS
from remit.services.pushed import PUBLIC_PUSHES
from remit.store.housekeeping import KEEP_UNANSWERED
from tests.abuse.watched import rows
from tests.http.api.world import api_of
from tests.http.test_limits import REQUEST, answer_to, listening
from tests.kit.devices import ask_for_codes, let_devices
from tests.kit.flows import push, request_for

SLOW = 1.5
"""Seconds of this process's own CPU: far above the tenth that these take, however busy the machine, and far below what
an attack on a parser takes."""

SENT = b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 100\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "what"),
    [(b"", "HEAD_SECONDS"), (REQUEST, "HEAD_SECONDS")],
    ids=["nothing", "half a header block"],
)
async def test_b_dos_01_whoever_dribbles_is_closed(monkeypatch, sent, what):
    monkeypatch.setattr(limits, what, 0.05)
    async with listening() as port:
        assert await answer_to(port, sent) == b""


async def reads(scope, receive, send):
    """Answer when the body is whole."""
    whole = False
    while not whole:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        whole = not message["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


async def test_b_dos_01_a_body_that_never_ends_is_closed_and_one_that_does_is_read(monkeypatch):
    async with listening(reads) as port:
        assert (await answer_to(port, SENT, b"a" * 100)).split()[1] == b"200"
        monkeypatch.setattr(limits, "BODY_SECONDS", 0.05)
        assert await answer_to(port, SENT, b"a") == b""


JSON = {
    "deep arrays": b"[" * 100_000,
    "deep objects": b'{"a":' * 100_000,
    "a million keys": b"{" + b",".join(b'"%d":1' % number for number in range(100_000)) + b"}",
    "a long text": b'{"client_name":"' + b"a" * 10_000_000 + b'"}',
    "a long number": b'{"seconds":' + b"9" * 1_000_000 + b"}",
    "a deep mixture": b'[{"a":' * 30_000,
    "nothing": b"",
    "not UTF-8": b'{"a":"\xff"}',
}


@pytest.mark.parametrize("body", JSON.values(), ids=JSON)
async def test_b_dos_02_no_json_is_too_deep_or_too_large_to_be_refused(remit, body):
    world = remit.acme
    api = await api_of(remit, world)
    proof = base64.b64encode(f"{world.calendar.id}:{world.calendar_secret.reveal()}".encode()).decode()
    for path, headers in (
        ("/oauth/register", {}),
        ("/decisions", {"authorization": f"Basic {proof}"}),
        ("/api/v1/agents", {"authorization": f"Bearer {api.token}"}),
        ("/api/v1/stops", {"authorization": f"Bearer {api.token}"}),
    ):
        began = time.process_time()
        answer = await remit.http.post(
            f"{world.issuer}{path}", content=body, headers={"content-type": "application/json", **headers}
        )
        # 404: clients may not register themselves in this tenant.
        assert answer.status_code in ({400, 404, 413} if path == "/oauth/register" else {400, 413}), (
            path,
            answer.status_code,
        )
        assert time.process_time() - began < SLOW, path


FORMS = {
    "many fields": "&".join(f"a{number}=1" for number in range(100_000)),
    "semicolons": ";" * 1_000_000,
    "many scopes": "grant_type=client_credentials&scope=" + "+".join(f"s{number}" for number in range(10_000)),
    "a long state": "state=" + "a" * 1_000_000,
    "one name often": "scope=a&" * 50_000,
    "a name that never ends": "a" * 1_000_000,
    "percent signs": "%" * 500_000,
}


@pytest.mark.parametrize("body", FORMS.values(), ids=FORMS)
async def test_b_dos_03_no_form_is_too_large_to_be_refused(remit, body):
    world = remit.acme
    for path in ("/oauth/token", "/oauth/introspect", "/oauth/revoke", "/login", "/consent", "/setup"):
        for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            began = time.process_time()
            answer = await remit.http.post(
                f"{world.issuer}{path}", content=body.encode(), headers={"content-type": kind}
            )
            assert answer.status_code in {400, 401, 403, 404, 413, 415}, (path, answer.status_code)
            assert time.process_time() - began < SLOW, path


PATTERNS = {
    "scope": "a:" * 5000,
    "scope of spaces": " " * 5000,
    "email": "a@" + "a." * 5000 + "!",
    "redirect_uri": "https://" + "a." * 5000 + "/" + "%2e%2e/" * 500,
    "resource": "https://calendar.example/" + "a/../" * 2000,
    "client_id": "cli_" + "0" * 10_000,
    "code_challenge": "-" * 10_000,
    "state": "\\" * 10_000,
}


@pytest.mark.parametrize("text", PATTERNS.values(), ids=PATTERNS)
async def test_b_dos_04_no_text_makes_a_pattern_slow(remit, text):
    world = remit.acme
    began = time.process_time()
    for name in ("scope", "redirect_uri", "resource", "client_id", "state", "code_challenge", "login_hint"):
        asked = request_for(world.web, **{name: text})
        answer = await remit.http.get(f"{world.issuer}/oauth/authorize", params=asked)
        assert answer.status_code < 500
        sent = {"grant_type": "client_credentials", name: text}
        assert (await remit.http.post(f"{world.issuer}/oauth/token", data=sent)).status_code < 500
    boundary = {"content-type": 'multipart/form-data; boundary="' + "\\" * 5000, "user-agent": text}
    assert (await remit.http.post(f"{world.issuer}/login", content=b"x", headers=boundary)).status_code < 500
    assert time.process_time() - began < 10 * SLOW


async def test_b_dos_05_requests_that_nobody_finishes_leave_nothing_behind(remit):
    world, before = remit.acme, rows(remit)
    events = len(await remit.events(world))
    for number in range(300):
        asked = request_for(world.web, state=str(number))
        assert (await remit.http.get(f"{world.issuer}/oauth/authorize", params=asked)).is_redirect
    assert rows(remit) == before
    assert len(await remit.events(world)) == events


async def test_b_dos_05_pushed_requests_that_nobody_uses_are_few_and_gone_after_a_moment(remit):
    world, before = remit.acme, rows(remit)
    asked = request_for(world.local, state="s" * 2048, nonce="n" * 2048)
    answers = [await push(remit, world, world.local, **asked) for _ in range(PUBLIC_PUSHES + 20)]
    assert [answer.status_code for answer in answers] == [201] * PUBLIC_PUSHES + [429] * 20
    # One address keeps so many rows at most, each of a bounded size, whichever public clients it names.
    assert (await push(remit, world, world.local, **asked)).status_code == 429
    remit.clock.forward(seconds=PUSHED_LIFETIME.total_seconds() + 1)
    async with remit.deps.db.system() as system:
        await system.purge(now=remit.clock.now())
    assert rows(remit) == before


async def test_b_dos_05_devices_that_nobody_answers_are_few_and_gone_soon(remit):
    world = remit.acme
    await let_devices(remit, world)
    before = rows(remit)["device_request"]
    answers = [await ask_for_codes(remit, world, world.local) for _ in range(PUBLIC_STARTS + 10)]
    assert [answer.status_code for answer in answers] == [200] * PUBLIC_STARTS + [429] * 10
    remit.clock.forward(seconds=DEVICE_LIFETIME.total_seconds() + KEEP_UNANSWERED.total_seconds() + 1)
    async with remit.deps.db.system() as system:
        await system.purge(now=remit.clock.now())
    assert rows(remit)["device_request"] == before


NUMBERS = ("-1", "0", "1000000000", str(2**63), str(2**64), "NaN", "1e9", "0x10", "१", "1_0", " 1", "", "9" * 5000)


async def test_b_dos_06_numbers_out_of_range_are_refused(remit):
    api = await api_of(remit, remit.acme)
    for number in NUMBERS:
        for path in ("/events", "/agents", "/decisions"):
            for name in ("limit", "cursor", "since", "until"):
                answer = await api.get(f"{path}?{name}={number}")
                assert answer.status_code in {200, 400}, (path, name, number, answer.text)
                # A moment or a place out of range bounds a list to nothing or to all of a page; a length is refused.
                assert answer.status_code == 400 or name != "limit" or number.strip() in {"", "1"}, (path, number)


TEXTS = ("%00", "a%00b", "%ed%a0%80", "%c0%af", "%ff", "%f8%88%80%80%80")


async def test_b_dos_07_what_no_database_keeps_is_refused(remit):
    world = remit.acme
    api = await api_of(remit, world)
    for text in TEXTS:
        for name in ("client_id", "scope", "state", "redirect_uri", "resource", "login_hint"):
            answer = await remit.http.get(f"{world.issuer}/oauth/authorize?{name}={text}")
            assert answer.status_code == 400, (name, text)
        for sent in (f"grant_type={text}", f"grant_type=refresh_token&refresh_token={text}", f"a{text}=1"):
            head = {"content-type": "application/x-www-form-urlencoded"}
            answer = await remit.http.post(f"{world.issuer}/oauth/token", content=sent, headers=head)
            assert answer.status_code in {400, 401}, sent
        for path in (f"/events?type={text}", f"/agents/{text}", f"/grants?user={text}"):
            assert (await api.get(path)).status_code in {400, 404}, path
    for raw in (b'"a\\u0000b"', b'"\\ud800"', b'"\\udfff\\ud800"'):
        body = b'{"name":' + raw + b',"purpose":"p"}'
        head = {"content-type": "application/json", "authorization": f"Bearer {api.token}"}
        answer = await remit.http.post(f"{world.issuer}/api/v1/agents", content=body, headers=head)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request"), raw
