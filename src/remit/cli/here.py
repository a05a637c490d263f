"""Where a command works: the data folder on this machine, one tenant in it, and who typed it."""

from __future__ import annotations

import asyncio
import getpass
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from remit.cli.exits import NOT_FOUND, exit_of
from remit.core.audit.events import Who
from remit.core.oauth.verdicts import Refusal
from remit.core.tenants import DEFAULT_SLUG, Tenant
from remit.services.origin import Origin
from remit.wire.problems import kind_of

if TYPE_CHECKING:
    from remit.ports.deps import Deps
    from remit.settings import Settings


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Folder:
    """What every command that opens the instance takes."""

    data: Annotated[Path | None, Parameter(help="Folder of the instance. [default: ./remit-data]")] = None
    json: Annotated[bool, Parameter(negative="", show_default=False, help="Write JSON.")] = False


@Parameter(name="*")
@dataclass(frozen=True, slots=True, kw_only=True)
class Where(Folder):
    """What every command inside one tenant takes."""

    tenant: Annotated[str, Parameter(help="Slug of the tenant.")] = DEFAULT_SLUG


DryRun = Annotated[
    bool, Parameter(negative="", show_default=False, help="Check it and say what would be; keep nothing.")
]
NOTHING_KEPT = "Nothing was kept (--dry-run)."


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """The opened instance and who is at the keyboard."""

    deps: Deps
    settings: Settings
    who: Who
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Here(Instance):
    tenant: Tenant


class Ended(Exception):
    """The command ends here with this exit code; what there was to say is said."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


def say(text: str) -> None:
    """Talk to the person, beside the data."""
    print(text, file=sys.stderr)


def end(text: str, code: int) -> Ended:
    say(f"remit: {text}")
    return Ended(code)


def refused(refusal: Refusal) -> Ended:
    """Tell a refusal and end with the code that it has at the REST API, too."""
    return end(refusal.hint, exit_of(kind_of(refusal)))


def in_tenant(where: Where, action: Callable[[Here], Awaitable[int]]) -> int:
    """Run an action in the tenant that the command line names."""

    async def inside(instance: Instance) -> int:
        tenant = await find_tenant(instance.deps, where.tenant)
        here = Here(
            deps=instance.deps,
            settings=instance.settings,
            who=instance.who,
            origin=instance.origin,
            tenant=tenant,
        )
        return await action(here)

    return in_instance(where.data, inside)


def in_instance(
    data: Path | None,
    action: Callable[[Instance], Awaitable[int]],
    *,
    base_url: str | None = None,
    create: bool = False,
    moving: bool = False,
) -> int:
    """Run an action on the instance in a folder; with `create`, an empty folder becomes one first.

    `moving` opens it under the base URL that it has, whatever the settings say.
    """
    from remit.cli.settings import load_or_exit

    settings = load_or_exit(data=data, base_url=base_url)
    if moving:
        settings = replace(settings, given=frozenset())

    async def opened() -> int:
        async with open_instance(settings, create=create) as instance:
            return await action(instance)

    try:
        return asyncio.run(opened())
    except Ended as ended:
        return ended.code


@asynccontextmanager
async def open_instance(settings: Settings, *, create: bool = False) -> AsyncIterator[Instance]:
    from remit.opening import open_deps

    shared = bool(settings.storage.url)
    if not (create or shared or await asyncio.to_thread(Path(settings.storage.path).exists)):
        folder = settings.data.dir
        raise end(f"there is no instance in {folder}: `remit serve --data {folder}` makes one", NOT_FOUND)
    origin = Origin(peer=None, request=None)
    async with open_deps(settings, create=create) as deps:
        yield Instance(deps=deps, settings=settings, who=origin.operator("cli", _operator()), origin=origin)


async def find_tenant(deps: Deps, slug: str) -> Tenant:
    async with deps.db.system() as system:
        found = await system.tenant_by_slug(slug)
        if found is not None:
            return found
        known = [tenant.slug for tenant in await system.tenants()]
    raise end(f"there is no tenant `{slug}`; there are: {', '.join(known) or 'none'} (--tenant)", NOT_FOUND)


def _operator() -> str:
    """Name who typed the command, as the machine knows him."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
