"""What every route gets handed: the dependencies and the pages, from the application's state."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from starlette.requests import Request
from starlette.responses import Response

from remit.core.display import sentence
from remit.core.oauth.verdicts import Refusal
from remit.http._kit.render import Pages
from remit.http._kit.views import Onward
from remit.http.account.error.page import ErrorPage
from remit.http.browser import FORGED, Browser, frame, page
from remit.http.hub import Hub
from remit.ports.deps import Deps
from remit.services.integrity import Integrity
from remit.telemetry.metrics import Meter
from remit.wire.call import Call
from remit.wire.oauth_errors import page_status


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    deps: Deps
    pages: Pages
    hub: Hub
    meter: Meter = field(default_factory=Meter)
    integrity: Integrity = field(default_factory=Integrity)
    security_contact: str = ""


def context_of(call: Call) -> Context:
    context: Context = call.scope["remit.context"]
    return context


def error_page(
    request: Request,
    browser: Browser,
    refusal: Refusal,
    *,
    title: str = "This cannot go on",
    todo: str = "",
    onward: Onward | None = None,
) -> Response:
    """Show our own page for a refusal that must not be redirected anywhere (OA-4)."""
    context = context_of(request)
    if refusal is FORGED:
        # It may have been sent by another site without her cookies: a new one would break the pages she has open.
        browser = replace(browser, fresh_binding=None)
    view = ErrorPage(
        # Whatever came in the address of a refused request is not said again, not even to come back to it.
        frame=frame(replace(browser, here=""), context.deps),
        title=title,
        happened=sentence(refusal.hint),
        todo=todo or ADVICE.get(refusal.code, ADVICE["invalid_request"]),
        request_id=request.scope.get("remit.request", ""),
        code=refusal.code,
        explained=f"{browser.tenant.docs}#{refusal.code}",
        back=f"{browser.tenant.issuer}/account" if browser.signed_in else "",
        back_label="Open My agents",
        onward=onward,
    )
    return page(context.pages, view, browser, status=page_status(refusal))


ADVICE = {
    "invalid_request": "Go back to the app that sent you here and start again. If it happens again, its developer has "
    "to correct the request; the line above says what.",
    "unauthorized_client": "The agent may not ask at the moment. Its owner or an administrator can change that.",
    "access_denied": "Nothing was given to the agent. Ask an administrator if you think you should be able to.",
    "not_found": "It may have been removed, or the link is not complete.",
    "temporarily_unavailable": "Nothing was lost. Wait a moment and try again.",
}
