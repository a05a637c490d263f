"""The unit of work: its repositories, and the contexts that open and end it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from types import TracebackType
from typing import Protocol

from remit.core.names import TenantId
from remit.ports.work import Work
from remit.store.admission import AdmissionTable, ReadingTable
from remit.store.agents import AgentTable
from remit.store.audit import AuditTables, TreeInWork
from remit.store.batches import NEVER_SUSPEND, Batches
from remit.store.clients import ClientTable
from remit.store.codes import CodeTable
from remit.store.credentials import CredentialTable
from remit.store.decisions import DecisionTables
from remit.store.devices import DeviceRequestTable
from remit.store.events import EventTable
from remit.store.facts import FactTable
from remit.store.grants import GrantTable
from remit.store.housekeeping import Housekeeping
from remit.store.keys import KeyTable
from remit.store.lines import LineTable
from remit.store.logout_notices import LogoutNoticeTable
from remit.store.once import OnceTable
from remit.store.pushed import PushedRequestTable
from remit.store.recall import Recall
from remit.store.refresh_tokens import RefreshTokenTable
from remit.store.registrations import RegistrationTables
from remit.store.replies import ReplyTable
from remit.store.resources import ResourceTable
from remit.store.second_factors import SecondFactorTables
from remit.store.sessions import SessionTable
from remit.store.statements import Connection, Statements
from remit.store.stops import StopTable
from remit.store.tenants import TenantTable
from remit.store.users import UserTable
from remit.store.verdicts import VerdictMemory

OVER = "the work is over; open another one"


class TenantWork(Work):
    """Every repository of one tenant over one transaction."""

    def __init__(self, statements: Statements, *, base_url: str, tree: TreeInWork) -> None:
        self._tenant = statements.tenant
        self.tenants = TenantTable(statements, base_url)
        self.keys = KeyTable(statements)
        self.users = UserTable(statements)
        self.agents = AgentTable(statements)
        self.clients = ClientTable(statements)
        self.admission = AdmissionTable(statements)
        self.readings = ReadingTable(statements)
        self.registrations = RegistrationTables(statements)
        self.resources = ResourceTable(statements)
        self.credentials = CredentialTable(statements)
        self.grants = GrantTable(statements)
        self.lines = LineTable(statements)
        self.codes = CodeTable(statements)
        self.pushed = PushedRequestTable(statements)
        self.devices = DeviceRequestTable(statements)
        self.refresh_tokens = RefreshTokenTable(statements)
        self.stops = StopTable(statements)
        self.sessions = SessionTable(statements)
        self.second_factors = SecondFactorTables(statements)
        self.logout_notices = LogoutNoticeTable(statements)
        self.once = OnceTable(statements)
        self.replies = ReplyTable(statements)
        events = EventTable(statements, tree)
        self.events = events
        self.decisions = DecisionTables(statements)
        self.audit = AuditTables(statements, tree)
        self.facts = FactTable(statements)
        self.verdicts = VerdictMemory(statements)
        self.housekeeping = Housekeeping(statements, events)

    @property
    def tenant(self) -> TenantId:
        return self._tenant


class WorkContext(AbstractAsyncContextManager[TenantWork]):
    """A work that writes: one turn in a batch, committed before the context is left."""

    __slots__ = ("_base_url", "_batches", "_recall", "_statements", "_tenant", "_tree", "_turn", "_writer")

    def __init__(
        self, batches: Batches, writer: Connection, tenant: TenantId, *, base_url: str, recall: Recall
    ) -> None:
        self._batches = batches
        self._writer = writer
        self._tenant = tenant
        self._base_url = base_url
        self._recall = recall

    async def __aenter__(self) -> TenantWork:
        self._turn = turn = await self._batches.enter()
        self._statements = statements = Statements(self._writer, self._tenant, self._recall)
        turn.on_expelled = self._expelled
        self._tree = TreeInWork(statements, turn.batch.frontiers.get(self._tenant))
        return TenantWork(statements, base_url=self._base_url, tree=self._tree)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        turn = self._turn
        if error is None and self._batches.is_inside(turn) and (grown := self._tree.grown) is not None:
            # The next work of the batch goes on from here; the last one's tree is written, once (`Batches`).
            turn.batch.frontiers[self._tenant] = grown
            turn.batch.grown.add(self._tenant)
        self._statements.close(OVER)
        try:
            await self._batches.leave(turn, failed=error is not None)
        except RuntimeError as broken_rule:
            if error is None:
                raise
            if isinstance(error, Exception):
                raise broken_rule from error
            # Cancelled while it was suspended: the cancellation goes on, everything else is rolled back already.

    def _expelled(self) -> None:
        self._statements.close(NEVER_SUSPEND)


class SnapshotConnection(Connection, Protocol):
    """The reading connection."""

    @property
    def in_transaction(self) -> bool: ...
    def begin_reading(self) -> None: ...
    def commit(self) -> None: ...


class Reader:
    """Lets one reader at a time look at a snapshot of what is committed; its body never suspends either."""

    def __init__(self, connection: SnapshotConnection, batches: Batches, recall: Recall) -> None:
        self._connection = connection
        self._batches = batches
        self._recall = recall
        self._inside: Statements | None = None
        self._marker: asyncio.Handle | None = None

    def enter(self, tenant: TenantId) -> Statements:
        """Begin a snapshot.

        Raises:
            RuntimeError: the running task is inside a work.
            StoreUnavailable: the database cannot be read now.
        """
        self._batches.refuse_nesting()
        self._expel()
        self._connection.begin_reading()
        self._inside = Statements(self._connection, tenant, self._recall)
        self._marker = self._batches.loop.call_soon(self._expel)
        return self._inside

    def leave(self, statements: Statements) -> bool:
        """End a snapshot. False when the body had suspended and the snapshot was over before."""
        if self._inside is not statements:
            return False
        if self._marker is not None:
            self._marker.cancel()
        self._end(OVER)
        return True

    @asynccontextmanager
    async def open(self, tenant: TenantId) -> AsyncIterator[Statements]:
        statements = self.enter(tenant)
        try:
            yield statements
        finally:
            self.leave(statements)

    def _expel(self) -> None:
        if self._inside is not None:
            self._end(NEVER_SUSPEND)

    def _end(self, why: str) -> None:
        if self._inside is not None:
            self._inside.close(why)
            self._inside = None
        if self._connection.in_transaction:
            self._connection.commit()


class ReadContext(AbstractAsyncContextManager[TenantWork]):
    """A work that only reads what is committed."""

    __slots__ = ("_base_url", "_reader", "_statements", "_tenant")

    def __init__(self, reader: Reader, tenant: TenantId, base_url: str) -> None:
        self._reader = reader
        self._tenant = tenant
        self._base_url = base_url

    async def __aenter__(self) -> TenantWork:
        self._statements = statements = self._reader.enter(self._tenant)
        return TenantWork(statements, base_url=self._base_url, tree=TreeInWork(statements, None))

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._reader.leave(self._statements) and (error is None or isinstance(error, Exception)):
            raise RuntimeError(NEVER_SUSPEND) from error
