"""What every page stands on: session cookies, anti-forgery tokens, and the headers of a page (GEN-11).

Anti-forgery is threefold: SameSite cookies, an Origin / Sec-Fetch-Site check, and a token bound to the browser.
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from remit.core.names import Secret, SecretKind, parse_opaque
from remit.core.oauth.verdicts import Refusal
from remit.core.tenants import Tenant
from remit.core.users import Role
from remit.http._kit.render import Pages, View
from remit.http._kit.views import Frame, MenuItem, Notice, SignedIn
from remit.ports.deps import Deps
from remit.services.sessions import SignedInUser, who_is
from remit.wire.caller import tenant_of
from remit.wire.cookies import read_cookie
from remit.wire.parse import Form

PAGE_HEADERS = {
    "cache-control": "no-store",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
}
HSTS = "max-age=31536000"
"""A browser that was here once does not ask over plain http again (RFC 6797). Not for the host's other names."""
CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)


THEMES = frozenset({"light", "dark"})
_YEAR = 365 * 86400

FORGED = Refusal("access_denied", "the form did not come from a page of ours in this browser: open the page again")
"""What a POST that is not `genuine` is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Browser:
    """One browser at one tenant: the cookie that binds forms to it, and who is signed in, if anybody."""

    tenant: Tenant
    binding: str
    fresh_binding: Secret | None
    """Set when the browser had no binding cookie yet: the answer must set it."""
    signed_in: SignedInUser | None
    theme: str = ""
    """light or dark where this browser's user chose; empty follows the system."""
    here: str = ""
    """Path and query of the page that was opened; empty where a form was sent."""

    @property
    def plain(self) -> bool:
        """Say whether this is plain http on loopback, where `__Host-` cookies cannot exist (development only)."""
        return self.tenant.issuer.startswith("http://")


async def read_browser(request: Request, deps: Deps) -> Browser:
    """Read the two cookies of this tenant. A cookie of another tenant names no session here."""
    tenant = tenant_of(request)
    plain = tenant.issuer.startswith("http://")
    binding = read_cookie(request, _cookie(tenant, "b", plain=plain)) or ""
    fresh = None
    if parse_opaque(binding, SecretKind.BROWSER) is None:
        fresh = deps.fresh.opaque(SecretKind.BROWSER).text()
        binding = fresh.reveal()
    cookie = read_cookie(request, _cookie(tenant, "", plain=plain))
    signed_in = None
    if cookie:
        async with deps.db.read(tenant.id) as work:
            signed_in = await who_is(work, cookie, deps)
    theme = request.cookies.get(_cookie(tenant, "theme", plain=plain), "")
    return Browser(
        tenant=tenant,
        binding=binding,
        fresh_binding=fresh,
        signed_in=signed_in,
        theme=theme if theme in THEMES else "",
        here=_here(request, tenant) if request.method == "GET" else "",
    )


def _here(request: Request, tenant: Tenant) -> str:
    asked = request.scope["query_string"].decode("ascii", "replace")
    path = urlsplit(tenant.issuer).path + request.scope["path"]
    return f"{path}?{asked}" if asked else path


def session_cookie(request: Request) -> str | None:
    """Return the raw session cookie of this tenant, for signing out."""
    tenant = tenant_of(request)
    return read_cookie(request, _cookie(tenant, "", plain=tenant.issuer.startswith("http://")))


def csrf(browser: Browser, deps: Deps) -> str:
    """Return the anti-forgery token of this browser and, once signed in, of this session."""
    session = browser.signed_in.session.id if browser.signed_in else ""
    return deps.digester.tag("csrf", browser.tenant.id, browser.binding, session)


def genuine(request: Request, form: Form, browser: Browser, deps: Deps) -> bool:
    """Say whether a POST comes from one of our own pages in this very browser. Every check must pass."""
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site")
    # Our pages ask for no-referrer, under which browsers send `Origin: null` with our own forms too (Fetch, "append a
    # request Origin header"). Null may be anybody, so then the browser itself must say that the page was ours.
    if origin == "null" and site != "same-origin":
        return False
    if origin not in {None, "null", browser.tenant.origin}:
        return False
    if site not in {None, "same-origin", "none"}:
        return False
    if browser.fresh_binding is not None:
        return False
    return hmac.compare_digest((form.one("csrf") or "").encode(), csrf(browser, deps).encode())


def frame(browser: Browser, deps: Deps, *, menu: tuple[MenuItem, ...] = (), notice: Notice | None = None) -> Frame:
    """Return what surrounds a page for this browser."""
    issuer = browser.tenant.issuer
    user = None
    if browser.signed_in is not None:
        person = browser.signed_in.user
        user = SignedIn(
            name=person.name,
            email=person.email,
            sign_out=f"{issuer}/logout",
            my_agents=f"{issuer}/account",
            console=f"{issuer}/console" if person.role is not Role.USER else "",
            activity=f"{issuer}/account/activity",
            security=f"{issuer}/account/security",
            theme=f"{issuer}/account/theme",
        )
    return Frame(
        tenant=browser.tenant.name,
        now=deps.clock.now(),
        csrf=csrf(browser, deps),
        user=user,
        menu=menu,
        notice=notice,
        theme=browser.theme,
        here=browser.here,
    )


def page_headers(tenant: Tenant, *, form_action: str = "") -> dict[str, str]:
    """Return what every page of this tenant is sent with."""
    headers = {**PAGE_HEADERS, "content-security-policy": f"{CSP} {form_action}" if form_action else CSP}
    if not tenant.issuer.startswith("http://"):
        headers["strict-transport-security"] = HSTS
    return headers


def page(pages: Pages, view: View, browser: Browser, *, status: int = 200, form_action: str = "") -> Response:
    """Render a page. `form_action` is where its form may lead besides ourselves (a redirect after a POST counts)."""
    response = HTMLResponse(pages.render(view), status, page_headers(browser.tenant, form_action=form_action))
    _bind(response, browser)
    return response


def origin_source(redirect_uri: str) -> str:
    """Return the CSP source of a redirect URI, because browsers check redirects after a form against form-action.

    Nothing for a request that is answered nowhere: that of a device.
    """
    if not redirect_uri:
        return ""
    parts = urlsplit(redirect_uri)
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme in {"http", "https"} else f"{parts.scheme}:"


def go(url: str, browser: Browser | None = None) -> Response:
    """Redirect after a POST, or to the next page: always 303, so that a form is never sent on (GEN-12)."""
    response = RedirectResponse(url, 303, {"cache-control": "no-store", "referrer-policy": "no-referrer"})
    if browser is not None:
        _bind(response, browser)
    return response


def set_session(response: Response, tenant: Tenant, cookie: Secret) -> None:
    plain = tenant.issuer.startswith("http://")
    _set(response, _cookie(tenant, "", plain=plain), cookie.reveal(), plain=plain)


def drop_session(response: Response, tenant: Tenant) -> None:
    plain = tenant.issuer.startswith("http://")
    response.delete_cookie(_cookie(tenant, "", plain=plain), path="/", secure=not plain, httponly=True, samesite="lax")


def set_theme(response: Response, tenant: Tenant, theme: str) -> None:
    """Remember light or dark for a year; anything else follows the system again."""
    plain = tenant.issuer.startswith("http://")
    name = _cookie(tenant, "theme", plain=plain)
    if theme in THEMES:
        _set(response, name, theme, plain=plain, seconds=_YEAR)
    else:
        response.delete_cookie(name, path="/", secure=not plain, httponly=True, samesite="lax")


def _bind(response: Response, browser: Browser) -> None:
    if browser.fresh_binding is not None:
        name = _cookie(browser.tenant, "b", plain=browser.plain)
        _set(response, name, browser.fresh_binding.reveal(), plain=browser.plain)


def _set(response: Response, name: str, value: str, *, plain: bool, seconds: int | None = None) -> None:
    response.set_cookie(name, value, max_age=seconds, path="/", secure=not plain, httponly=True, samesite="lax")


def _cookie(tenant: Tenant, suffix: str, *, plain: bool) -> str:
    name = f"remit_{tenant.slug}" + (f".{suffix}" if suffix else "")
    return name if plain else f"__Host-{name}"
