"""How many requests that each become a row may come from one client, or from one address."""

from __future__ import annotations

from remit.core.names import TenantId
from remit.core.oauth.client_auth import Presented, Proof
from remit.ports.deps import Deps
from remit.services.origin import Origin

_SECONDS = 60
_LONGEST_NAME = 100


def crowded(
    what: str, tenant: TenantId, presented: Presented, deps: Deps, origin: Origin, *, proven: int, public: int
) -> int:
    """Return the seconds to wait. So many a minute of one client; fewer of all public ones behind one address.

    Each is a row, so their number is bounded before anything is looked at. A public client proves nothing by its name.
    """
    named = presented.proof is not Proof.NONE
    who = f"{tenant} {origin.peer} {presented.client[:_LONGEST_NAME] if named else ''}"
    limit = proven if named else public
    return deps.throttle.allow(what, who, limit=limit, per_seconds=_SECONDS, now=deps.clock.now())
