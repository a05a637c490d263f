"""Logs: an event name and fields to standard error, with every secret taken out (GEN-14).

Redaction is the second wall: nothing here is meant to receive a secret. It therefore looks everywhere: at the names of
fields, into nested values, and into the middle of texts such as tracebacks and messages of libraries.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final, TextIO, cast

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from remit.telemetry.names import LogEvent

REDACTED: Final = "[redacted]"

_SECRET_NAMES: Final = frozenset(
    {
        "accesstoken",
        "apikey",
        "assertion",
        "authorization",
        "bearer",
        "clientassertion",
        "clientsecret",
        "code",
        "codeverifier",
        "cookie",
        "credential",
        "credentials",
        "csrf",
        "idtoken",
        "idtokenhint",
        "masterkey",
        "passwd",
        "password",
        "pepper",
        "privatekey",
        "proxyauthorization",
        "refreshtoken",
        "sealed",
        "secret",
        "setcookie",
        "token",
    }
)
_SECRET_ENDINGS: Final = ("password", "secret", "token", "verifier", "privatekey")
# A form or query parameter, a header or a JSON member, wherever it stands in a text.
_IN_TEXT: Final = (
    (
        re.compile(
            r"""(?i)((?:access_token|api_key|client_assertion|assertion|client_secret|code_verifier|csrf|id_token"""
            r"""|id_token_hint|password|refresh_token|subject_token|actor_token|token)"""
            r"""["']?\s*[=:]\s*["']?)[^\s&"',;})\]]+"""
        ),
        rf"\1{REDACTED}",
    ),
    (re.compile(r"(?i)\b(basic|bearer|dpop)(\s+)[a-z0-9\-._~+/]{6,}=*"), rf"\1\2{REDACTED}"),
    (re.compile(r"(?i)(cookie[\"']?\s*:\s*)[^\r\n]+"), rf"\1{REDACTED}"),
    (re.compile(r"rmt_[a-z]{2,5}_[A-Za-z0-9_\-.]+"), REDACTED),
    # A JWT or a part of one: base64url of `{"`.
    (re.compile(r"eyJ[A-Za-z0-9_\-]{6,}(?:\.[A-Za-z0-9_\-]*){0,4}"), REDACTED),
    (re.compile(r"\$argon2[a-z]*\$[^\s\"']+"), REDACTED),
    (re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL), REDACTED),
)
_DEEPEST: Final = 12


def redact(_: WrappedLogger, __: str, event: EventDict) -> MutableMapping[str, Any]:
    """Take every secret out of an event, as a structlog processor."""
    # What begins with an underscore belongs to structlog and is dropped before anything is written.
    return {
        _redact_text(name): value if name.startswith("_") else _redact(name, value, 0) for name, value in event.items()
    }


def _redact(name: str, value: object, depth: int) -> object:
    if _is_secret_name(name) and value is not None and not isinstance(value, bool):
        return REDACTED
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return _redact_text(value)
        case bytes() | bytearray() | memoryview():
            # Bytes are digests, keys and sealed values here; none of them helps whoever reads a log.
            return f"[{len(value)} bytes]"
        case Mapping() if depth < _DEEPEST:
            return {_redact_text(str(key)): _redact(str(key), inner, depth + 1) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset() if depth < _DEEPEST:
            return [_redact("", inner, depth + 1) for inner in value]
        case _:
            return _redact_text(repr(value))


def _is_secret_name(name: str) -> bool:
    plain = re.sub(r"[^a-z]", "", name.lower())
    return plain in _SECRET_NAMES or plain.endswith(_SECRET_ENDINGS)


def _redact_text(text: str) -> str:
    for pattern, instead in _IN_TEXT:
        text = pattern.sub(instead, text)
    return text


class _Patient:
    """A stream whose failures fail nobody: on a full disk an answer matters more than the line about it."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, text: str) -> int:
        with suppress(OSError):
            return self._out.write(text)
        return 0

    def flush(self) -> None:
        with suppress(OSError):
            self._out.flush()


class _Together:
    """Lines that are written at the end of the loop's turn: a write costs as much as a tenth of a request."""

    def __init__(self, out: _Patient) -> None:
        self._out = out
        self._held: list[bytes] = []

    def add(self, line: bytes) -> None:
        if not self._held:
            asyncio.get_running_loop().call_soon(self._write)
        self._held.append(line)

    def _write(self) -> None:
        held, self._held = self._held, []
        self._out.write(b"\n".join(held).decode() + "\n")


_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_direct: _Together | None = None
_encode = msgspec.json.Encoder().encode
log = structlog.get_logger()


def configure(*, level: str, format: str, stream: TextIO | None = None) -> None:
    """Send every log of this process, of libraries too, to standard error as JSON or as text.

    Raises:
        ValueError: a level or format that does not exist.
    """
    global _direct  # noqa: PLW0603 - where a process logs is a matter of the process, as structlog's own state is
    out = sys.stderr if stream is None else stream
    least = logging.getLevelNamesMapping().get(level.upper())
    if least is None or format not in {"auto", "json", "text"}:
        raise ValueError(f"no such log level or format: {level}, {format}")
    for_people = format == "text" or (format == "auto" and out.isatty())
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        redact,
    ]
    rendered: Processor = (
        structlog.dev.ConsoleRenderer(colors=out.isatty(), timestamp_key="at")
        if for_people
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[*(one for one in shared if not isinstance(one, structlog.stdlib.ExtraAdder)), rendered],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.PrintLoggerFactory(cast("TextIO", _Patient(out))),
        cache_logger_on_first_use=False,
    )
    _direct = None if for_people or least > logging.INFO else _Together(_Patient(out))
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_name_library, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, rendered],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    # Libraries tell on their debug level what they send and receive.
    root.setLevel(max(least, logging.INFO))
    # These two greet on their info level, with twenty lines before the first that somebody wants to read.
    for greeter in ("alembic", "uvicorn"):
        logging.getLogger(greeter).setLevel(max(least, logging.WARNING))


def answered(
    *, request: str, trace: str | None, tenant: str | None, method: str, route: str, status: int, ms: float
) -> None:
    """Log `request.answered`, the line of every request.

    As JSON it is written directly: each field is ours or of a closed set, so that nothing has to be taken out, and the
    way through the processors would cost as much as the request.
    """
    if _direct is None:
        log.info(
            "request.answered",
            request=request,
            trace=trace,
            tenant=tenant,
            method=method,
            route=route,
            status=status,
            ms=ms,
        )
        return
    line = {
        "request": request,
        "trace": trace,
        "tenant": tenant,
        "method": method if method in _METHODS else "other",
        "route": route,
        "status": status,
        "ms": ms,
        "event": LogEvent.REQUEST_ANSWERED,
        "level": "info",
        "at": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    }
    _direct.add(_encode(line))


def _name_library(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Make a library's sentence a field, so that events keep their names."""
    record = event.get("_record")
    event["message"] = event["event"]
    event["event"] = str(LogEvent.LIBRARY)
    event["logger"] = "" if record is None else record.name
    return event
