"""A small closed-loop load generator: a bounded number of requests over a few kept-open connections."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What one run showed. CPU seconds are the server's, so the load generator's own cost does not count."""

    requests: int
    seconds: float
    cpu_seconds: float
    p50_ms: float
    p99_ms: float

    @property
    def per_cpu_second(self) -> float:
        return self.requests / self.cpu_seconds


def post(path: str, port: int, body: str, authorization: str, *, dpop: str = "") -> bytes:
    """Return the bytes of one POST of a form, with a proof of a key where there is one."""
    shown = {"authorization": authorization, "dpop": dpop}
    more = "".join(f"{name}: {value}\r\n" for name, value in shown.items() if value)
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\n{more}"
        f"content-type: application/x-www-form-urlencoded\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body.encode()


class Caller(Protocol):
    """One caller, who has a connection of his own and sends one request after the other."""

    def request(self) -> bytes: ...
    def take(self, body: bytes) -> None:
        """Learn from an answer what the next request needs."""
        ...


@dataclass(frozen=True, slots=True)
class Same:
    """A caller who repeats himself."""

    bytes_: bytes

    def request(self) -> bytes:
        return self.bytes_

    def take(self, body: bytes) -> None:
        pass


async def run(port: int, callers: Sequence[Caller], *, pid: int, total: int) -> Result:
    """Send `total` requests, all callers at once. Any answer but 200 is an error."""
    latencies: list[float] = []
    left = iter(range(total))

    async def client(caller: Caller) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in left:
            began = time.perf_counter()
            writer.write(caller.request())
            body = await _answer(reader)
            latencies.append(time.perf_counter() - began)
            caller.take(body)
        writer.close()
        await writer.wait_closed()

    cpu, began = cpu_seconds(pid), time.perf_counter()
    await asyncio.gather(*(client(caller) for caller in callers))
    seconds, used = time.perf_counter() - began, cpu_seconds(pid) - cpu
    latencies.sort()
    return Result(
        requests=total,
        seconds=seconds,
        cpu_seconds=used,
        p50_ms=latencies[total // 2] * 1000,
        p99_ms=latencies[total * 99 // 100] * 1000,
    )


async def one(port: int, request: bytes) -> bytes:
    """Send one request and return the body of its answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    body = await _answer(reader)
    writer.close()
    return body


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(f"the server answered {head[:200]!r}")
    lowered = head.lower()
    start = lowered.index(b"content-length:") + len(b"content-length:")
    return await reader.readexactly(int(head[start : head.index(b"\r", start)]))


def children(pid: int) -> list[int]:
    """Return the processes that a process has started and that still run."""
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()]


def cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used so far, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
