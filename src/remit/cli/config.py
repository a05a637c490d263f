"""`remit config ...`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import App, Parameter

from remit.cli.exits import OK, USAGE
from remit.cli.here import NOTHING_KEPT, DryRun, Folder, Instance, in_instance, say
from remit.cli.machine import on_this_machine
from remit.cli.output import write_record, write_rows
from remit.cli.settings import load_or_exit

app = App(
    name="config",
    help="Check and show the settings.",
    help_epilogue="Examples:\n  remit config check\n  remit config show --json",
)


@app.command(help_epilogue=on_this_machine("config check", "Examples:\n  REMIT_SERVER__PORT=9000 remit config check"))
def check(*, folder: Folder | None = None) -> int:
    """Read the settings as the server would, and list every problem at once."""
    folder = folder or Folder()
    load_or_exit(data=folder.data)
    write_record({"sound": True}, json=folder.json)
    say("The settings hold.")
    return OK


@app.command(help_epilogue=on_this_machine("config show", "Examples:\n  remit config show\n  remit config show --json"))
def show(*, folder: Folder | None = None) -> int:
    """Show every setting with its value, its name in the environment and what it means. None of them is a secret."""
    folder = folder or Folder()
    from remit.settings import describe

    settings = load_or_exit(data=folder.data)
    rows = []
    for known in describe():
        section, _, name = known.key.partition(".")
        value = getattr(getattr(settings, section), name)
        rows.append({"setting": known.key, "value": value, "environment": known.env, "meaning": known.doc})
    write_rows(rows, json=folder.json, columns=("setting", "value", "environment"))
    return OK


@app.command(help_epilogue=on_this_machine("config move", "Examples:\n  remit config move https://id.example.com"))
def move(
    base_url: Annotated[str, Parameter(help="URL under which browsers and agents will reach this server.")],
    /,
    *,
    dry_run: DryRun = False,
    folder: Folder | None = None,
) -> int:
    """Move the instance to another base URL. Stop every server first; the next start takes the new one.

    Every issuer changes: APIs and agents that name the old one must be told. Access tokens of the old issuers are
    refused; refresh tokens, grants and secrets stay good.
    """
    folder = folder or Folder()
    from remit.allowed import base_url as flaw_of

    if (flaw := flaw_of(base_url)) is not None:
        say(f"remit: the base URL {flaw}")
        return USAGE

    async def moved(instance: Instance) -> int:
        from remit.services.provisioning.instance import left_to_move, move

        before = instance.deps.base_url
        if dry_run:
            tenants = await left_to_move(instance.deps, base_url=base_url)
            say(NOTHING_KEPT)
        else:
            tenants = await move(instance.deps, instance.who, base_url=base_url)
        write_record({"base_url": base_url, "before": before, "tenants": tenants}, json=folder.json)
        return OK

    return in_instance(folder.data, moved, moving=True)


@app.command(help_epilogue=on_this_machine("config docs", "Examples:\n  remit config docs > configuration.md"))
def docs() -> int:
    """Print the page that describes every setting."""
    print(page(), end="")
    return OK


HEAD = ("| setting | environment | default | means |", "| --- | --- | --- | --- |")


def page() -> str:
    """Return docs/configuration.md."""
    from remit.settings import describe

    lines = [
        "# Configuration",
        "",
        "Defaults, then the file (`/etc/remit/remit.toml`, or where `REMIT_CONFIG` points), then the environment,",
        "then the command line. Every variable can end in `_FILE` and name a file that holds the value. An unknown",
        "setting is an error, and so is one that makes no sense: the server refuses to start and lists every problem",
        "at once; `remit config check` does the same without starting. This page is made by `remit config docs`.",
    ]
    section = ""
    for known in describe():
        head = known.key.partition(".")[0]
        if head != section:
            section = head
            lines += ["", f"## [{section}]", "", *HEAD]
        default = ", ".join(known.default) if isinstance(known.default, tuple) else known.default
        shown = f"`{default}`" if default not in ("", ()) else "none"
        lines.append(f"| `{known.key}` | `{known.env}` | {shown} | {known.doc} |")
    return "\n".join(lines) + "\n"
