"""The command line: one file a noun, loaded when it is called."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from remit.cli.exits import INTERRUPTED, OK, SERVER, USAGE
from remit.cli.machine import LOCAL, named_in, on_this_machine, warning

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from cyclopts import App, CycloptsError

VERBS = {
    "serve": (
        "remit.cli.serve:serve",
        "Run the server; an empty folder becomes an instance.",
        "remit serve\n  remit serve --data /var/lib/remit --port 8700 --base-url https://remit.example.com",
    ),
    "demo": (
        "remit.demo.story:demo",
        "Play the story of an agent that is allowed, refused and stopped.",
        "remit demo\n  remit demo --once",
    ),
    "dev-seed": (
        "remit.cli.dev_seed:dev_seed",
        "Fill a throwaway instance with known people, agents and clients.",
        "remit dev-seed --json seed.json\n  remit dev-seed --data /tmp/acme --json /tmp/acme.json",
    ),
    "stop": (
        "remit.cli.stops:stop",
        "Refuse somebody from now on, everywhere.",
        "remit stop agent invoice-helper --reason INC-42 --for 4h\n  remit stop grant grt_01k... --reason 'not needed'",
    ),
    "resume": (
        "remit.cli.stops:resume",
        "Lift every stop on an agent, client, user, resource or tenant.",
        'remit resume agent invoice-helper --reason "INC-42 is closed"',
    ),
    "login": (
        "remit.cli.login:login",
        "Sign in to a running server.",
        "remit login https://remit.example.com/t/acme --client cli_01k...\n  remit login http://127.0.0.1:8700",
    ),
    "logout": ("remit.cli.login:logout", "Give back the tokens of a sign-in.", "remit logout"),
    "api": (
        "remit.cli.api:api",
        "Ask the REST API of the server you are signed in to.",
        "remit api get agents\n  remit api post stops kind=agent id=agt_01k... reason=INC-42 seconds:=3600",
    ),
    "plan": (
        "remit.cli.desired:plan",
        "Say what `remit apply` would do.",
        "remit plan -f tenant.yaml\n  remit plan -f desired/ --prune --tenant acme",
    ),
    "apply": (
        "remit.cli.desired:apply",
        "Make a tenant as files describe it.",
        "remit apply -f tenant.yaml\n  remit apply -f desired/ --prune --json > secrets.json",
    ),
    "export": (
        "remit.cli.desired:export",
        "Describe a tenant as it is, for `remit apply`.",
        "remit export --tenant acme -o acme.yaml",
    ),
    "backup": (
        "remit.cli.backup:backup",
        "Copy the database, also while a server runs on it.",
        "remit backup --out /var/backups/remit-today.db",
    ),
    "doctor": (
        "remit.cli.doctor:doctor",
        "Look for what is wrong, or will be, on this machine.",
        "remit doctor\n  remit doctor --data /var/lib/remit --json",
    ),
    "explain": (
        "remit.cli.explain:explain",
        "Say what an error code means, or what an event or token stands on.",
        "remit explain invalid_grant\n  remit explain evt_01k... --tenant acme",
    ),
    "overview": (
        "remit.cli.overview:overview",
        "Look over the tenant: what there is, who is stopped, what was refused.",
        "remit overview\n  remit overview --tenant acme --json",
    ),
    "completion": (
        "remit.cli.completion:completion",
        "Print what lets a shell complete these commands.",
        (
            "remit completion bash > ~/.local/share/bash-completion/completions/remit\n"
            "  remit completion zsh > ~/.zfunc/_remit"
        ),
    ),
    "health": (
        "remit.cli.health:health",
        "Ask the server on this machine whether it is ready.",
        "remit health\n  remit health --probe-port 8701",
    ),
}
"""Commands of one word: where each lives, what it does, examples."""

NOUNS = {
    "agents": "List, create, show, change, allow and retire agents.",
    "audit": "Read, verify and export the audit log.",
    "clients": "List, create, change and retire the OAuth clients of agents, and change their credentials.",
    "config": "Check and show the settings.",
    "db": "Bring the database to this version, or check it.",
    "grants": "List, approve, narrow and revoke grants.",
    "keys": "List, rotate and revoke signing keys.",
    "own": "List, narrow and stop what you allowed agents yourself; see what they did.",
    "registration": "Make and end tokens with which programs may register clients.",
    "resources": "List, create and change resources: the APIs that tokens are for.",
    "stops": "List and show stops.",
    "tenants": "List and create tenants; show and change what holds for a whole one.",
    "token": "Take a token apart.",
    "users": "List, create and change users, and say what each may do himself.",
}
"""Commands of two words: `remit.cli.<noun>` holds the verbs."""

EPILOGUE = """Examples:
  remit serve
  remit agents list --tenant acme
  remit stop agent invoice-helper --reason INC-42 --for 4h
  remit audit verify --checkpoint checkpoints.log

Signed in to a server (`remit login`), commands work there; `--server` names another sign-in.
With `--data`, or signed in nowhere, they work on an instance in a folder of this machine.
A few work on this machine only, and their `--help` says why.
Data goes to standard output, talk to standard error.
Exit codes: 0 ok, 1 refused, 2 usage, 3 not found, 4 authentication, 5 server, 6 changes pending (plan)."""


def main() -> None:
    sys.exit(run(sys.argv[1:]))


def run(tokens: Sequence[str]) -> int:
    """Run one command line and return its exit code; nothing a person can cause prints a traceback."""
    from cyclopts import CycloptsError

    from remit.core.errors import RemitError

    local = named_in(list(tokens))
    if local is not None and (told := warning(local, list(tokens))) is not None:
        print(told, file=sys.stderr)
    try:
        answer = build()(list(tokens), exit_on_error=False, print_error=False, result_action="return_value")
        sys.stdout.flush()
    except CycloptsError as error:
        print(f"remit: {_elsewhere(local, error) or _told(error)}", file=sys.stderr)
        return USAGE
    except RemitError as error:
        print(f"remit: {error}", file=sys.stderr)
        return SERVER
    except ImportError as error:
        extra = "postgres" if error.name in {"asyncpg", "greenlet"} else "demo" if tokens[:1] == ["demo"] else None
        if extra is None:
            raise
        print(f"remit: this needs more than the server alone does: pip install 'remit[{extra}]'", file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; what is still buffered goes nowhere, quietly.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    return answer if isinstance(answer, int) else OK


def build(*, without: Container[str] = ()) -> App:
    """Return the command tree. Nothing behind a command is imported before it is called."""
    from cyclopts import App

    app = App(
        name="remit",
        help="Remit: AI agents act within their remit, and no further.",
        help_epilogue=EPILOGUE,
        help_format="plaintext",
        version=_version,
        version_flags=["--version"],
    )
    for verb, (path, help_, examples) in VERBS.items():
        if verb in without:
            continue
        shown = f"Examples:\n  {examples}"
        epilogue = on_this_machine(verb, shown) if verb in LOCAL else shown
        app.command(path, name=verb, help=help_, help_epilogue=epilogue)
    for noun, help_ in NOUNS.items():
        app.command(f"remit.cli.{noun}:app", name=noun, help=help_)
    return app


def _elsewhere(local: str | None, error: CycloptsError) -> str | None:
    """Say why a command takes no --server, to whoever gave it one."""
    from cyclopts.exceptions import UnknownOptionError

    asked = isinstance(error, UnknownOptionError) and error.token.keyword == "--server"
    return f"`remit {local}` works on this machine only: {LOCAL[local]}" if local and asked else None


def _told(error: CycloptsError) -> str:
    from cyclopts.exceptions import UnknownCommandError

    if isinstance(error, UnknownCommandError) and not error.command_chain and error.unused_tokens:
        # The library would import every command there is to make its suggestion, also those that are not installed.
        from difflib import get_close_matches

        named, known = error.unused_tokens[0], sorted([*VERBS, *NOUNS])
        near = get_close_matches(named, known, n=1)
        hint = f'Did you mean "{near[0]}"? ' if near else ""
        return f'Unknown command "{named}". {hint}Available commands: {", ".join(known)}.'
    return str(error)


def _version() -> str:
    from importlib.metadata import version

    return f"remit {version('remit')}"
