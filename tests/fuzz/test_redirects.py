"""Redirect URIs, held against RFC 3986 as its own grammar reads it and the rules of RFC 9700 and RFC 8252."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote, unquote, urljoin, urlsplit

import httpx
import pytest
from hypothesis import strategies as st

from remit.core.oauth.redirects import add_params, check_registered, is_local_path, match
from tests.fuzz.bending import bent, seeds
from tests.fuzz.rfc3986 import LOOPBACK, parse, same_place, without_dots
from tests.kit.effort import EFFORTS, watched
from tests.kit.flows import request_for

OURS = {"code", "state", "iss", "error", "error_description", "error_uri", "response"}

LABEL = st.from_regex(r"[a-z0-9](?:[a-z0-9-]{0,6}[a-z0-9])?", fullmatch=True)
DOMAIN = st.builds(
    lambda labels, last: ".".join([*labels, last]),
    st.lists(LABEL, max_size=3),
    st.sampled_from(["example", "com", "xn--p1ai"]),
)
HOST = st.one_of(DOMAIN, st.sampled_from(["192.0.2.1", "[2001:db8::1]", "[::ffff:192.0.2.1]", "localhost"]))
PORT = st.one_of(st.just(""), st.integers(1, 65535).map(lambda number: f":{number}"))
SEGMENT = st.from_regex(r"(?!\.{1,2}$)[A-Za-z0-9._~!$&'()*+,=:@-]{0,8}|%[2-7][0-9A-E]?[0-9]", fullmatch=True).filter(
    lambda text: unquote(text) not in {".", ".."} and not any(sign in unquote(text) for sign in "/\\%\x7f")
)
PATH = st.lists(SEGMENT, max_size=3).map(lambda parts: "".join(f"/{part}" for part in parts))
QUERY = st.lists(
    st.tuples(st.sampled_from("a app id x".split()), st.from_regex(r"[a-z0-9._~/?:@!$'()*,;-]{0,6}", fullmatch=True)),
    max_size=3,
).map(lambda pairs: "?" + "&".join(f"{name}={value}" for name, value in pairs) if pairs else "")
WEB = st.builds(lambda *parts: "https://" + "".join(parts), HOST, PORT, PATH, QUERY)
LOCAL = st.builds(lambda *parts: "http://" + "".join(parts), st.sampled_from(LOOPBACK), PORT, PATH, QUERY)
APP = st.builds(
    lambda scheme, path: f"{scheme}:/app{path}", st.sampled_from(["com.example.app", "io.example.a-b"]), PATH
)
URI = st.one_of(WEB, LOCAL, APP)
# What was registered somewhere else looks much like what is registered here.
FAMILIAR = st.sampled_from(
    ["https://app.example/cb", "https://app.example.evil.example/cb", "https://evil.example/?https://app.example/cb", "http://127.0.0.1:8765/cb",
     "http://localhost/cb?x=1", "http://[::1]:1/cb", "https://app.example:443/cb", "HTTPS://APP.EXAMPLE/cb", "https://app.example@evil.example/cb",
     "http://127.0.0.1:8765@evil.example/cb", "http://127.0.0.1.evil.example/cb", "https://app.example/cb/../cb", "https://app.example/%63b"]
)  # fmt: skip
PRESENTED = bent(st.one_of(URI, FAMILIAR).map(str.encode)).map(lambda raw: raw.decode("utf-8", "replace"))


def judged(uri: str, application_type: str = "native") -> bool:
    with watched():
        return check_registered(uri, application_type) is None


def sound(uri: str) -> None:
    """Look at everything that must be true of what may be registered."""
    parts = parse(uri)
    assert parts is not None, "no URI by RFC 3986"
    assert parts.userinfo is None
    assert len(uri) <= 2048
    assert not any(character in unquote(uri) for character in "\r\n\0\t")
    path = unquote(parts.path)
    assert without_dots(path) == path
    assert "\\" not in path
    assert OURS.isdisjoint(name for name, _ in parse_qsl(parts.query or "", keep_blank_values=True))
    if parts.scheme in {"https", "http"}:
        split, other = urlsplit(uri), httpx.URL(uri)
        assert parts.host
        assert split.hostname == other.raw_host.decode().lower() == parts.host.lower().strip("[]"), (
            "two readers see two hosts"
        )
        assert split.port == (int(parts.port) if parts.port else None)
        assert parts.scheme == "https" or parts.host in LOOPBACK
    else:
        assert "." in parts.scheme, "not a reversed domain name (RFC 8252 §7.1)"


@pytest.mark.parametrize("uri", [raw.decode() for raw in seeds("redirects").values()], ids=seeds("redirects"))
def test_a_kept_uri_is_refused_or_sound(uri):
    if judged(uri):
        sound(uri)
    for registered in ("https://app.example/cb", "http://127.0.0.1/cb", "com.example.app:/cb"):
        assert match([registered], uri) == same_place(registered, uri)


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_every_proper_redirect_uri_may_be_registered(effort):
    @effort.run(400, 50_000, URI)
    def law(uri):
        assert judged(uri), check_registered(uri, "native")
        sound(uri)
        assert match([uri], uri)


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_whatever_may_be_registered_is_read_in_one_way(effort):
    @effort.run(700, 40_000, PRESENTED, st.sampled_from(["web", "native"]))
    def law(uri, application_type):
        if judged(uri, application_type):
            sound(uri)


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_a_presented_uri_matches_only_what_is_registered_or_its_loopback(effort):
    @effort.run(700, 40_000, st.lists(st.one_of(URI, FAMILIAR), min_size=1, max_size=3), st.data())
    def law(registered, data):
        near = bent(st.sampled_from(registered).map(str.encode)).map(lambda raw: raw.decode("utf-8", "replace"))
        moved = st.builds(_moved, st.sampled_from(registered), st.integers(0, 70_000))
        presented = data.draw(st.one_of(near, moved, PRESENTED))
        with watched():
            taken = match(registered, presented)
        assert taken == any(same_place(uri, presented) for uri in registered)


def _moved(uri: str, port: int) -> str:
    """Change the port, and nothing else."""
    parts = parse(uri)
    if parts is None or not parts.host:
        return uri
    return uri.replace(
        f"//{parts.host}" + (f":{parts.port}" if parts.port is not None else ""), f"//{parts.host}:{port}", 1
    )


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_an_answer_keeps_the_place_and_the_query_that_were_registered(effort):
    @effort.run(
        400,
        50_000,
        URI,
        st.dictionaries(st.sampled_from(sorted(OURS)), st.text(st.characters(exclude_categories=["Cs"]), max_size=9)),
    )
    def law(uri, parameters):
        before, after = parse(uri), parse(add_params(uri, parameters))
        assert before is not None
        assert after is not None, "the answer is no URI any more"
        assert after[:5] == before[:5]
        told = parse_qsl(after.query or "", keep_blank_values=True)
        assert told == parse_qsl(before.query or "", keep_blank_values=True) + list(parameters.items())


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_a_way_back_never_leaves_our_origin(effort):
    here = "https://id.example/t/acme/login"
    near = st.sampled_from(
        [b"/account", b"/t/acme/account?x=1", b"//evil.example", b"/\\evil.example", b"/a/../../b", b"/%2f/evil"]
    )

    @effort.run(500, 20_000, bent(near).map(lambda raw: raw.decode("latin-1")))
    def law(path):
        with watched():
            local = is_local_path(path)
        if local:
            # Browsers take a backslash for a slash and drop tabs and line ends (URL standard).
            seen = path.replace("\\", "/").translate({9: None, 10: None, 13: None})
            assert urlsplit(urljoin(here, seen)).netloc == "id.example"
            assert path.startswith("/")


@pytest.mark.parametrize("effort", EFFORTS, indirect=True)
def test_the_authorization_endpoint_sends_nobody_to_an_unregistered_place(opened, effort):
    clients = {"web": opened.remit.acme.web, "local": opened.remit.acme.local}
    good = st.sampled_from([uri.encode() for client in clients.values() for uri in client.redirect_uris])

    # An error that the client is to hear, so that a trusted redirect URI is followed at once.
    @effort.run(80, 20_000, st.sampled_from(sorted(clients)), bent(st.one_of(good, FAMILIAR.map(str.encode))))
    def law(name, raw):
        client = clients[name]
        asked = request_for(client, response_type="token", redirect_uri=None)
        query = f"{httpx.QueryParams(asked)}&redirect_uri={quote(raw)}"
        answer = opened.send("GET", f"/oauth/authorize?{query}")
        if answer.is_redirect:
            presented = raw.decode() or client.redirect_uris[0]  # an empty parameter is none
            assert any(same_place(uri, presented) for uri in client.redirect_uris)
            assert answer.headers["location"].startswith(presented)
        else:
            assert answer.headers["content-type"].startswith("text/html")
