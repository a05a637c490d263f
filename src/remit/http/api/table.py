"""REST v1: every operation, in one table: what serves it, describes it and is typed on the command line."""

from __future__ import annotations

from typing import Final

from remit.http.api import (
    agents,
    clients,
    credentials,
    desired,
    events,
    grants,
    initial_tokens,
    keys,
    many_grants,
    own,
    resources,
    settings,
    stops,
    users,
)

OPERATIONS: Final = (
    *agents.OPERATIONS,
    *clients.OPERATIONS,
    *credentials.OPERATIONS,
    *initial_tokens.OPERATIONS,
    # Before those of one grant, whose id is the same place in a path: a wrong method is told the right ones.
    *many_grants.OPERATIONS,
    *grants.OPERATIONS,
    *resources.OPERATIONS,
    *users.OPERATIONS,
    *own.OPERATIONS,
    *stops.OPERATIONS,
    *keys.OPERATIONS,
    *events.OPERATIONS,
    *settings.OPERATIONS,
    *desired.OPERATIONS,
)
