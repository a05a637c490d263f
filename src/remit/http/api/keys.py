"""REST v1: signing keys."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from remit.core.keys import KeyState, KeyUse, SigningKey
from remit.core.names import Kid
from remit.core.oauth.verdicts import Refusal
from remit.core.tenants import Tenant
from remit.http.api.operation import Call, Early, NoQuery, Operation, Shape, View
from remit.http.api.shapes import Because
from remit.http.api.stops import StopView, stop_view
from remit.ports.deps import Deps
from remit.services import signing_keys


class KeyView(View):
    """A signing key. Its private half never leaves the store."""

    kid: str
    alg: str
    use: KeyUse
    state: KeyState
    created_at: datetime
    changed_at: datetime


class Keys(View):
    keys: list[KeyView]


class KeyQuery(Shape):
    """Keys; those that are gone are left out unless asked for."""

    gone: bool = False


class Rotation(Shape):
    """Which keys to move on. `at_once` does not wait until every checker can know the next key."""

    use: KeyUse | None = None
    at_once: bool = False


async def list_keys(call: Call[KeyQuery, None]) -> Keys:
    found = await call.work.keys.all()
    return Keys(keys=[_view(key) for key in found if call.query.gone or key.state is not KeyState.GONE])


async def rotate_keys(call: Call[NoQuery, Rotation]) -> Keys | Refusal:
    body = call.body
    moved = await signing_keys.rotate_keys(
        call.tenant.id, call.deps, call.who, use=body.use, at_once=body.at_once, spares=call.ready
    )
    return moved if isinstance(moved, Refusal) else Keys(keys=[_view(key) for key in moved])


async def revoke_key(call: Call[NoQuery, Because]) -> StopView | Refusal:
    kid = Kid(call.path["kid"])
    made = await signing_keys.revoke_key(
        call.tenant.id, kid, call.deps, call.who, reason=call.body.reason, spares=call.ready
    )
    return made if isinstance(made, Refusal) else stop_view(made)


async def _ready_to_rotate(tenant: Tenant, deps: Deps, early: Early) -> Any:
    return await signing_keys.make_spares(tenant.id, deps, use=early.body.use)


async def _ready_to_revoke(tenant: Tenant, deps: Deps, early: Early) -> Any:
    return await signing_keys.spares_for(tenant.id, Kid(early.path["kid"]), deps)


def _view(key: SigningKey) -> KeyView:
    return KeyView(
        kid=key.kid,
        alg=key.alg,
        use=key.use,
        state=key.state,
        created_at=key.created_at,
        changed_at=key.changed_at,
    )


OPERATIONS: Final = (
    Operation("GET", "/api/v1/keys", "keys:read", list_keys, "List signing keys", Keys, query=KeyQuery),
    Operation(
        "POST",
        "/api/v1/keys/rotate",
        "keys:write",
        rotate_keys,
        "Let the next keys sign",
        Keys,
        body=Rotation,
        prepare=_ready_to_rotate,
    ),
    Operation(
        "POST",
        "/api/v1/keys/{kid}/revoke",
        "keys:write",
        revoke_key,
        "Refuse whatever a key signed",
        StopView,
        body=Because,
        prepare=_ready_to_revoke,
    ),
)
