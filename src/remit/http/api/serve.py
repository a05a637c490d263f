"""How every operation is served: admit, read, perform, answer; refusals leave their event."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remit.core.audit.events import ApiRefused
from remit.core.errors import BadText, StoreUnavailable
from remit.core.oauth.verdicts import Refusal
from remit.core.tenants import Tenant
from remit.http.api.access import admit, problem
from remit.http.api.caller import ApiCaller
from remit.http.api.operation import Operation
from remit.http.api.perform import Answer, Asked, perform, read_json, read_query
from remit.http.context import context_of
from remit.ports.deps import Deps
from remit.wire.caller import tenant_of
from remit.wire.conditional import render_tagged
from remit.wire.parse import TooLarge, parse_query, read_body

LONGEST_KEY: Final = 255

BLIND = Refusal("precondition_required", "send If-Match with the ETag that you read, or * to change whatever is there")
BAD_TEXT = Refusal("invalid_request", "a text holds U+0000 or half of a surrogate pair")
NOT_JSON = Refusal("unsupported_media_type", "send application/json")
NO_STORE = Refusal(
    "unavailable", "the store did not answer: send the same request again, with its Idempotency-Key if it had one"
)
TOO_LARGE = Refusal("too_large", "a body is at most 64 KiB")


log = structlog.get_logger()


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
    caller = await admit(request, operation.permissions, operation=operation.name)
    if isinstance(caller, Response):
        return caller
    asked = await _read(operation, request)
    deps = context.deps
    if isinstance(asked, Refusal):
        await _tell(tenant, operation, asked, caller, deps)
        return problem(request, asked)
    try:
        outcome = await perform(operation, asked, tenant=tenant, caller=caller, deps=deps, integrity=context.integrity)
        if isinstance(outcome, Refusal) and not asked.dry:
            await _tell(tenant, operation, outcome, caller, deps)
    except BadText:
        await _tell(tenant, operation, BAD_TEXT, caller, deps)
        return problem(request, BAD_TEXT)
    if isinstance(outcome, Refusal):
        return problem(request, outcome)
    return _render(request, operation, outcome, dry=asked.dry)


async def _read(operation: Operation, request: Request) -> Asked | Refusal:
    sent = parse_query(request)
    if isinstance(sent, Refusal):
        return sent
    fields = sent.single()
    dry = fields.pop("dry_run", "false") if operation.changes else "false"
    if dry not in ("true", "false"):
        return Refusal("invalid_request", "dry_run is true or false")
    query = read_query(operation, fields)
    if isinstance(query, Refusal):
        return query
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
        raw, body = received, read_json(operation, received)
        if isinstance(body, Refusal):
            return body
    if operation.method != "POST" or operation.tries or dry == "true":
        key = ""
    return Asked(path=request.path_params, query=query, body=body, raw=raw, key=key, match=match, dry=dry == "true")


async def _tell(tenant: Tenant, operation: Operation, refusal: Refusal, caller: ApiCaller, deps: Deps) -> None:
    event = ApiRefused(
        who=caller.who, operation=operation.name, code=refusal.code, reason=refusal.audit or refusal.hint
    )
    async with deps.db.work(tenant.id) as work:
        await work.events.append(event, at=deps.clock.now())


def _render(request: Request, operation: Operation, answer: Answer, *, dry: bool) -> Response:
    headers = {"cache-control": "no-store"}
    if answer.replayed:
        headers["idempotent-replayed"] = "true"
    if dry:
        headers["dry-run"] = "true"
    elif answer.tag and not operation.changes:
        return render_tagged(request, answer.body, "application/json", tag=answer.tag, headers=headers)
    elif answer.tag:
        headers["etag"] = answer.tag
    return Response(answer.body, 200 if dry else answer.status, headers, "application/json")
