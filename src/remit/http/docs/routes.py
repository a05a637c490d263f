"""GET {issuer}/docs: where `error_uri`, the `type` of a problem and `service_documentation` lead."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from remit.core.explanations import EXPLANATIONS
from remit.http._kit.views import Frame
from remit.http.browser import page_headers
from remit.http.context import context_of
from remit.http.docs.page import DocsPage, ErrorRow
from remit.wire.caller import tenant_of

ERRORS: Final = tuple(
    ErrorRow(code=code, means=explanation.means, todo=explanation.todo)
    for code, explanation in sorted(EXPLANATIONS.items())
)


async def docs_page(request: Request) -> Response:
    """Show the page. It reads no cookie and sets none, so it may be kept by whoever asked for it."""
    context, tenant = context_of(request), tenant_of(request)
    view = DocsPage(
        frame=Frame(tenant=tenant.name, now=context.deps.clock.now(), csrf=""),
        issuer=tenant.issuer,
        metadata=f"{tenant.issuer}/.well-known/openid-configuration",
        errors=ERRORS,
    )
    headers = {**page_headers(tenant), "cache-control": "public, max-age=300"}
    return HTMLResponse(context.pages.render(view), 200, headers)


ROUTES: Final = (Route("/docs", docs_page, methods=["GET"]),)
