"""Guards for APIs and sign-in for agents, with Remit as the authorization server."""

from remit_sdk.api import Guard, guard
from remit_sdk.caller import Caller, current
from remit_sdk.errors import RemitError, Unavailable
from remit_sdk.issuers import EveryTenant

__all__ = [
    "Caller",
    "EveryTenant",
    "Guard",
    "RemitError",
    "Unavailable",
    "current",
    "guard",
]
