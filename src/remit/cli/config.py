"""`remit config ...`."""

from __future__ import annotations

from cyclopts import App

from remit.cli.exits import OK
from remit.cli.here import Folder, say
from remit.cli.output import write_record, write_rows
from remit.cli.settings import load_or_exit

app = App(
    name="config",
    help="Check and show the settings.",
    help_epilogue="Examples:\n  remit config check\n  remit config show --json",
)


@app.command(help_epilogue="Examples:\n  REMIT_SERVER__PORT=9000 remit config check")
def check(*, folder: Folder | None = None) -> int:
    """Read the settings as the server would, and list every problem at once."""
    folder = folder or Folder()
    load_or_exit(data=folder.data)
    write_record({"sound": True}, json=folder.json)
    say("The settings hold.")
    return OK


@app.command(help_epilogue="Examples:\n  remit config show\n  remit config show --json")
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


@app.command(help_epilogue="Examples:\n  remit config docs > configuration.md")
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
