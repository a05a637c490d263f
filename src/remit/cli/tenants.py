"""`remit tenants ...`."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import App, Parameter

from remit.cli.door import Api
from remit.cli.exits import OK
from remit.cli.here import NOTHING_KEPT, DryRun, Folder, Instance, in_instance, refused, say
from remit.cli.machine import on_this_machine
from remit.cli.output import Row, write_record, write_rows
from remit.cli.place import Change, Place, through
from remit.core.admission import Documents, Registrations
from remit.core.oauth.verdicts import Refusal
from remit.core.tenants import Tenant
from remit.http.api import settings as rest
from remit.services.provisioning.tenants import create_tenant

app = App(
    name="tenants",
    help="List and create tenants; show and change what holds for a whole one.",
    help_epilogue="Examples:\n  remit tenants list\n  remit tenants create acme --name Acme",
)


@app.command(
    name="list",
    help_epilogue=on_this_machine("tenants list", "Examples:\n  remit tenants list\n  remit tenants list --json"),
)
def list_(*, folder: Folder | None = None) -> int:
    """List tenants with their issuers."""
    folder = folder or Folder()

    async def show(instance: Instance) -> int:
        async with instance.deps.db.system() as system:
            rows = [_told(tenant) for tenant in await system.tenants()]
        write_rows(rows, json=folder.json)
        return OK

    return in_instance(folder.data, show)


@app.command(help_epilogue=on_this_machine("tenants create", "Examples:\n  remit tenants create acme --name Acme"))
def create(
    slug: Annotated[str, Parameter(help="Its part of every URL, as in acme-eu; it never changes.")],
    /,
    *,
    name: Annotated[str, Parameter(help="What people call it.")],
    base_url: Annotated[
        str | None, Parameter(help="URL under which the server is reached, if it was started with --base-url.")
    ] = None,
    dry_run: DryRun = False,
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
            keep=not dry_run,
        )
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        write_record(_told(outcome), json=folder.json)
        if dry_run:
            say(NOTHING_KEPT)
        return OK

    return in_instance(folder.data, make, base_url=base_url)


@app.command(help_epilogue="Examples:\n  remit tenants show --tenant acme")
def show(*, place: Place | None = None) -> int:
    """Show what holds for the whole tenant: its addresses, whether users have rights of their own, lifetimes."""
    place = place or Place()

    async def read(api: Api) -> int:
        write_record(await api.ask(rest.get_settings), json=place.json)
        return OK

    return through(place, read)


@app.command(name="turn-rights-on", help_epilogue="Examples:\n  remit tenants turn-rights-on --tenant acme --dry-run")
def turn_rights_on(*, place: Change | None = None) -> int:
    """Let each user hold only the scopes that `remit users allow` gives him. Nobody turns it off again."""
    place = place or Change()

    async def turn(api: Api) -> int:
        body = rest.SettingsChanges(rights_on=True)
        write_record(await api.ask(rest.change_settings, body=body), json=place.json)
        return OK

    return through(place, turn)


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
    place: Change | None = None,
) -> int:
    """Show how long tokens of a tenant live, or choose it. Resources and remits may only shorten it."""
    place = place or Change()
    given: dict[str, Any] = {
        "access_seconds": access_seconds,
        "refresh_idle_days": refresh_idle_days,
        "refresh_absolute_days": refresh_absolute_days,
    }
    wanted = given if as_instance else {name: value for name, value in given.items() if value is not None}

    async def choose(api: Api) -> int:
        if wanted:
            body = rest.SettingsChanges(lifetimes=rest.NewLifetimes(**wanted))
            told = await api.ask(rest.change_settings, body=body)
        else:
            told = await api.ask(rest.get_settings)
        write_record(told.lifetimes, json=place.json)
        return OK

    return through(place, choose)


@app.command(
    help_epilogue="Examples:\n  remit tenants admission --tenant acme\n"
    "  remit tenants admission --documents listed --host app.example --host '*.example.org'\n"
    "  remit tenants admission --documents any --no-same-origin"
)
def admission(
    *,
    registration: Annotated[
        Registrations | None, Parameter(help="Who may register: nobody, whoever has a token for it, or everybody.")
    ] = None,
    documents: Annotated[
        Documents | None, Parameter(help="Read documents of no host, any, those listed, or all but those listed.")
    ] = None,
    host: Annotated[
        list[str] | None, Parameter(negative="", help="A host of the list; *.example.org is all below it.")
    ] = None,
    same_origin: Annotated[
        bool | None, Parameter(help="Let a document send browsers back to its own origin alone.")
    ] = None,
    place: Change | None = None,
) -> int:
    """Show who may register and whose documents are read, or choose it. Hosts that are given replace the list."""
    place = place or Change()
    given: dict[str, Any] = {
        "registration": registration,
        "documents": documents,
        "hosts": host,
        "same_origin": same_origin,
    }
    wanted = {name: value for name, value in given.items() if value is not None}

    async def choose(api: Api) -> int:
        if wanted:
            body = rest.SettingsChanges(admission=rest.NewAdmission(**wanted))
            told = await api.ask(rest.change_settings, body=body)
        else:
            told = await api.ask(rest.get_settings)
        write_record(told.admission, json=place.json)
        return OK

    return through(place, choose)


@app.command(
    help_epilogue="Examples:\n  remit tenants asking --tenant acme\n"
    "  remit tenants asking --require-pushed --tenant acme\n"
    "  remit tenants asking --device-flow --tenant acme"
)
def asking(
    *,
    require_pushed: Annotated[bool | None, Parameter(help="Every client must push its requests.")] = None,
    device_flow: Annotated[bool | None, Parameter(help="Devices may ask by a code that a user types in.")] = None,
    place: Change | None = None,
) -> int:
    """Show how clients may ask for authorization, or choose it."""
    place = place or Change()

    async def choose(api: Api) -> int:
        given = {"require_pushed": require_pushed, "device_flow": device_flow}
        wanted: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if wanted:
            told = await api.ask(rest.change_settings, body=rest.SettingsChanges(**wanted))
        else:
            told = await api.ask(rest.get_settings)
        write_record({"require_pushed": told.require_pushed, "device_flow": told.device_flow}, json=place.json)
        return OK

    return through(place, choose)


def _told(tenant: Tenant) -> Row:
    return {
        "id": tenant.id,
        "slug": tenant.slug,
        "name": tenant.name,
        "issuer": tenant.issuer,
        "state": tenant.state.value,
        "rights_on": tenant.rights_on,
    }
