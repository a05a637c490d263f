"""`remit audit verify`, `remit audit export`: the whole log, by whoever has the database."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated

from cyclopts import Parameter

from remit.cli.exits import OK, REFUSED, USAGE
from remit.cli.here import Here, Where, end, in_tenant, refused, say
from remit.cli.output import text, write_json
from remit.core.oauth.verdicts import Refusal

if TYPE_CHECKING:
    from remit.services.audit_log import NamedFault, Verified

_LARGEST_CHECKPOINTS = 256 * 1024 * 1024


def verify(
    *,
    checkpoint: Annotated[
        Path | None, Parameter(help="File of checkpoints kept outside the database; finds a cut tail too.")
    ] = None,
    where: Where | None = None,
) -> int:
    """Check every entry and every checkpoint. Ends with 1 when something was touched, and names the entry."""
    where = where or Where()

    async def check(here: Here) -> int:
        from remit.services.audit_log import verify_audit

        outside = None if checkpoint is None else _read_checkpoints(checkpoint)
        found = await verify_audit(here.tenant.id, here.deps, outside=outside)
        if isinstance(found, Refusal):
            raise refused(found)
        if where.json:
            write_json(_told(found))
        else:
            _tell(found, here.tenant.slug)
        return OK if found.report.sound else REFUSED

    return in_tenant(where, check)


def export(
    *,
    out: Annotated[
        Path | None, Parameter(help="File to write, readable by you alone. [default: standard output]")
    ] = None,
    where: Where | None = None,
) -> int:
    """Write the whole log as JSON lines: its head with the public keys, every entry, every checkpoint (docs/cli.md)."""
    where = where or Where()

    async def write(here: Here) -> int:
        from remit.cli.audit_lines import line_of
        from remit.services.audit_log import export_audit

        with _opened(out) as file:
            head = await export_audit(
                here.tenant.id, here.deps, here.who, lambda part: _discard(file.write(line_of(part)))
            )
            file.flush()
        say(f"Exported {head.size} entries of {here.tenant.slug}.")
        return OK

    return in_tenant(where, write)


def _tell(found: Verified, slug: str) -> None:
    report = found.report
    print(f"{slug}: {report.entries} entries, {report.checkpoints} checkpoints agree, {report.signed} entries signed")
    for named in found.faults:
        print(_sentence(named))
    if report.unlisted:
        print(f"and {report.unlisted} faults more")
    print("SOUND" if report.sound else "BROKEN")
    if report.sound and report.signed < report.entries:
        say(f"Entries from {report.signed} on are in no checkpoint yet: the server signs one every minute.")
    if found.outside:
        say(f"Checkpoints from outside the database that it was held against: {found.outside}.")
    else:
        say("Without a checkpoint from outside, a cut tail cannot be seen: use --checkpoint FILE.")


def _sentence(named: NamedFault) -> str:
    fault = named.fault
    if fault.index is None:
        place = "checkpoint"
    elif fault.until in (None, fault.index):
        place = f"entry {fault.index}"
    else:
        place = f"entries {fault.index} to {fault.until}"
    event = _named(named)
    shown = f" ({event})" if event else ""
    return f"{fault.kind}: {place}{shown}: {fault.detail}"


def _named(named: NamedFault) -> str:
    """Name the event at a fault; what lies there may be anything by now."""
    import msgspec

    try:
        body = msgspec.json.decode(named.event or b"", type=dict[str, object])
    except msgspec.MsgspecError:
        return ""
    return text(f"{body.get('id', '')} {body.get('type', '')}".strip())


def _told(found: Verified) -> dict[str, object]:
    report = found.report
    return {
        "sound": report.sound,
        "entries": report.entries,
        "pending": report.pending,
        "checkpoints": report.checkpoints,
        "signed": report.signed,
        "outside": found.outside,
        "tail_known": report.tail_known,
        "unlisted": report.unlisted,
        "faults": [
            {
                "kind": named.fault.kind.value,
                "index": named.fault.index,
                "until": named.fault.until,
                "event": _named(named) or None,
                "detail": named.fault.detail,
            }
            for named in found.faults
        ],
    }


def _read_checkpoints(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_CHECKPOINTS:
            raise end(f"{path} is too long", USAGE)
        return path.read_text("utf-8")
    except OSError as error:
        raise end(f"{path} cannot be read: {error.strerror}", USAGE) from None
    except ValueError:
        raise end(f"{path} is not UTF-8 text", USAGE) from None


def _opened(out: Path | None) -> IO[str]:
    if out is None:
        return os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    try:
        # The log names people: nobody else on the machine gets to read it.
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise end(f"{out} is there already: choose another name", USAGE) from None
    except OSError as error:
        raise end(f"{out} cannot be written: {error.strerror}", USAGE) from None
    return os.fdopen(descriptor, "w", encoding="utf-8")


def _discard(_: int) -> None:
    """Take what `write` returns; an exporter wants nothing back."""
