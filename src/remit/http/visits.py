"""Pages for people who are signed in: who may open one, who may send its form, and where everybody else is sent."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import quote, urlsplit

from starlette.requests import Request
from starlette.responses import Response

from remit.core.audit.events import Who
from remit.core.names import TenantId
from remit.core.oauth.redirects import is_local_path
from remit.core.oauth.verdicts import Refusal
from remit.core.sessions import LoginSession
from remit.core.users import Role, User
from remit.http.browser import FORGED, Browser, genuine, go, read_browser
from remit.http.context import Context, context_of, error_page
from remit.ports.deps import Deps
from remit.services.page_refusals import note_page_refusal
from remit.services.sessions import keep_alive
from remit.wire.caller import origin_of, tenant_of
from remit.wire.oauth_errors import render_too_large
from remit.wire.parse import Form, TooLarge, parse_query, read_form

EVERYBODY: Final = frozenset(Role)
READERS: Final = frozenset({Role.ADMIN, Role.AUDITOR})
ADMINS: Final = frozenset({Role.ADMIN})

TICKS: Final = frozenset({"scope"})
"""Fields of our own forms that may stand more than once."""

NO_SUCH: Final = Refusal("not_found", "there is nothing here, or it is not yours")
"""One answer to what does not exist and to what belongs to somebody else."""

_NOT_FOR_YOU: Final = Refusal("access_denied", "your role does not let you do this here")
_ASK: Final = "Ask an administrator if you think you should be able to. What works for you is under My agents."
_AGAIN: Final = "Nothing was changed. Open the page again and repeat what you did."
_REFUSED: Final = "remit.refused"
_ID: Final = re.compile(r"[a-z]{3}_[0-9a-z]{1,40}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """One request of somebody who is signed in and may do what it asks for."""

    request: Request
    browser: Browser
    query: Form
    user: User
    session: LoginSession

    @property
    def context(self) -> Context:
        return context_of(self.request)

    @property
    def deps(self) -> Deps:
        return self.context.deps

    @property
    def tenant(self) -> TenantId:
        return self.browser.tenant.id

    @property
    def issuer(self) -> str:
        return self.browser.tenant.issuer

    @property
    def may_write(self) -> bool:
        """Say whether the console's buttons are for this user."""
        return self.user.role in ADMINS

    def own_who(self) -> Who:
        """Name the user in events about what is his own."""
        return origin_of(self.request).user(self.user.id, session=self.session.id)

    def admin_who(self) -> Who:
        """Name the user in events about what is not his own: he acts, and for nobody."""
        return replace(origin_of(self.request).operator("user", self.user.id), session=self.session.id)

    def about_agent(self, agent: str) -> Who:
        """Name the user and the agent he acts on, so that the event is found at the agent too."""
        return replace(self.admin_who(), agent=agent)

    def named(self, parameter: str) -> str | None:
        """Return the id in the path. What no id of ours looks like names nothing."""
        text = str(self.request.path_params[parameter])
        return text if _ID.fullmatch(text) else None

    def refuse(self, refusal: Refusal, *, title: str = "This cannot be done") -> Response:
        self.request.scope[_REFUSED] = refusal
        return error_page(self.request, self.browser, refusal, title=title, todo=_AGAIN)

    def missing(self) -> Response:
        self.request.scope[_REFUSED] = NO_SUCH
        return error_page(self.request, self.browser, NO_SUCH, title="There is nothing here")


Show = Callable[[Visit], Awaitable[Response]]
Act = Callable[[Visit, Form], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


def page_for(roles: frozenset[Role], show: Show) -> Endpoint:
    """Make the endpoint of a page that only these roles may see."""

    async def endpoint(request: Request) -> Response:
        visit = await _admit(request, roles)
        if isinstance(visit, Response):
            return visit
        answer = await show(visit)
        await _tell(visit)
        return answer

    return endpoint


def form_for(roles: frozenset[Role], act: Act) -> Endpoint:
    """Make the endpoint of a form that only these roles may send, and only from a page of ours in their browser."""

    async def endpoint(request: Request) -> Response:
        form = await read_form(request, TICKS)
        if isinstance(form, TooLarge):
            return render_too_large(form)
        visit = await _admit(request, roles, form=form)
        if isinstance(visit, Response):
            return visit
        answer = visit.refuse(form) if isinstance(form, Refusal) else await act(visit, form)
        await _tell(visit)
        return answer

    return endpoint


async def own_form(request: Request, browser: Browser, *, repeated: frozenset[str] = frozenset()) -> Form | Response:
    """Read a form that a page of ours sent from this very browser, signed in or not. The answer to anything else."""
    form = await read_form(request, repeated)
    if isinstance(form, TooLarge):
        return render_too_large(form)
    if isinstance(form, Refusal):
        return error_page(request, browser, form)
    if not genuine(request, form, browser, context_of(request).deps):
        return await turn_away(request, browser, FORGED)
    return form


async def turn_away(request: Request, browser: Browser, refusal: Refusal, *, todo: str = "") -> Response:
    """Refuse what nobody has proven to be his own doing: a form from elsewhere, a sealed request of another browser."""
    await note(request, refusal)
    return error_page(request, browser, refusal, todo=todo)


async def _tell(visit: Visit) -> None:
    """Write down that this visit was refused, if it was."""
    refusal = visit.request.scope.get(_REFUSED)
    if refusal is not None:
        await note(visit.request, refusal, visit.admin_who())


async def note(request: Request, refusal: Refusal, who: Who | None = None) -> None:
    """Write down that a page said no, to somebody who is signed in or to nobody we know."""
    who = who or origin_of(request).nobody()
    named = next(iter(request.path_params.values()), "")
    about = named if _ID.fullmatch(named) else ""
    deps, tenant, page = context_of(request).deps, tenant_of(request).id, request.scope["route"].path
    await note_page_refusal(tenant, refusal, who, deps, page=page, about=about)


async def _admit(request: Request, roles: frozenset[Role], *, form: Form | Refusal | None = None) -> Visit | Response:
    deps = context_of(request).deps
    browser = await read_browser(request, deps)
    if isinstance(form, Form) and not genuine(request, form, browser, deps):
        return await turn_away(request, browser, FORGED, todo=_AGAIN)
    if browser.signed_in is None:
        return go(_login(request, browser), browser)
    if browser.signed_in.user.role not in roles:
        who = replace(
            origin_of(request).operator("user", browser.signed_in.user.id), session=browser.signed_in.session.id
        )
        await note(request, _NOT_FOR_YOU, who)
        return error_page(request, browser, _NOT_FOR_YOU, title="This is not open to you", todo=_ASK)
    query = parse_query(request)
    if isinstance(query, Refusal):
        return error_page(request, browser, query)
    await keep_alive(browser.tenant.id, browser.signed_in, deps)
    return Visit(
        request=request,
        browser=browser,
        query=query,
        user=browser.signed_in.user,
        session=browser.signed_in.session,
    )


def _login(request: Request, browser: Browser) -> str:
    """Return the sign-in page that leads back here; after a form it leads to the page of its area."""
    issuer = browser.tenant.issuer
    below = request.scope["path"]
    if request.method == "POST":
        below = "/" + below.split("/")[1]
    wanted = urlsplit(issuer).path + below
    asked = request.scope["query_string"].decode("ascii", "replace")
    if asked and request.method != "POST" and is_local_path(f"{wanted}?{asked}"):
        wanted = f"{wanted}?{asked}"
    return f"{issuer}/login?next={quote(wanted, safe='')}" if is_local_path(wanted) else f"{issuer}/login"
