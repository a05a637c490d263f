"""GET and POST /oauth/end-session (OpenID Connect RP-Initiated Logout §2), and the sign-out that a person confirms."""

from __future__ import annotations

from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from remit.core.oauth.form import Form
from remit.core.oauth.redirects import display_host
from remit.core.oauth.verdicts import Refusal
from remit.http._kit.views import Onward
from remit.http.account.sign_out.page import SignOutPage
from remit.http.account.signed_out.page import SignedOutPage
from remit.http.browser import (
    Browser,
    drop_session,
    frame,
    go,
    origin_source,
    page,
    read_browser,
    session_cookie,
)
from remit.http.context import context_of
from remit.http.oauth.interaction import seal_for, unseal_from
from remit.http.visits import turn_away
from remit.ports.deps import Deps
from remit.services.logout import PARAMETERS, LogoutAsked, read_logout
from remit.services.sessions import sign_out
from remit.wire.caller import origin_of
from remit.wire.oauth_errors import render_method, render_too_large
from remit.wire.parse import TooLarge, parse_query, read_form

_PURPOSE = "logout"
_LONGEST = 8000
"""Characters of the longest request that is carried on in an address."""

TOO_LONG = Refusal("invalid_request", "the request is too long: send it with a shorter state or without wishes")


async def end_session_endpoint(request: Request) -> Response:
    """Sign somebody out at the wish of a client, after asking him where the client did not show who it means."""
    if request.method not in {"GET", "POST"}:
        return render_method("GET, POST")
    deps = context_of(request).deps
    browser = await read_browser(request, deps)
    form = parse_query(request) if request.method == "GET" else await read_form(request)
    if isinstance(form, TooLarge):
        return render_too_large(form)
    if isinstance(form, Refusal):
        return await turn_away(request, browser, form)
    if request.method == "POST":
        return await _carry_on(request, browser, form)
    async with deps.db.read(browser.tenant.id) as work:
        asked = await read_logout(work, form, browser.signed_in, deps)
    if isinstance(asked, Refusal):
        return await turn_away(request, browser, asked)
    if browser.signed_in is not None and not asked.sure:
        return _ask(request, browser, form, asked)
    return await leave(request, browser, asked, confirmed=False)


async def leave(request: Request, browser: Browser, asked: LogoutAsked | None, *, confirmed: bool) -> Response:
    """End the login session, if there is one, and go where the client may send the browser.

    Nobody vouched for a client that registered itself, so the browser goes there only when its user said so.
    """
    context, tenant = context_of(request), browser.tenant
    working = await sign_out(tenant.id, session_cookie(request), context.deps, origin_of(request))
    onward = None if asked is None else asked.onward
    gone = Browser(tenant=tenant, binding=browser.binding, fresh_binding=browser.fresh_binding, signed_in=None)
    if onward is not None and asked is not None and (confirmed or asked.vouched):
        response = go(onward, gone)
    else:
        view = SignedOutPage(
            frame=frame(gone, context.deps),
            sign_in=f"{tenant.issuer}/login",
            agents_still_work=working,
            onward=None if onward is None else Onward(href=onward, host=display_host(onward)),
        )
        response = page(context.pages, view, gone)
    drop_session(response, tenant)
    return response


async def confirmed_logout(text: str, browser: Browser, deps: Deps) -> LogoutAsked | None:
    """Return what the person has just confirmed, as it stands now. None: it was not asked in this browser."""
    plain = unseal_from(text, browser, deps, purpose=_PURPOSE)
    if plain is None:
        return None
    form = Form({name: (value,) for name, value in msgspec.json.decode(plain, type=dict[str, str]).items()})
    async with deps.db.read(browser.tenant.id) as work:
        asked = await read_logout(work, form, browser.signed_in, deps)
    return None if isinstance(asked, Refusal) else asked


async def _carry_on(request: Request, browser: Browser, form: Form) -> Response:
    """Ask the same by an address: with a form of another site no browser sends the cookie of the session (SameSite)."""
    said = {name: value for name in PARAMETERS if (value := form.one(name)) is not None}
    query = urlencode(said)
    if len(query) > _LONGEST:
        return await turn_away(request, browser, TOO_LONG)
    address = f"{browser.tenant.issuer}/oauth/end-session"
    return go(f"{address}?{query}" if query else address, browser)


def _ask(request: Request, browser: Browser, form: Form, asked: LogoutAsked) -> Response:
    context, person = context_of(request), browser.signed_in
    assert person is not None  # noqa: S101 - only who is signed in is asked
    said = {name: value for name in PARAMETERS if (value := form.one(name)) is not None}
    onward = asked.redirect_uri
    view = SignOutPage(
        frame=frame(browser, context.deps),
        action=f"{browser.tenant.issuer}/logout",
        ix=seal_for(msgspec.json.encode(said), browser, context.deps, purpose=_PURPOSE),
        client=asked.client.name if asked.client is not None else "",
        name=person.user.name,
        email=person.user.email,
        host=display_host(onward) if onward is not None else "",
        stay=f"{browser.tenant.issuer}/account",
    )
    return page(context.pages, view, browser, form_action=origin_source(onward) if onward is not None else "")
