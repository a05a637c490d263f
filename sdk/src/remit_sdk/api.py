"""`guard()`: one line for an API, whatever framework it is written with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import httpx2

from remit_sdk.asgi import App, GuardedApp
from remit_sdk.clock import Clock, SystemClock
from remit_sdk.gate import Gate
from remit_sdk.hierarchy import Hierarchy
from remit_sdk.issuers import Credentials, EveryTenant, read_issuers
from remit_sdk.possession import Dpop
from remit_sdk.protected_resource import read_resource
from remit_sdk.routes import required
from remit_sdk.step_up import StepUp

if TYPE_CHECKING:
    from starlette.applications import Starlette


class Guard(Gate):
    """The guard of one protected resource."""

    def wrap(
        self,
        app: App,
        *,
        routes: Mapping[str, str | Iterable[str]],
        public: Iterable[str] = (),
        step_up: Mapping[str, StepUp] | None = None,
    ) -> GuardedApp:
        """Guard a whole ASGI application: what neither table lists is refused.

        Routes read `"DELETE /events/{id}": "delete:calendar"`; `{rest:path}` spans segments, `*`
        stands for every method. `step_up` says of some of these how the user must have signed in. Also fits
        `app.add_middleware(api.wrap, routes=...)`.
        """
        return GuardedApp(app, self, routes=routes, public=public, step_up=step_up)

    def require(self, *scopes: str, step_up: StepUp | None = None) -> Callable[..., Any]:
        """Return a FastAPI dependency: `Depends(api.require("read:calendar"))` is the caller."""
        from remit_sdk import endpoints  # noqa: PLC0415  (Starlette is optional)

        return endpoints.dependency(self, required(scopes), step_up)

    def protect(
        self, *scopes: str, step_up: StepUp | None = None
    ) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """Return a decorator for one async Starlette or FastAPI endpoint."""
        from remit_sdk import endpoints  # noqa: PLC0415  (Starlette is optional)

        return endpoints.protect(self, required(scopes), step_up)

    def install(self, app: Starlette) -> None:
        """Serve the metadata in an application that guards its endpoints one by one."""
        from remit_sdk import endpoints  # noqa: PLC0415  (Starlette is optional)

        endpoints.install(self, app)


def guard(
    issuer: str | Iterable[str] | EveryTenant,
    *,
    resource: str,
    credentials: Credentials,
    scopes: str | Iterable[str] = (),
    includes: Mapping[str, str | Iterable[str]] | None = None,
    name: str | None = None,
    documentation: str | None = None,
    details: Iterable[str] = (),
    resource_id: str | None = None,
    dpop: Dpop | None = None,
    leeway: float = 10.0,
    clock: Clock | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> Guard:
    """Make the guard of a protected resource.

    Args:
        issuer: one issuer URL, several, or `EveryTenant(base)`.
        resource: the URI under which this API is registered; tokens must name exactly it.
        credentials: the resource's client id and secret; with several issuers a mapping or a
            function from issuer to that pair.
        scopes: what the metadata offers to clients; keep it to the least that is useful.
        includes: which scopes others include, as in `{"calendar": "read:calendar write:calendar"}`: a token with
            the first may do what needs one of the second.
        name: the name that the metadata shows.
        documentation: a page about this API, for the metadata.
        details: types of `authorization_details` that this API keeps its callers to, by what `caller.details`
            says; tokens with any other type are refused.
        resource_id: the registry id of the resource, if stops may name it.
        dpop: how tokens that are bound to a key are taken (RFC 9449): `Dpop(required=True)`, and more.
        leeway: seconds by which `iat` and `nbf` may lie ahead; `exp` has none.
        clock: the time; the machine's own when absent.
        transport: how the issuer is reached; the network when absent.

    Raises:
        ValueError: a setting is missing or cannot be meant.
    """
    issuers = read_issuers(issuer, credentials)
    offered = required(scopes) if scopes else frozenset()
    possession = dpop or Dpop()
    shown = issuers.listed or ((issuers.every.base,) if issuers.every else ())
    return Guard(
        resource=read_resource(
            resource,
            issuers=shown,
            scopes=offered,
            name=name,
            documentation=documentation,
            details_types=frozenset([details] if isinstance(details, str) else details),
            dpop_required=possession.required,
        ),
        resource_id=resource_id,
        issuers=issuers,
        leeway=leeway,
        clock=clock or SystemClock(),
        transport=transport,
        hierarchy=Hierarchy(includes or {}),
        dpop=possession,
    )
