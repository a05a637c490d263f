"""Session cookies, held against `http.cookies` where a header is as RFC 6265 writes it, and against its rule beyond."""

from __future__ import annotations

import re
from http.cookies import CookieError, SimpleCookie

import pytest
from hypothesis import strategies as st
from starlette.requests import Request

from remit.wire.cookies import read_cookie
from tests.fuzz.bending import bent, seeds
from tests.kit.effort import EFFORTS, watched
from tests.kit.flows import visit

NAME = "__Host-remit_acme"
TOKEN = r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
OCTETS = r"[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*"
COOKIE_STRING = re.compile(rf"{TOKEN}={OCTETS}(?:; {TOKEN}={OCTETS})*")


def read(headers: list[bytes], name: str = NAME) -> str | None:
    scope = {"type": "http", "headers": [(b"host", b"id.example"), *((b"cookie", header) for header in headers)]}
    with watched():
        return read_cookie(Request(scope), name)


def by_the_library(header: str) -> dict[str, str] | None:
    jar: SimpleCookie = SimpleCookie()
    try:
        jar.load(header)
    except CookieError:
        return None
    return {name: morsel.value for name, morsel in jar.items()}


def named(headers: list[bytes], name: str = NAME) -> list[bytes]:
    """Return every value that stands right behind the name and an equals sign, between two semicolons."""
    edge = rb"(?:\A|;)[ \t]*" + re.escape(name.encode()) + rb"=([^;]*?)[ \t]*(?=;|\Z)"
    return [found[1] for header in headers for found in re.finditer(edge, header, re.DOTALL)]


def agree(headers: list[bytes]) -> None:
    values = named(headers)
    assert read(headers) == (values[0].decode() if len(values) == 1 and values[0].isascii() else None)


LETTERS = [letter for letter in map(chr, range(128)) if re.fullmatch(TOKEN, letter)]
NAMES = st.one_of(
    st.sampled_from([NAME, "__Host-remit_acme.b", "__Host-remit_globex", "remit_acme", "__host-remit_acme", "other"]),
    st.text(LETTERS, min_size=1, max_size=12),
)
# The library takes these for attributes of the cookie before them, which RFC 6265 gave up.
RESERVED = {
    "expires",
    "path",
    "comment",
    "domain",
    "max-age",
    "secure",
    "httponly",
    "version",
    "samesite",
    "partitioned",
}
VALUES = st.text([letter for letter in map(chr, range(128)) if re.fullmatch(OCTETS, letter)], max_size=20)
PLAIN = NAMES.filter(lambda name: name.lower() not in RESERVED and name[0] != "$")
PAIRS = st.lists(st.tuples(PLAIN, VALUES), min_size=1, max_size=5, unique_by=lambda pair: pair[0])
GOOD = PAIRS.map(lambda pairs: "; ".join(f"{name}={value}" for name, value in pairs))


@pytest.mark.parametrize("header", seeds("cookies").values(), ids=seeds("cookies"))
def test_a_kept_header_is_read_by_the_rule(header):
    agree([header])


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_a_header_as_it_should_be_is_read_as_the_library_reads_it(effort):
    @effort.run(400, 50_000, PAIRS)
    def law(pairs):
        header = "; ".join(f"{name}={value}" for name, value in pairs)
        assert COOKIE_STRING.fullmatch(header)
        known = by_the_library(header)
        if known is None or len(known) != len(pairs):
            return  # the library gives up at characters that RFC 6265 allows
        for name, value in pairs:
            assert read([header.encode()], name) == known[name] == value


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_a_bent_header_is_read_by_the_rule(effort):
    effort.run(700, 30_000, st.lists(bent(GOOD.map(str.encode)), max_size=3))(agree)


@pytest.fixture(scope="module")
def signed_in(opened):
    """The values of acme's own cookies, and of the same user's at another tenant."""

    async def cookies(world):
        async with opened.remit.browser() as browser:
            await visit(browser, world)
            return dict(browser.cookies)

    return opened.run(cookies(opened.remit.acme)), opened.run(cookies(opened.remit.globex))


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_only_the_cookie_itself_is_a_session(opened, signed_in, effort):
    acme, globex = signed_in
    ours, theirs = acme[NAME], globex["__Host-remit_globex"]
    values = st.sampled_from([ours, f'"{ours}"', ours[:-1], ours.upper(), theirs, "", f"\\{ord(ours[0]):o}{ours[1:]}"])
    names = st.sampled_from(
        [NAME, NAME, "remit_acme", "__Host-remit_globex", "__Host-remit_acme.b", f"\x85{NAME}", f"{NAME} "]
    )
    pair = st.builds(lambda name, value: f"{name}={value}", names, values)
    header = st.one_of(
        st.lists(pair, min_size=1, max_size=3).map(lambda pairs: "; ".join(pairs).encode("latin-1")),
        bent(st.just(f"{NAME}={ours}".encode())),
    )

    @effort.run(200, 20_000, st.lists(header, min_size=1, max_size=2))
    def law(headers):
        headers = [header.translate(None, b"\r\n\0") for header in headers]
        answer = opened.send("GET", "/account", headers=[("cookie", header) for header in headers])
        inside = answer.status_code == 200 and "alice@example.com" in answer.text
        assert inside == (named(headers) == [ours.encode()])


def test_the_cookies_that_we_set_let_their_user_in(opened, signed_in):
    acme, _ = signed_in
    header = "; ".join(f"{name}={value}" for name, value in acme.items())
    assert "alice@example.com" in opened.send("GET", "/account", headers={"cookie": header}).text
