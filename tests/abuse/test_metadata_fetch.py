"""Abuse cases B-REG: documents of clients that lead inside, lie, change, or never end."""

from __future__ import annotations

import asyncio
import gzip
from dataclasses import replace
from typing import Any

import pytest

from remit.app import build
from remit.outbound import fetch as fetching_code
from remit.services.registration import retire_unused
from remit.settings import Settings
from tests.kit.documents import asking, described, fetching, knock
from tests.kit.flows import answer_of, answered, approve, ask, redeem, sign_in
from tests.kit.pages import submit, text_of
from tests.kit.registration import let_in
from tests.kit.site import Names, site

NOT_READ = "The document at client_id could not be read"


@pytest.fixture
async def here():
    async with site() as opened:
        yield opened


@pytest.fixture
async def reading(remit):
    """An instance that lets strangers in and reaches the site, as a name of the internet."""
    async with fetching(remit):
        await let_in(remit, remit.acme)
        yield remit


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_b_reg_02_a_redirect_into_the_house_is_not_followed(reading, here, status):
    inner = here.document("/inner.json")
    url = here.answer("/client.json", b"", status=f"{status} Moved", headers={"location": inner})
    page = await knock(reading, url)
    assert page.status_code == 400
    assert NOT_READ in text_of(page)
    assert here.connections == 1


FLOOD = 40


async def test_b_reg_07_a_flood_of_registrations(reading):
    remit, acme = reading, reading.acme
    limit = remit.deps.registration.per_peer
    body = {"redirect_uris": ["http://127.0.0.1/cb"], "token_endpoint_auth_method": "none"}
    answers = [
        await remit.http.post(
            # An address that the client made up is believed from nobody but a listed proxy.
            f"{acme.issuer}/oauth/register", json=body, headers={"x-forwarded-for": f"203.0.113.{number}"}
        )
        for number in range(FLOOD)
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [201] * limit + [429] * (FLOOD - limit)
    assert int(answers[-1].headers["retry-after"]) > 0
    async with remit.deps.db.read(acme.tenant.id) as work:
        assert await work.clients.count_self_registered() == limit
    assert (await approve(remit, acme, acme.web)).code
    remit.clock.forward(hours=25)
    await retire_unused(acme.tenant.id, remit.deps)
    async with remit.deps.db.read(acme.tenant.id) as work:
        assert await work.clients.count_self_registered() == 0


async def test_b_cons_03_a_client_of_a_url_that_answers_on_this_computer_is_asked_for_each_time(reading, here):
    remit, acme, url = reading, reading.acme, here.document()
    async with remit.browser() as browser:
        page = await sign_in(browser, await ask(browser, acme, asking(url)))
        answer_of(await submit(browser, page, answered(page)))
        assert (await ask(browser, acme, asking(url))).url.path.endswith("/consent")


FORMS = [
    "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0",
    "[::]", "100.64.0.1", "169.254.169.254", "169.254.169.254.", "192.0.0.192", "[fd00::1]",
    "[64:ff9b::7f00:1]", "①②⑦.0.0.1",
    "localhost", "localhost.", "inside.example", "127.0.0.1", "10.0.0.1", "[fe80::1%25eth0]", "[2002:7f00:1::1]",
]  # fmt: skip


async def test_b_reg_03_private_addresses_in_every_spelling(remit, here):
    """Production: no network of our own is open. Names lead inside, addresses are inside, spellings are none."""
    names = Names(inside_example="127.0.0.1")
    told = set()
    async with fetching(remit, names=names, networks=()):
        await let_in(remit, remit.acme)
        # What a test knocks at is no limit here.
        remit.deps = replace(remit.deps, registration=replace(remit.deps.registration, per_peer=1000))
        remit.app, _ = build(remit.deps, Settings())
        for host in FORMS:
            page = await knock(remit, f"https://{host}:{here.port}/client.json")
            assert page.status_code == 400, host
            told.add(text_of(page).partition("Reference")[0] if NOT_READ in text_of(page) else "no URL for a client")
    assert here.connections == 0
    # Two answers: the text is no URL of a client at all, or nothing could be read. No third one tells what is there.
    assert len({NOT_READ in text for text in told}) == 2


LIES: dict[str, dict[str, Any]] = {
    "another client_id": {"client_id": "https://app.example/other.json"},
    "no redirect_uris": {"redirect_uris": ...},
    "a secret": {"client_secret": "s3cret"},
}
ADDRESSES = [
    "http://{}/client.json", "https://{}/client.json#me", "https://me@{}/client.json", "https://{}/a/../client.json",
    "https://{}",
]  # fmt: skip


async def test_b_reg_04_a_document_that_does_not_name_itself(reading, here):
    for members in LIES.values():
        page = await knock(reading, here.document(**members))
        assert (page.status_code, "consent" in page.url.path) == (400, False)
    html = here.answer("/client.json", b"{}", kind="text/html")
    assert (await knock(reading, html)).status_code == 400
    before = here.connections
    for form in ADDRESSES:
        assert (await knock(reading, form.format(f"app.example:{here.port}"))).status_code == 400
    assert here.connections == before
    # Nothing of it was kept: the first good document is the first that counts.
    assert (await knock(reading, here.document())).url.path.endswith("/login")


async def test_b_reg_05_a_document_swapped_after_the_yes(reading, here):
    remit, acme = reading, reading.acme
    good, evil = "https://app.example/cb", "https://evil.example/cb"
    url = here.document(redirect_uris=[good])
    async with remit.browser() as browser:
        page = await sign_in(browser, await ask(browser, acme, asking(url, redirect_uri=good)))
        here.document(redirect_uris=[evil])
        answer = answer_of(await submit(browser, page, answered(page)))
        assert answer.url.startswith(good)
        remit.clock.forward(seconds=30)
        client = await described(remit, url)
        # The code goes on by what was approved. The verifier is a test's own, so only the redirect is judged here.
        assert (await redeem(remit, acme, client, answer.code, redirect_uri=evil)).json()["error"] == "invalid_grant"
        remit.clock.forward(seconds=300)
        again = await ask(browser, acme, asking(url, redirect_uri=evil))
        assert again.url.path.endswith("/consent")
        assert "evil.example" in text_of(again)
        assert (await ask(browser, acme, asking(url, redirect_uri=good))).status_code == 400


async def _endless(writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"400\r\n" + b" " * 1024 + b"\r\n")
        await writer.drain()


async def _slow(writer):
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{")
    await writer.drain()
    await asyncio.Event().wait()


async def test_b_reg_06_a_document_that_is_huge_slow_or_packed(reading, here, monkeypatch):
    monkeypatch.setattr(fetching_code, "SECONDS", 0.2)
    url = here.url()
    bomb = gzip.compress(b"0" * 10_000_000)
    for make in (
        lambda: here.answer("/client.json", b" " * 10_000_000),
        lambda: here.answer("/client.json", bomb, headers={"content-encoding": "gzip"}),
        lambda: here.answer("/client.json", b'{"a":' * 900 + b"1" + b"}" * 900),
        lambda: here.pages.update({"/client.json": _endless}),
        lambda: here.pages.update({"/client.json": _slow}),
    ):
        make()
        before = here.connections
        pages = await asyncio.gather(*(knock(reading, url) for _ in range(5)))
        assert {page.status_code for page in pages} == {400}
        assert here.connections == before + 1
