"""How every operation is served: admit, read, run in one transaction, answer; refusals leave their event."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remit.core.audit.events import ApiRefused
from remit.core.errors import BadText, StoreUnavailable
from remit.core.oauth.verdicts import Refusal
from remit.core.tenants import Tenant
from remit.http.api.access import ApiCaller, admit, problem
from remit.http.api.operation import Call, Early, Operation, Shape, View
from remit.http.context import context_of
from remit.ports.deps import Deps
from remit.ports.work import Reply, Work
from remit.services.together import inside, together
from remit.wire.caller import tenant_of
from remit.wire.parse import TooLarge, parse_json, parse_query, read_body

KEEP_REPLIES: Final = timedelta(hours=24)
"""How long the answer to an Idempotency-Key is repeated."""

LONGEST_KEY: Final = 255

TAKEN = Refusal("key_reused", "this Idempotency-Key was used for another request: choose a new one")
STALE = Refusal("precondition_failed", "it was changed since you read it: read it again, then decide")
BLIND = Refusal("precondition_required", "send If-Match with the ETag that you read, or * to change whatever is there")
BAD_TEXT = Refusal("invalid_request", "a text holds U+0000 or half of a surrogate pair")
NOT_JSON = Refusal("unsupported_media_type", "send application/json")
NO_STORE = Refusal(
    "unavailable", "the store did not answer: send the same request again, with its Idempotency-Key if it had one"
)
TOO_LARGE = Refusal("too_large", "a body is at most 64 KiB")


log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back. `replayed` says that it was given before and nothing was done now."""

    status: int
    body: bytes
    tag: str = ""
    replayed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A request taken apart."""

    query: Any
    body: Any
    raw: bytes
    key: str
    match: str
    dry: bool


def routes(operations: Sequence[Operation]) -> tuple[Route, ...]:
    """Return one route a path, so that a wrong method is told all the right ones."""
    paths: dict[str, dict[str, Operation]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = operation
    return tuple(Route(path, partial(_dispatch, methods), methods=list(methods)) for path, methods in paths.items())


async def _dispatch(methods: Mapping[str, Operation], request: Request) -> Response:
    operation = methods["GET" if request.method == "HEAD" else request.method]
    try:
        return await serve(operation, request)
    except StoreUnavailable:
        log.warning("store.unavailable", request=request.scope.get("remit.request"), route=operation.path)
        return problem(request, NO_STORE, headers={"retry-after": "1"})


async def serve(operation: Operation, request: Request) -> Response:
    """Serve one request of one operation."""
    context, tenant = context_of(request), tenant_of(request)
    caller = await admit(request, operation.permission, operation=operation.name)
    if isinstance(caller, Response):
        return caller
    read = await _read(operation, request)
    deps = context.deps
    if isinstance(read, Refusal):
        await _tell(tenant, operation, read, caller, deps)
        return problem(request, read)
    early = Early(path=request.path_params, body=read.body)
    ready = await operation.prepare(tenant, deps, early) if operation.prepare else None

    async def body(work: Work, joined: Deps) -> Answer | Refusal:
        call = Call(
            tenant=tenant,
            caller=caller,
            work=work,
            deps=joined,
            context=context,
            path=request.path_params,
            query=read.query,
            body=read.body,
            ready=ready,
        )
        return await (_change(operation, call, read) if operation.changes else _look(operation, call))

    try:
        if operation.changes:
            # Nothing stays of a call that was refused, also where it is made of several use cases.
            outcome = await together(
                tenant.id, deps, body, keep=lambda outcome: isinstance(outcome, Answer) and not read.dry
            )
        else:
            async with deps.db.read(tenant.id) as work:
                outcome = await body(work, inside(work, tenant.id, deps))
        if isinstance(outcome, Refusal) and not read.dry:
            await _tell(tenant, operation, outcome, caller, deps)
    except BadText:
        await _tell(tenant, operation, BAD_TEXT, caller, deps)
        return problem(request, BAD_TEXT)
    return problem(request, outcome) if isinstance(outcome, Refusal) else _render(outcome, dry=read.dry)


async def _look(operation: Operation, call: Call[Any, Any]) -> Answer | Refusal:
    found = await operation.handler(call)
    return found if isinstance(found, Refusal) else _answer(operation, found)


async def _change(operation: Operation, call: Call[Any, Any], read: _Read) -> Answer | Refusal:
    """Run a change once for its key, and only on the state that its caller saw."""
    now = call.deps.clock.now()
    request = _digest(operation, call.path, read)
    if read.key:
        kept = await call.work.replies.find(call.caller.name, read.key, at=now)
        if kept is not None:
            return Answer(status=kept.status, body=kept.body, replayed=True) if kept.request == request else TAKEN
    if operation.current is not None:
        current = await operation.current(call)
        if isinstance(current, Refusal):
            return current
        if read.match != "*" and tag_of(current) not in [tag.strip() for tag in read.match.split(",")]:
            return STALE
    done = await operation.handler(call)
    if isinstance(done, Refusal):
        return done
    if read.key:
        # What is told once must not lie in the database to be told again.
        told = msgspec.structs.replace(done, **{operation.secret: None}) if operation.secret else done
        reply = Reply(request=request, status=_status(operation), body=msgspec.json.encode(told))
        await call.work.replies.keep(call.caller.name, read.key, reply, until=now + KEEP_REPLIES)
    return _answer(operation, done)


async def _read(operation: Operation, request: Request) -> _Read | Refusal:
    sent = parse_query(request)
    if isinstance(sent, Refusal):
        return sent
    fields = sent.single()
    dry = fields.pop("dry_run", "false") if operation.changes else "false"
    if dry not in ("true", "false"):
        return Refusal("invalid_request", "dry_run is true or false")
    try:
        query: Shape = msgspec.convert(fields, operation.query, strict=False)
    except msgspec.ValidationError as error:
        return Refusal("invalid_request", f"query: {error}")
    key, match = request.headers.get("idempotency-key", ""), request.headers.get("if-match", "")
    if len(key) > LONGEST_KEY or not key.isprintable():
        return Refusal("invalid_request", f"an Idempotency-Key has up to {LONGEST_KEY} printable characters")
    if operation.current is not None and not match:
        return BLIND
    raw, body = b"", None
    if operation.body is not None:
        media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != "application/json":
            return NOT_JSON
        received = await read_body(request)
        if isinstance(received, TooLarge):
            return TOO_LARGE
        raw, body = received, parse_json(received, operation.body)
        if isinstance(body, str):
            return Refusal("invalid_request", body)
    if operation.method != "POST" or dry == "true":
        key = ""
    return _Read(query=query, body=body, raw=raw, key=key, match=match, dry=dry == "true")


def _digest(operation: Operation, path: Mapping[str, str], read: _Read) -> bytes:
    """Return what an Idempotency-Key is bound to, beside its caller: the operation, its path and its body."""
    parts = [operation.id, *path.values(), hashlib.sha256(read.raw).hexdigest()]
    return hashlib.sha256(msgspec.json.encode(parts)).digest()


async def _tell(tenant: Tenant, operation: Operation, refusal: Refusal, caller: ApiCaller, deps: Deps) -> None:
    event = ApiRefused(
        who=caller.who, operation=operation.name, code=refusal.code, reason=refusal.audit or refusal.hint
    )
    async with deps.db.work(tenant.id) as work:
        await work.events.append(event, at=deps.clock.now())


def _answer(operation: Operation, view: View) -> Answer:
    tag = tag_of(view) if operation.tagged else ""
    return Answer(status=_status(operation), body=msgspec.json.encode(view), tag=tag)


def _status(operation: Operation) -> int:
    return 201 if operation.created else 200


def _render(answer: Answer, *, dry: bool) -> Response:
    headers = {"cache-control": "no-store"}
    if answer.tag and not dry:
        headers["etag"] = answer.tag
    if answer.replayed:
        headers["idempotent-replayed"] = "true"
    if dry:
        headers["dry-run"] = "true"
    return Response(answer.body, 200 if dry else answer.status, headers, "application/json")


def tag_of(view: View) -> str:
    """Return the entity tag of a representation (RFC 9110 §8.8.3): strong, for it is made from the very bytes."""
    return f'"{hashlib.sha256(msgspec.json.encode(view)).hexdigest()[:32]}"'
