"""The guard for single Starlette and FastAPI endpoints; imported only where Starlette is."""

from __future__ import annotations

import functools
import inspect
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remit_sdk.asgi import form_refused, is_form, path_of, read_call
from remit_sdk.caller import Caller, calling
from remit_sdk.challenge import Answer, Refusal
from remit_sdk.credentials import names_token
from remit_sdk.gate import Call, Gate, Permit
from remit_sdk.step_up import StepUp

Endpoint = Callable[..., Awaitable[Any]]


def to_response(answer: Answer) -> Response:
    """Render an answer of ours as Starlette's."""
    return Response(answer.body, status_code=answer.status, headers=dict(answer.headers))


async def judge(
    gate: Gate, request: Request, needed: frozenset[str], step_up: StepUp | None
) -> tuple[Call, Permit | Refusal]:
    """Judge the request at hand."""
    call = read_call(request.scope, path_of(request.scope))
    if is_form(request.scope) and await _form_names_token(request):
        call = form_refused(call)
    return call, await gate.check(call, needed, step_up)


async def _form_names_token(request: Request) -> bool:
    try:
        return names_token(await request.body())
    except RuntimeError:
        # The framework has read the stream as a form already, which Starlette keeps.
        return "access_token" in await request.form()


def dependency(
    gate: Gate, needed: frozenset[str], step_up: StepUp | None = None
) -> Callable[[Request, Response], AsyncIterator[Caller]]:
    """Return a FastAPI dependency that yields the caller or ends the request."""

    async def require(request: Request, response: Response) -> AsyncIterator[Caller]:
        call, outcome = await judge(gate, request, needed, step_up)
        if isinstance(outcome, Refusal):
            gate.report(call, outcome, needed=needed, status=outcome.status)
            answer = gate.answer(outcome)
            headers = {name: value for name, value in answer.headers if name != "content-type"}
            raise HTTPException(answer.status, detail=outcome.hint, headers=headers)
        # The status that the endpoint will choose is not known to a dependency.
        gate.report(call, outcome, needed=needed, status=None)
        response.headers["Cache-Control"] = "private"
        with calling(outcome.caller):
            yield outcome.caller

    return require


def protect(gate: Gate, needed: frozenset[str], step_up: StepUp | None = None) -> Callable[[Endpoint], Endpoint]:
    """Return a decorator for an async endpoint of Starlette or FastAPI."""

    def decorate(endpoint: Endpoint) -> Endpoint:
        if not inspect.iscoroutinefunction(endpoint):
            msg = f"`{endpoint.__name__}` is not async; FastAPI's Depends guards plain functions"
            raise TypeError(msg)
        signature = inspect.signature(endpoint, eval_str=True)
        name, added = _request_parameter(signature)

        @functools.wraps(endpoint)
        async def guarded(*args: object, **kwargs: object) -> object:
            request = signature.bind_partial(*args, **kwargs).arguments.get(name) if not added else kwargs.pop(name)
            if not isinstance(request, Request):
                msg = f"`{endpoint.__name__}` was called without its request"
                raise TypeError(msg)
            call, outcome = await judge(gate, request, needed, step_up)
            if isinstance(outcome, Refusal):
                gate.report(call, outcome, needed=needed, status=outcome.status)
                return to_response(gate.answer(outcome))
            status: int | None = 500
            try:
                with calling(outcome.caller):
                    result = await endpoint(*args, **kwargs)
                status = result.status_code if isinstance(result, Response) else None
            finally:
                gate.report(call, outcome, needed=needed, status=status)
            if isinstance(result, Response):
                result.headers.setdefault("Cache-Control", "private")
            return result

        if added:
            # FastAPI reads the signature to learn that the endpoint wants the request.
            parameter = inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=Request)
            signed = signature.replace(parameters=[*_before_kwargs(signature), parameter])
            guarded.__signature__ = signed  # type: ignore[attr-defined]
        return guarded

    return decorate


def _before_kwargs(signature: inspect.Signature) -> list[inspect.Parameter]:
    return [p for p in signature.parameters.values() if p.kind is not inspect.Parameter.VAR_KEYWORD]


def _request_parameter(signature: inspect.Signature) -> tuple[str, bool]:
    """Return the name under which the endpoint gets its request, and whether we add it."""
    for parameter in signature.parameters.values():
        annotation = parameter.annotation
        if inspect.isclass(annotation) and issubclass(annotation, Request):
            return parameter.name, False
        if parameter.name == "request" and annotation is inspect.Parameter.empty:
            return parameter.name, False
    return "remit_request", True


def metadata_route(gate: Gate) -> Route:
    """Return the route that serves the protected resource metadata (RFC 9728 §3)."""

    async def metadata(_: Request) -> Response:
        return to_response(gate.resource.answer())

    return Route(gate.resource.metadata_path, metadata, methods=["GET"])


def install(gate: Gate, app: Starlette) -> None:
    """Serve the metadata in an application and keep the guard running for its lifetime."""
    # In front: a catch-all route of the application must not swallow it.
    app.router.routes.insert(0, metadata_route(gate))
    inner = app.router.lifespan_context

    @asynccontextmanager
    async def lifespan(application: Starlette) -> AsyncIterator[Any]:
        async with gate.running(), inner(application) as state:
            yield state

    app.router.lifespan_context = lifespan


Lifespan = Callable[[Starlette], AbstractAsyncContextManager[Any]]
