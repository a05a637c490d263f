"""`remit tenants ...`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from remit.cli.exits import OK
from remit.cli.here import Folder, Instance, in_instance, refused
from remit.cli.output import Row, write_record, write_rows
from remit.core.oauth.verdicts import Refusal
from remit.core.tenants import Tenant
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


def _told(tenant: Tenant) -> Row:
    return {
        "id": tenant.id,
        "slug": tenant.slug,
        "name": tenant.name,
        "issuer": tenant.issuer,
        "state": tenant.state.value,
        "rights_on": tenant.rights_on,
    }
