"""Settings: defaults < TOML < `REMIT_SECTION__KEY` < `REMIT_SECTION__KEY_FILE` < flags.

Either everything holds and the result is frozen, or the server refuses to start and lists every problem at once.
Nothing here is read when the module is imported.
"""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, field, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeGuard
from urllib.parse import urlsplit

from remit import allowed
from remit.allowed import LOOPBACK_NAMES, Check

DEFAULT_FILE: Final = Path("/etc/remit/remit.toml")
CONFIG: Final = "REMIT_CONFIG"

_PREFIX: Final = "REMIT_"
_FROM_FILE: Final = "_FILE"
_LONGEST_FILE: Final = 64 * 1024
_LEVELS: Final = ("debug", "info", "warning", "error")
_FORMATS: Final = ("auto", "json", "text")


class SettingsError(Exception):
    """The server must not start; `problems` are all the reasons."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def _setting(default: object, doc: str, check: Check | None = None, *, shown: str | None = None) -> Any:
    """Declare a setting: its default, one sentence, what its value must be, and how the docs show the default."""
    return field(default=default, metadata={"doc": doc, "check": check, "shown": shown})


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    host: str = _setting("127.0.0.1", "Address to listen on.", allowed.host_name)
    port: int = _setting(8700, "Port to listen on.", allowed.between(1, 65535))
    base_url: str = _setting(
        "http://127.0.0.1:8700",
        "URL under which browsers, agents and APIs reach this server; the issuer of the default tenant.",
        allowed.base_url,
        shown="http://127.0.0.1:<server.port>",
    )
    probe_port: int = _setting(
        8701, "Loopback port for probes and metrics; 0 turns them off.", allowed.between(0, 65535)
    )
    trusted_proxies: tuple[str, ...] = _setting(
        (), "Addresses or networks of proxies whose forwarding headers are believed.", allowed.networks
    )
    security_contact: str = _setting(
        "",
        "Where whoever finds a hole in this server reports it, as mailto: or https:; told in security.txt (RFC 9116).",
        allowed.contact,
    )
    drain_delay: int = _setting(
        5,
        "How long /readyz says no after SIGTERM before the listener closes; needs the probes.",
        allowed.between(0, 25),
    )
    drain_seconds: int = _setting(
        5, "How long requests in flight may finish after the listener closes.", allowed.between(0, 25)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    dir: str = _setting("remit-data", "Folder of everything this server keeps.", shown="./remit-data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    path: str = _setting("", "The SQLite database.", allowed.absolute, shown="<data.dir>/remit.db")
    url: str = _setting(
        "",
        "PostgreSQL instead of SQLite: postgresql://db.example/remit?sslmode=verify-full, without user or password.",
        allowed.postgresql,
    )
    app_user: str = _setting("remit_app", "PostgreSQL role that serves; row security keeps it in one tenant.")
    app_password_file: str = _setting("", "File of that role's password.", allowed.absolute)
    system_user: str = _setting("remit_system", "PostgreSQL role that sees which tenants there are, nothing in them.")
    system_password_file: str = _setting("", "File of that role's password.", allowed.absolute)
    owner_user: str = _setting("remit_owner", "PostgreSQL role that owns the tables; only `remit db` uses it.")
    owner_password_file: str = _setting("", "File of that role's password.", allowed.absolute)
    connections: int = _setting(
        10, "Most PostgreSQL connections of one server for works; a few more hear and look up.", allowed.between(1, 200)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    master_key_file: str = _setting(
        "",
        "File of the master key: 32 bytes as base64 or hex, mode 0600.",
        allowed.absolute,
        shown="<data.dir>/remit.key",
    )
    pepper_file: str = _setting(
        "",
        "File of the pepper for digests of machine secrets: 32 bytes as base64 or hex, mode 0600.",
        allowed.absolute,
        shown="<data.dir>/remit.pepper",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    checkpoints: str = _setting(
        "",
        "Append-only file of signed checkpoints; put it where whoever writes the database cannot write.",
        allowed.absolute,
        shown="<data.dir>/checkpoints.log",
    )
    checkpoint_seconds: int = _setting(
        60, "A checkpoint at least this often while events come.", allowed.between(1, 3600)
    )
    checkpoint_events: int = _setting(1000, "A checkpoint after this many events.", allowed.between(1, 100_000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    access_seconds: int = _setting(
        900,
        "Lifetime of access tokens where a tenant chose none; resources and remits may shorten it.",
        allowed.between(60, 1800),
    )
    refresh_idle_days: int = _setting(14, "A line unused for this long ends.", allowed.between(1, 365))
    refresh_absolute_days: int = _setting(
        90, "A line ends after this long, however much used.", allowed.between(1, 365)
    )
    replay_seconds: int = _setting(
        30,
        "How long a refresh whose answer got lost may be repeated, while the new token is unused; 0: never, so of "
        "two refreshes at the same time one ends the line.",
        allowed.between(0, 30),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    mode: str = _setting(
        "open", "`open` in tenants with a `self-registered` remit; or `off`.", allowed.one_of("open", "off")
    )
    documents: str = _setting(
        "on",
        "`on`: clients may be described by a metadata document, in tenants with a `self-registered` remit; or `off`.",
        allowed.one_of("on", "off"),
    )
    quota: int = _setting(
        200, "Most self-registered clients of a tenant that are not retired.", allowed.between(1, 100_000)
    )
    per_peer: int = _setting(30, "Registrations that one address may try in an hour.", allowed.between(1, 10_000))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outbound:
    """What is fetched about clients that strangers name: their metadata documents and key sets."""

    networks: tuple[str, ...] = _setting(
        (),
        "Private networks that documents of clients may be fetched from, at any port; loopback only where "
        "`server.base_url` is loopback.",
        allowed.own_networks,
    )
    ca_file: str = _setting(
        "", "PEM file of certificate authorities that are believed beside the system's.", allowed.absolute
    )
    document_bytes: int = _setting(
        5120, "Longest metadata document of a client, in bytes.", allowed.between(1024, 65_536)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    level: str = _setting("info", f"Least severity that is written: {', '.join(_LEVELS)}.", allowed.one_of(*_LEVELS))
    format: str = _setting(
        "auto",
        "One JSON object a line, or text for people; auto chooses text on a terminal.",
        allowed.one_of(*_FORMATS),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Bootstrap:
    """Read only while the instance has no user."""

    admin_email: str = _setting("", "Address of the first administrator.", allowed.email)
    admin_password_file: str = _setting("", "File of the first administrator's password.", allowed.absolute)
    token_file: str = _setting("", "File to which the one-time setup link is written.", allowed.absolute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    server: Server = Server()
    data: Data = Data()
    storage: Storage = Storage()
    secrets: Secrets = Secrets()
    audit: Audit = Audit()
    tokens: Tokens = Tokens()
    registration: Registration = Registration()
    outbound: Outbound = Outbound()
    log: Log = Log()
    bootstrap: Bootstrap = Bootstrap()
    given: frozenset[str] = field(default=frozenset(), compare=False)
    """The settings that somebody gave, as against defaults."""


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
        if not name.startswith(_PREFIX) or name == CONFIG:
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
