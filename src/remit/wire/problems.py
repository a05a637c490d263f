"""The other ending of errors: RFC 9457 problem documents for the REST API, and plain statuses for pages."""

from __future__ import annotations

import msgspec
from starlette.responses import Response

from remit.core.oauth.verdicts import Refusal
from remit.wire.docs import explained

KINDS: dict[str, tuple[int, str]] = {
    "invalid_request": (400, "The request is not right"),
    "unauthorized": (401, "Sign in or send an access token"),
    "invalid_token": (401, "The access token is not live"),
    "invalid_dpop_proof": (401, "The DPoP proof is not one for this request"),
    "use_dpop_nonce": (401, "The DPoP proof needs the nonce of this answer"),
    "insufficient_scope": (403, "The access token does not hold the permission"),
    "forbidden": (403, "That is outside what you may do"),
    "not_found": (404, "There is nothing here"),
    "method_not_allowed": (405, "Another method is needed"),
    "conflict": (409, "That is taken"),
    "precondition_failed": (412, "It is not as you saw it"),
    "too_large": (413, "The body is too large"),
    "unsupported_media_type": (415, "The body is of another kind"),
    "key_reused": (422, "That key was used for something else"),
    "precondition_required": (428, "Say which state you saw"),
    "too_many": (429, "Too many requests"),
    "internal": (500, "Something broke on our side"),
    "unavailable": (503, "The store did not answer"),
}
"""Every kind of problem: its status and its title."""


SHOWN_ALONE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Headers of every error that is no page: to a browser it is nothing but text, and in nobody's frame (B-CONS-02)."""


def render_problem(kind: str, detail: str, *, request: str = "", headers: dict[str, str] | None = None) -> Response:
    """Render one problem document. Nothing of the machinery shows; the request id finds it in the log (PD-2)."""
    status, title = KINDS[kind]
    page = explained(kind)
    body: dict[str, object] = {
        "type": page or "about:blank",
        "title": title,
        "status": status,
        "detail": detail,
        "code": kind,
    }
    if page:
        body["doc_url"] = page
    if request:
        body["request_id"] = request
    told = {"cache-control": "no-store", **SHOWN_ALONE, **(headers or {})}
    return Response(msgspec.json.encode(body), status, told, "application/problem+json")


def render_refused(refusal: Refusal, *, request: str = "", headers: dict[str, str] | None = None) -> Response:
    """Render a use case's refusal at the REST API; a code it has no kind for is a bad request."""
    return render_problem(kind_of(refusal), refusal.hint, request=request, headers=headers)


def kind_of(refusal: Refusal) -> str:
    return refusal.code if refusal.code in KINDS else "invalid_request"


def render_no_document() -> Response:
    """Say that there is no such well-known document. No JSON: a client that looks for one could read it as one."""
    headers = {"cache-control": "no-store", "access-control-allow-origin": "*"}
    return Response(b"no such document\n", KINDS["not_found"][0], headers, "text/plain; charset=utf-8")


def status_of(kind: str) -> int:
    return KINDS[kind][0]
