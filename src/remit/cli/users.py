"""`remit users ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from remit.cli.credentials import read_file
from remit.cli.door import Api
from remit.cli.exits import OK, USAGE
from remit.cli.find import find_resource, find_user
from remit.cli.here import end
from remit.cli.output import write_record, write_rows
from remit.cli.place import Change, Place, through
from remit.core.registration import LONGEST_PASSWORD
from remit.core.users import Role, UserState
from remit.http.api import users as rest
from remit.http.api.shapes import Because

app = App(
    name="users",
    help="List, create, show and change users, and say what each may do himself.",
    help_epilogue="Examples:\n  remit users list\n  remit users create alice@example.com --name Alice",
)

Name = Annotated[str, Parameter(help="The address or id.")]


@app.command(name="list", help_epilogue="Examples:\n  remit users list --tenant acme\n  remit users list --json")
def list_(*, place: Place | None = None) -> int:
    """List users."""
    place = place or Place()

    async def show(api: Api) -> int:
        write_rows([user async for page in api.every(rest.list_users) for user in page.users], json=place.json)
        return OK

    return through(place, show)


@app.command(
    help_epilogue="Examples:\n  remit users create alice@example.com --name Alice --password-file password.txt"
    "\n  pwgen 20 1 | remit users create bob@example.com --name Bob --role admin --password-file /dev/stdin"
)
def create(
    email: Annotated[str, Parameter(help="The address to sign in with; unique in the tenant.")],
    /,
    *,
    name: Annotated[str, Parameter(help="What people call him or her.")],
    role: Annotated[Role, Parameter(help="What the console lets him or her do.")] = Role.USER,
    password_file: Annotated[
        Path | None, Parameter(help="File whose first line is the password; /dev/stdin reads it from a pipe.")
    ] = None,
    place: Change | None = None,
) -> int:
    """Create a user. A password never stands on the command line, where others on the machine could read it."""
    place = place or Change()

    async def make(api: Api) -> int:
        password = None if password_file is None else _first_line(password_file)
        body = rest.NewUser(email=email, name=name, role=role, password=password)
        write_record(await api.ask(rest.create_user, body=body), json=place.json)
        if password is None:
            api.say("Without a password nobody can sign in as this user (--password-file).")
        return OK

    return through(place, make)


@app.command(help_epilogue="Examples:\n  remit users show alice@example.com")
def show(user: Name, /, *, place: Place | None = None) -> int:
    """Show one user."""
    place = place or Place()

    async def read(api: Api) -> int:
        write_record(await api.ask(rest.get_user, await find_user(api, user)), json=place.json)
        return OK

    return through(place, read)


@app.command(help_epilogue="Examples:\n  remit users change alice@example.com --role auditor")
def change(
    user: Name,
    /,
    *,
    rename: Annotated[str | None, Parameter(help="Another name.")] = None,
    role: Annotated[Role | None, Parameter(help="What the console lets him or her do.")] = None,
    place: Change | None = None,
) -> int:
    """Change how a user is called, or his role. What is left out stays."""
    place = place or Change()

    async def make(api: Api) -> int:
        wanted: dict[str, Any] = {"name": rename, "role": role}
        body = rest.UserChanges(**{what: value for what, value in wanted.items() if value is not None})
        write_record(await api.ask(rest.change_user, await find_user(api, user), body=body), json=place.json)
        return OK

    return through(place, make)


@app.command(help_epilogue='Examples:\n  remit users deactivate alice@example.com --reason "left the company"')
def deactivate(user: Name, /, *, reason: Annotated[str, Parameter(help="Why.")], place: Change | None = None) -> int:
    """End whatever acts for a user, and let nobody sign in as him."""
    return _step(user, UserState.INACTIVE, reason, place or Change())


@app.command(help_epilogue='Examples:\n  remit users activate alice@example.com --reason "is back"')
def activate(user: Name, /, *, reason: Annotated[str, Parameter(help="Why.")], place: Change | None = None) -> int:
    """Let a user sign in again. What was ended stays ended."""
    return _step(user, UserState.ACTIVE, reason, place or Change())


@app.command(
    name="reset-second-factor",
    help_epilogue='Examples:\n  remit users reset-second-factor alice@example.com --reason "lost her phone"',
)
def reset_second_factor(
    user: Name, /, *, reason: Annotated[str, Parameter(help="Why.")], place: Change | None = None
) -> int:
    """Let a user who lost his second factor sign in with his password alone. See first that it is really him."""
    place = place or Change()

    async def take(api: Api) -> int:
        body = Because(reason=reason)
        write_record(await api.ask(rest.reset_second_factor, await find_user(api, user), body=body), json=place.json)
        return OK

    return through(place, take)


@app.command(help_epilogue="Examples:\n  remit users rights alice@example.com https://calendar.example.com")
def rights(
    user: Name,
    resource: Annotated[str, Parameter(help="URI, name or id of the resource.")],
    /,
    *,
    place: Place | None = None,
) -> int:
    """Show which scopes of a resource a user holds himself; nothing while every user holds all of them."""
    place = place or Place()

    async def read(api: Api) -> int:
        found, target = await find_user(api, user), await find_resource(api, resource)
        write_record(await api.ask(rest.get_rights, found, target), json=place.json)
        return OK

    return through(place, read)


@app.command(
    help_epilogue="Examples:\n  remit users allow alice@example.com Calendar read:calendar write:calendar"
    "\n  remit users allow alice@example.com Calendar --nothing --dry-run"
)
def allow(
    user: Name,
    resource: Annotated[str, Parameter(help="URI, name or id of the resource.")],
    scopes: Annotated[tuple[str, ...], Parameter(help="All the scopes that he holds from now on.")] = (),
    /,
    *,
    nothing: Annotated[bool, Parameter(negative="", show_default=False, help="He holds none.")] = False,
    place: Change | None = None,
) -> int:
    """Say anew which scopes of a resource a user holds himself, so that his agents can have no others."""
    place = place or Change()

    async def make(api: Api) -> int:
        if bool(scopes) == nothing:
            raise end("name every scope that he holds, or say --nothing", USAGE)
        found, target = await find_user(api, user), await find_resource(api, resource)
        body = rest.NewRights(scopes=list(scopes))
        write_record(await api.ask(rest.set_rights, found, target, body=body), json=place.json)
        return OK

    return through(place, make)


def _step(user: str, state: UserState, reason: str, place: Change) -> int:
    async def take(api: Api) -> int:
        body = rest.StateChange(state=state, reason=reason)
        write_record(await api.ask(rest.set_user_state, await find_user(api, user), body=body), json=place.json)
        return OK

    return through(place, take)


def _first_line(path: Path) -> str:
    return read_file(path, "a password", longest=LONGEST_PASSWORD + 2).partition("\n")[0].rstrip("\r")
