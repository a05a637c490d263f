"""The one way out, over real connections: what it reads, and what it never reaches."""

from __future__ import annotations

import asyncio
import gzip
from contextlib import asynccontextmanager
from ipaddress import ip_address

import pytest

from remit.core.outbound import Fetched, Posted, Unchanged, Unreachable
from remit.outbound import fetch as fetching
from remit.outbound.fetch import AT_ONE_HOST, PER_HOST
from tests.kit.clock import FixedClock
from tests.kit.site import Names, fetcher, site

LIMIT = 5120


@pytest.fixture
async def here():
    async with site() as opened:
        yield opened


@pytest.fixture
async def out(request):
    async with fetcher(FixedClock(), getattr(request, "param", None)) as opened:
        yield opened


@asynccontextmanager
async def strict(names):
    """Open a fetcher as it is set up in production: no network of our own is open to it."""
    async with fetcher(FixedClock(), names, networks=()) as opened:
        yield opened


async def test_a_document_is_read_plainly(here, out):
    url = here.answer("/c.json", b'{"a":1}', headers={"etag": '"v1"', "cache-control": "max-age=600"})
    assert await out.fetch(f"{url}?d", limit=LIMIT) == Fetched(body=b'{"a":1}', fresh_seconds=600, etag='"v1"')
    head = here.requests[0].lower()
    assert head.startswith("get /c.json?d http/1.1\r\n")
    assert f"host: app.example:{here.port}\r\n" in head
    assert "accept: application/json\r\n" in head
    assert "cookie" not in head
    assert "authorization" not in head


@pytest.mark.requirement("CIMD-9")
async def test_an_unchanged_document_is_not_sent_again(here, out):
    url = here.answer("/c.json", b"", status="304 Not Modified", headers={"cache-control": "max-age=900"})
    assert await out.fetch(url, limit=LIMIT, etag='"v1"') == Unchanged(fresh_seconds=900)
    assert 'if-none-match: "v1"' in here.requests[0].lower()
    # Nobody said what it is that has not changed.
    assert isinstance(await out.fetch(url, limit=LIMIT), Unreachable)


ANSWERS = {
    "not found": {"status": "404 Not Found"},
    "created": {"status": "201 Created"},
    "a page": {"kind": "text/html"},
    "no type": {"kind": ""},
    "squeezed": {"body": gzip.compress(b"0" * 1_000_000), "headers": {"content-encoding": "gzip"}},
    "longer than it may be": {"body": b" " * (LIMIT + 1)},
    "longer than it says": {"body": b" " * 10, "headers": {"content-length": "20"}},
    "endless headers": {"headers": {f"x-{number}": "y" * 1000 for number in range(40)}},
    "a header that ends the head": {"headers": {"x": "y\r\n\0: z"}},
}
REDIRECTS = {f"a redirect by {code}": {"status": f"{code} Found"} for code in (301, 302, 303, 307, 308)}


@pytest.mark.requirement("CIMD-2", "CIMD-10", "GEN-18")
@pytest.mark.parametrize("said", [*ANSWERS.values(), *REDIRECTS.values()], ids=[*ANSWERS, *REDIRECTS])
async def test_nothing_but_a_good_answer_counts(here, out, said):
    target = here.answer("/inner.json")
    url = here.answer("/c.json", **({"headers": {"location": target}} | said))
    assert isinstance(await out.fetch(url, limit=LIMIT), Unreachable)
    assert here.connections == 1


async def test_chunks_count_like_any_other_bytes(here, out):
    async def serve(writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"400\r\n" + b" " * 1024 + b"\r\n")
            await writer.drain()

    here.pages["/endless.json"] = serve
    assert await out.fetch(here.url("/endless.json"), limit=LIMIT) == Unreachable(f"longer than {LIMIT} bytes")


async def test_whoever_is_slow_is_left(here, out, monkeypatch):
    monkeypatch.setattr(fetching, "SECONDS", 0.05)
    left = asyncio.Event()

    async def serve(writer):
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{")
        await writer.drain()
        await left.wait()

    here.pages["/slow.json"] = serve
    refused = await out.fetch(here.url("/slow.json"), limit=LIMIT)
    left.set()
    assert refused == Unreachable("no whole answer within 0 s")


async def test_interim_answers_do_not_go_on_for_ever(here, out):
    async def serve(writer):
        writer.write(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 50)
        await writer.drain()

    here.pages["/hints.json"] = serve
    assert await out.fetch(here.url("/hints.json"), limit=LIMIT) == Unreachable("no answer")


@pytest.mark.requirement("GEN-2")
async def test_a_certificate_must_be_for_the_name_that_was_asked_for(here):
    async with fetcher(FixedClock(), Names(stranger_example="127.0.0.1")) as out:
        refused = await out.fetch(here.url(host="stranger.example"), limit=LIMIT)
    assert refused == Unreachable("no TLS connection, or a certificate that is not for this host")
    assert here.requests == []


@pytest.mark.requirement("CIMD-10", "GEN-18")
@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]
)
async def test_a_name_that_leads_inside_is_never_dialled(here, address):
    async with strict(Names(app_example=address)) as out:
        refused = await out.fetch(here.url(), limit=LIMIT)
    assert refused == Unreachable("the host is not public, or the port is none for documents")
    assert here.connections == 0


@pytest.mark.requirement("CIMD-10")
async def test_one_address_inside_spoils_a_name_that_has_others(here):
    async with fetcher(FixedClock(), Names(app_example="127.0.0.1 10.0.0.1")) as out:
        assert isinstance(await out.fetch(here.url(), limit=LIMIT), Unreachable)
    assert here.connections == 0


@pytest.mark.requirement("CIMD-10")
async def test_a_name_is_asked_once_and_the_checked_address_dialled(here, monkeypatch):
    """A name that answers something else the second time (DNS rebinding) has no second time."""
    names, dialled = Names(), []
    connect = asyncio.open_connection

    async def watched(host, port, **kwargs):
        dialled.append(host)
        return await connect(host, port, **kwargs)

    monkeypatch.setattr(asyncio, "open_connection", watched)
    here.answer("/client.json")
    async with fetcher(FixedClock(), names) as out:
        assert isinstance(await out.fetch(here.url(), limit=LIMIT), Fetched)
    assert names.asked == ["app.example"]
    assert dialled == ["127.0.0.1"]


async def test_the_machine_says_where_its_own_names_lead(here):
    """The real look-up, of names that need no network: they lead inside."""
    async with fetcher(FixedClock(), networks=()) as out:
        out._resolve = out._look_up
        for host in ("localhost", "127.0.0.1", "[::1]", "[::ffff:127.0.0.1]"):
            assert isinstance(await out.fetch(here.url(host=host), limit=LIMIT), Unreachable)
        assert ip_address("127.0.0.1") in await out._look_up("127.0.0.1", 443)
    assert here.connections == 0


async def test_proxies_of_the_environment_are_not_asked(here, out, monkeypatch):
    for name in ("https_proxy", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert isinstance(await out.fetch(here.answer("/c.json"), limit=LIMIT), Fetched)


@pytest.mark.requirement("CIMD-9")
async def test_what_many_ask_for_at_once_is_fetched_once(here, out):
    url = here.answer("/c.json")
    answers = await asyncio.gather(*(out.fetch(url, limit=LIMIT) for _ in range(20)))
    assert {answer.body for answer in answers} == {b"{}"}
    assert here.connections == 1
    await out.fetch(url, limit=LIMIT)
    assert here.connections == 2


async def test_whoever_goes_away_takes_nothing_from_the_others(here, out):
    go = asyncio.Event()

    async def serve(writer):
        await go.wait()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
        await writer.drain()

    here.pages["/c.json"] = serve
    first, second = (asyncio.create_task(out.fetch(here.url("/c.json"), limit=LIMIT)) for _ in range(2))
    while not here.requests:
        await asyncio.sleep(0)
    first.cancel()
    go.set()
    assert isinstance(await second, Fetched)


@pytest.mark.requirement("CIMD-10")
async def test_one_host_is_neither_crowded_nor_hammered(here, out):
    go = asyncio.Event()

    async def serve(writer):
        await go.wait()

    here.pages["/c.json"] = serve
    waiting = [asyncio.create_task(out.fetch(f"{here.url('/c.json')}?{n}", limit=LIMIT)) for n in range(AT_ONE_HOST)]
    while len(here.requests) < AT_ONE_HOST:
        await asyncio.sleep(0)
    assert await out.fetch(f"{here.url('/c.json')}?more", limit=LIMIT) == Unreachable(
        "too many fetches at once", crowded=True
    )
    go.set()
    await asyncio.gather(*waiting)
    url = here.answer("/free.json")
    answers = [await out.fetch(url, limit=LIMIT) for _ in range(PER_HOST - AT_ONE_HOST + 1)]
    assert [isinstance(answer, Fetched) for answer in answers] == [True] * (len(answers) - 1) + [False]


@pytest.mark.requirement("LOGO-3")
async def test_a_form_is_taken_there(here, out):
    url = here.answer("/told", b"what it says is not read", status="204 No Content")
    assert await out.post(f"{url}?x=1", {"logout_token": "a.b+c", "more": "d e"}) == Posted(204)
    assert here.requests[0].startswith("POST /told?x=1 HTTP/1.1\r\n")
    assert here.bodies == ["logout_token=a.b%2Bc&more=d+e"]


@pytest.mark.requirement("LOGO-3", "GEN-18")
async def test_a_form_goes_nowhere_else(here, out):
    inner = here.answer("/inner")
    url = here.answer("/told", b"", status="307 Temporary Redirect", headers={"location": inner})
    assert await out.post(url, {}) == Posted(307)
    assert here.connections == 1
    for wrong in ("http://app.example/told", "https://user@app.example/told", "/told"):
        assert isinstance(await out.post(wrong, {}), Unreachable)
    async with strict(Names()) as shut:
        assert isinstance(await shut.post(url, {}), Unreachable)
    async with fetcher(FixedClock(), Names(stranger_example="127.0.0.1")) as other:
        assert isinstance(await other.post(here.url("/told", host="stranger.example"), {}), Unreachable)
    assert here.requests[1:] == []


@pytest.mark.requirement("LOGO-3", "GEN-18")
async def test_not_too_many_forms_go_to_one_host(here, out):
    url = here.answer("/told", b"")
    said = await asyncio.gather(*(out.post(url, {}) for _ in range(AT_ONE_HOST + 1)))
    assert said == [*[Posted(200)] * AT_ONE_HOST, Unreachable("too many fetches at once", crowded=True)]
    assert await out.post(url, {}) == Posted(200)
