"""Guards for APIs and sign-in for agents, with Remit as the authorization server."""

from remit_sdk.api import Guard, guard
from remit_sdk.auth import RemitAuth
from remit_sdk.caller import Caller, current
from remit_sdk.consent import ConsentRequired
from remit_sdk.errors import (
    AgentStopped,
    ApprovalPending,
    BoundToken,
    OutOfScope,
    Refused,
    RemitError,
    Unavailable,
    Untrustworthy,
    WrongResource,
)
from remit_sdk.exchange import TokenExchange
from remit_sdk.issuers import EveryTenant
from remit_sdk.possession import Dpop, ReplayStore
from remit_sdk.step_up import MULTI_FACTOR, SINGLE_FACTOR, StepUp
from remit_sdk.store import FileStore, MemoryStore, TokenSet, TokenStore

__all__ = [
    "MULTI_FACTOR",
    "SINGLE_FACTOR",
    "AgentStopped",
    "ApprovalPending",
    "BoundToken",
    "Caller",
    "ConsentRequired",
    "Dpop",
    "EveryTenant",
    "FileStore",
    "Guard",
    "MemoryStore",
    "OutOfScope",
    "Refused",
    "RemitAuth",
    "RemitError",
    "ReplayStore",
    "StepUp",
    "TokenExchange",
    "TokenSet",
    "TokenStore",
    "Unavailable",
    "Untrustworthy",
    "WrongResource",
    "current",
    "guard",
]
