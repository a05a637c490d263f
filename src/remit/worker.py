"""Jobs that come due: audit checkpoints, signing keys, sign-outs to tell of, the removal of what is past its use."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import structlog

from remit.core.errors import RemitError
from remit.core.names import TenantId
from remit.ports.deps import Deps
from remit.services.checkpoints import CUT_OFF, make_checkpoint, unsigned
from remit.services.logout_notices import send, settle, take_letters
from remit.services.registration import retire_unused
from remit.services.signing_keys import keep_keys

PURGE_SECONDS = 240
"""What is past its use is gone within five minutes."""

USES_SECONDS = 10
"""How late a page may tell that a credential was used."""

_USES_IN_A_WORK = 200
_TAIL = 256 * 1024

log = structlog.get_logger()


class Worker:
    """Make a signed checkpoint of each tenant's log when so many seconds or events have passed."""

    def __init__(self, deps: Deps, *, checkpoints: Path, seconds: int, events: int) -> None:
        self._deps = deps
        self._file = checkpoints
        self._seconds = seconds
        self._events = events
        self._outside: dict[TenantId, int] = {}
        """How far we have seen each log signed outside."""

    async def run(self) -> None:
        """Work until cancelled. A job that fails is told and tried again at its next turn."""
        since_purge = since_checkpoint = since_uses = 0
        while True:
            await asyncio.sleep(1)
            since_checkpoint += 1
            since_purge += 1
            since_uses += 1
            try:
                if since_uses >= USES_SECONDS:
                    since_uses = 0
                    await self.write_uses()
                if since_checkpoint >= self._seconds:
                    since_checkpoint = 0
                    await self.checkpoint()
                else:
                    await self.checkpoint(at_least=self._events)
                if since_purge >= PURGE_SECONDS:
                    since_purge = 0
                    await self.purge()
                    await self.keep_keys()
            except (RemitError, OSError):
                log.exception("worker.failed")

    async def write_uses(self) -> None:
        """Write down which credentials were used, in works so small that nobody waits long for them."""
        for tenant, uses in self._deps.uses.take().items():
            for start in range(0, len(uses), _USES_IN_A_WORK):
                async with self._deps.db.work(tenant) as work:
                    await work.credentials.used(uses[start : start + _USES_IN_A_WORK])

    async def purge(self) -> None:
        """Drop what is past its use, and retire clients that registered themselves for nothing."""
        async with self._deps.db.system() as system:
            await system.purge(now=self._deps.clock.now())
            tenants = await system.tenants()
        for tenant in tenants:
            await retire_unused(tenant.id, self._deps)

    async def keep_keys(self) -> None:
        """Rotate signing keys that are due, and let go of those whose last token is past."""
        async with self._deps.db.system() as system:
            tenants = await system.tenants()
        for tenant in tenants:
            await keep_keys(tenant.id, self._deps)

    async def checkpoint(self, *, at_least: int = 1) -> None:
        """Sign the logs that grew by so many entries, and append each note to the file outside the database."""
        async with self._deps.db.system() as system:
            tenants = await system.tenants()
        for tenant in tenants:
            async with self._deps.db.read(tenant.id) as work:
                grown = await unsigned(work)
            if grown >= at_least:
                await make_checkpoint(tenant.id, self._deps)
            await self._copy_out(tenant.id)

    async def _copy_out(self, tenant: TenantId) -> None:
        """See that the newest note lies outside the database too, whoever signed it.

        A process that was killed in between, or a disk that was full, would else leave the outside behind for as long
        as nothing happens.
        """
        async with self._deps.db.read(tenant) as work:
            if await work.audit.signed() <= self._outside.get(tenant, 0):
                return
            note, signed = await work.audit.newest(), await work.audit.signed()
        if note is not None and not await asyncio.to_thread(_holds, self._file, note):
            await asyncio.to_thread(_append, self._file, note)
        self._outside[tenant] = signed


class Teller:
    """Tell clients of sign-outs. It waits for strangers' servers, so it is nobody else's job."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps

    async def run(self) -> None:
        """Tell until cancelled. What was taken and not told then is taken again, here or on another node."""
        while True:
            await asyncio.sleep(1)
            try:
                await self.tell()
            except (RemitError, OSError):
                log.exception("worker.failed")

    async def tell(self) -> None:
        """Send what is due, of each tenant so much at a time."""
        async with self._deps.db.system() as system:
            tenants = await system.tenants()
        for tenant in tenants:
            letters = await take_letters(tenant.id, self._deps)
            if letters:
                replies = await asyncio.gather(*(send(letter, self._deps) for letter in letters))
                await settle(tenant.id, replies, self._deps)


def _holds(path: Path, note: str) -> bool:
    """Say whether the end of the file holds this note. One that lies further back is written again, and agrees."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - _TAIL))
            return note.encode() in file.read()
    except FileNotFoundError:
        return False


def _append(path: Path, note: str) -> None:
    """Append one note and a blank line, on disk before we return."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        # Half a note is what a power cut leaves; the next one must not be read as the rest of it.
        end = os.lseek(descriptor, 0, os.SEEK_END)
        whole = not end or os.pread(descriptor, 1, end - 1) == b"\n"
        text = ("" if whole else f"\n{CUT_OFF}\n") + note + "\n"
        # One write, so that a process that is killed leaves all of it or nothing; a full disk takes a part and says so.
        left = text.encode()
        while left:
            left = left[os.write(descriptor, left) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
