"""Every setting there is, by section: its default, one sentence for the docs, and what its value must be."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from remit import allowed
from remit.allowed import Check

_LEVELS: Final = ("debug", "info", "warning", "error")
_FORMATS: Final = ("auto", "json", "text")


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
class Dpop:
    nonces: bool = _setting(
        False,
        "Whether DPoP proofs must hold a nonce of this server: then a proof cannot be made ahead, and clients need no "
        "right clock.",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    mode: str = _setting(
        "open",
        "Who may register a client, in tenants with a `self-registered` remit: `open`, `token` (whoever has an initial "
        "access token) or `off`; a tenant may choose less.",
        allowed.one_of("open", "token", "off"),
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
        "Private networks that documents of clients may be fetched from, and sign-outs told to, at any port; loopback "
        "only where `server.base_url` is loopback.",
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
    dpop: Dpop = Dpop()
    registration: Registration = Registration()
    outbound: Outbound = Outbound()
    log: Log = Log()
    bootstrap: Bootstrap = Bootstrap()
    given: frozenset[str] = field(default=frozenset(), compare=False)
    """The settings that somebody gave, as against defaults."""
