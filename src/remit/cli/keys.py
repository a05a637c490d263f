"""`remit keys ...`."""

from __future__ import annotations

from cyclopts import App

from remit.cli.exits import OK
from remit.cli.here import Here, Where, in_tenant
from remit.cli.output import when, write_rows

app = App(name="keys", help="List signing keys.", help_epilogue="Examples:\n  remit keys list --tenant acme")


@app.command(name="list", help_epilogue="Examples:\n  remit keys list\n  remit keys list --json")
def list_(*, where: Where | None = None) -> int:
    """List the tenant's signing keys and the state of each."""
    where = where or Where()

    async def show(here: Here) -> int:
        async with here.deps.db.read(here.tenant.id) as work:
            found = await work.keys.all()
        rows = [
            {
                "kid": key.kid,
                "use": key.use.value,
                "alg": key.alg,
                "state": key.state.value,
                "created_at": when(key.created_at),
                "changed_at": when(key.changed_at),
            }
            for key in sorted(found, key=lambda key: (key.use, key.alg, key.state, key.kid))
        ]
        write_rows(rows, json=where.json)
        return OK

    return in_tenant(where, show)
