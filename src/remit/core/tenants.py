"""Tenants: the isolation wall. Everything else belongs to exactly one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from remit.core.lifetimes import UNCHOSEN, ChosenLifetimes
from remit.core.names import TenantId

DEFAULT_SLUG = "default"
INSTANCE = TenantId("instance")
"""No tenant, and no tenant's id: under it lies what the instance remembers of itself."""


class TenantState(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One tenant. `issuer` is its OAuth identity, compared byte for byte everywhere (GEN-20)."""

    id: TenantId
    slug: str
    name: str
    issuer: str
    state: TenantState
    rights_on: bool
    """False: every user holds all scopes of the tenant's resources. True: only `user_scope` rows count."""
    lifetimes: ChosenLifetimes = UNCHOSEN
    require_pushed: bool = False
    """Every client has to push its authorization requests (RFC 9126 §5)."""
    device_flow: bool = False
    """Devices may ask by a code that a user types in (RFC 8628). Off at first: such codes are handy for phishing."""

    @property
    def origin(self) -> str:
        """Scheme, host and port of the issuer: what a browser calls the origin of its pages."""
        scheme, _, rest = self.issuer.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}"

    @property
    def api(self) -> str:
        """The built-in resource of the admin API."""
        return f"{self.issuer}/api"

    @property
    def docs(self) -> str:
        """The page for developers; each error code is an anchor in it."""
        return f"{self.issuer}/docs"


def issuer_of(base: str, slug: str) -> str:
    """Return the issuer URL of a tenant. The default tenant's issuer is the bare base URL."""
    return base if slug == DEFAULT_SLUG else f"{base}/t/{slug}"
