"""Settings: defaults < TOML < `REMIT_SECTION__KEY` < `REMIT_SECTION__KEY_FILE` < flags.

Either everything holds and the result is frozen, or the server refuses to start and lists every problem at once.
Nothing here is read when the module is imported.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import Field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeGuard
from urllib.parse import urlsplit

from remit import allowed
from remit.allowed import LOOPBACK_NAMES, Check
from remit.sections import Settings

__all__ = ["CONFIG", "DEFAULT_FILE", "Known", "Settings", "SettingsError", "describe", "load"]

DEFAULT_FILE: Final = Path("/etc/remit/remit.toml")
CONFIG: Final = "REMIT_CONFIG"
NO_SETTINGS: Final = frozenset({CONFIG, "REMIT_LOGINS"})
"""Variables of ours that say where a file is: of settings, or of sign-ins of the command line."""

_PREFIX: Final = "REMIT_"
_FROM_FILE: Final = "_FILE"
_LONGEST_FILE: Final = 64 * 1024


class SettingsError(Exception):
    """The server must not start; `problems` are all the reasons."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Known(NamedTuple):
    """One setting as the docs list it."""

    key: str
    env: str
    default: object
    doc: str


def describe() -> list[Known]:
    """Return every setting with its environment name, default and meaning."""
    return [
        Known(key, _env_name(key), one.metadata["shown"] or one.default, one.metadata["doc"])
        for key, one in _TABLE.items()
    ]


def load(
    *,
    environ: Mapping[str, str],
    flags: Mapping[str, object] | None = None,
    cwd: Path,
    default_file: Path = DEFAULT_FILE,
) -> Settings:
    """Read the settings. `flags` are named like `server.port`; one that is None was not given.

    Raises:
        SettingsError: with every problem found, not the first one.
    """
    problems: list[str] = []
    given: dict[str, object] = {}
    for source in (_from_toml(environ, default_file), _from_environ(environ), _from_flags(flags or {})):
        for origin, key, value in source:
            if key is None:
                problems.append(f"{origin}: {value}")
                continue
            taken = _taken(_TABLE[key], value)
            if isinstance(taken, _Wrong):
                problems.append(f"{origin}: {key} {taken.why}")
            else:
                given[key] = taken
    settings = _assemble(given, cwd)
    problems += _between_settings(settings)
    if settings.server.host not in LOOPBACK_NAMES and "server.base_url" not in given:
        problems.append("server.base_url must be given where server.host is not loopback")
    if problems:
        raise SettingsError(tuple(problems))
    return settings


class _Wrong(NamedTuple):
    why: str


Found = tuple[str, str | None, object]
"""Where something was found, the setting it is for, and its value; without a setting the value says what is wrong."""


def _from_toml(environ: Mapping[str, str], default_file: Path) -> Iterator[Found]:
    named = environ.get(CONFIG)
    path = default_file if named is None else Path(named)
    if not path.is_absolute():
        yield CONFIG, None, "must be an absolute path"
        return
    try:
        document = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        if named is not None or not isinstance(error, FileNotFoundError):
            yield str(path), None, f"cannot be read: {error.strerror}"
        return
    except ValueError as error:
        yield str(path), None, f"is not TOML: {error}"
        return
    for section, members in document.items():
        if not isinstance(members, dict):
            yield str(path), None, f"`{section}` stands outside a section{_nearest(section, _TABLE)}"
            continue
        if not members and not hasattr(_DEFAULTS, section):
            yield str(path), None, f"unknown section `{section}`"
        for name, value in members.items():
            key = f"{section}.{name}"
            if key in _TABLE:
                yield str(path), key, value
            else:
                yield str(path), None, f"unknown setting `{key}`{_nearest(key, _TABLE)}"


def _from_environ(environ: Mapping[str, str]) -> Iterator[Found]:
    files: list[Found] = []
    for name, value in sorted(environ.items()):
        if not name.startswith(_PREFIX) or name in NO_SETTINGS:
            continue
        if name in _ENVIRONMENT:
            yield name, _ENVIRONMENT[name], value
        elif name.endswith(_FROM_FILE) and (key := _ENVIRONMENT.get(name.removesuffix(_FROM_FILE))):
            files.append(_from_file(name, key, value))
        else:
            yield name, None, f"unknown setting{_nearest(name, [CONFIG, *_ENVIRONMENT])}"
    yield from files


def _from_file(name: str, key: str, path: str) -> Found:
    try:
        with Path(path).open(encoding="utf-8") as file:
            content = file.read(_LONGEST_FILE + 1)
    except OSError as error:
        return name, None, f"{path} cannot be read: {error.strerror}"
    except ValueError:
        return name, None, f"{path} is not UTF-8 text"
    if len(content) > _LONGEST_FILE:
        return name, None, f"{path} is too long"
    return name, key, content.removesuffix("\n")


def _from_flags(flags: Mapping[str, object]) -> Iterator[Found]:
    for key, value in flags.items():
        if key not in _TABLE:
            yield "command line", None, f"unknown setting `{key}`{_nearest(key, _TABLE)}"
        elif value is not None:
            yield "command line", key, str(value) if isinstance(value, Path) else value


def _taken(known: Field[Any], value: object) -> object:
    """Take a value as the setting's type, and see that it is allowed."""
    converted = _converted(known.default, value)
    if isinstance(converted, _Wrong):
        return converted
    check: Check | None = known.metadata["check"]
    why = check(converted) if check is not None else None
    return converted if why is None else _Wrong(why)


def _converted(like: object, value: object) -> object:
    match like:
        case int():
            if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,9}", value):
                return int(value)
            return value if isinstance(value, int) and not isinstance(value, bool) else _Wrong("must be a whole number")
        case tuple():
            if isinstance(value, str):
                return tuple(part.strip() for part in value.split(",") if part.strip())
            return tuple(value) if _texts(value) else _Wrong("must be a list of texts")
        case _:
            if not isinstance(value, str):
                return _Wrong("must be a text")
            return value if value.isprintable() else _Wrong("must be one line of text")


def _texts(value: object) -> TypeGuard[list[str] | tuple[str, ...]]:
    return isinstance(value, list | tuple) and all(isinstance(member, str) for member in value)


def _assemble(given: dict[str, object], cwd: Path) -> Settings:
    """Build the sections, and name every file in full: what is not given lies in the data folder."""
    folder = cwd / str(given.get("data.dir") or _TABLE["data.dir"].default)
    inside = {
        "storage.path": "remit.db",
        "secrets.master_key_file": "remit.key",
        "secrets.pepper_file": "remit.pepper",
        "audit.checkpoints": "checkpoints.log",
    }
    files = {key: given.get(key) or str(folder / name) for key, name in inside.items()}
    full = given | files | {"data.dir": str(folder)}
    port = given.get("server.port", _DEFAULTS.server.port)
    full.setdefault("server.base_url", f"http://127.0.0.1:{port}")
    sections: dict[str, Any] = {}
    for section in _SECTIONS:
        members = {
            key.removeprefix(f"{section}."): value for key, value in full.items() if key.startswith(f"{section}.")
        }
        sections[section] = replace(getattr(_DEFAULTS, section), **members)
    return Settings(**sections, given=frozenset(given))


def _between_settings(settings: Settings) -> Iterator[str]:
    tokens, server, bootstrap, storage = settings.tokens, settings.server, settings.bootstrap, settings.storage
    if tokens.refresh_idle_days > tokens.refresh_absolute_days:
        yield "tokens.refresh_idle_days must not exceed tokens.refresh_absolute_days"
    if server.port == server.probe_port:
        yield "server.probe_port must differ from server.port"
    if server.drain_delay + server.drain_seconds > 28:  # supervisors wait for 30
        yield "server.drain_delay and server.drain_seconds must not exceed 28 together"
    roles = [storage.app_user, storage.system_user, storage.owner_user]
    if storage.url and (len(set(roles)) < len(roles) or not all(roles)):
        yield "storage.app_user, storage.system_user and storage.owner_user must be three roles"
    if urlsplit(server.base_url).hostname not in LOOPBACK_NAMES and any(
        allowed.is_loopback(network) for network in settings.outbound.networks
    ):
        # Development alone: elsewhere it would open what listens on this machine to whoever names it (CIMD-16).
        yield "outbound.networks may name loopback only where server.base_url is loopback"
    if bool(bootstrap.admin_email) != bool(bootstrap.admin_password_file):
        yield "bootstrap.admin_email and bootstrap.admin_password_file come together"


def _nearest(name: str, known: Mapping[str, object] | list[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)
    return f"; did you mean `{found[0]}`?" if found else ""


def _env_name(key: str) -> str:
    return _PREFIX + key.replace(".", "__").upper()


_DEFAULTS: Final = Settings()
_SECTIONS: Final = tuple(one.name for one in fields(Settings) if is_dataclass(getattr(_DEFAULTS, one.name)))
_TABLE: Final[Mapping[str, Field[Any]]] = {
    f"{section}.{one.name}": one for section in _SECTIONS for one in fields(getattr(_DEFAULTS, section))
}
_ENVIRONMENT: Final = {_env_name(key): key for key in _TABLE}
