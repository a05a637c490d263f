"""One transaction a work, for databases that are asked over the network.

INVARIANT: works that write take turns in their tenant, whatever node they come from. So each sees everything that the
one before it did, as on SQLite; nothing is read that a neighbour is about to change, nothing deadlocks, and no commit
fails because of somebody else's (ADR 0005). They wait for each other here, before they take a connection: a crowd in
one tenant holds one connection and leaves the others to everybody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Any, Protocol
from weakref import WeakValueDictionary

from remit.core.errors import StoreUnavailable
from remit.core.names import TenantId
from remit.store.audit import TreeInWork
from remit.store.batches import NEVER_SUSPEND, NO_NESTING
from remit.store.recall import Recall
from remit.store.statements import Row, Statements, Value
from remit.store.work import OVER, TenantWork


class Session(Protocol):
    """A connection that is ours for a while."""

    async def fetch(self, sql: str, params: Mapping[str, Value]) -> list[Row]: ...
    async def begin_work(self, tenant: TenantId) -> None:
        """Begin to write in a tenant, when nobody else does."""
        ...

    async def begin_reading(self, tenant: TenantId) -> None:
        """Begin to look at a tenant as it is at this moment."""
        ...

    async def commit(self) -> None: ...
    async def roll_back(self) -> None:
        """Undo what was done, if anything. Never raises: a connection that cannot do even that is closed."""
        ...

    async def give_back(self) -> None: ...


class Transactions:
    """The transactions that are open, of which each task has one at most."""

    def __init__(
        self, take: Callable[[], Coroutine[Any, Any, Session]], recall: Recall, *, on_commit: Callable[[], None]
    ) -> None:
        self.take = take
        self.recall = recall
        self.on_commit = on_commit
        self._lanes: WeakValueDictionary[TenantId, asyncio.Lock] = WeakValueDictionary()
        self._inside: set[asyncio.Task[Any]] = set()
        self._endings: set[asyncio.Task[None]] = set()
        self._open = 0
        self._closing = False
        self._idle: asyncio.Future[None] | None = None

    def lane(self, tenant: TenantId) -> asyncio.Lock:
        """Return the lock of a tenant, which is gone when nobody uses it."""
        return self._lanes.setdefault(tenant, asyncio.Lock())

    def refuse_nesting(self) -> None:
        """Refuse to open anything from inside a body.

        Raises:
            RuntimeError: the running task is inside a work.
        """
        if asyncio.current_task() in self._inside:
            raise RuntimeError(NO_NESTING)

    def enter(self) -> asyncio.Task[Any]:
        """Count a transaction in, and return the task it belongs to.

        Raises:
            RuntimeError: the running task is inside a work.
            StoreUnavailable: the database is closing.
        """
        self.refuse_nesting()
        if self._closing:
            raise StoreUnavailable("the database is closing")
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - works are opened by coroutines
        self._inside.add(task)
        self._open += 1
        return task

    def outside(self, task: asyncio.Task[Any]) -> None:
        """Note that the body of this task is over."""
        self._inside.discard(task)

    def ended(self) -> None:
        self._open -= 1
        if self._idle is not None and not self._open and not self._idle.done():
            self._idle.set_result(None)

    def see_through(self, ending: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run what must come to its end even if whoever waits for it is cancelled."""
        task = asyncio.create_task(ending)
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)
        return task

    async def close(self) -> None:
        """Take no more works, and return when those that were here are done."""
        self._closing = True
        if self._open:
            if self._idle is None:
                self._idle = asyncio.get_running_loop().create_future()
            await self._idle


class Turn:
    """One transaction, ended once, whatever happens to its body: it returns, raises, is cancelled or suspends."""

    __slots__ = ("_all", "_ending", "_expelled", "_lane", "_marker", "_session", "_statements", "_task", "_tenant")

    def __init__(self, transactions: Transactions, tenant: TenantId) -> None:
        self._all = transactions
        self._tenant = tenant
        self._lane: asyncio.Lock | None = None
        self._session: Session | None = None
        self._statements = Statements(self, tenant, transactions.recall)
        self._marker: asyncio.Handle | None = None
        self._ending: asyncio.Task[None] | None = None
        self._expelled = False

    async def begin(self, *, writing: bool) -> Statements:
        """Wait for our turn and begin.

        Raises:
            RuntimeError: the running task is inside a work.
            StoreUnavailable: the database is closing, or cannot begin now.
        """
        self._task = self._all.enter()
        lane = self._all.lane(self._tenant) if writing else None
        try:
            if lane is not None:
                await lane.acquire()
                self._lane = lane
            self._session = session = await self._all.take()
            if writing:
                await session.begin_work(self._tenant)
            else:
                await session.begin_reading(self._tenant)
        except BaseException:
            await self.end(failed=True)
            raise
        self._arm()
        return self._statements

    async def fetch(self, sql: str, params: Mapping[str, Value]) -> list[Row]:
        """Run one statement of the body: the only thing for which it may suspend."""
        assert self._session is not None  # noqa: S101 - statements are handed out once it has begun
        self._disarm()
        try:
            return await self._session.fetch(sql, params)
        finally:
            self._arm()

    @property
    def expelled(self) -> bool:
        """Whether the body suspended for something else, and everything was undone there and then."""
        return self._expelled

    async def end(self, *, failed: bool) -> None:
        """End the transaction, once. Without a failure, return when it is on the database's disk.

        Raises:
            StoreUnavailable: it could not be committed, or the connection was lost before we were told that it was.
        """
        self._disarm()
        self._statements.close(NEVER_SUSPEND if self._expelled else OVER)
        if self._ending is None:
            self._ending = self._all.see_through(self._end(failed=failed))
        self._all.outside(self._task)
        await asyncio.shield(self._ending)

    async def _end(self, *, failed: bool) -> None:
        session = self._session
        try:
            if session is not None and failed:
                await session.roll_back()
            elif session is not None:
                await session.commit()
        finally:
            try:
                if session is not None:
                    await session.give_back()
            finally:
                if self._lane is not None:
                    self._lane.release()
                self._all.ended()
        if not failed and self._lane is not None:
            self._all.on_commit()

    def _arm(self) -> None:
        """Have the event loop tell us if it runs before the body comes back: then the body awaits something else."""
        if self._ending is None:
            self._marker = asyncio.get_running_loop().call_soon(self._expel)

    def _disarm(self) -> None:
        if self._marker is not None:
            self._marker.cancel()
            self._marker = None

    def _expel(self) -> None:
        """Undo a body that suspended, at once: nobody waits for it, and it keeps no lock and no connection."""
        self._marker = None
        self._expelled = True
        self._statements.close(NEVER_SUSPEND)
        self._ending = self._all.see_through(self._end(failed=True))


class _Context(AbstractAsyncContextManager[TenantWork]):
    """A transaction as the services see it."""

    __slots__ = ("_all", "_base_url", "_tenant", "_tree", "_turn")

    def __init__(self, transactions: Transactions, tenant: TenantId, base_url: str) -> None:
        self._all = transactions
        self._tenant = tenant
        self._base_url = base_url

    async def _begin(self, *, writing: bool) -> TenantWork:
        self._turn = turn = Turn(self._all, self._tenant)
        statements = await turn.begin(writing=writing)
        self._tree = TreeInWork(statements, None)
        return TenantWork(statements, base_url=self._base_url, tree=self._tree)

    async def _finish(self, error: BaseException | None) -> None:
        turn = self._turn
        await turn.end(failed=error is not None)
        # Where the body was cancelled while it was suspended, the cancellation goes on.
        if turn.expelled and (error is None or isinstance(error, Exception)):
            raise RuntimeError(NEVER_SUSPEND) from error


class TransactionContext(_Context):
    """A work that writes, committed before the context is left."""

    async def __aenter__(self) -> TenantWork:
        return await self._begin(writing=True)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None and not self._turn.expelled:
            try:
                await self._tree.save()
            except BaseException:
                await self._turn.end(failed=True)
                raise
        await self._finish(error)


class SnapshotContext(_Context):
    """A work that only reads what is committed, all of it at one moment."""

    async def __aenter__(self) -> TenantWork:
        return await self._begin(writing=False)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._finish(error)
