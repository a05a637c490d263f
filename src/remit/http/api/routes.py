"""REST v1: the routes of every operation, and the document that describes them."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remit.http.api.openapi import document
from remit.http.api.serve import routes
from remit.http.api.table import OPERATIONS
from remit.wire.caller import tenant_of
from remit.wire.conditional import render_tagged


async def openapi_endpoint(request: Request) -> Response:
    """Serve the OpenAPI document of this tenant's API. It tells nothing that the release does not."""
    body = msgspec.json.encode(document(OPERATIONS, tenant_of(request), version=version("remit")))
    return render_tagged(request, body, "application/json", headers={"cache-control": "public, max-age=300"})


ROUTES: Final = (
    Route("/api/v1/openapi.json", openapi_endpoint, methods=["GET"]),
    *routes(OPERATIONS),
)
