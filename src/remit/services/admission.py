"""Choose whom a tenant lets in without an administrator."""

from __future__ import annotations

from remit.core.admission import USUAL, Admission, judge_admission
from remit.core.audit.events import TenantAdmissionChanged, Who
from remit.core.names import TenantId
from remit.core.oauth.verdicts import Refusal
from remit.ports.deps import Deps


async def admission_of(tenant: TenantId, deps: Deps) -> Admission:
    async with deps.db.read(tenant) as work:
        return await work.admission.get() or USUAL


async def choose_admission(tenant: TenantId, deps: Deps, who: Who, chosen: Admission) -> Admission | Refusal:
    """Choose it. Clients that are in already stay; those whose documents are no longer welcome get no further token."""
    if (flaw := judge_admission(chosen)) is not None:
        return flaw
    async with deps.db.work(tenant) as work:
        await work.admission.choose(chosen)
        event = TenantAdmissionChanged(
            who=who,
            registration=chosen.registration,
            documents=chosen.documents,
            hosts=chosen.hosts,
            same_origin=chosen.same_origin,
        )
        await work.events.append(event, at=deps.clock.now())
    return chosen
