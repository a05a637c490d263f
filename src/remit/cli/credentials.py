"""What `remit clients` and `remit resources` share about credentials: how they are told, and what a rotation says."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from cyclopts import Parameter

from remit.cli.here import say
from remit.cli.output import Row, when, write_record, write_rows
from remit.cli.spans import read_span
from remit.core.credentials import USUAL_OVERLAP, Credential
from remit.services.provisioning.credentials import Rotated

NONE = "none"

Overlap = Annotated[
    str | None,
    Parameter(help="How long what it had stays good, as in 4h; `none` ends it at once. [default: 24h]"),
]


def overlap_of(text: str | None) -> timedelta:
    """Read how long the old credential stays good; `none` ends it at once."""
    if text is None:
        return USUAL_OVERLAP
    return timedelta() if text == NONE else read_span(text)


def write_rotated(rotated: Rotated, holder: str, *, json: bool) -> None:
    told: dict[str, object] = {"client_id": holder}
    if rotated.secret is not None:
        told["client_secret"] = rotated.secret.reveal()
    write_record({**told, "replaced": list(rotated.replaced), "until": when(rotated.until)}, json=json)
    if rotated.secret is not None:
        say("The secret is not kept anywhere and cannot be shown again.")
    if rotated.replaced:
        say(f"What it replaces is good until {when(rotated.until)}; `revoke-secret` ends it sooner.")


def write_credentials(found: Sequence[Credential], *, json: bool) -> None:
    write_rows([told(credential) for credential in found], json=json)


def told(credential: Credential) -> Row:
    return {
        "id": credential.id,
        "kind": credential.kind.value,
        "live": credential.live,
        "created_at": when(credential.created_at),
        "expires_at": when(credential.expires_at),
        "last_used_at": when(credential.last_used_at),
    }
