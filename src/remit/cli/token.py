"""`remit token ...`."""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import App, Parameter

from remit.cli.exits import OK, REFUSED
from remit.cli.here import say
from remit.cli.machine import on_this_machine
from remit.cli.output import write_json

app = App(name="token", help="Take a token apart.", help_epilogue="Examples:\n  remit token parse < token.txt")

_LONGEST = 64 * 1024


@app.command(
    help_epilogue=on_this_machine(
        "token parse", "Examples:\n  remit token parse < token.txt\n  remit token parse eyJhbGciOi..."
    )
)
def parse(
    token: Annotated[
        str, Parameter(help="The token. [default: the first line of standard input]", show_default=False)
    ] = "",
    /,
) -> int:
    """Show what an access token says. Nothing is checked: whether it is good, introspection knows."""
    from remit.crypto.compact import take_apart

    text = token or sys.stdin.readline(_LONGEST).strip()
    parts = take_apart(text)
    claims = parts.claims() if parts is not None else None
    if parts is None or claims is None:
        say("remit: this is no signed token in its compact form (header.payload.signature)")
        return REFUSED
    write_json({"header": parts.header, "claims": claims})
    say("Nothing was verified.")
    return OK
