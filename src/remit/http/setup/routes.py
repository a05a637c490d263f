"""The first-run page: a link that works once becomes the first administrator."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remit.core.display import sentence
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import LEAST_PASSWORD
from remit.core.tenants import DEFAULT_SLUG
from remit.http._kit.views import FieldError
from remit.http.browser import Browser, frame, go, page, read_browser, set_session
from remit.http.context import context_of, error_page
from remit.http.setup.page import SetupPage
from remit.http.visits import note, own_form
from remit.services.provisioning.setup import SPENT, check_setup_link, redeem_setup_link
from remit.services.sessions import sign_in
from remit.wire.caller import origin_of, tenant_of
from remit.wire.parse import Form, parse_query

_NO_LINK: Final = "This setup link does not work"


async def show_setup(request: Request) -> Response:
    """Show the form behind a good link. Opening it uses nothing up: a mail scanner may open links too."""
    context = context_of(request)
    browser = await read_browser(request, context.deps)
    query = parse_query(request)
    if isinstance(query, Refusal):
        return error_page(request, browser, query)
    refusal = await _flaw(request, query.one("token") or "")
    if refusal is not None:
        return error_page(request, browser, refusal, title=_NO_LINK)
    return _show(request, browser, query)


async def finish_setup(request: Request) -> Response:
    """Make the first administrator and sign him in."""
    context = context_of(request)
    browser = await read_browser(request, context.deps)
    form = await own_form(request, browser)
    if isinstance(form, Response):
        return form
    token = form.one("token") or ""
    refusal = await _flaw(request, token)
    if refusal is not None:
        return error_page(request, browser, refusal, title=_NO_LINK)
    email, password = form.one("email") or "", form.one("password") or ""
    if password != (form.one("password_again") or ""):
        return _show(request, browser, form, FieldError(name="password_again", text="Type the same password twice."))
    made = await redeem_setup_link(
        context.deps, origin_of(request), token=token, name=form.one("name") or "", email=email, password=password
    )
    if isinstance(made, Refusal):
        if made.code == "not_found":
            return error_page(request, browser, made, title=_NO_LINK)
        return _show(request, browser, form, _field_error(made))
    tenant = tenant_of(request)
    signed_in = await sign_in(tenant.id, made.email, password, context.deps, origin_of(request))
    if not isinstance(signed_in, tuple):
        return go(f"{tenant.issuer}/login", browser)
    response = go(f"{tenant.issuer}/console", browser)
    set_session(response, tenant, signed_in[1])
    return response


async def _flaw(request: Request, token: str) -> Refusal | None:
    """Say why there is no form here: a link that is not good, or a tenant that is not the first one."""
    if tenant_of(request).slug != DEFAULT_SLUG:
        await note(request, SPENT)
        return SPENT
    return await check_setup_link(context_of(request).deps, token)


def _show(request: Request, browser: Browser, fields: Form, *errors: FieldError) -> Response:
    context = context_of(request)
    view = SetupPage(
        frame=frame(browser, context.deps),
        action=f"{browser.tenant.issuer}/setup",
        token=fields.one("token") or "",
        name=fields.one("name") or "",
        email=fields.one("email") or "",
        errors=errors,
        least_length=LEAST_PASSWORD,
    )
    return page(context.pages, view, browser)


def _field_error(refusal: Refusal) -> FieldError:
    """Put a refusal beside the field it speaks of."""
    hint = refusal.hint
    name = "password" if "password" in hint else "email" if "address" in hint else "name"
    return FieldError(name=name, text=sentence(hint))


ROUTES: Final = (
    Route("/setup", show_setup, methods=["GET"]),
    Route("/setup", finish_setup, methods=["POST"]),
)
