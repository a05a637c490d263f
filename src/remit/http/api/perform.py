"""What an operation does for a caller who may: read right, in one transaction, once for its key, on the state he saw.

`serve.py` brings it what came by HTTP; the command line brings it what was typed on the machine itself.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import msgspec

from remit.core.oauth.verdicts import Refusal
from remit.core.tenants import Tenant
from remit.http.api.caller import ApiCaller
from remit.http.api.operation import Call, Early, Operation, Shape, View
from remit.ports.deps import Deps
from remit.ports.work import Reply, Work
from remit.services.integrity import Integrity
from remit.services.together import inside, together
from remit.wire.conditional import tag_of
from remit.wire.parse import parse_json

KEEP_REPLIES: Final = timedelta(hours=24)
"""How long the answer to an Idempotency-Key is repeated."""

TAKEN = Refusal("key_reused", "this Idempotency-Key was used for another request: choose a new one")
STALE = Refusal("precondition_failed", "it was changed since you read it: read it again, then decide")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What somebody asks of an operation, read. `match` are the states it may be done on, `*` is any."""

    path: Mapping[str, str]
    query: Shape
    body: Any = None
    raw: bytes = b""
    key: str = ""
    match: str = "*"
    dry: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back. `replayed` says that it was given before and nothing was done now."""

    status: int
    body: bytes
    tag: str = ""
    replayed: bool = False


def read_query(operation: Operation, fields: Mapping[str, str]) -> Shape | Refusal:
    """Read what a query says."""
    try:
        return msgspec.convert(fields, operation.query, strict=False)
    except msgspec.ValidationError as error:
        return Refusal("invalid_request", f"query: {error}")


def read_json(operation: Operation, raw: bytes) -> Any:
    """Read a body of an operation that takes one, or return the refusal of it."""
    found = parse_json(raw, operation.body or Shape)
    return Refusal("invalid_request", found) if isinstance(found, str) else found


async def perform(
    operation: Operation, asked: Asked, *, tenant: Tenant, caller: ApiCaller, deps: Deps, integrity: Integrity
) -> Answer | Refusal:
    """Do what is asked, or nothing of it."""
    early = Early(path=asked.path, body=asked.body)
    ready = await operation.prepare(tenant, deps, early) if operation.prepare else None

    async def body(work: Work, joined: Deps) -> Answer | Refusal:
        call = Call(
            tenant=tenant,
            caller=caller,
            work=work,
            deps=joined,
            integrity=integrity,
            path=asked.path,
            query=asked.query,
            body=asked.body,
            ready=ready,
        )
        return await (_change(operation, call, asked) if operation.changes else _look(operation, call))

    if operation.tries:
        return await together(tenant.id, deps, body, keep=lambda _: False)
    if operation.changes:
        # Nothing stays of a call that was refused, also where it is made of several use cases.
        return await together(tenant.id, deps, body, keep=lambda done: isinstance(done, Answer) and not asked.dry)
    async with deps.db.read(tenant.id) as work:
        return await body(work, inside(work, tenant.id, deps))


async def _look(operation: Operation, call: Call[Any, Any]) -> Answer | Refusal:
    found = await operation.handler(call)
    return found if isinstance(found, Refusal) else _answer(operation, found)


async def _change(operation: Operation, call: Call[Any, Any], asked: Asked) -> Answer | Refusal:
    """Run a change once for its key, and only on the state that its caller saw."""
    now = call.deps.clock.now()
    request = _digest(operation, asked)
    if asked.key:
        kept = await call.work.replies.find(call.caller.name, asked.key, at=now)
        if kept is not None:
            return Answer(status=kept.status, body=kept.body, replayed=True) if kept.request == request else TAKEN
    if operation.current is not None:
        current = await operation.current(call)
        if isinstance(current, Refusal):
            return current
        if asked.match != "*" and _tag(current) not in [tag.strip() for tag in asked.match.split(",")]:
            return STALE
    done = await operation.handler(call)
    if isinstance(done, Refusal):
        return done
    if asked.key:
        # What is told once must not lie in the database to be told again.
        told = msgspec.structs.replace(done, **{operation.secret: None}) if operation.secret else done
        reply = Reply(request=request, status=_status(operation), body=msgspec.json.encode(told))
        await call.work.replies.keep(call.caller.name, asked.key, reply, until=now + KEEP_REPLIES)
    return _answer(operation, done)


def _digest(operation: Operation, asked: Asked) -> bytes:
    """Return what an Idempotency-Key is bound to, beside its caller: the operation, its path and its body."""
    parts = [operation.id, *asked.path.values(), hashlib.sha256(asked.raw).hexdigest()]
    return hashlib.sha256(msgspec.json.encode(parts)).digest()


def _answer(operation: Operation, view: View) -> Answer:
    body = msgspec.json.encode(view)
    return Answer(status=_status(operation), body=body, tag=tag_of(body) if operation.tagged else "")


def _status(operation: Operation) -> int:
    return 201 if operation.created else 200


def _tag(view: View) -> str:
    return tag_of(msgspec.json.encode(view))
