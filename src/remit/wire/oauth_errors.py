"""The OAuth ending of every error: JSON for the protocol endpoints, `WWW-Authenticate` for protected ones.

Together with problems.py the only place that knows HTTP status numbers of errors.
"""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from remit.core.oauth.dpop import DPOP_ALGS
from remit.core.oauth.verdicts import Refusal
from remit.wire.docs import explained
from remit.wire.parse import TOO_LARGE, TooLarge
from remit.wire.problems import SHOWN_ALONE

NO_STORE = {"cache-control": "no-store", "pragma": "no-cache"}

STATUS = {"invalid_client": 401, "not_found": 404}
"""Everything else is 400 at the protocol endpoints (RFC 6749 §5.2)."""


def render_refusal(refusal: Refusal) -> Response:
    """Render a refusal as RFC 6749 §5.2 says."""
    headers = dict(NO_STORE)
    if refusal.code == "invalid_client":
        headers["www-authenticate"] = 'Basic realm="remit", charset="UTF-8"'
    status = STATUS.get(refusal.code, 400)
    return _render(refusal.code, refusal.hint, status, headers)


def render_too_large(_: TooLarge) -> Response:
    return _render(TOO_LARGE.code, TOO_LARGE.hint, 413, NO_STORE)


def render_method(allowed: str) -> Response:
    return _render("invalid_request", f"use {allowed} here", 405, {**NO_STORE, "allow": allowed})


def render_unavailable() -> Response:
    """Say that nothing was done and a retry may help (REV-6)."""
    hint = "the store did not answer; nothing was issued"
    return _render("temporarily_unavailable", hint, 503, {**NO_STORE, "retry-after": "1"})


def render_throttled(wait: int) -> Response:
    hint = "too many requests; wait before the next"
    return _render("temporarily_unavailable", hint, 429, {**NO_STORE, "retry-after": str(wait)})


def _render(code: str, hint: str, status: int, headers: dict[str, str]) -> Response:
    body = msgspec.json.encode(error_fields(code, hint))
    return Response(body, status, {**headers, **SHOWN_ALONE}, "application/json")


def error_fields(code: str, hint: str) -> dict[str, str]:
    """Return what an error tells, in a body or in a redirect: its code, what to change, and where it is explained."""
    fields = {"error": code, "error_description": hint}
    page = explained(code)
    return {**fields, "error_uri": page} if page else fields


def challenge(
    error: str | None = None,
    hint: str | None = None,
    *,
    scope: str | None = None,
    metadata: str | None = None,
    dpop: bool = False,
) -> Response:
    """Render the 401 or 403 of an endpoint of ours that takes access tokens (RFC 6750 §3, RFC 9449 §7.1)."""
    status = {"insufficient_scope": 403, "invalid_request": 400}.get(error or "", 401)
    asked = challenge_header(error, hint, scope=scope, metadata=metadata, dpop=dpop)
    return Response(b"", status, {**NO_STORE, "www-authenticate": asked})


def challenge_header(
    error: str | None = None,
    hint: str | None = None,
    *,
    scope: str | None = None,
    metadata: str | None = None,
    dpop: bool = False,
) -> str:
    """Return the challenge alone, for endpoints that say the same in a body of their own.

    `dpop`: the request came with that scheme, so this one is what the error is about.
    """
    parts = ['realm="remit"']
    if error is not None:
        parts.append(f'error="{error}"')
    if hint is not None:
        parts.append(f'error_description="{hint}"')
    if error is not None and (page := explained(error)):
        parts.append(f'error_uri="{page}"')
    if scope is not None:
        parts.append(f'scope="{scope}"')
    if metadata is not None:
        parts.append(f'resource_metadata="{metadata}"')
    if dpop:
        return ", ".join(["DPoP " + parts[0], *parts[1:], _DPOP_ALGS])
    # Who may try again, perhaps with a proof: RFC 9449 §7.2 lists both schemes.
    other = f", DPoP {_DPOP_ALGS}" if error in (None, "invalid_token") else ""
    return "Bearer " + ", ".join(parts) + other


_DPOP_ALGS = f'algs="{" ".join(DPOP_ALGS)}"'


def page_status(refusal: Refusal) -> int:
    """Return the status of our own error page for a refusal that must not be redirected."""
    return {"not_found": 404, "access_denied": 403, "temporarily_unavailable": 503}.get(refusal.code, 400)
