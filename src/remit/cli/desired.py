"""`remit plan`, `remit apply`, `remit export`: a tenant as files describe it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from remit.cli.exits import OK, PENDING, USAGE, exit_of
from remit.cli.here import Ended, Here, Where, end, in_tenant, refused, say
from remit.cli.output import Row, text, write_json
from remit.core.oauth.verdicts import Refusal

if TYPE_CHECKING:
    from remit.services.desired.apply import Applied, Done
    from remit.services.desired.plan import Change
    from remit.services.desired.state import State

LARGEST = 4 * 1024 * 1024
_SUFFIXES = (".toml", ".yaml", ".yml", ".json")

Files = Annotated[
    tuple[Path, ...],
    Parameter(name=("--file", "-f"), help="A file, or a folder of .toml, .yaml and .json files; repeat for more."),
]
Prune = Annotated[
    bool,
    Parameter(
        negative="", show_default=False, help="Retire agents and clients and disable resources that no file describes."
    ),
]


def plan(*, file: Files, prune: Prune = False, where: Where | None = None) -> int:
    """Say what `remit apply` would do, and whether it could. Changes nothing; exit code 6 when there is something."""
    where = where or Where()
    try:
        wanted = _read(file)
    except Ended as ended:
        return ended.code

    async def look(here: Here) -> int:
        from remit.services.desired.apply import plan_for, try_changes

        changes = await plan_for(here.tenant.id, here.deps, wanted, prune=prune)
        if isinstance(changes, Refusal):
            raise refused(changes)
        _tell(changes, json=where.json)
        if not changes:
            return OK
        tried = await try_changes(here.tenant.id, here.deps, here.who, changes)
        return _stopped(tried) or PENDING

    return in_tenant(where, look)


def apply(
    *,
    file: Files,
    prune: Prune = False,
    dry_run: Annotated[bool, Parameter(negative="", show_default=False, help="The same as `remit plan`.")] = False,
    where: Where | None = None,
) -> int:
    """Make the tenant as the files describe it. Secrets of new clients are told this once."""
    if dry_run:
        return plan(file=file, prune=prune, where=where)
    where = where or Where()
    try:
        wanted = _read(file)
    except Ended as ended:
        return ended.code

    async def make(here: Here) -> int:
        from remit.services.desired.apply import apply_changes, plan_for

        changes = await plan_for(here.tenant.id, here.deps, wanted, prune=prune)
        if isinstance(changes, Refusal):
            raise refused(changes)
        applied = await apply_changes(here.tenant.id, here.deps, here.who, changes)
        _tell_done(applied.done, json=where.json)
        if (code := _stopped(applied)) is not None:
            say(f"{len(applied.done)} of {len(changes)} changes were made: mend the file and apply again.")
            return code
        say(_count(changes) if changes else "Nothing to do.")
        return OK

    return in_tenant(where, make)


def export(
    *,
    out: Annotated[Path | None, Parameter(name=("--out", "-o"), help="File to write, instead of printing it.")] = None,
    where: Where | None = None,
) -> int:
    """Describe the tenant as it is, in YAML. Applied to it again, the description changes nothing."""
    where = where or Where()

    async def write(here: Here) -> int:
        from remit.services.desired.export import export_state

        described = _written(await export_state(here.tenant.id, here.deps), json=where.json)
        if out is None:
            print(described, end="")
        else:
            try:
                out.write_text(described, encoding="utf-8")
            except OSError as error:
                raise end(f"{out} cannot be written: {error.strerror}", USAGE) from None
        return OK

    return in_tenant(where, write)


def _written(state: State, *, json: bool) -> str:
    import msgspec

    if json:
        return msgspec.json.format(msgspec.json.encode(state), indent=2).decode() + "\n"
    return msgspec.yaml.encode(state).decode()


def _read(named: Sequence[Path]) -> State:
    """Read every file, or end with what is wrong with one of them."""
    from remit.services.desired.state import merge

    states = [_state(path) for path in _files(named)]
    merged = merge(states)
    if isinstance(merged, Refusal):
        raise end(merged.hint, USAGE)
    return merged


def _files(named: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in named:
        if path.is_dir():
            inside = sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES and file.is_file())
            if not inside:
                raise end(f"{path} holds no {', '.join(_SUFFIXES)} file", USAGE)
            found += inside
        elif path.suffix in _SUFFIXES:
            found.append(path)
        else:
            raise end(f"{path}: a file is called {', '.join(_SUFFIXES)}", USAGE)
    return found


def _state(path: Path) -> State:
    import msgspec

    from remit.services.desired.state import State

    try:
        size = path.stat().st_size
        raw = path.read_bytes() if size <= LARGEST else b""
    except OSError as error:
        raise end(f"{path} cannot be read: {error.strerror}", USAGE) from None
    if size > LARGEST:
        raise end(f"{path} is larger than 4 MiB", USAGE)
    reader = msgspec.toml.decode if path.suffix == ".toml" else msgspec.yaml.decode
    try:
        return reader(raw, type=State) if raw.strip() else State()
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise end(f"{path}: {_first_line(error)}", USAGE) from None


def _first_line(error: Exception) -> str:
    return text(str(error).partition("\n")[0]) or "it cannot be read"


def _tell(changes: Sequence[Change], *, json: bool) -> None:
    if json:
        write_json([_row(change) for change in changes])
        return
    for change in changes:
        _write(change)
    say(_count(changes) if changes else "No changes: the tenant is as described.")


def _tell_done(done: Sequence[Done], *, json: bool) -> None:
    if json:
        write_json(
            [
                {**_row(one.change), "id": one.id, "client_secret": one.secret.reveal() if one.secret else None}
                for one in done
            ]
        )
        return
    for one in done:
        _write(one.change)
        if one.secret is not None:
            print(f"    client_id: {one.id}\n    client_secret: {one.secret.reveal()}")


_SIGNS = {"create": "+", "change": "~", "end": "-"}
_ENDS = {"resource": "disabled", "agent": "retired", "client": "retired"}


def _write(change: Change) -> None:
    tail = f" ({_ENDS.get(change.kind, 'ended')})" if change.verb == "end" else ""
    print(f"{_SIGNS[change.verb]} {change.kind} {text(change.name)}{tail}")
    for difference in change.differences:
        after = _value(difference.after)
        shown = after if change.verb == "create" else f"{_value(difference.before)} -> {after}"
        print(f"    {difference.field}: {shown}")


def _value(value: object) -> str:
    """Write a value on one line, as the file would say it."""
    import msgspec

    return text(msgspec.json.encode(value).decode())


def _row(change: Change) -> Row:
    import msgspec

    return {
        "action": change.verb.value,
        "kind": change.kind.value,
        "name": change.name,
        "differences": [
            {
                "field": one.field,
                "before": msgspec.to_builtins(one.before, str_keys=True),
                "after": msgspec.to_builtins(one.after, str_keys=True),
            }
            for one in change.differences
        ],
    }


def _count(changes: Sequence[Change]) -> str:
    counted = Counter(change.verb.value for change in changes)
    return f"{counted['create']} to create, {counted['change']} to change, {counted['end']} to end."


def _stopped(applied: Applied) -> int | None:
    """Tell what was refused, and return the code to end with."""
    if applied.refusal is None or applied.failed is None:
        return None
    failed = applied.failed
    say(f"remit: {failed.kind} {text(failed.name)}: {applied.refusal.hint}")
    return exit_of(applied.refusal.code)
