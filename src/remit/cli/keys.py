"""`remit keys ...`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from remit.cli.exits import OK
from remit.cli.here import Here, Where, in_tenant, refused, say
from remit.cli.output import Row, when, write_record, write_rows
from remit.core.keys import KeyUse, SigningKey
from remit.core.names import Kid
from remit.core.oauth.verdicts import Refusal
from remit.services.signing_keys import revoke_key, rotate_keys

app = App(
    name="keys",
    help="List, rotate and revoke signing keys.",
    help_epilogue="Examples:\n  remit keys list --tenant acme\n  remit keys rotate --tenant acme",
)


@app.command(name="list", help_epilogue="Examples:\n  remit keys list\n  remit keys list --json")
def list_(*, where: Where | None = None) -> int:
    """List the tenant's signing keys and the state of each."""
    where = where or Where()

    async def show(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            found = await work.keys.all()
        found = tuple(sorted(found, key=lambda key: (key.use, key.alg, key.state, key.kid)))
        write_rows([_told(key) for key in found], json=where.json)
        return OK

    return in_tenant(where, show)


@app.command(help_epilogue="Examples:\n  remit keys rotate\n  remit keys rotate --use access --tenant acme")
def rotate(
    *,
    use: Annotated[KeyUse | None, Parameter(help="Only keys that sign this.")] = None,
    at_once: Annotated[
        bool,
        Parameter(name="--at-once", negative="", show_default=False, help="Do not wait until checkers know the key."),
    ] = False,
    where: Where | None = None,
) -> int:
    """Let the next keys sign. What the old ones signed stays good until it expires."""
    where = where or Where()

    async def step(here: Here) -> int:
        outcome = await rotate_keys(here.tenant.id, here.deps, here.who, use=use, at_once=at_once)
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        write_rows([_told(key) for key in outcome], json=where.json, columns=("kid", "use", "alg", "state"))
        return OK

    return in_tenant(where, step)


@app.command(help_epilogue="Examples:\n  remit keys revoke KID --reason 'the key leaked, INC-42'")
def revoke(
    kid: Annotated[str, Parameter(name="KID", help="The key, as `remit keys list` names it.")],
    /,
    *,
    reason: Annotated[str, Parameter(help="Why; everybody who asks is told.")],
    where: Where | None = None,
) -> int:
    """Refuse everything a key signed, from now on and for ever. For a key that leaked; `rotate` is for all else."""
    where = where or Where()

    async def take_back(here: Here) -> int:
        outcome = await revoke_key(here.tenant.id, Kid(kid), here.deps, here.who, reason=reason)
        if isinstance(outcome, Refusal):
            raise refused(outcome)
        write_record({"kid": kid, "stop": outcome.id, "reason": outcome.reason}, json=where.json)
        say("Revoked. Running servers refuse its tokens within a second; its successor signs already.")
        return OK

    return in_tenant(where, take_back)


def _told(key: SigningKey) -> Row:
    return {
        "kid": key.kid,
        "use": key.use.value,
        "alg": key.alg,
        "state": key.state.value,
        "created_at": when(key.created_at),
        "changed_at": when(key.changed_at),
    }
