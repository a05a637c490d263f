"""The header block has limits in size and in time, on a real listener (B-DOS-01, B-DOS-03)."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
import uvicorn

from remit.http import server as limits
from remit.http.server import MAX_HEAD, Corked, LimitedProtocol

REQUEST = b"GET / HTTP/1.1\r\nhost: here\r\n"
PATIENCE = 10


async def hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


async def greet(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


@asynccontextmanager
async def listening(app=hello):
    config = uvicorn.Config(app, port=0, http=LimitedProtocol, ws="none", lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server._serve())
    while not server.started:
        await asyncio.sleep(0)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task


async def answer_to(port, *pieces):
    """What the server says to bytes that arrive piece by piece, until it closes or has answered once."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as closed:
        return closed.partial
    finally:
        writer.close()


def padded(size):
    head = REQUEST + b"x-pad: "
    return head + b"a" * (size - len(head) - 4) + b"\r\n\r\n"


SIZES = {
    "a header block within the limit is served": (padded(MAX_HEAD - 200), b"200"),
    "a header block over the limit is refused": (padded(MAX_HEAD + 200), b"431"),
    "a header block that never ends is refused as soon as it is too large": (
        REQUEST + b"x-pad: " + b"a" * 40_000,
        b"431",
    ),
    "many small headers count together": (REQUEST + b"x-many: b\r\n" * 2_000 + b"\r\n", b"431"),
    "a URL counts too": (b"GET /" + b"a" * (MAX_HEAD + 200) + b" HTTP/1.1\r\nhost: here\r\n\r\n", b"431"),
}


@pytest.mark.parametrize(("sent", "status"), SIZES.values(), ids=SIZES)
async def test_size(sent, status):
    async with listening() as port:
        assert (await answer_to(port, sent)).split()[1] == status


async def test_a_body_does_not_count():
    body = b"a" * (3 * MAX_HEAD)
    head = b"POST / HTTP/1.1\r\nhost: here\r\ncontent-length: %d\r\n\r\n" % len(body)
    async with listening() as port:
        assert (await answer_to(port, head, body)).split()[1] == b"200"


@pytest.mark.parametrize("sent", [b"", REQUEST], ids=["nothing at all", "half a header block"])
async def test_whoever_never_finishes_is_closed(monkeypatch, sent):
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.05)
    async with listening() as port:
        assert await answer_to(port, sent) == b""


async def test_a_second_request_on_the_same_connection_has_its_own_limit():
    async with listening() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(PATIENCE):
            for _ in range(3):
                writer.write(padded(MAX_HEAD - 200))
                assert (await reader.readuntil(b"\r\n\r\n")).split()[1] == b"200"
            writer.write(padded(MAX_HEAD + 200))
            assert (await reader.readuntil(b"\r\n\r\n")).split()[1] == b"431"
        writer.close()


async def test_a_later_request_that_never_finishes_is_closed_too(monkeypatch):
    monkeypatch.setattr(limits, "HEAD_SECONDS", 0.05)
    async with listening() as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(PATIENCE):
            writer.write(REQUEST + b"\r\n")
            assert (await reader.readuntil(b"\r\n\r\n")).split()[1] == b"200"
            writer.write(REQUEST)
            assert await reader.read() == b""
        writer.close()


class Wire:
    """What arrives at a socket, write by write."""

    def __init__(self):
        self.written = []

    def write(self, data):
        self.written.append(data)

    def close(self):
        self.written.append(None)


async def test_head_and_body_leave_together_and_nothing_is_kept_back():
    wire = Wire()
    corked = Corked(wire)
    corked.write(b"head ")
    corked.write(b"body")
    assert wire.written == []
    await asyncio.sleep(0)
    assert wire.written == [b"head body"]
    corked.write(b"more")
    await asyncio.sleep(0)
    assert wire.written[1:] == [b"more"]
    corked.write(b"last")
    corked.close()
    await asyncio.sleep(0)
    assert wire.written[2:] == [b"last", None]


async def test_an_answer_is_read_at_once():
    async with listening(greet) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(PATIENCE):
            for _ in range(50):
                writer.write(REQUEST + b"\r\n")
                assert (await reader.read(MAX_HEAD)).endswith(b"\r\n\r\nhello")
        writer.close()
