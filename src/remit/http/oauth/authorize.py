"""GET and POST /oauth/authorize (RFC 6749 §3.1), and the answer by redirect (RFC 9207)."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from remit.core.oauth.authorize import AuthorizeRequest
from remit.core.oauth.redirects import add_params, display_host
from remit.core.oauth.verdicts import Refusal
from remit.core.tenants import Tenant
from remit.http._kit.views import Onward
from remit.http.account.device_done.page import DeviceDonePage
from remit.http.account.posting.page import PostingPage
from remit.http.browser import Browser, frame, go, origin_source, page, read_browser
from remit.http.context import context_of, error_page
from remit.http.oauth.interaction import pack
from remit.services.authorize import NeedsLogin, begin, note_unread, proceed
from remit.services.consent import Answer, Asking
from remit.wire.caller import origin_of, tenant_of
from remit.wire.oauth_errors import error_fields, render_method, render_too_large
from remit.wire.parse import TooLarge, parse_query, read_form


async def authorize_endpoint(request: Request) -> Response:
    """Take an authorization request; the same URL may be fetched any number of times."""
    if request.method not in {"GET", "HEAD", "POST"}:
        return render_method("GET, POST")
    deps = context_of(request).deps
    browser = await read_browser(request, deps)
    form = parse_query(request) if request.method != "POST" else await read_form(request)
    if isinstance(form, TooLarge):
        return render_too_large(form)
    if isinstance(form, Refusal):
        await note_unread(browser.tenant.id, form, deps, origin_of(request))
        return error_page(request, browser, form)
    tenant = tenant_of(request)
    started = await begin(tenant.id, form, deps, origin_of(request), cross_site=cross_site(request))
    if isinstance(started, Refusal):
        return error_page(request, browser, started)
    if isinstance(started, Answer):
        return send_back(request, browser, started)
    return await take_next_step(request, browser, started)


async def take_next_step(request: Request, browser: Browser, asked: AuthorizeRequest) -> Response:
    """Send the browser where its request has to go next."""
    deps, tenant = context_of(request).deps, browser.tenant
    step = await proceed(tenant.id, asked, browser.signed_in, deps, origin_of(request))
    match step:
        case NeedsLogin():
            return go(f"{tenant.issuer}/login?ix={pack(asked, browser, deps)}", browser)
        case Asking():
            return go(f"{tenant.issuer}/consent?ix={pack(asked, browser, deps)}", browser)
        case Answer():
            return send_back(request, browser, step)
        case Refusal():
            return error_page(request, browser, step)


def cross_site(request: Request) -> bool:
    """Say whether a request came from another site: by the browser's own word, or because it says nothing."""
    return request.headers.get("sec-fetch-site") not in {"same-origin", "same-site", "none"}


def send_back(request: Request, browser: Browser, given: Answer) -> Response:
    """Answer the client, or let the person do it who has not been asked anything yet (OA-22)."""
    if given.refusal is None or not given.unasked:
        return answer(request, browser, given)
    onward = Onward(href=answer_url(browser.tenant, given), host=display_host(given.redirect_uri))
    return error_page(request, browser, given.refusal, onward=onward)


def answer(request: Request, browser: Browser, given: Answer) -> Response:
    """Answer the client by redirect, or by a form that the browser posts where the client asked for that."""
    if given.device:
        return _device_done(request, browser, given)
    if not given.posted:
        return go(answer_url(browser.tenant, given), browser)
    context = context_of(request)
    view = PostingPage(
        frame=frame(browser, context.deps),
        action=given.redirect_uri,
        fields=tuple(answer_fields(browser.tenant, given).items()),
        host=display_host(given.redirect_uri),
    )
    return page(context.pages, view, browser, form_action=origin_source(given.redirect_uri))


def _device_done(request: Request, browser: Browser, given: Answer) -> Response:
    """Send the user back to his device, which fetches the answer itself."""
    context = context_of(request)
    view = DeviceDonePage(
        frame=frame(browser, context.deps),
        allowed=given.refusal is None,
        my_agents=f"{browser.tenant.issuer}/account",
    )
    return page(context.pages, view, browser)


def answer_url(tenant: Tenant, given: Answer) -> str:
    """Return where an answer leads that travels in the address."""
    return add_params(given.redirect_uri, answer_fields(tenant, given))


def answer_fields(tenant: Tenant, given: Answer) -> dict[str, str]:
    """Return what an answer says: code or error, the client's state, and `iss` in every case (ISS-1)."""
    parameters: dict[str, str] = {}
    if given.code is not None:
        parameters["code"] = given.code.reveal()
    if given.refusal is not None:
        parameters |= error_fields(given.refusal.code, given.refusal.hint)
    if given.state is not None:
        parameters["state"] = given.state
    parameters["iss"] = tenant.issuer
    return parameters
