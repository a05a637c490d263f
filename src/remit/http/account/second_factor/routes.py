"""The second step of a sign-in: a code, after the password was right (RFC 6238)."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remit.core.display import sentence
from remit.core.names import UserId
from remit.core.oauth.verdicts import Refusal, TooMany
from remit.http.account.second_factor.page import SecondFactorPage
from remit.http.account.waiting import told_to_wait, too_many_tries
from remit.http.account.welcome import next_of, welcome
from remit.http.browser import Browser, frame, go, origin_source, page, read_browser
from remit.http.context import context_of, error_page
from remit.http.oauth.interaction import seal_for, unpack, unseal_from
from remit.http.visits import own_form, turn_away
from remit.ports.deps import Deps
from remit.services.second_factor import finish_sign_in
from remit.services.sessions import HalfWay
from remit.wire.caller import origin_of
from remit.wire.parse import Form, parse_query
from remit.wire.problems import status_of

_PURPOSE = "half way"

STALE = Refusal("invalid_request", "this sign-in is too old or was not started here: sign in again")


def ask_for_code(request: Request, browser: Browser, half: HalfWay, packed: str | None) -> Response:
    """Send somebody whose password was right to the page that asks for the rest."""
    deps = context_of(request).deps
    said = {"half": _seal(half, browser, deps), **({"ix": packed} if packed else {})}
    wanted = next_of(request)
    return go(
        f"{browser.tenant.issuer}/login/code?{urlencode(said)}" + (f"&next={quote(wanted)}" if wanted else ""), browser
    )


async def code_page(request: Request) -> Response:
    """Ask for the code. Looking changes nothing."""
    browser = await read_browser(request, context_of(request).deps)
    query = parse_query(request)
    if isinstance(query, Refusal):
        return error_page(request, browser, query)
    return await _show(request, browser, query)


async def code_form(request: Request) -> Response:
    """Take a code, and go on with what brought the user here."""
    deps = context_of(request).deps
    browser = await read_browser(request, deps)
    form = await own_form(request, browser)
    if isinstance(form, Response):
        return form
    half = _unseal(form.one("half"), browser, deps)
    if half is None:
        return await turn_away(request, browser, STALE)
    tenant, code = browser.tenant, form.one("code") or ""
    outcome = await finish_sign_in(tenant.id, half, code, deps, origin_of(request), earlier=browser.signed_in)
    if isinstance(outcome, TooMany):
        text = too_many_tries(outcome.wait)
        shown = await _show(request, browser, form, error=text, status=status_of("too_many"))
        return told_to_wait(shown, outcome.wait)
    if isinstance(outcome, Refusal):
        if outcome.code != "access_denied":
            return await turn_away(request, browser, STALE)
        return await _show(request, browser, form, error=sentence(outcome.hint))
    return await welcome(request, browser, *outcome, packed=form.one("ix"))


async def _show(request: Request, browser: Browser, fields: Form, *, error: str = "", status: int = 200) -> Response:
    context = context_of(request)
    half = _unseal(fields.one("half"), browser, context.deps)
    packed = fields.one("ix")
    asked = unpack(packed, browser, context.deps)
    if half is None or (packed is not None and asked is None):
        return await turn_away(request, browser, STALE)
    issuer, wanted = browser.tenant.issuer, next_of(request)
    after = f"?next={quote(wanted)}" if wanted else ""
    view = SecondFactorPage(
        frame=frame(browser, context.deps),
        action=f"{issuer}/login/code{after}",
        ix=packed or "",
        half=fields.one("half") or "",
        again=f"{issuer}/login?ix={packed}" if packed else f"{issuer}/login{after}",
        error=error,
    )
    # What follows may be a redirect to the client, which the browser counts as where the form leads.
    form_action = origin_source(asked.redirect_uri) if asked else ""
    return page(context.pages, view, browser, status=status, form_action=form_action)


def _seal(half: HalfWay, browser: Browser, deps: Deps) -> str:
    said = {"user": half.user, "at": int(half.at.timestamp() * 1000)}
    return seal_for(msgspec.json.encode(said), browser, deps, purpose=_PURPOSE)


def _unseal(text: str | None, browser: Browser, deps: Deps) -> HalfWay | None:
    plain = unseal_from(text, browser, deps, purpose=_PURPOSE)
    if plain is None:
        return None
    said = msgspec.json.decode(plain)
    return HalfWay(user=UserId(said["user"]), at=datetime.fromtimestamp(said["at"] / 1000, UTC))


ROUTES = (
    Route("/login/code", code_page, methods=["GET"]),
    Route("/login/code", code_form, methods=["POST"]),
)
