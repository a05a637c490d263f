"""Logs: canaries go in by every way there is, and none comes out."""

import asyncio
import errno
import io
import json
import logging
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from remit.core.names import Opaque as OpaqueSecret
from remit.core.names import Secret, SecretKind, encode_ordinal
from remit.telemetry import logs
from remit.telemetry.logs import REDACTED, answered, configure, redact

CANARY = "c4narySecretValue0123456789"
OPAQUE = (
    OpaqueSecret(
        kind=SecretKind.REFRESH,
        id=encode_ordinal(at_ms=1_700_000_000_000, random=b"0123456789"),
        secret=Secret("c4nary" + "A" * 37),
    )
    .text()
    .reveal()
)
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJjNG5hcnkifQ.c4naryc4naryc4naryc4nary"


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    """Leave the logs of this process as they were."""
    monkeypatch.setattr(logs, "_direct", None)
    before = logging.getLogger().handlers[:], logging.getLogger().level
    yield
    structlog.reset_defaults()
    logging.getLogger().handlers[:], level = before
    logging.getLogger().setLevel(level)


@pytest.fixture
def sink():
    return io.StringIO()


FIELDS = {
    "a field named token": {"token": CANARY},
    "a field named like a header": {"Authorization": CANARY},
    "a field in capitals and dashes": {"Set-Cookie": CANARY},
    "a name that ends in secret": {"upstream_client_secret": CANARY},
    "a name that ends in password": {"newPassword": CANARY},
    "a code verifier": {"code_verifier": CANARY},
    "bytes": {"digest": CANARY.encode()},
    "inside a mapping": {"form": {"grant_type": "refresh_token", "refresh_token": CANARY}},
    "inside lists of mappings": {"steps": [{"a": ({"client_secret": CANARY},)}]},
    "a whole secret field": {"secret": {"inner": [CANARY]}},
    "a key of a mapping": {"seen": {OPAQUE: 1}},
    "one of our opaque secrets": {"path": f"/x/{OPAQUE}/y"},
    "a JSON Web Token": {"note": f"got {JWT}."},
    "the payload of one alone": {"note": f"got {JWT.split('.', 1)[1]}"},
    "a bearer header in a text": {"note": f"Authorization: Bearer {CANARY}"},
    "a basic header in a text": {"note": f"header 'basic {CANARY}==' refused"},
    "a cookie header in a text": {"note": f"Cookie: a=b; session={CANARY}"},
    "a form in a text": {"body": f"grant_type=refresh_token&refresh_token={CANARY}&x=1"},
    "JSON in a text": {"body": f'{{"client_secret": "{CANARY}", "x": 1}}'},
    "a repr in a text": {"body": f"{{'password': '{CANARY}'}}"},
    "an assertion in a query": {"url": f"https://x.example/?client_assertion={CANARY}"},
    "an argon2 hash": {"note": f"$argon2id$v=19$m=19456,t=2,p=1${CANARY}"},
    "a private key": {"note": f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----"},
    "a private key cut off": {"note": f"-----BEGIN EC PRIVATE KEY-----\n{CANARY}"},
    "an object of ours": {"value": Secret(CANARY)},
    "an object that prints it": {"value": ValueError(f"password={CANARY}")},
    "nested too deep to be looked at": {"a": [[[[[[[[[[[[[[[{"password": CANARY}]]]]]]]]]]]]]]]},
}


@pytest.mark.requirement("GEN-14")
@pytest.mark.parametrize("format", ["json", "text"])
@pytest.mark.parametrize("fields", FIELDS.values(), ids=FIELDS)
def test_no_canary_comes_out(sink, fields, format):
    configure(level="info", format=format, stream=sink)
    structlog.get_logger().info("test.happened", **fields)
    assert "test.happened" in sink.getvalue()
    assert "c4nary" not in sink.getvalue()
    assert OPAQUE not in sink.getvalue()


def fail():
    raise ValueError(f"refresh_token={CANARY} {OPAQUE}")


@pytest.mark.parametrize("format", ["json", "text"])
def test_no_canary_comes_out_of_a_traceback_or_a_library(sink, format):
    configure(level="info", format=format, stream=sink)
    try:
        fail()
    except ValueError:
        structlog.get_logger().exception("request.failed")
        logging.getLogger("some.library").exception("sent %s", f"Bearer {CANARY}", extra={"password": CANARY})
    assert "Traceback" in sink.getvalue()
    assert "some.library" in sink.getvalue()
    assert "c4nary" not in sink.getvalue()
    assert OPAQUE not in sink.getvalue()


def test_what_is_no_secret_is_left_alone(sink):
    configure(level="info", format="json", stream=sink)
    structlog.get_logger().info(
        "token.issued", grant="grt_1", jti="tok_1", status=200, ok=True, left=None, scopes=("read:calendar",)
    )
    entry = json.loads(sink.getvalue())
    assert entry.pop("at").endswith("Z")
    assert entry == {
        "event": "token.issued",
        "level": "info",
        "grant": "grt_1",
        "jti": "tok_1",
        "status": 200,
        "ok": True,
        "left": None,
        "scopes": ["read:calendar"],
    }


LINE: dict[str, Any] = {
    "request": "req_1",
    "trace": None,
    "tenant": "acme",
    "method": "POST",
    "route": "/oauth/token",
    "status": 200,
    "ms": 1.5,
}


async def turn():
    """Let the loop come round once."""
    await asyncio.sleep(0)


async def test_the_line_of_a_request_is_what_the_processors_would_make_of_it(sink):
    configure(level="info", format="json", stream=sink)
    answered(**LINE)
    await turn()
    structlog.get_logger().info("request.answered", **LINE)
    direct, processed = (json.loads(line) for line in sink.getvalue().splitlines())
    assert direct.pop("at")[:13] == processed.pop("at")[:13]
    assert direct == processed


class Written(io.StringIO):
    """A stream that knows how often it was written to."""

    def __init__(self):
        super().__init__()
        self.writes = 0

    def write(self, text):
        self.writes += 1
        return super().write(text)


async def test_the_lines_of_one_turn_are_written_at_once_and_in_order():
    sink = Written()
    configure(level="info", format="json", stream=sink)
    for requests in (["req_1", "req_2", "req_3"], ["req_4"]):
        for request in requests:
            answered(**LINE | {"request": request})
        await turn()
    assert [json.loads(line)["request"] for line in sink.getvalue().splitlines()] == [f"req_{n}" for n in (1, 2, 3, 4)]
    assert sink.writes == 2


async def test_a_method_that_somebody_made_up_is_not_written_into_the_log(sink):
    configure(level="info", format="json", stream=sink)
    answered(**LINE | {"method": CANARY})
    await turn()
    assert json.loads(sink.getvalue())["method"] == "other"


@pytest.mark.parametrize("format", ["json", "text"])
async def test_the_line_of_a_request_keeps_to_level_and_format(sink, format):
    configure(level="warning", format=format, stream=sink)
    answered(**LINE)
    await turn()
    assert sink.getvalue() == ""
    configure(level="info", format=format, stream=sink)
    answered(**LINE)
    await turn()
    assert sink.getvalue().startswith("{") == (format == "json")
    assert "request.answered" in sink.getvalue()


def test_a_library_speaks_in_a_field_of_its_own(sink):
    configure(level="info", format="json", stream=sink)
    logging.getLogger("some.library").warning("it %s", "rains")
    entry = json.loads(sink.getvalue())
    assert (entry["event"], entry["logger"], entry["message"]) == ("library.message", "some.library", "it rains")


@pytest.mark.parametrize("format", ["json", "text"])
def test_one_event_cannot_be_made_to_look_like_two(sink, format):
    configure(level="info", format=format, stream=sink)
    structlog.get_logger().info("request.refused", path='/x\n2026-01-01 [info] user.signed_in user="root"')
    assert len(sink.getvalue().splitlines()) == 1


def test_the_level_is_kept(sink):
    configure(level="warning", format="json", stream=sink)
    structlog.get_logger().info("test.happened")
    logging.getLogger("some.library").info("chatter")
    assert sink.getvalue() == ""


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize(("place", "json_lines"), [(io.StringIO, True), (Terminal, False)], ids=["file", "terminal"])
def test_auto_writes_for_whoever_reads(place, json_lines):
    out = place()
    configure(level="info", format="auto", stream=out)
    structlog.get_logger().info("test.happened")
    assert out.getvalue().startswith("{") == json_lines


def test_the_server_starts_without_the_greetings_of_its_libraries(sink):
    configure(level="info", format="json", stream=sink)
    for library in ("alembic.runtime.plugins", "uvicorn.error"):
        logging.getLogger(library).info("hello")
        logging.getLogger(library).warning("trouble")
    assert [json.loads(line)["message"] for line in sink.getvalue().splitlines()] == ["trouble", "trouble"]


def test_libraries_never_speak_of_what_they_send(sink):
    configure(level="debug", format="json", stream=sink)
    logging.getLogger("some.library").debug("sending headers ...")
    assert sink.getvalue() == ""


def test_configuring_again_writes_once(sink):
    configure(level="info", format="json", stream=sink)
    configure(level="info", format="json", stream=sink)
    logging.getLogger("some.library").warning("once")
    assert len(sink.getvalue().splitlines()) == 1


@pytest.mark.parametrize(("level", "format"), [("loud", "json"), ("info", "xml")])
def test_what_does_not_exist_is_refused(level, format):
    with pytest.raises(ValueError, match="no such"):
        configure(level=level, format=format)


@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_an_opaque_secret_is_found_in_the_middle_of_any_text(before, after):
    event = redact(None, "info", {"event": before + OPAQUE + after})
    assert OPAQUE not in event["event"]
    assert REDACTED in event["event"]


class FullDisk(io.StringIO):
    def write(self, text):
        raise OSError(errno.ENOSPC, "No space left on device")

    def flush(self):
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_log_on_a_full_disk_fails_nobody():
    configure(level="info", format="json", stream=FullDisk())
    structlog.get_logger().warning("test.happened")
