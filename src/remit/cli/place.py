"""Where a command works that has an operation of the REST API: the one rule of docs/cli.md.

Signed in, it works on that server; `--server` names another sign-in. With `--data`, or signed in nowhere, it works on
the data folder of this machine. Nothing else decides, so that the same words never mean two places.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from cyclopts import Parameter

from remit.cli.exits import USAGE
from remit.cli.here import NOTHING_KEPT, DryRun, Ended, Here, Where, end, in_tenant, say
from remit.cli.remote import find_login, read_logins
from remit.core.tenants import DEFAULT_SLUG

if TYPE_CHECKING:
    from remit.cli.door import Api, Door


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """What every command takes that has an operation of the REST API."""

    server: Annotated[
        str | None, Parameter(help="Issuer of a server that you are signed in to. [default: the last one]")
    ] = None
    data: Annotated[
        Path | None,
        Parameter(
            help="Folder of an instance, to work on it here. [default: ./remit-data where you are signed in nowhere]"
        ),
    ] = None
    tenant: Annotated[str | None, Parameter(help="Slug of the tenant in that folder. [default: default]")] = None
    json: Annotated[bool, Parameter(negative="", show_default=False, help="Write JSON, as the API answers.")] = False


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Change(Place):
    """What every such command takes that changes something."""

    dry_run: DryRun = False


def through(place: Place, action: Callable[[Api], Awaitable[int]]) -> int:
    """Run a command where it is meant to work."""
    try:
        issuer = choose(place)
        if issuer is not None:
            from remit.cli.door import RemoteDoor

            return asyncio.run(_run(place, RemoteDoor(find_login(issuer)), action))
    except Ended as ended:
        return ended.code

    async def inside(here: Here) -> int:
        from remit.cli.door import LocalDoor

        return await _run(place, LocalDoor(here), action)

    return in_tenant(Where(data=place.data, json=place.json, tenant=place.tenant or DEFAULT_SLUG), inside)


def choose(place: Place) -> str | None:
    """Return the issuer of the server to ask; None is the data folder.

    Raises:
        Ended: two places were named, or the tenant of another one.
    """
    if place.server is not None and place.data is not None:
        raise end("--server and --data name two places: give one of them", USAGE)
    if place.data is not None:
        return None
    issuer = (place.server or read_logins().default or "").rstrip("/")
    if not issuer:
        return None
    if place.tenant not in (None, slug_of(issuer)):
        raise end(
            f"this would work on {issuer}, and --tenant {place.tenant} is another tenant: name its sign-in with "
            "--server, or the data folder of this machine with --data",
            USAGE,
        )
    return issuer


def slug_of(issuer: str) -> str:
    """Return the slug of the tenant with this issuer."""
    _, found, slug = urlsplit(issuer).path.rpartition("/t/")
    return slug if found else DEFAULT_SLUG


async def _run(place: Place, door: Door, action: Callable[[Api], Awaitable[int]]) -> int:
    from remit.cli.door import Api

    api = Api(door=door, dry=isinstance(place, Change) and place.dry_run)
    code = await action(api)
    if api.dry:
        say(NOTHING_KEPT)
    elif api.changed and door.elsewhere:
        say(f"Done on {door.elsewhere}.")
    return code
