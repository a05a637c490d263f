"""Several use cases in one transaction: all of it is kept, or nothing (ADR 6)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import replace
from typing import TypeVar

from remit.core.names import TenantId
from remit.ports.deps import Deps
from remit.ports.work import Database, System, Work

Outcome = TypeVar("Outcome")


async def together(
    tenant: TenantId,
    deps: Deps,
    body: Callable[[Work, Deps], Awaitable[Outcome]],
    *,
    keep: Callable[[Outcome], bool],
) -> Outcome:
    """Run a body in one work; use cases that it calls with its own `deps` take part instead of opening theirs.

    What `keep` does not want happens and does not stay. The body suspends for nothing else, as in any work.
    """
    outcomes: list[Outcome] = []
    with suppress(_Undo):
        async with deps.db.work(tenant) as work:
            outcomes.append(await body(work, inside(work, tenant, deps)))
            if not keep(outcomes[0]):
                raise _Undo
    return outcomes[0]


def inside(work: Work, tenant: TenantId, deps: Deps) -> Deps:
    """Return dependencies whose every work, and every read, is the one that is open."""
    return replace(deps, db=_Joined(work, tenant, deps.db))


class _Undo(Exception):
    """Raised where a work ends to have it rolled back; nobody outside sees it."""


class _Joined(Database):
    """The store as seen by use cases inside an open work."""

    def __init__(self, work: Work, tenant: TenantId, db: Database) -> None:
        self._work = work
        self._tenant = tenant
        self._db = db

    @asynccontextmanager
    async def _open(self, tenant: TenantId) -> AsyncIterator[Work]:
        if tenant != self._tenant:
            raise RuntimeError("one work is in one tenant")
        yield self._work

    def work(self, tenant: TenantId) -> AbstractAsyncContextManager[Work]:
        return self._open(tenant)

    def read(self, tenant: TenantId) -> AbstractAsyncContextManager[Work]:
        return self._open(tenant)

    def system(self) -> AbstractAsyncContextManager[System]:
        raise RuntimeError("inside a work there is one tenant")

    def changes(self) -> AsyncIterator[None]:
        raise RuntimeError("inside a work nothing is committed")

    @property
    def commits(self) -> int:
        return self._db.commits

    async def schema_is_current(self) -> bool:
        raise RuntimeError("inside a work the schema was looked at before")

    async def close(self) -> None:
        raise RuntimeError("a work does not close its store")
