"""How long access tokens live, as commands on agents and on resources take it."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from remit.cli.exits import USAGE
from remit.cli.here import end

Seconds = Annotated[int | None, Parameter(help="Longest life of its access tokens.")]
AsTenant = Annotated[
    bool, Parameter(negative="", show_default=False, help="Leave it to the tenant and whatever else is shorter again.")
]


def told_lifetime(token_seconds: int | None, *, as_tenant: bool) -> int | None:
    """Return the lifetime; None leaves it to the tenant.

    Raises:
        Ended: it is both given and left to the tenant, or neither.
    """
    if (token_seconds is None) != as_tenant:
        raise end("say how long with --token-seconds, or leave it to the tenant with --as-tenant", USAGE)
    return token_seconds
