"""Group commit: works that arrive together share one transaction and one COMMIT.

Bodies run one at a time in the event loop's thread, each in a savepoint, and never suspend; so none sees another half
done, and a work costs no thread hop. Only COMMIT, which waits for the disk, runs in a thread; works that come meanwhile
wait for the next batch. INVARIANT: nobody is answered before the COMMIT that holds his work.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Protocol

from remit.core.audit.tree import Frontier
from remit.core.errors import StoreUnavailable
from remit.core.names import TenantId

NEVER_SUSPEND = (
    "the body of a work awaited something else than its own repositories; it was rolled back, "
    "because bodies of works never suspend"
)
NO_NESTING = "a work was opened inside another one; the body of a work awaits nothing but its own repositories"

MAX_TURNS = 256
"""Works in one batch: bounds how long the event loop and the file's write lock are held."""

LOCK_PATIENCE = 5.0
_FIRST_DELAY, _LAST_DELAY = 0.001, 0.05


class Writer(Protocol):
    """The writing connection, as far as batches go."""

    @property
    def in_transaction(self) -> bool: ...
    def begin(self) -> bool:
        """Begin as a writer. False when another process holds the lock."""
        ...

    def savepoint(self) -> None: ...
    def release(self) -> None: ...
    def roll_back_to_savepoint(self) -> None: ...
    def commit(self) -> None: ...
    def roll_back(self) -> None: ...


class Turn:
    """One work's turn in a batch."""

    __slots__ = ("batch", "done", "on_expelled", "task")

    def __init__(self, batch: Batch, task: asyncio.Task[object] | None) -> None:
        self.batch = batch
        self.task = task
        self.on_expelled: Callable[[], None] | None = None
        self.done: asyncio.Future[None] | None = None


class Batch:
    """The works of one transaction, and where each tenant's tree stands in it."""

    __slots__ = ("broken", "entered", "finished", "frontiers", "grown")

    def __init__(self) -> None:
        self.entered = 0
        self.grown: set[TenantId] = set()
        self.finished: list[Turn] = []
        self.broken: BaseException | None = None
        self.frontiers: dict[TenantId, Frontier] = {}


class Batches:
    """Queues works, runs their bodies in batches and commits each batch once."""

    def __init__(self, writer: Writer, *, finish: Callable[[Batch], None], on_commit: Callable[[], None]) -> None:
        """Take works. `finish` writes what a batch as a whole has to write, before its COMMIT."""
        self._writer = writer
        self._finish = finish
        self._on_commit = on_commit
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="remit-commit")
        self._batch: Batch | None = None
        self._inside: Turn | None = None
        self._committing = False
        self._retry: asyncio.TimerHandle | None = None
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._unfinished = 0
        self._closing = False
        self._idle: asyncio.Future[None] | None = None
        # Asked for once: on Python 3.11 each question is a system call.
        self.loop = asyncio.get_running_loop()

    @property
    def committing(self) -> bool:
        """Whether the writing connection is in use by the thread."""
        return self._committing

    def is_inside(self, turn: Turn) -> bool:
        """Say whether the body of this turn is still running: it has not suspended."""
        return self._inside is turn

    def refuse_nesting(self) -> None:
        """Refuse to open anything from inside a body.

        Raises:
            RuntimeError: the running task is inside a work.
        """
        if self._inside is not None and self._inside.task is asyncio.current_task(self.loop):
            raise RuntimeError(NO_NESTING)

    async def enter(self) -> Turn:
        """Wait for a turn and begin its savepoint; the caller runs the body without suspending.

        Raises:
            StoreUnavailable: the database is closing, cannot begin, or stayed locked by another process.
        """
        self.refuse_nesting()
        if self._closing:
            raise StoreUnavailable("the database is closing")
        self._unfinished += 1
        try:
            while (batch := self._open_batch()) is None:
                await self._wait()
            turn = Turn(batch, asyncio.current_task(self.loop))
            self._writer.savepoint()
        except BaseException:
            self._finish_one()
            raise
        batch.entered += 1
        self._inside = turn
        return turn

    async def leave(self, turn: Turn, *, failed: bool) -> None:
        """End a turn. Without a failure, return when the batch is on disk.

        Raises:
            RuntimeError: the body had suspended.
            StoreUnavailable: the batch could not be committed; nothing of it was kept.
        """
        try:
            if self._inside is not turn:
                raise RuntimeError(NEVER_SUSPEND)
            self._inside = None
            self._settle(turn, failed=failed)
            if failed:
                return
            turn.done = self.loop.create_future()
            turn.batch.finished.append(turn)
        finally:
            if turn.done is None:
                self._finish_one()
        # A cancelled waiter gives up only his own answer: the batch goes on and his work is committed with it.
        await turn.done

    async def close(self) -> None:
        """Take no more works, and return when those that were here are done."""
        self._closing = True
        if self._unfinished:
            self._idle = self.loop.create_future()
            await self._idle
        # A batch whose works all failed has nobody waiting for it; what it began ends before the connection does.
        self._flush()
        self._thread.shutdown()

    def _settle(self, turn: Turn, *, failed: bool) -> None:
        """Keep or undo what a body did, inside the batch."""
        if turn.batch.broken is None and not self._writer.in_transaction:
            # After some errors (disk full, I/O) SQLite rolls the whole transaction back by itself.
            turn.batch.broken = StoreUnavailable("the transaction was lost")
        if turn.batch.broken is not None:
            if failed:
                return
            raise StoreUnavailable("the transaction was lost") from turn.batch.broken
        try:
            if failed:
                self._writer.roll_back_to_savepoint()
            self._writer.release()
        except BaseException as error:
            turn.batch.broken = error
            raise

    def _expel(self) -> None:
        """Undo the body that is still inside. Whoever calls this runs, so that body has suspended.

        The next work and the flush call it, and every batch is flushed in the turn of the loop after its bodies ran.
        """
        turn, self._inside = self._inside, None
        if turn is None:
            return
        if turn.on_expelled is not None:
            turn.on_expelled()
        with suppress(StoreUnavailable):  # the batch is broken now and says so to its works when it is flushed
            self._settle(turn, failed=True)

    def _open_batch(self) -> Batch | None:
        """Return the batch that takes works now, beginning it if need be. None: wait."""
        self._expel()
        if self._committing or self._retry is not None:
            return None
        if self._batch is None:
            if not self._writer.begin():
                deadline = self.loop.time() + LOCK_PATIENCE
                self._try_again(_FIRST_DELAY, deadline)
                return None
            self._batch = Batch()
            # All that are ready in this turn of the loop run before this and join.
            self.loop.call_soon(self._flush)
        if self._batch.broken is not None or self._batch.entered >= MAX_TURNS:
            return None
        return self._batch

    async def _wait(self) -> None:
        waiter = self.loop.create_future()
        self._waiting.append(waiter)
        await waiter

    def _try_again(self, delay: float, deadline: float) -> None:
        later = partial(self._knock, delay, deadline)
        self._retry = self.loop.call_later(delay, later)

    def _knock(self, delay: float, deadline: float) -> None:
        """Ask again for the lock that another process held."""
        self._retry = None
        try:
            begun = self._writer.begin()
        except StoreUnavailable as error:
            self._turn_away(error)
            return
        if begun:
            self._begin_for_waiting()
        elif self.loop.time() >= deadline:
            self._turn_away(StoreUnavailable("another process holds the database"))
        else:
            self._try_again(min(delay * 1.5, _LAST_DELAY), deadline)

    def _begin_for_waiting(self) -> None:
        """Let those who wait into a batch that has just begun.

        It is begun before they wake and flushed after them: even if all of them are cancelled meanwhile, the flush runs
        and lets the next ones in.
        """
        self._batch = Batch()
        for _ in range(min(len(self._waiting), MAX_TURNS)):
            _wake(self._waiting.popleft())
        self.loop.call_soon(self._flush)

    def _turn_away(self, error: StoreUnavailable) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(_fresh(error))

    def _flush(self) -> None:
        self._expel()
        batch, self._batch = self._batch, None
        if batch is None:
            return
        if batch.broken is None and batch.finished:
            try:
                self._finish(batch)
            except StoreUnavailable as error:
                batch.broken = error
        if batch.broken is None and batch.finished:
            self._committing = True
            commit = self.loop.run_in_executor(self._thread, self._writer.commit)
            commit.add_done_callback(partial(self._committed, batch))
            return
        self._roll_back()
        self._answer(batch, batch.broken)

    def _committed(self, batch: Batch, commit: asyncio.Future[None]) -> None:
        self._committing = False
        error = commit.exception()
        if error is not None:
            self._roll_back()
        self._answer(batch, error)

    def _answer(self, batch: Batch, error: BaseException | None) -> None:
        """Answer the works of a batch, then let the next ones in."""
        for turn in batch.finished:
            if turn.done is not None and not turn.done.done():
                if error is None:
                    turn.done.set_result(None)
                else:
                    turn.done.set_exception(_fresh(error))
            self._finish_one()
        if error is None and batch.finished:
            self._on_commit()
        if not self._waiting:
            return
        try:
            begun = self._writer.begin()
        except StoreUnavailable as failure:
            self._turn_away(failure)
            return
        if begun:
            self._begin_for_waiting()
        else:
            self._try_again(_FIRST_DELAY, self.loop.time() + LOCK_PATIENCE)

    def _roll_back(self) -> None:
        if self._writer.in_transaction:
            with suppress(StoreUnavailable):  # the next BEGIN meets the same fault and tells those who wait for it
                self._writer.roll_back()

    def _finish_one(self) -> None:
        self._unfinished -= 1
        if self._idle is not None and not self._unfinished and not self._idle.done():
            self._idle.set_result(None)


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


def _fresh(error: BaseException) -> StoreUnavailable:
    """Give every work an exception of its own: a shared one would collect the tracebacks of all."""
    failure = StoreUnavailable("nothing was committed")
    failure.__cause__ = error
    return failure
