"""Commands that work on this machine only, and why: what they do is no operation of the REST API."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

LOCAL: Final = {
    "serve": "it is the server",
    "demo": "it plays on an instance of its own",
    "dev-seed": "it makes an instance",
    "login": "it is how you sign in to a server",
    "logout": "it forgets what `remit login` kept here",
    "backup": "it copies the database file",
    "doctor": "it looks at files, database and clock of a server's machine",
    "health": "it asks the probes, which listen on the loopback only",
    "completion": "it is about this shell",
    "audit verify": "whoever does not trust a server must not ask it; `remit audit integrity` does",
    "audit export": "the log may be larger than any answer; `remit audit tail` reads it page by page",
    "clients for-login": "before it, nobody can sign in from elsewhere",
    "config check": "settings are the machine's",
    "config show": "settings are the machine's",
    "config move": "every server has to be stopped for it",
    "config docs": "it describes this version",
    "db check": "it looks at the schema of the database",
    "db upgrade": "it changes the schema of the database",
    "tenants list": "a sign-in is to one tenant, and sees no other",
    "tenants create": "a sign-in is to one tenant, and makes no other",
    "token parse": "it takes text apart and asks nobody",
}
"""Every command without an operation, and the reason."""

QUIET: Final = frozenset({"serve", "demo", "dev-seed", "login", "logout", "completion", "config docs", "token parse"})
"""Those that nobody takes for something done on a server."""


def on_this_machine(command: str, epilogue: str) -> str:
    """Return the end of a command's help: that it works on this machine only, why, and its examples."""
    return f"Works on this machine only, whoever is signed in: {LOCAL[command]}.\n\n{epilogue}"


def named_in(tokens: list[str]) -> str | None:
    """Return which of these commands a command line is, if it is one."""
    words = " ".join(tokens[:2])
    if words in LOCAL:
        return words
    return tokens[0] if tokens and tokens[0] in LOCAL else None


def warning(command: str, tokens: list[str]) -> str | None:
    """Return what somebody is told who is signed in to a server and may take this for something done there."""
    if command in QUIET or any(token.partition("=")[0] in ("--data", "--help", "-h") for token in tokens):
        return None
    from remit.cli.here import Ended
    from remit.cli.remote import read_logins

    with suppress(Ended):
        issuer = read_logins().default
        if issuer is not None:
            return f"`remit {command}` works on this machine, not on {issuer}: {LOCAL[command]}."
    return None
