"""GET {issuer}/docs: where `error_uri`, the `type` of a problem and `service_documentation` lead; the API reference.

These pages read no cookie and set none: they are the same for everybody, and may be kept by whoever asked for them.
"""

from __future__ import annotations

from functools import cache
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remit.core.explanations import EXPLANATIONS
from remit.core.tenants import Tenant
from remit.http._kit.render import View
from remit.http._kit.views import Frame
from remit.http.api.openapi import ABOUT, paths_of, schemas_of
from remit.http.api.table import OPERATIONS
from remit.http.browser import page_headers
from remit.http.context import context_of
from remit.http.docs.page import DocsPage, ErrorRow
from remit.http.docs.reference import Group, ReferencePage, ShapeRow, groups_of, shapes_of
from remit.wire.caller import tenant_of
from remit.wire.conditional import render_tagged

ERRORS: Final = tuple(
    ErrorRow(code=code, means=explanation.means, todo=explanation.todo)
    for code, explanation in sorted(EXPLANATIONS.items())
)


async def docs_page(request: Request) -> Response:
    """Show the page for developers."""
    tenant = tenant_of(request)
    view = DocsPage(
        frame=_frame(request, tenant),
        issuer=tenant.issuer,
        metadata=f"{tenant.issuer}/.well-known/openid-configuration",
        reference=f"{tenant.issuer}/docs/api",
        errors=ERRORS,
    )
    return _public(request, view)


async def reference_page(request: Request) -> Response:
    """Show every operation of the REST API, from the document that describes it."""
    tenant = tenant_of(request)
    view = ReferencePage(
        frame=_frame(request, tenant),
        title="REST API",
        about=ABOUT,
        base=tenant.issuer,
        document=f"{tenant.issuer}/api/v1/openapi.json",
        groups=_groups(),
        shapes=_shapes(),
    )
    return _public(request, view)


@cache
def _groups() -> tuple[Group, ...]:
    return groups_of(paths_of(OPERATIONS))


@cache
def _shapes() -> tuple[ShapeRow, ...]:
    return shapes_of(schemas_of(OPERATIONS))


def _frame(request: Request, tenant: Tenant) -> Frame:
    return Frame(tenant=tenant.name, now=context_of(request).deps.clock.now(), csrf="")


def _public(request: Request, view: View) -> Response:
    headers = {**page_headers(tenant_of(request)), "cache-control": "public, max-age=300"}
    body = context_of(request).pages.render(view).encode()
    return render_tagged(request, body, "text/html; charset=utf-8", headers=headers)


ROUTES: Final = (
    Route("/docs", docs_page, methods=["GET"]),
    Route("/docs/api", reference_page, methods=["GET"]),
)
