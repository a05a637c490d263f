"""Sign in, sign out and consent: the pages between an authorization request and its answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remit.core.clients import Client
from remit.core.display import sentence
from remit.core.names import ClientId
from remit.core.oauth.authorize import AuthorizeRequest
from remit.core.oauth.details import reread
from remit.core.oauth.documents import host_of
from remit.core.oauth.redirects import display_host, is_loopback
from remit.core.oauth.verdicts import Refusal, TooMany
from remit.http._kit.views import Permission, Resource
from remit.http.account.consent.limits import held_to
from remit.http.account.consent.page import DURATIONS as DURATION_WORDS
from remit.http.account.consent.page import IDENTITY_SENTENCES, ConsentPage
from remit.http.account.second_factor.routes import ask_for_code
from remit.http.account.sign_in.page import SignInPage
from remit.http.account.waiting import told_to_wait, too_many_tries
from remit.http.account.welcome import destination, next_of, welcome
from remit.http.browser import (
    FORGED,
    Browser,
    frame,
    genuine,
    go,
    origin_source,
    page,
    read_browser,
)
from remit.http.context import context_of, error_page
from remit.http.oauth.authorize import answer, take_next_step
from remit.http.oauth.interaction import pack, unpack
from remit.http.oauth.logout import confirmed_logout, leave
from remit.http.visits import own_form, turn_away
from remit.ports.work import GrantFilter
from remit.services.authorize import NeedsLogin, proceed
from remit.services.consent import DURATIONS, Answer, Asking, Choice, approve, deny, durations
from remit.services.sessions import HalfWay, sign_in
from remit.wire.caller import origin_of, tenant_of
from remit.wire.parse import Form, TooLarge, parse_query, read_form
from remit.wire.problems import status_of

NEWCOMER_USERS = 5
"""A stranger's client that fewer people here have allowed is called new to this place (CIMD-13)."""

NEWCOMER_GRANTS = 20

STALE = Refusal("invalid_request", "this sign-in is too old or was not started here: go back and start again")


async def front_door(request: Request) -> Response:
    """Send whoever opens the bare address of an issuer to his own page."""
    return go(f"{tenant_of(request).issuer}/account")


async def login_page(request: Request) -> Response:
    """Show the sign-in form. With an interaction it continues an authorization request, without it is a plain visit."""
    context = context_of(request)
    browser = await read_browser(request, context.deps)
    query = parse_query(request)
    if isinstance(query, Refusal):
        return error_page(request, browser, query)
    if browser.signed_in is not None and query.one("ix") is None:
        return go(destination(request, browser))
    return await _show_login(request, browser, query)


async def login_form(request: Request) -> Response:
    """Check a password, renew the session id, and go on: to the second step, or with what brought the user here."""
    context = context_of(request)
    browser = await read_browser(request, context.deps)
    form = await own_form(request, browser)
    if isinstance(form, Response):
        return form
    tenant = tenant_of(request)
    email, password = form.one("email") or "", form.one("password") or ""
    outcome = await sign_in(tenant.id, email, password, context.deps, origin_of(request), earlier=browser.signed_in)
    if isinstance(outcome, TooMany):
        text = too_many_tries(outcome.wait)
        shown = await _show_login(request, browser, form, error=text, status=status_of("too_many"))
        return told_to_wait(shown, outcome.wait)
    if isinstance(outcome, Refusal):
        return await _show_login(request, browser, form, error=sentence(outcome.hint))
    packed = form.one("ix")
    if isinstance(outcome, HalfWay):
        return ask_for_code(request, browser, outcome, packed)
    return await welcome(request, browser, *outcome, packed=packed)


async def logout_form(request: Request) -> Response:
    """End the login session, and say what ended with it or go where the client wants that asked for it."""
    context = context_of(request)
    browser = await read_browser(request, context.deps)
    form = await read_form(request)
    if isinstance(form, (TooLarge, Refusal)) or not genuine(request, form, browser, context.deps):
        return await turn_away(request, browser, FORGED)
    asked = None
    if (packed := form.one("ix")) is not None:
        asked = await confirmed_logout(packed, browser, context.deps)
        if asked is None:
            return await turn_away(request, browser, STALE)
    return await leave(request, browser, asked, confirmed=True)


async def consent_page(request: Request) -> Response:
    """Show what is asked. Reloading is harmless; nothing is approved by looking (OA-6)."""
    context = context_of(request)
    browser = await read_browser(request, context.deps)
    query = parse_query(request)
    asked = _unpack(request, query, browser)
    if asked is None:
        return await turn_away(request, browser, STALE)
    step = await proceed(browser.tenant.id, asked, browser.signed_in, context.deps, origin_of(request))
    if isinstance(step, Asking):
        return await _show_consent(request, browser, step)
    return await _not_asking(request, browser, asked, step)


async def consent_form(request: Request) -> Response:
    """Take the user's yes or no. What was asked comes from the sealed request, never from the form (B-CONS-05)."""
    context = context_of(request)
    deps = context.deps
    browser = await read_browser(request, deps)
    form = await own_form(request, browser, repeated=frozenset({"scope"}))
    if isinstance(form, Response):
        return form
    asked = _unpack(request, form, browser)
    if asked is None:
        return await turn_away(request, browser, STALE)
    if browser.signed_in is None:
        return go(f"{browser.tenant.issuer}/login?ix={form.one('ix')}", browser)
    tenant, origin = browser.tenant, origin_of(request)
    if form.one("decision") != "allow":
        given = await deny(tenant.id, asked, browser.signed_in, deps, origin)
        return answer(request, browser, given) if isinstance(given, Answer) else error_page(request, browser, given)
    step = await proceed(tenant.id, asked, browser.signed_in, deps, origin, answered=True)
    if not isinstance(step, Asking):
        return await _not_asking(request, browser, asked, step)
    chosen = frozenset(form.many("scope"))
    if not chosen & step.scopes:
        text = "Tick at least one thing to allow, or choose Deny."
        return await _show_consent(request, browser, step, error=text)
    length = DURATIONS.get(form.one("duration") or "", DURATIONS["task"])
    choice = Choice(scopes=chosen, until=deps.clock.now() + length, while_away=form.one("away") == "yes")
    given = await approve(tenant.id, asked, browser.signed_in, choice, deps, origin)
    return answer(request, browser, given) if isinstance(given, Answer) else error_page(request, browser, given)


async def _not_asking(
    request: Request, browser: Browser, asked: AuthorizeRequest, step: NeedsLogin | Answer | Refusal
) -> Response:
    if isinstance(step, Answer):
        return answer(request, browser, step)
    if isinstance(step, Refusal):
        return error_page(request, browser, step)
    return await take_next_step(request, browser, asked)


async def _show_login(
    request: Request, browser: Browser, fields: Form, *, error: str = "", status: int = 200
) -> Response:
    context = context_of(request)
    asked = unpack(fields.one("ix"), browser, context.deps)
    if fields.one("ix") is not None and asked is None:
        return await turn_away(request, browser, STALE)
    client = await _client(request, asked.client) if asked is not None else None
    action = f"{browser.tenant.issuer}/login"
    next_path = next_of(request)
    if next_path is not None:
        action += f"?next={quote(next_path)}"
    view = SignInPage(
        frame=frame(browser, context.deps),
        action=action,
        ix=fields.one("ix") or "",
        client=client.name if client else "",
        email=fields.one("email") or (asked.login_hint if asked and asked.login_hint else ""),
        error=error,
    )
    # The sign-in form may end in a redirect to the client, which the browser counts as where the form leads.
    form_action = origin_source(asked.redirect_uri) if asked else ""
    return page(context.pages, view, browser, status=status, form_action=form_action)


async def _show_consent(request: Request, browser: Browser, asking: Asking, *, error: str = "") -> Response:
    context = context_of(request)
    deps, tenant, asked, client = context.deps, browser.tenant, asking.request, asking.party.client
    async with deps.db.read(tenant.id) as work:
        agent = asking.party.agent
        owner = await work.users.get(agent.owner) if agent.owner else None
        grants = await work.grants.page(GrantFilter(client=client.id), limit=NEWCOMER_GRANTS)
    offered = durations(asking.latest, deps.clock.now())
    packed = pack(asked, browser, deps)
    view = ConsentPage(
        frame=frame(browser, deps),
        action=f"{tenant.issuer}/consent",
        ix=packed,
        switch=f"{tenant.issuer}/login?ix={packed}",
        client=client.name,
        agent=agent.name,
        owner=owner.email if owner else "",
        badge=_badge(client),
        registered_from=_registered_from(client, asked.redirect_uri),
        document=client.document or "",
        elsewhere=_elsewhere(client),
        newcomer=client.self_registered and len({grant.user for grant in grants}) < NEWCOMER_USERS,
        purpose=agent.purpose,
        permissions=_permissions(asking),
        held_to=held_to(reread(asked.details)) if asked.details is not None else (),
        resource=Resource(name=asking.resource.name, uri=asking.resource.uri),
        durations=tuple(
            replace(words, chosen=words.value == offered[-1]) for words in DURATION_WORDS if words.value in offered
        ),
        away=True,
        redirect_host=display_host(asked.redirect_uri) if asked.device is None else "",
        device_code=asked.device.code if asked.device is not None else "",
        loopback=is_loopback(asked.redirect_uri),
        my_agents=f"{tenant.issuer}/account",
        expires_at=datetime.fromtimestamp(asked.open_until_ms / 1000, UTC),
        error=error,
    )
    return page(context.pages, view, browser, form_action=origin_source(asked.redirect_uri))


def _badge(client: Client) -> str:
    if not client.self_registered:
        return "organisation"
    return "self-registered" if client.document is None else "unverified"


def _registered_from(client: Client, redirect_uri: str) -> str:
    """Say where a stranger's client came from: its document's host, or where it leads on the web."""
    if client.document is not None:
        return display_host(client.document)
    # Where a loopback redirect leads says nothing about where the client came from.
    return (
        display_host(redirect_uri) if client.self_registered and redirect_uri and not is_loopback(redirect_uri) else ""
    )


def _elsewhere(client: Client) -> str:
    if client.document is None or client.home is None:
        return ""
    return "" if host_of(client.home) == host_of(client.document) else host_of(client.home)


def _permissions(asking: Asking) -> tuple[Permission, ...]:
    """Return the tick boxes: what is held is marked held, the rest new where something is held, sensitive unticked."""
    known = {scope.name: scope for scope in asking.resource.scopes}
    found = []
    for name in sorted(asking.scopes):
        scope = known.get(name)
        held = name in asking.held
        found.append(
            Permission(
                name=name,
                sentence=scope.sentence if scope else IDENTITY_SENTENCES.get(name, name),
                risk=scope.risk if scope else "identity",
                ticked=held or scope is None or not scope.sensitive,
                held=held,
                new=bool(asking.held) and not held,
                sensitive=scope.sensitive if scope else False,
            )
        )
    return tuple(found)


async def _client(request: Request, client: ClientId) -> Client | None:
    async with context_of(request).deps.db.read(tenant_of(request).id) as work:
        return await work.clients.get(client)


def _unpack(request: Request, fields: Form | Refusal, browser: Browser) -> AuthorizeRequest | None:
    if isinstance(fields, Refusal):
        return None
    return unpack(fields.one("ix"), browser, context_of(request).deps)


ROUTES = (
    Route("/", front_door, methods=["GET"]),
    Route("/login", login_page, methods=["GET"]),
    Route("/login", login_form, methods=["POST"]),
    Route("/logout", logout_form, methods=["POST"]),
    Route("/consent", consent_page, methods=["GET"]),
    Route("/consent", consent_form, methods=["POST"]),
)
