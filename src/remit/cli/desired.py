"""`remit plan`, `remit apply`, `remit export`: a tenant as files describe it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from remit.cli.door import Api
from remit.cli.exits import OK, PENDING, USAGE, exit_of
from remit.cli.here import Ended, end, refused, say
from remit.cli.output import row_of, text, write_json
from remit.cli.place import Change, Place, through
from remit.core.oauth.verdicts import Refusal
from remit.http.api import desired as rest

if TYPE_CHECKING:
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


def plan(*, file: Files, prune: Prune = False, place: Place | None = None) -> int:
    """Say what `remit apply` would do, and whether it could. Changes nothing; exit code 6 when there is something."""
    place = place or Place()
    try:
        wanted = _read(file)
    except Ended as ended:
        return ended.code

    async def look(api: Api) -> int:
        planned = await api.ask(rest.plan_tenant, body=rest.Wanted(state=wanted, prune=prune))
        if planned.changes or planned.refused is None:
            _tell(planned.changes, json=place.json)
        if planned.refused is not None:
            return _stopped(planned.refused)
        return PENDING if planned.changes else OK

    return through(place, look)


def apply(*, file: Files, prune: Prune = False, place: Change | None = None) -> int:
    """Make the tenant as the files describe it. Secrets of new clients are told this once."""
    place = place or Change()
    if place.dry_run:
        return plan(file=file, prune=prune, place=place)
    try:
        wanted = _read(file)
    except Ended as ended:
        return ended.code

    async def make(api: Api) -> int:
        done, code, total = await (_make_there if api.door.elsewhere else _make_here)(api, wanted, prune)
        _tell_done(done, json=place.json)
        if code is not None:
            say(f"{len(done.changes)} of {total} changes were made: mend the file and apply again.")
            return code
        say(_count(done.changes) if done.changes else "Nothing to do.")
        return OK

    return through(place, make)


async def _make_there(api: Api, wanted: State, prune: bool) -> tuple[rest.AppliedView, int | None, int]:
    done = await api.ask(rest.apply_tenant, body=rest.WantedPlan(state=wanted, prune=prune))
    return done, None, len(done.changes)


async def _make_here(api: Api, wanted: State, prune: bool) -> tuple[rest.AppliedView, int | None, int]:
    """Make it on the data folder, however much it is, some changes in each transaction: servers wait for neither."""
    from remit.services.desired.apply import apply_changes, plan_for

    here = api.door.here
    changes = await plan_for(here.tenant.id, here.deps, wanted, prune=prune)
    if isinstance(changes, Refusal):
        raise refused(changes)
    applied = await apply_changes(here.tenant.id, here.deps, here.who, changes)
    hindrance = rest.plan_view(changes, tried=applied).refused
    code = None if hindrance is None else _stopped(hindrance)
    return rest.applied_view(changes, applied), code, len(changes)


def export(
    *,
    out: Annotated[Path | None, Parameter(name=("--out", "-o"), help="File to write, instead of printing it.")] = None,
    place: Place | None = None,
) -> int:
    """Describe the tenant as it is, in YAML. Applied to it again, the description changes nothing."""
    place = place or Place()

    async def write(api: Api) -> int:
        described = _written((await api.ask(rest.export_tenant)).state, json=place.json)
        if out is None:
            print(described, end="")
        else:
            try:
                out.write_text(described, encoding="utf-8")
            except OSError as error:
                raise end(f"{out} cannot be written: {error.strerror}", USAGE) from None
        return OK

    return through(place, write)


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


def _tell(changes: Sequence[rest.ChangeView], *, json: bool) -> None:
    if json:
        write_json(changes)
        return
    for change in changes:
        _write(change)
    say(_count(changes) if changes else "No changes: the tenant is as described.")


def _tell_done(done: rest.AppliedView, *, json: bool) -> None:
    secrets = {one.client: one for one in done.secrets or ()}
    if json:
        rows = [
            {**row_of(one), "client_secret": secrets[one.name].client_secret if _is_secret(one, secrets) else None}
            for one in done.changes
        ]
        write_json(rows)
        return
    for one in done.changes:
        _write(one)
        if _is_secret(one, secrets):
            print(f"    client_id: {one.id}\n    client_secret: {secrets[one.name].client_secret}")


def _is_secret(one: rest.MadeView, secrets: Mapping[str, rest.NewSecretView]) -> bool:
    return one.kind == "client" and one.name in secrets


_SIGNS = {"create": "+", "change": "~", "end": "-"}
_ENDS = {"resource": "disabled", "agent": "retired", "client": "retired"}


def _write(change: rest.ChangeView) -> None:
    tail = f" ({_ENDS.get(change.kind, 'ended')})" if change.action == "end" else ""
    print(f"{_SIGNS[change.action]} {change.kind} {text(change.name)}{tail}")
    for difference in change.differences:
        after = _value(difference.after)
        shown = after if change.action == "create" else f"{_value(difference.before)} -> {after}"
        print(f"    {difference.field}: {shown}")


def _value(value: object) -> str:
    """Write a value on one line, as the file would say it."""
    import msgspec

    return text(msgspec.json.encode(value).decode())


def _count(changes: Sequence[rest.ChangeView]) -> str:
    counted = Counter(str(change.action) for change in changes)
    return f"{counted['create']} to create, {counted['change']} to change, {counted['end']} to end."


def _stopped(hindrance: rest.Hindrance) -> int:
    """Tell what was refused, and return the code to end with."""
    about = f"{hindrance.kind} {text(hindrance.name)}: " if hindrance.kind is not None else ""
    say(f"remit: {about}{text(hindrance.detail)}")
    return exit_of(hindrance.code)
