"""The only place that connects to where a stranger pointed: documents to read, and who is told of a sign-out (CIMD-10).

INVARIANT: a name is resolved once, every address it has is checked, and the connection goes to the very address that
was checked. There is no redirect, no proxy, no cookie, no second look-up in a library below.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlencode

import h11

from remit.core.outbound import (
    Address,
    Fetched,
    Network,
    Place,
    Posted,
    Unchanged,
    Unreachable,
    fresh_seconds,
    is_json,
    may_dial,
    place_of,
)
from remit.ports.deps import Clock, Throttle

SECONDS: Final = 5.0
"""A fetch is over after this long, whatever it waits for."""

AT_ONCE: Final = 64
AT_ONE_HOST: Final = 4
PER_HOST: Final = 60
"""Fetches of one host within a minute."""

_HEADER_BYTES: Final = 16 * 1024
_PIECE: Final = 8192
_RESOLVERS: Final = 4
_INTERIM: Final = 3

Resolve = Callable[[str, int], Awaitable[Sequence[Address]]]
Answer = Fetched | Unchanged | Unreachable
Said = TypeVar("Said")
Talk = Callable[[h11.Connection, asyncio.StreamReader, asyncio.StreamWriter], Awaitable[Said]]
"""What is said on a connection that stands."""


class _Refused(Exception):
    """Nothing to read here."""


class SafeFetcher:
    """Fetches of this process. What several ask for at the same time is fetched once."""

    def __init__(
        self,
        clock: Clock,
        throttle: Throttle,
        *,
        networks: tuple[Network, ...] = (),
        ca_file: Path | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self._clock = clock
        self._throttle = throttle
        self._networks = networks
        self._tls = ssl.create_default_context()
        if ca_file is not None:
            self._tls.load_verify_locations(ca_file)
        # A pool of its own: names that nobody answers must not hold up threads that others wait for.
        self._threads = ThreadPoolExecutor(_RESOLVERS, thread_name_prefix="resolve")
        self._resolve = resolve or self._look_up
        self._running: dict[tuple[str, int, str | None], asyncio.Task[Answer]] = {}
        self._at: Counter[str] = Counter()

    def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def fetch(self, url: str, *, limit: int, etag: str | None = None) -> Answer:
        place = place_of(url)
        if isinstance(place, Unreachable):
            return place
        asked = (url, limit, etag)
        running = self._running.get(asked)
        if running is None:
            if (refused := self._crowded(place)) is not None:
                return refused
            running = asyncio.create_task(self._reach(place, partial(_read, place, limit, etag)))
            self._running[asked] = running
            self._at[place.host] += 1
            running.add_done_callback(lambda _: self._done(asked, place))
        # Whoever goes away does not take it from those who wait for the same.
        return await asyncio.shield(running)

    async def post(self, url: str, form: Mapping[str, str]) -> Posted | Unreachable:
        place = place_of(url)
        if isinstance(place, Unreachable):
            return place
        if (refused := self._crowded(place)) is not None:
            return refused
        self._at[place.host] += 1
        try:
            return await self._reach(place, partial(_send, place, urlencode(form).encode("ascii")))
        finally:
            self._leave(place)

    def _crowded(self, place: Place) -> Unreachable | None:
        if self._at.total() >= AT_ONCE or self._at[place.host] >= AT_ONE_HOST:
            return Unreachable("too many fetches at once", crowded=True)
        if self._throttle.allow("fetch", place.host, limit=PER_HOST, per_seconds=60, now=self._clock.now()):
            return Unreachable("too many fetches of this host within a minute", crowded=True)
        return None

    def _done(self, asked: tuple[str, int, str | None], place: Place) -> None:
        del self._running[asked]
        self._leave(place)

    def _leave(self, place: Place) -> None:
        self._at[place.host] -= 1
        if not self._at[place.host]:
            del self._at[place.host]

    async def _reach(self, place: Place, talk: Talk[Said]) -> Said | Unreachable:
        try:
            async with asyncio.timeout(SECONDS):
                return await self._exchange(place, await self._checked(place), talk)
        except TimeoutError:
            return Unreachable(f"no whole answer within {SECONDS:.0f} s")
        except _Refused as refused:
            return Unreachable(str(refused))
        except ssl.SSLError:
            return Unreachable("no TLS connection, or a certificate that is not for this host")
        except (OSError, h11.RemoteProtocolError):
            return Unreachable("no connection, or not HTTP")

    async def _checked(self, place: Place) -> Address:
        """Resolve the host, once. One address that is none of the internet's spoils them all."""
        try:
            addresses = await self._resolve(place.host, place.port)
        except (OSError, ValueError) as error:
            raise _Refused("the host has no address") from error
        if not addresses:
            raise _Refused("the host has no address")
        if not all(may_dial(address, place.port, self._networks) for address in addresses):
            raise _Refused("the host is not public, or the port is none for documents")
        return addresses[0]

    async def _look_up(self, host: str, port: int) -> Sequence[Address]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        )
        return [ip_address(entry[4][0]) for entry in found]

    async def _exchange(self, place: Place, address: Address, talk: Talk[Said]) -> Said:
        reader, writer = await asyncio.open_connection(
            str(address), place.port, ssl=self._tls, server_hostname=place.host, limit=_PIECE
        )
        try:
            return await talk(h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEADER_BYTES), reader, writer)
        finally:
            # No farewell: whoever is there could make us wait for his.
            writer.transport.abort()


def _head(place: Place) -> list[tuple[str, str]]:
    return [
        ("host", place.authority),
        ("accept", "application/json"),
        ("accept-encoding", "identity"),
        ("user-agent", "Remit"),
        ("connection", "close"),
    ]


async def _read(
    place: Place,
    limit: int,
    etag: str | None,
    http: h11.Connection,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> Answer:
    headers = _head(place)
    if etag is not None:
        headers.append(("if-none-match", etag))
    writer.write(http.send(h11.Request(method="GET", target=place.target, headers=headers)) or b"")
    response = await _response(http, reader)
    told = _headers(response)
    fresh = fresh_seconds(told)
    if response.status_code == 304 and etag is not None:
        return Unchanged(fresh_seconds=fresh)
    _judge(response.status_code, told)
    body = await _body(http, reader, limit)
    return Fetched(body=body, fresh_seconds=fresh, etag=_tag(told.get("etag")))


async def _send(
    place: Place,
    form: bytes,
    http: h11.Connection,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> Posted:
    headers = [
        *_head(place),
        ("content-type", "application/x-www-form-urlencoded"),
        ("content-length", str(len(form))),
    ]
    request = h11.Request(method="POST", target=place.target, headers=headers)
    for event in (request, h11.Data(data=form), h11.EndOfMessage()):
        writer.write(http.send(event) or b"")
    return Posted((await _response(http, reader)).status_code)


def _judge(status: int, headers: dict[str, str]) -> None:
    if status != 200:
        raise _Refused(f"answered with {status}")
    if not is_json(headers.get("content-type", "")):
        raise _Refused("the content type is not JSON")
    if headers.get("content-encoding", "identity").lower() != "identity":
        # A thousand bytes could unfold to a gigabyte.
        raise _Refused("the content is encoded, which was not asked for")


def _headers(response: h11.Response) -> dict[str, str]:
    told: dict[str, str] = {}
    for raw_name, raw_value in response.headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        told[name] = f"{told[name]}, {value}" if name in told else value
    return told


def _tag(etag: str | None) -> str | None:
    """Return a tag that can be kept and sent again, or none."""
    return etag if etag and len(etag) <= 200 and etag.isascii() and etag.isprintable() else None


async def _response(http: h11.Connection, reader: asyncio.StreamReader) -> h11.Response:
    interim = 0
    while True:
        event = await _next(http, reader)
        if isinstance(event, h11.Response):
            return event
        interim += 1
        if not isinstance(event, h11.InformationalResponse) or interim > _INTERIM:
            raise _Refused("no answer")


async def _body(http: h11.Connection, reader: asyncio.StreamReader, limit: int) -> bytes:
    """Read the body, and stop where it is too long, whatever length was announced."""
    parts: list[bytes] = []
    size = 0
    while True:
        event = await _next(http, reader)
        if not isinstance(event, h11.Data):
            return b"".join(parts)
        size += len(event.data)
        if size > limit:
            raise _Refused(f"longer than {limit} bytes")
        parts.append(bytes(event.data))


async def _next(http: h11.Connection, reader: asyncio.StreamReader) -> object:
    while True:
        event = http.next_event()
        if event is not h11.NEED_DATA:
            return event
        http.receive_data(await reader.read(_PIECE))
