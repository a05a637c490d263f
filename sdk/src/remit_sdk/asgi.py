"""The guard around a whole ASGI application, with a table of its operations."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from typing import Any, Final
from urllib.parse import quote

from remit_sdk.caller import calling
from remit_sdk.challenge import Answer
from remit_sdk.credentials import FORM, Malformed, names_token, read_credentials
from remit_sdk.gate import Call, Gate, Permit, read_purpose
from remit_sdk.routes import RouteTable
from remit_sdk.step_up import StepUp

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# A longer form goes on unread: the guard never takes a token from a body, however long.
MAX_FORM_BYTES: Final = 64 * 1024
POLICY_VIOLATION: Final = 1008


class GuardedApp:
    """An application that is reached only through the guard."""

    def __init__(
        self,
        app: App,
        gate: Gate,
        *,
        routes: Mapping[str, str | Iterable[str]],
        public: Iterable[str] = (),
        step_up: Mapping[str, StepUp] | None = None,
    ) -> None:
        self._app = app
        self._gate = gate
        self._table = RouteTable(routes, public, step_up)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        match scope["type"]:
            case "http":
                await self._http(scope, receive, send)
            case "lifespan":
                await self._lifespan(scope, receive, send)
            case "websocket":
                # A stop could not reach a socket that is already open, so none is opened.
                await receive()
                await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            case other:
                msg = f"the guard does not know `{other}` connections"
                raise ValueError(msg)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def last_words(message: Message) -> None:
            if message["type"].startswith("lifespan.shutdown."):
                # After this message the server waits for nobody.
                await self._gate.aclose()
            await send(message)

        async with self._gate.running():
            await self._app(scope, receive, last_words)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = path_of(scope)
        resource = self._gate.resource
        if path == resource.metadata_path and scope["method"] in {"GET", "HEAD"}:
            await send_answer(resource.answer(), scope, send)
            return
        route = self._table.find(scope["method"], path)
        if route is not None and route.needed is None:
            with calling(None):
                await self._app(scope, receive, send)
            return
        needed = route.needed if route is not None else None
        call = read_call(scope, path)
        if is_form(scope):
            call, receive = await _without_token(call, receive)
        outcome = await self._gate.check(call, needed, route.step_up if route is not None else None)
        if not isinstance(outcome, Permit):
            self._gate.report(call, outcome, needed=needed, status=outcome.status)
            await send_answer(self._gate.answer(outcome), scope, send)
            return
        status: int | None = None

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = private(message.get("headers", ()))
            await send(message)

        try:
            with calling(outcome.caller):
                await self._app(scope, receive, answer)
        finally:
            self._gate.report(call, outcome, needed=needed, status=status or 500)


def path_of(scope: Scope) -> str:
    """Return the path that the application itself will match."""
    return below_root(scope, scope["path"])


def whole_path(scope: Scope) -> str:
    """Return the path as it was sent, percent-encodings and all, as far as the server tells."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode("ascii")
    return raw.partition(b"?")[0].decode("latin-1")


def below_root(scope: Scope, path: str) -> str:
    """Return a path without what the application is mounted under."""
    root: str = scope.get("root_path", "").rstrip("/")
    if root and (path == root or path.startswith(f"{root}/")):
        return path[len(root) :] or "/"
    return path


def read_call(scope: Scope, path: str) -> Call:
    """Read what the guard needs from an HTTP connection."""
    headers: list[tuple[bytes, bytes]] = list(scope["headers"])
    client = scope.get("client")
    return Call(
        method=scope["method"],
        path=path,
        credentials=read_credentials(headers, scope.get("query_string", b"")),
        whole=whole_path(scope),
        below=below_root(scope, whole_path(scope)),
        purpose=read_purpose(value for name, value in headers if name == b"remit-purpose"),
        peer=client[0] if client else None,
    )


def is_form(scope: Scope) -> bool:
    """Say whether the body is a urlencoded form."""
    types = [value for name, value in scope["headers"] if name == b"content-type"]
    return any(value.split(b";")[0].strip().lower() == FORM for value in types)


def form_refused(call: Call) -> Call:
    """Return the call as one that sent its token in the form (RFC 6750 §2.2, which we refuse)."""
    hint = "send the token in the Authorization header, never in the form"
    return Call(
        method=call.method,
        path=call.path,
        credentials=Malformed(hint=hint),
        whole=call.whole,
        below=call.below,
        purpose=call.purpose,
        peer=call.peer,
    )


async def _without_token(call: Call, receive: Receive) -> tuple[Call, Receive]:
    """Look into the form and give the application the same messages again."""
    held: list[Message] = []
    body = bytearray()
    more = True
    while more and len(body) <= MAX_FORM_BYTES:
        message = await receive()
        held.append(message)
        body += message.get("body", b"")
        more = message["type"] == "http.request" and message.get("more_body", False)
    if names_token(bytes(body)):
        call = form_refused(call)

    async def replay() -> Message:
        return held.pop(0) if held else await receive()

    return call, replay


def private(headers: Iterable[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Keep an authorised answer out of shared caches unless the API said otherwise (BR-7)."""
    found = list(headers)
    if not any(name.lower() == b"cache-control" for name, _ in found):
        found.append((b"cache-control", b"private"))
    return found


async def send_answer(answer: Answer, scope: Scope, send: Send) -> None:
    """Send a finished response."""
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
    headers.append((b"content-length", str(len(answer.body)).encode("ascii")))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    body = b"" if scope["method"] == "HEAD" else answer.body
    await send({"type": "http.response.body", "body": body})
