"""The OAuth ending of every error: JSON for the protocol endpoints, `WWW-Authenticate` for protected ones.

Together with problems.py the only place that knows HTTP status numbers of errors.
"""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from remit.core.oauth.verdicts import Refusal
from remit.wire.parse import TOO_LARGE, TooLarge

NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}

STATUS = {"invalid_client": 401, "not_found": 404}
"""Everything else is 400 at the protocol endpoints (RFC 6749 §5.2)."""


def render_refusal(refusal: Refusal, *, docs: str = "") -> Response:
    """Render a refusal as RFC 6749 §5.2 says. `docs` is the page that `error_uri` points into."""
    body = {"error": refusal.code, "error_description": refusal.hint}
    if docs:
        body["error_uri"] = f"{docs}#{refusal.code}"
    headers = dict(NO_STORE)
    if refusal.code == "invalid_client":
        headers["www-authenticate"] = 'Basic realm="remit", charset="UTF-8"'
    status = STATUS.get(refusal.code, 400)
    return Response(msgspec.json.encode(body), status, headers, "application/json")


def render_too_large(_: TooLarge) -> Response:
    body = {"error": TOO_LARGE.code, "error_description": TOO_LARGE.hint}
    return Response(msgspec.json.encode(body), 413, NO_STORE, "application/json")


def render_method(allowed: str) -> Response:
    body = {"error": "invalid_request", "error_description": f"use {allowed} here"}
    return Response(msgspec.json.encode(body), 405, {**NO_STORE, "allow": allowed}, "application/json")


def render_unavailable() -> Response:
    """Say that nothing was done and a retry may help (REV-6)."""
    body = {"error": "temporarily_unavailable", "error_description": "the store did not answer; nothing was issued"}
    return Response(msgspec.json.encode(body), 503, {**NO_STORE, "retry-after": "1"}, "application/json")


def render_throttled(wait: int) -> Response:
    body = {"error": "temporarily_unavailable", "error_description": "too many requests; wait before the next"}
    return Response(msgspec.json.encode(body), 429, {**NO_STORE, "retry-after": str(wait)}, "application/json")


def challenge(
    error: str | None = None, hint: str | None = None, *, scope: str | None = None, metadata: str | None = None
) -> Response:
    """Render the 401 or 403 of an endpoint of ours that takes access tokens (RFC 6750 §3)."""
    parts = ['realm="remit"']
    if error is not None:
        parts.append(f'error="{error}"')
    if hint is not None:
        parts.append(f'error_description="{hint}"')
    if scope is not None:
        parts.append(f'scope="{scope}"')
    if metadata is not None:
        parts.append(f'resource_metadata="{metadata}"')
    status = {"insufficient_scope": 403, "invalid_request": 400}.get(error or "", 401)
    return Response(b"", status, {**NO_STORE, "www-authenticate": "Bearer " + ", ".join(parts)})


def page_status(refusal: Refusal) -> int:
    """Return the status of our own error page for a refusal that must not be redirected."""
    return {"not_found": 404, "access_denied": 403, "temporarily_unavailable": 503}.get(refusal.code, 400)
