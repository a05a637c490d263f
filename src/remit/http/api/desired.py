"""REST v1: describe a tenant as it is, say what another description would change, and make it so."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from remit.core.oauth.verdicts import Refusal
from remit.http.api.operation import Call, NoQuery, Operation, Shape, View
from remit.services.desired.apply import Applied, make_changes
from remit.services.desired.export import state_of
from remit.services.desired.plan import Change, Kind, Verb, plan
from remit.services.desired.state import State
from remit.wire.problems import kind_of

OTHER_PLAN = Refusal("conflict", "something else would be done now than in that plan: plan again, then decide")

PlanId = Annotated[str, Meta(max_length=64, description="The plan that is meant; nothing is done by another.")]


class Wanted(Shape):
    """A description. With `prune` agents and clients that it does not name are retired, and resources disabled."""

    state: State
    prune: bool = False


class WantedPlan(Wanted):
    """A description to make, by the plan that somebody looked at."""

    plan: PlanId | None = None


class DifferenceView(View):
    field: str
    before: Any
    after: Any


class ChangeView(View):
    """One thing to do. `name` is the URI of a resource, the name of an agent (also of a remit) or of a client."""

    action: Verb
    kind: Kind
    name: str
    differences: list[DifferenceView]


class MadeView(ChangeView):
    """A change that was made, and the id of what it is about."""

    id: str


class Hindrance(View):
    """What stands against it: which change, where it is one, and why it would be refused."""

    kind: Kind | None
    name: str | None
    code: str
    detail: str


class PlanView(View):
    """What would be done, in this order. It was tried and undone: `refused` says what would end it."""

    plan: str
    changes: list[ChangeView]
    refused: Hindrance | None


class NewSecretView(View):
    """The secret of a client that was made, told this once."""

    client: str
    client_id: str
    client_secret: str


class AppliedView(View):
    """What was done, all of it in one transaction."""

    plan: str
    changes: list[MadeView]
    secrets: list[NewSecretView] | None


class ExportView(View):
    state: State


async def export_tenant(call: Call[NoQuery, None]) -> ExportView:
    return ExportView(state=await state_of(call.work))


async def plan_tenant(call: Call[NoQuery, Wanted]) -> PlanView:
    changes = plan(await state_of(call.work), call.body.state, prune=call.body.prune)
    if isinstance(changes, Refusal):
        return plan_view((), refusal=changes)
    return plan_view(changes, tried=await make_changes(call.work, call.tenant.id, call.deps, call.who, changes))


async def apply_tenant(call: Call[NoQuery, WantedPlan]) -> AppliedView | Refusal:
    body = call.body
    changes = plan(await state_of(call.work), body.state, prune=body.prune)
    if isinstance(changes, Refusal):
        return changes
    if body.plan not in {None, plan_id(changes)}:
        return OTHER_PLAN
    applied = await make_changes(call.work, call.tenant.id, call.deps, call.who, changes)
    if applied.refusal is not None and applied.failed is not None:
        failed, refusal = applied.failed, applied.refusal
        return Refusal(refusal.code, f"{failed.kind} `{failed.name}`: {refusal.hint}")
    return applied_view(changes, applied)


def plan_id(changes: Sequence[Change]) -> str:
    """Return what tells a plan from every other: its changes, from what to what."""
    return hashlib.sha256(msgspec.json.encode([_change(change) for change in changes])).hexdigest()[:32]


def plan_view(changes: Sequence[Change], *, tried: Applied | None = None, refusal: Refusal | None = None) -> PlanView:
    failed = tried.failed if tried else None
    refusal = tried.refusal if tried else refusal
    hindrance = None
    if refusal is not None:
        hindrance = Hindrance(
            kind=failed.kind if failed else None,
            name=failed.name if failed else None,
            code=kind_of(refusal),
            detail=refusal.hint,
        )
    return PlanView(plan=plan_id(changes), changes=[_change(change) for change in changes], refused=hindrance)


def applied_view(changes: Sequence[Change], applied: Applied) -> AppliedView:
    return AppliedView(
        plan=plan_id(changes),
        changes=[MadeView(**_members(_change(done.change)), id=done.id) for done in applied.done],
        secrets=[
            NewSecretView(client=done.change.name, client_id=done.id, client_secret=done.secret.reveal())
            for done in applied.done
            if done.secret is not None
        ],
    )


def _change(change: Change) -> ChangeView:
    return ChangeView(
        action=change.verb,
        kind=change.kind,
        name=change.name,
        differences=[
            DifferenceView(
                field=one.field,
                before=msgspec.to_builtins(one.before, str_keys=True),
                after=msgspec.to_builtins(one.after, str_keys=True),
            )
            for one in change.differences
        ],
    )


def _members(view: View) -> dict[str, Any]:
    return {name: getattr(view, name) for name in view.__struct_fields__}


_READS: Final = ("clients:read", "resources:read", "users:read")

OPERATIONS: Final = (
    Operation(
        "GET", "/api/v1/export", "agents:read", export_tenant, "Describe the tenant as it is", ExportView, also=_READS
    ),
    Operation(
        "POST",
        "/api/v1/plan",
        "agents:read",
        plan_tenant,
        "Say what a description would change",
        PlanView,
        body=Wanted,
        also=_READS,
        tries=True,
    ),
    Operation(
        "POST",
        "/api/v1/apply",
        "agents:write",
        apply_tenant,
        "Make the tenant as described",
        AppliedView,
        body=WantedPlan,
        also=("clients:write", "resources:write", "users:read"),
        secret="secrets",
    ),
)
