"""The permissions of the REST API, which are the scopes of a tenant's own resource, and whose role allows which."""

from __future__ import annotations

from typing import Final

from remit.core.authority import Ceiling
from remit.core.oauth.scopes import IDENTITY_SCOPES
from remit.core.resources import Risk, Scope
from remit.core.users import Role

API_SCOPES: Final = (
    Scope(name="agents:read", sentence="See the agents of this tenant and what each may do", risk=Risk.READ),
    Scope(name="clients:read", sentence="See the clients of agents and how each proves itself", risk=Risk.READ),
    Scope(name="grants:read", sentence="See who allowed which agent what", risk=Risk.READ),
    Scope(name="resources:read", sentence="See the resources and their scopes", risk=Risk.READ),
    Scope(name="users:read", sentence="See the names and addresses of users", risk=Risk.READ),
    Scope(name="keys:read", sentence="See the signing keys and their states", risk=Risk.READ),
    Scope(name="settings:read", sentence="See the settings of this tenant", risk=Risk.READ),
    Scope(name="audit:read", sentence="Read the audit log", risk=Risk.READ, sensitive=True),
    Scope(name="own:read", sentence="See what you allowed which agent", risk=Risk.READ),
    Scope(name="own:write", sentence="Narrow and stop what you allowed", risk=Risk.CHANGE),
    Scope(name="agents:write", sentence="Create agents and change what they may do", risk=Risk.CHANGE, sensitive=True),
    Scope(name="clients:write", sentence="Create clients and give them secrets", risk=Risk.CHANGE, sensitive=True),
    Scope(name="resources:write", sentence="Create resources and change their scopes", risk=Risk.CHANGE),
    Scope(name="users:write", sentence="Create users and change their rights", risk=Risk.CHANGE, sensitive=True),
    Scope(name="stops:write", sentence="Stop and resume agents, clients, users and resources", risk=Risk.CHANGE),
    Scope(name="settings:write", sentence="Change the settings of this tenant", risk=Risk.CHANGE, sensitive=True),
    Scope(name="keys:write", sentence="Rotate and revoke signing keys", risk=Risk.DESTROY, sensitive=True),
    Scope(name="grants:write", sentence="Approve and revoke grants", risk=Risk.DESTROY, sensitive=True),
)

_OWN: Final = frozenset({"own:read", "own:write"})
_READS: Final = frozenset(scope.name for scope in API_SCOPES if scope.risk is Risk.READ)


def held_by(role: Role) -> frozenset[str]:
    """Return the permissions that a person of this role can have.

    What people administer follows from their role alone: not from rights, which would give everybody everything where
    a tenant has not turned them on, and an administrator nothing where it has.
    """
    match role:
        case Role.ADMIN:
            return frozenset(scope.name for scope in API_SCOPES)
        case Role.AUDITOR:
            return _READS | _OWN
        case Role.USER:
            return _OWN


def of_role(role: Role) -> Ceiling:
    """Return what a person's role leaves of the tenant's own API."""
    return Ceiling(name="user's role", scopes=held_by(role) | IDENTITY_SCOPES)
