"""`remit users ...`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from remit.cli.exits import OK, USAGE
from remit.cli.here import Here, Where, end, in_tenant, refused, say
from remit.cli.output import Row, write_record, write_rows
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import LONGEST_PASSWORD
from remit.core.users import Role, User
from remit.services.provisioning.users import create_user

app = App(
    name="users",
    help="List and create users.",
    help_epilogue="Examples:\n  remit users list\n  remit users create alice@example.com --name Alice",
)


@app.command(name="list", help_epilogue="Examples:\n  remit users list --tenant acme\n  remit users list --json")
def list_(*, where: Where | None = None) -> int:
    """List users."""
    where = where or Where()

    async def show(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            rows = [_told(user) for user in await work.users.list()]
        write_rows(rows, json=where.json)
        return OK

    return in_tenant(where, show)


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
    where: Where | None = None,
) -> int:
    """Create a user. A password never stands on the command line, where others on the machine could read it."""
    where = where or Where()

    async def make(here: Here) -> int:
        password = None if password_file is None else _first_line(password_file)
        user = await create_user(
            here.tenant.id, here.deps, here.who, email=email, name=name, role=role, password=password
        )
        if isinstance(user, Refusal):
            raise refused(user)
        write_record(_told(user), json=where.json)
        if password is None:
            say("Without a password nobody can sign in as this user (--password-file).")
        return OK

    return in_tenant(where, make)


def _first_line(path: Path) -> str:
    longest = LONGEST_PASSWORD + 2
    try:
        with path.open(encoding="utf-8") as file:
            return file.readline(longest).rstrip("\r\n")
    except OSError as error:
        raise end(f"{path} cannot be read: {error.strerror}", USAGE) from None
    except ValueError:
        raise end(f"{path} is not UTF-8 text", USAGE) from None


def _told(user: User) -> Row:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "role": user.role.value,
        "state": user.state.value,
        "can_sign_in": user.password_hash is not None,
    }
