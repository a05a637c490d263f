"""DPoP on the wire (RFC 9449 §4.1, §7, §8): the proof of a request, the token it stands beside, the nonce to come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from starlette.responses import Response

from remit.core.names import Secret
from remit.core.oauth.dpop import Proven
from remit.core.oauth.verdicts import Refusal
from remit.ports.deps import Deps
from remit.services.possession import At, nonce_now, read_proven
from remit.wire.call import Answer, Call, header_values
from remit.wire.caller import NoToken, address_of, authorized, tenant_id_of

NONCE: Final = "dpop-nonce"

DPOP_ERRORS: Final = frozenset({"invalid_dpop_proof", "use_dpop_nonce"})
"""What is wrong with a proof, and not with the token beside it (RFC 9449 §7.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """The access token of a request, and what was proven beside it. Whether they fit is for who reads the token."""

    token: Secret
    proven: Proven | None


def proven_by(call: Call, deps: Deps) -> Proven | Refusal | None:
    """Return what the DPoP header of a token request proves; None where there is no such header."""
    shown = header_values(call, b"dpop")
    return _read(call, shown, At.TOKEN, None, deps) if shown else None


def presented_token(call: Call, deps: Deps) -> Presented | NoToken | Refusal:
    """Return the access token of the header, by either scheme, with its proof where the scheme is DPoP."""
    found = authorized(call)
    if isinstance(found, NoToken | Refusal):
        return found
    if not found.dpop:
        return Presented(token=found.token, proven=None)
    proven = _read(call, header_values(call, b"dpop"), At.RESOURCE, found.token, deps)
    return proven if isinstance(proven, Refusal) else Presented(token=found.token, proven=proven)


def offer_nonce(call: Call, deps: Deps, at: At, answer: Answer | Response) -> None:
    """Tell whoever sends proofs the nonce of his next one, where nonces are asked for (RFC 9449 §8.2)."""
    if deps.dpop_nonces and header_values(call, b"dpop"):
        nonce = nonce_now(tenant_id_of(call), at, deps)
        if isinstance(answer, Response):
            answer.headers[NONCE] = nonce
        else:
            answer.headers.append((NONCE.encode(), nonce.encode()))


def _read(call: Call, shown: list[str], at: At, token: Secret | None, deps: Deps) -> Proven | Refusal:
    return read_proven(
        shown,
        tenant=tenant_id_of(call),
        at=at,
        method=call.scope["method"],
        address=address_of(call),
        token=token,
        deps=deps,
    )
