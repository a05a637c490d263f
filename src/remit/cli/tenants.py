"""`remit tenants ...`."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from cyclopts import App, Parameter

from remit.cli.exits import OK
from remit.cli.here import Folder, Here, Instance, Where, in_instance, in_tenant, refused
from remit.cli.output import Row, write_record, write_rows
from remit.core.admission import Admission, Documents
from remit.core.lifetimes import UNCHOSEN, ChosenLifetimes
from remit.core.oauth.verdicts import Refusal
from remit.core.tenants import Tenant
from remit.services.admission import admission_of, choose_admission
from remit.services.lifetimes import choose_lifetimes, lifetimes_of
from remit.services.provisioning.tenants import create_tenant

app = App(
    name="tenants",
    help="List and create tenants.",
    help_epilogue="Examples:\n  remit tenants list\n  remit tenants create acme --name Acme",
)


@app.command(name="list", help_epilogue="Examples:\n  remit tenants list\n  remit tenants list --json")
def list_(*, folder: Folder | None = None) -> int:
    """List tenants with their issuers."""
    folder = folder or Folder()

    async def show(instance: Instance) -> int:
        async with instance.deps.db.system() as system:
            rows = [_told(tenant) for tenant in await system.tenants()]
        write_rows(rows, json=folder.json)
        return OK

    return in_instance(folder.data, show)


@app.command(help_epilogue="Examples:\n  remit tenants create acme --name Acme")
def create(
    slug: Annotated[str, Parameter(help="Its part of every URL, as in acme-eu; it never changes.")],
    /,
    *,
    name: Annotated[str, Parameter(help="What people call it.")],
    base_url: Annotated[
        str | None, Parameter(help="URL under which the server is reached, if it was started with --base-url.")
    ] = None,
    folder: Folder | None = None,
) -> int:
    """Create a tenant with its own signing keys."""
    folder = folder or Folder()

    async def make(instance: Instance) -> int:
        outcome = await create_tenant(
            instance.deps,
            instance.origin,
            slug=slug,
            name=name,
            base_url=instance.deps.base_url,
            who=instance.who,
        )
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        write_record(_told(outcome), json=folder.json)
        return OK

    return in_instance(folder.data, make, base_url=base_url)


@app.command(
    help_epilogue="Examples:\n  remit tenants lifetimes --tenant acme\n"
    "  remit tenants lifetimes --tenant acme --access-seconds 600 --refresh-idle-days 7\n"
    "  remit tenants lifetimes --tenant acme --as-instance"
)
def lifetimes(
    *,
    access_seconds: Annotated[int | None, Parameter(help="Life of access tokens.")] = None,
    refresh_idle_days: Annotated[int | None, Parameter(help="After how many days an unused line ends.")] = None,
    refresh_absolute_days: Annotated[int | None, Parameter(help="After how many days every line ends.")] = None,
    as_instance: Annotated[
        bool, Parameter(negative="", show_default=False, help="First leave all three to the instance again.")
    ] = False,
    where: Where | None = None,
) -> int:
    """Show how long tokens of a tenant live, or choose it. Resources and remits may only shorten it."""
    where = where or Where()
    given = ChosenLifetimes(
        access_seconds=access_seconds,
        refresh_idle_days=refresh_idle_days,
        refresh_absolute_days=refresh_absolute_days,
    )

    async def change(here: Here) -> int:
        chosen, holds = await lifetimes_of(here.tenant.id, here.deps)
        if as_instance or given != UNCHOSEN:
            wanted = given if as_instance else given.before(chosen)
            outcome = await choose_lifetimes(here.tenant.id, here.deps, here.who, wanted)
            if isinstance(outcome, Refusal):
                raise refused(outcome)
            chosen, holds = wanted, outcome
        told = {name: getattr(holds, name) for name in asdict(chosen)}
        write_record({**told, "chosen": _named(chosen)}, json=where.json)
        return OK

    return in_tenant(where, change)


@app.command(
    help_epilogue="Examples:\n  remit tenants admission --tenant acme\n"
    "  remit tenants admission --documents listed --host app.example --host '*.example.org'\n"
    "  remit tenants admission --documents any --no-same-origin"
)
def admission(
    *,
    documents: Annotated[
        Documents | None, Parameter(help="Read documents of no host, any, those listed, or all but those listed.")
    ] = None,
    host: Annotated[
        list[str] | None, Parameter(negative="", help="A host of the list; *.example.org is all below it.")
    ] = None,
    same_origin: Annotated[
        bool | None, Parameter(help="Let a document send browsers back to its own origin alone.")
    ] = None,
    where: Where | None = None,
) -> int:
    """Show whose client metadata documents are read, or choose it. Hosts that are given replace the list."""
    where = where or Where()

    async def change(here: Here) -> int:
        holds = await admission_of(here.tenant.id, here.deps)
        wanted = Admission(
            documents=holds.documents if documents is None else documents,
            hosts=holds.hosts if host is None else tuple(host),
            same_origin=holds.same_origin if same_origin is None else same_origin,
        )
        if wanted != holds:
            outcome = await choose_admission(here.tenant.id, here.deps, here.who, wanted)
            if isinstance(outcome, Refusal):
                raise refused(outcome)
        told = {"documents": wanted.documents.value, "hosts": list(wanted.hosts), "same_origin": wanted.same_origin}
        write_record(told, json=where.json)
        return OK

    return in_tenant(where, change)


def _named(chosen: ChosenLifetimes) -> list[str]:
    """Name what the tenant chose itself; the rest is the instance's."""
    return [name for name, value in asdict(chosen).items() if value is not None]


def _told(tenant: Tenant) -> Row:
    return {
        "id": tenant.id,
        "slug": tenant.slug,
        "name": tenant.name,
        "issuer": tenant.issuer,
        "state": tenant.state.value,
        "rights_on": tenant.rights_on,
    }
