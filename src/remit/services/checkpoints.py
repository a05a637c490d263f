"""Signed checkpoints of a tenant's audit tree: what an outside copy needs to prove that nothing was altered or cut."""

from __future__ import annotations

from remit.core.audit.note import Checkpoint, sign_note
from remit.core.names import TenantId
from remit.ports.deps import Deps
from remit.ports.work import Work

CUT_OFF = "(cut off)\n"
"""Follows a note that a power cut or a full disk left in half, so that nobody takes it for one that was altered."""


async def make_checkpoint(tenant: TenantId, deps: Deps) -> str | None:
    """Sign the tree as it stands and store the note. None when nothing was added since the last one."""
    async with deps.db.work(tenant) as work:
        if await unsigned(work) == 0:
            return None
        tree = await work.audit.tree()
        current, keys = await work.tenants.current(), await work.keys.all()
        body = Checkpoint(origin=origin_of(current.issuer), size=tree.size, root=tree.root).body()
        public, _ = deps.keyring.sign_note(current, keys, body.encode())
        note = sign_note(
            body, origin_of(current.issuer), public, lambda message: deps.keyring.sign_note(current, keys, message)[1]
        )
        await work.audit.add_checkpoint(tree.size, note, at=deps.clock.now())
        return note


async def unsigned(work: Work) -> int:
    """Count the events that no checkpoint covers yet."""
    return (await work.audit.tree()).size - await work.audit.signed()


def origin_of(issuer: str) -> str:
    """Return the log's name in its checkpoints: the issuer without its scheme, as such notes are named."""
    return issuer.split("://", 1)[-1] + "/audit"
