"""What `remit clients` and `remit resources` have in common about what proves somebody."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from remit.cli.door import Api
from remit.cli.exits import USAGE
from remit.cli.here import end
from remit.cli.output import when, write_record, write_rows
from remit.cli.spans import read_span
from remit.core.credentials import USUAL_OVERLAP
from remit.http.api.credentials import Credentials, CredentialView, NewSecret, RotatedKeys, RotatedSecret

NONE = "none"
ONCE = "The secret is not kept anywhere and cannot be shown again."

Overlap = Annotated[
    str | None,
    Parameter(help="How long what it had stays good, as in 4h; `none` ends it at once. [default: 24h]"),
]


def overlap_of(text: str | None) -> int:
    """Read for how many seconds the old credential stays good; `none` ends it at once."""
    if text == NONE:
        return 0
    return int((USUAL_OVERLAP if text is None else read_span(text)).total_seconds())


def write_secret(api: Api, made: NewSecret, *, json: bool) -> None:
    write_record(made, json=json)
    api.say(ONCE)


def write_rotated(api: Api, rotated: RotatedSecret | RotatedKeys, *, json: bool) -> None:
    write_record(rotated, json=json)
    if isinstance(rotated, RotatedSecret):
        api.say(ONCE)
    if rotated.replaced:
        api.say(f"What it replaces is good until {when(rotated.until)}; `revoke-secret` ends it sooner.")


def write_credentials(found: Credentials, *, json: bool) -> None:
    write_rows(found.credentials, json=json, columns=CredentialView.__struct_fields__)


def read_file(path: Path, what: str, *, longest: int) -> str:
    """Read a small text file that somebody named."""
    try:
        with path.open(encoding="utf-8") as file:
            found = file.read(longest + 1)
    except OSError as error:
        raise end(f"{path} cannot be read: {error.strerror}", USAGE) from None
    except ValueError:
        raise end(f"{path} is not UTF-8 text", USAGE) from None
    if len(found) > longest:
        raise end(f"{path} is too long for {what}", USAGE)
    return found
