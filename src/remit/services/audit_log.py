"""Verify a tenant's audit log, and take it out so that somebody else can."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from remit.core.audit.events import AuditExported, Who
from remit.core.audit.note import Checkpoint, Malformed, NoteKey, open_note, parse_note
from remit.core.audit.verify import Fault, LogCheck, Report
from remit.core.names import TenantId
from remit.core.oauth.verdicts import Refusal
from remit.core.tenants import Tenant
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.checkpoints import CUT_OFF, origin_of

PAGE = 1000
MOST_NAMED = 20

_NOTE = re.compile(r"[^\n]+\n[0-9]+\n[^\n]+\n\n(?:\N{EM DASH} [^\n]+\n)+")


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedFault:
    """A fault, and the event at the entry where it begins, if it still says who it is."""

    fault: Fault
    event: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What a log looks like. `outside` counts the checkpoints from elsewhere that were held against it."""

    report: Report
    faults: tuple[NamedFault, ...]
    outside: int


async def verify_audit(tenant: TenantId, deps: Deps, *, outside: str | None = None) -> Verified | Refusal:
    """Check every entry against the tree and every checkpoint against its signature, in one read of the store.

    `outside` is the text of checkpoints that were kept elsewhere, of this and perhaps other tenants. Refuses a text
    that holds none of this log: a check that compares with nothing must not pass for one that did.
    """
    async with deps.db.read(tenant) as work:
        current = await work.tenants.current()
        trusted = deps.keyring.note_keys(current, await work.keys.all())
        kept: tuple[Checkpoint, ...] = ()
        if outside is not None:
            opened = _read_outside(outside, current, trusted, deps)
            if isinstance(opened, Refusal):
                return opened
            kept = opened
        tree = await work.audit.tree()
        check = LogCheck(
            size=tree.size,
            root=tree.root,
            checkpoints=[_open(note, trusted, deps) for _, note in await work.audit.checkpoints()],
            outside=kept,
        )
        start = 0
        while page := await work.audit.leaves(start, limit=PAGE):
            for index, body, leaf in page:
                check.feed(index, body, leaf)
            start = page[-1][0] + 1
        report = check.report()
        named = tuple(
            [NamedFault(fault=fault, event=await _event(work, fault)) for fault in report.faults[:MOST_NAMED]]
        )
        unnamed = tuple(NamedFault(fault=fault, event=None) for fault in report.faults[MOST_NAMED:])
    return Verified(report=report, faults=named + unnamed, outside=len(kept))


@dataclass(frozen=True, slots=True, kw_only=True)
class LogHead:
    """What an export begins with: whose log it is, how far it goes, and whose signatures count."""

    tenant: TenantId
    issuer: str
    origin: str
    size: int
    root: bytes
    public_keys: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    seq: int
    leaf: bytes
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class LogNote:
    size: int
    note: str


async def export_audit(
    tenant: TenantId, deps: Deps, who: Who, write: Callable[[LogHead | LogEntry | LogNote], None]
) -> LogHead:
    """Hand out the log: its head, every entry in order, every checkpoint. That it left is in it, before it leaves."""
    async with deps.db.work(tenant) as work:
        tree = await work.audit.tree()
        await work.events.append(AuditExported(who=who, first=0, last=tree.size), at=deps.clock.now())
    async with deps.db.read(tenant) as work:
        current, tree = await work.tenants.current(), await work.audit.tree()
        head = LogHead(
            tenant=tenant,
            issuer=current.issuer,
            origin=origin_of(current.issuer),
            size=tree.size,
            root=tree.root,
            public_keys=deps.keyring.note_keys(current, await work.keys.all()),
        )
        write(head)
        start = 0
        while page := await work.audit.leaves(start, limit=PAGE):
            for seq, body, leaf in page:
                write(LogEntry(seq=seq, leaf=leaf, body=body))
            start = page[-1][0] + 1
        for size, note in await work.audit.checkpoints():
            write(LogNote(size=size, note=note))
    return head


def _open(note: str, trusted: Sequence[bytes], deps: Deps) -> Checkpoint | Malformed:
    """Open a note that one of the tenant's keys signed, under whatever name: a server may change its base URL."""
    parsed = parse_note(note)
    if isinstance(parsed, Malformed):
        return parsed
    names = {signature.name for signature in parsed[1]}
    keys = [NoteKey(name=name, public_key=key) for name in sorted(names) for key in trusted]
    return open_note(
        note, trusted=keys, verify=lambda public, signature, body: deps.keyring.verify_note(public, body, signature)
    )


def _read_outside(text: str, tenant: Tenant, trusted: Sequence[bytes], deps: Deps) -> tuple[Checkpoint, ...] | Refusal:
    """Open the checkpoints of this log among those of all tenants, told apart by whose key signed."""
    origin = origin_of(tenant.issuer)
    ours: list[Checkpoint] = []
    for found in _NOTE.finditer(text):
        note = found[0]
        opened = _open(note, trusted, deps)
        if isinstance(opened, Checkpoint):
            ours.append(opened)
        elif note.startswith(f"{origin}\n") and not text.startswith(CUT_OFF, found.end()):
            # It says that it is of this log, so it is not another tenant's: somebody changed it, or the key.
            return Refusal("forbidden", f"an outside checkpoint of this log cannot be believed: {opened.reason}")
    if not ours:
        return Refusal("not_found", f"there is no checkpoint of {origin} in that file")
    return tuple(ours)


async def _event(work: Work, fault: Fault) -> bytes | None:
    """Return the event at the entry where a fault begins, as it lies there now."""
    if fault.index is None:
        return None
    page = await work.audit.leaves(fault.index, limit=1)
    return page[0][1] if page and page[0][0] == fault.index else None


__all__ = ["LogEntry", "LogHead", "LogNote", "NamedFault", "Verified", "export_audit", "verify_audit"]


def encode_hash(raw: bytes) -> str:
    """Write a hash or key as checkpoints write it: base64 with padding."""
    return b64encode(raw).decode()
