"""Where a sign-in leads once it is complete, with one step or with two."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from remit.core.names import Secret
from remit.core.oauth.redirects import is_local_path
from remit.http.browser import Browser, go, session_cookie, set_session
from remit.http.context import context_of
from remit.services.sessions import SignedInUser, sign_out
from remit.wire.caller import origin_of


async def welcome(
    request: Request, browser: Browser, person: SignedInUser, cookie: Secret, *, packed: str | None
) -> Response:
    """Give the browser its new session, and go on with what brought the user here."""
    tenant, before = browser.tenant, browser.signed_in
    if before is not None and before.user.id != person.user.id:
        # Somebody else takes over this browser: whoever kept the old cookie must not go on as the one who left.
        await sign_out(tenant.id, session_cookie(request), context_of(request).deps, origin_of(request))
    response = go(f"{tenant.issuer}/consent?ix={packed}" if packed else destination(request, browser), browser)
    set_session(response, tenant, cookie)
    return response


def destination(request: Request, browser: Browser) -> str:
    """Return where a plain sign-in leads: the local path that was asked for, or the user's own page (B-RED-08)."""
    return next_of(request) or f"{browser.tenant.issuer}/account"


def next_of(request: Request) -> str | None:
    wanted = request.query_params.get("next")
    return wanted if wanted is not None and is_local_path(wanted) else None
