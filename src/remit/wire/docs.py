"""Where this instance explains an error: one page below each issuer, with an anchor for each code (RFC 6749 §5.2)."""

from __future__ import annotations

from contextvars import ContextVar

from remit.core.tenants import Tenant

_page: ContextVar[str] = ContextVar("page", default="")
# Some forty places refuse something. The router knows the issuer; in this way none of them can forget to hand it on.


def explain_at(tenant: Tenant | None) -> None:
    """Let every error of the request at hand point to the page of this tenant; without one to no page."""
    _page.set("" if tenant is None else tenant.docs)


def explained(code: str) -> str:
    """Return the address that explains a code, or nothing where no issuer is known."""
    page = _page.get()
    return f"{page}#{code}" if page else ""
