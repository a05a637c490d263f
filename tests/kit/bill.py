"""What requests cost in what can be counted: statements, commits, signatures."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import httpx

from remit.crypto.jose import PrivateKey
from remit.store.sqlite import Connection
from remit.store.statements import Row, Value
from tests.kit.devices import answer_device, ask_for_codes, codes, let_devices, poll
from tests.kit.dpop import key_of, proof
from tests.kit.flows import approve, get_tokens, redeem, refresh, visit
from tests.kit.instance import Remit

FRAME: Final = ("begin", "commit", "savepoint", "release", "rollback", "pragma")
"""What keeps works apart, and asks no question."""

Act = Callable[[], Awaitable[httpx.Response]]


@dataclass(slots=True)
class Bill:
    """What was run on SQLite, and signed, since it was opened."""

    statements: Counter[str] = field(default_factory=Counter)
    signatures: int = 0

    @property
    def questions(self) -> int:
        return sum(count for sql, count in self.statements.items() if not sql.startswith(FRAME))

    @property
    def commits(self) -> int:
        return self.statements["commit"]

    def clear(self) -> None:
        self.statements.clear()
        self.signatures = 0


@contextmanager
def counting() -> Iterator[Bill]:
    """Open a bill for everything that this process does."""
    bill = Bill()
    run, sign = Connection.rows, PrivateKey.sign

    def rows(self: Connection, sql: str, params: Mapping[str, Value]) -> list[Row]:
        bill.statements[sql.strip()] += 1
        return run(self, sql, params)

    def signed(self: PrivateKey, message: bytes) -> bytes:
        bill.signatures += 1
        return sign(self, message)

    Connection.rows, PrivateKey.sign = rows, signed  # type: ignore[method-assign]
    try:
        yield bill
    finally:
        Connection.rows, PrivateKey.sign = run, sign  # type: ignore[method-assign]


def asked(remit: Remit, path: str = "token", *, shown: str | None = None, **form: str) -> Awaitable[httpx.Response]:
    world = remit.acme
    assert world.web_secret is not None
    auth = (world.web.id, world.web_secret.reveal())
    headers = {} if shown is None else {"DPoP": shown}
    return remit.http.post(f"{world.issuer}/oauth/{path}", data=form, auth=auth, headers=headers)


def issued(remit: Remit) -> Awaitable[httpx.Response]:
    return asked(remit, grant_type="client_credentials", scope="read:calendar")


async def issuing(remit: Remit) -> Act:
    await issued(remit)
    return partial(issued, remit)


async def proving(remit: Remit) -> Act:
    await issued(remit)
    shown = proof(key_of("ours"), "POST", f"{remit.acme.issuer}/oauth/token", at=remit.deps.clock.now())
    return partial(asked, remit, shown=shown, grant_type="client_credentials", scope="read:calendar")


async def introspecting(remit: Remit) -> Act:
    token = (await issued(remit)).json()["access_token"]
    await asked(remit, "introspect", token=token)
    return partial(asked, remit, "introspect", token=token)


async def introspecting_for_a_user(remit: Remit, away: str) -> Act:
    world = remit.acme
    token = (await get_tokens(remit, world, world.web, scope="read:calendar", away=away))["access_token"]
    await asked(remit, "introspect", token=token)
    return partial(asked, remit, "introspect", token=token)


async def rotating(remit: Remit) -> Act:
    world = remit.acme
    answer = await approve(remit, world, world.web, scope="read:calendar offline_access")
    tokens = (await redeem(remit, world, world.web, answer.code)).json()
    tokens = (await refresh(remit, world, world.web, tokens["refresh_token"])).json()
    return partial(refresh, remit, world, world.web, tokens["refresh_token"])


async def starting_a_device(remit: Remit) -> Act:
    world = remit.acme
    await let_devices(remit, world)
    await codes(remit, world, world.web)
    return partial(ask_for_codes, remit, world, world.web)


async def redeeming_a_device_code(remit: Remit) -> Act:
    world = remit.acme
    await let_devices(remit, world)
    first, second = await codes(remit, world, world.web), await codes(remit, world, world.web)
    async with remit.browser() as browser:
        await visit(browser, world)
        for told in (first, second):
            await answer_device(remit, world, told["user_code"], browser=browser)
    await poll(remit, world, world.web, first["device_code"])
    return partial(poll, remit, world, world.web, second["device_code"])


BUDGETS: Final[dict[str, tuple[Callable[[Remit], Awaitable[Act]], int, int]]] = {
    "client_credentials": (issuing, 4, 1),
    "client_credentials, DPoP": (proving, 5, 1),
    "introspection": (introspecting, 1, 0),
    "introspection, a user's line": (partial(introspecting_for_a_user, away="yes"), 2, 0),
    "introspection, a line that needs its session": (partial(introspecting_for_a_user, away="no"), 3, 0),
    "refresh": (rotating, 9, 1),
    "a device asks": (starting_a_device, 5, 0),
    "a device redeems its code": (redeeming_a_device_code, 10, 1),
}
"""The most statements and signatures of one request whose client, grant and keys were asked about before."""

COMMITS_OF_A_CROWD: Final = 60
"""The most commits of a thousand issuances for 64 callers at once."""


async def crowd(remit: Remit, *, callers: int = 64, requests: int = 1000) -> None:
    """Issue tokens to callers who each send one request after the other."""
    left = iter(range(requests))

    async def caller() -> None:
        for _ in left:
            answer = await issued(remit)
            if answer.status_code != 200:
                raise RuntimeError(answer.text)

    await asyncio.gather(*(caller() for _ in range(callers)))
