"""Redirect URIs: what may be registered, what matches, what the browser is sent to."""

import re
from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from remit.core.oauth.redirects import (
    add_params,
    check_link,
    check_registered,
    display_host,
    is_local_path,
    is_loopback,
    match,
)
from remit.core.oauth.verdicts import Refusal

REGISTRABLE = {
    "https": ("https://app.example/cb", "web"),
    "https with a port and a query": ("https://app.example:8443/cb?tenant=a&lang=de", "web"),
    "https without a path": ("https://app.example", "web"),
    "https at the last port": ("https://app.example:65535/cb", "web"),
    "https as long as it may be": ("https://app.example/" + "a" * 2028, "web"),
    "https on an IPv4 address": ("https://192.0.2.7/cb", "web"),
    "https on an IPv6 address": ("https://[2001:db8::7]/cb", "web"),
    "https with an at sign in its path": ("https://app.example/@me/cb", "web"),
    "https for a native client": ("https://app.example/cb", "native"),
    "https whose path holds dots": ("https://app.example/v1.2/..cb/cb..", "web"),
    "https with an encoded letter": ("https://app.example/%7Eme/cb", "web"),
    "loopback for a native client": ("http://127.0.0.1/cb", "native"),
    "loopback for a web client": ("http://127.0.0.1/cb", "web"),
    "loopback with a port": ("http://127.0.0.1:8765/callback", "web"),
    "loopback over IPv6": ("http://[::1]/cb", "web"),
    "loopback by name": ("http://localhost:3000/oauth/callback", "web"),
    "a scheme of the app's own": ("com.example.app:/callback", "native"),
    "the same with two slashes": ("com.example.app://callback", "native"),
}


@pytest.mark.requirement("RED-4")
@pytest.mark.parametrize(("uri", "application_type"), REGISTRABLE.values(), ids=REGISTRABLE)
def test_what_may_be_registered(uri, application_type):
    assert check_registered(uri, application_type) is None


CHARACTER = "holds a character that a URI may not hold: percent-encode it"
ENCODING = "holds a broken percent-encoding or an encoded control character"
USER = "has user information before its host: leave it out"
HOST = "has no valid host and port: write a domain name, an IPv4 or a bracketed IPv6 address"
SCRIPT = "has a scheme that runs or opens something in the browser: use https"
HTTP = "must use https; http only on 127.0.0.1, [::1] or localhost"
PATH = "has a dot segment or an encoded slash in its path: write the path that is meant"
OWN = "must use https: an own scheme is for clients of application_type native only"
DOMAIN = "must have a scheme that is a reversed domain name, as in com.example.app:/callback (RFC 8252)"
LOWER = "must have its scheme in lower case"
ABSOLUTE = "is not absolute: begin with a scheme, as in https://"
FRAGMENT = "has a fragment: leave out the # and what follows"
ANSWER = "has a query parameter that the answer adds itself (code, state, iss, error): leave it out"

B_RED_02 = {
    "http://localhost.evil.test/cb": HTTP,
    "http://127.0.0.1.evil.test/cb": HTTP,
    "http://localhost@evil.test/cb": USER,
    "http://127.0.0.1:80@evil.test/cb": USER,
}
B_RED_03 = {
    "https://app.example@evil.test/cb": USER,
    "https://a@b@app.example/cb": USER,
    "https://evil.test\\@app.example/cb": CHARACTER,
    "https://app.example%40evil.test/cb": HOST,
    "https://app.example\t.evil.test/cb": CHARACTER,
    "https://app.example%00.evil.test/cb": ENCODING,
}
B_RED_04 = {
    "javascript:alert(1)//": SCRIPT,
    "JaVaScRiPt:alert(1)//": SCRIPT,
    " javascript:alert(1)": CHARACTER,
    "data:text/html,x": SCRIPT,
    "vbscript:x": SCRIPT,
    "blob:https://x": SCRIPT,
    "file:///etc/passwd": HOST,
    "file://host/etc/passwd": SCRIPT,
    "about:blank": SCRIPT,
}
B_RED_06 = {
    "https://app.example/cb/..;/evil": PATH,
    "https://app.example/cb/%2e%2e/evil": PATH,
    "https://app.example/cb/%252e%252e/evil": PATH,
    "https://app.example/cb%2f..%2fevil": PATH,
    "https://app.example/cb/．．/evil": CHARACTER,
    "https://app.example/cb/..": PATH,
    "https://app.example/./cb": PATH,
    "https://app.example/cb/.%2E/evil": PATH,
    "https://app.example/cb%5c..%5cevil": PATH,
    "com.example.app:/../cb": PATH,
}
MORE = {
    "": ABSOLUTE,
    "/cb": ABSOLUTE,
    "//app.example/cb": ABSOLUTE,
    "app.example/cb": ABSOLUTE,
    "https:app.example/cb": "has no host",
    "https:///cb": HOST,
    "https://app.example/cb#": FRAGMENT,
    "https://app.example/cb#a": FRAGMENT,
    "https://*.app.example/cb": HOST,
    "https://app.example:0/cb": HOST,
    "https://app.example:99999/cb": HOST,
    "https://2130706433/cb": HOST,
    "https://127.1/cb": HOST,
    "https://app.example./cb": HOST,
    "https://app.example/cb\n": CHARACTER,
    "https://app.example/c b": CHARACTER,
    "https://app.example/<cb>": CHARACTER,
    "https://äpp.example/cb": CHARACTER,
    "https://app.example/%zz": ENCODING,
    "https://app.example/cb?a=%0d%0aLocation:x": ENCODING,
    "https://app.example/cb?code=mine": ANSWER,
    "https://app.example/cb?%73tate=mine": ANSWER,
    "https://app.example/cb?a=1&iss": ANSWER,
    **{f"https://app.example/cb?{name}=": ANSWER for name in ("error", "error_description", "error_uri", "response")},
    "https://app.example/[cb]": CHARACTER,
    "https://app.example/cb?a[]=1": CHARACTER,
    "HTTPS://app.example/cb": LOWER,
    "http://app.example/cb": HTTP,
    "http://127.0.0.2/cb": HTTP,
    "http://0.0.0.0/cb": HTTP,
    "http://LOCALHOST/cb": HTTP,
    "http://localhost.:1/cb": HOST,
    "http://[::ffff:127.0.0.1]/cb": HTTP,
    "myapp:/cb": DOMAIN,
    "chrome-extension://abc/cb": DOMAIN,
    f"https://app.example/{'a' * 2048}": "is longer than 2048 characters",
}
REFUSED = B_RED_02 | B_RED_03 | B_RED_04 | B_RED_06 | MORE


@pytest.mark.requirement("BCP-1", "RED-1", "RED-4", "RED-5")
@pytest.mark.parametrize(("uri", "clause"), REFUSED.items(), ids=[uri[:60] or "nothing" for uri in REFUSED])
def test_what_may_not_be_registered(uri, clause):
    # Native clients may register most, so they stand for all.
    assert check_registered(uri, "native") == Refusal("invalid_redirect_uri", f"the redirect URI {clause}")


@pytest.mark.requirement("RED-4")
@pytest.mark.parametrize("application_type", ["web", "", "Native"])
def test_only_a_native_client_has_a_scheme_of_its_own(application_type):
    expected = Refusal("invalid_redirect_uri", f"the redirect URI {OWN}")
    assert check_registered("com.example.app:/cb", application_type) == expected


@pytest.mark.parametrize(
    "uri", [*B_RED_03, *B_RED_04, "http://app.example/logo.png", "com.example.app:/x", "https:logo", "", "/logo"]
)
def test_a_link_that_no_page_may_carry(uri):
    refusal = check_link(uri)
    assert refusal is not None
    assert refusal.code == "invalid_client_metadata"


def test_a_link_that_a_page_may_carry():
    assert check_link("https://app.example/logo.png") is None


CB = "https://app.example/cb"
LOOPBACK = "http://127.0.0.1/cb"
MATCHES = {
    "itself": (CB, CB, True),
    "a registered query, in full": (f"{CB}?a=1", f"{CB}?a=1", True),
    "a scheme of an app": ("com.example.app:/cb", "com.example.app:/cb", True),
    "B-RED-01 a host with a suffix": (CB, "https://app.example.evil.test/cb", False),
    "B-RED-01 a path with a suffix": (CB, "https://app.example/cb2", False),
    "B-RED-01 a path below": (CB, "https://app.example/cb/x", False),
    "B-RED-01 a query": (CB, "https://app.example/cb?x=1", False),
    "B-RED-01 a port": (CB, "https://app.example:8443/cb", False),
    "B-RED-01 http for https": (CB, "http://app.example/cb", False),
    "B-RED-01 another case": (CB, "https://APP.example/CB", False),
    "B-RED-01 the default port": (CB, "https://app.example:443/cb", False),
    "B-RED-01 nothing": (CB, "", False),
    **{f"B-RED-03 {uri!a}": (CB, uri, False) for uri in B_RED_03},
    **{
        f"B-RED-06 {path!a}": (CB, f"https://app.example{path}", False)
        for path in (
            "/cb/..;/evil",
            "/cb/%2e%2e/evil",
            "/cb/%252e%252e/evil",
            "/cb%2f..%2fevil",
            "//cb",
            "/cb;a=b",
            "/cb/．．/evil",
            "/x/../cb",
            "/%63b",
        )
    },
    "B-RED-07 a loopback port": (LOOPBACK, "http://127.0.0.1:53121/cb", True),
    "B-RED-07 a registered loopback port that is another one now": (
        "http://127.0.0.1:8765/cb",
        "http://127.0.0.1:53121/cb",
        True,
    ),
    "B-RED-07 a registered loopback port that is left out": ("http://127.0.0.1:8765/cb", LOOPBACK, True),
    "B-RED-07 a port of IPv6 loopback": ("http://[::1]/cb", "http://[::1]:1/cb", True),
    "B-RED-07 a port of localhost": ("http://localhost/cb", "http://localhost:65535/cb", True),
    "B-RED-07 a loopback query, in full": ("http://localhost/?a=1", "http://localhost:2/?a=1", True),
    "B-RED-07 a loopback without a path": ("http://localhost", "http://localhost:2", True),
    "B-RED-07 another case of the path": (LOOPBACK, "http://127.0.0.1:53121/CB", False),
    "B-RED-07 a path below": (LOOPBACK, "http://127.0.0.1:53121/cb/x", False),
    "B-RED-07 another loopback address": (LOOPBACK, "http://127.0.0.2:1/cb", False),
    "B-RED-07 https": (LOOPBACK, "https://127.0.0.1:1/cb", False),
    "B-RED-07 localhost for 127.0.0.1": (LOOPBACK, "http://localhost:1/cb", False),
    "B-RED-07 ::1 for 127.0.0.1": (LOOPBACK, "http://[::1]:1/cb", False),
    "B-RED-07 a query that is not registered": (LOOPBACK, "http://127.0.0.1:1/cb?x=1", False),
    "B-RED-07 a fragment": (LOOPBACK, "http://127.0.0.1:1/cb#x", False),
    "a port that hides a host": (LOOPBACK, "http://127.0.0.1:1@evil.test/cb", False),
    "a loopback that hides a host": (LOOPBACK, "http://127.0.0.1.evil.test:1/cb", False),
    "an empty port": (LOOPBACK, "http://127.0.0.1:/cb", False),
    "port zero": (LOOPBACK, "http://127.0.0.1:0/cb", False),
    "a port with a leading zero": (LOOPBACK, "http://127.0.0.1:080/cb", False),
    "a port too large": (LOOPBACK, "http://127.0.0.1:65536/cb", False),
    "a port in another script": (LOOPBACK, "http://127.0.0.1:٨٠/cb", False),
    "a newline behind": (LOOPBACK, "http://127.0.0.1:1/cb\n", False),
    "https on loopback has no free port": ("https://localhost/cb", "https://localhost:1/cb", False),
}


@pytest.mark.requirement("BCP-1", "RED-1", "RED-2", "RED-3")
@pytest.mark.parametrize(("registered", "presented", "expected"), MATCHES.values(), ids=MATCHES)
def test_match(registered, presented, expected):
    assert match(["https://unrelated.example/", registered], presented) == expected


def test_nothing_matches_where_nothing_is_registered():
    assert not match([], CB)
    assert not match([], LOOPBACK)


CHARACTERS = st.characters(min_codepoint=0x20, max_codepoint=0x7E) | st.sampled_from("\n\t\x00．é")


def one_edit(data, text):
    """Change, insert or take out one character."""
    at = data.draw(st.integers(0, len(text) - 1))
    kind = data.draw(st.sampled_from(["change", "insert", "remove"]))
    middle = "" if kind == "remove" else data.draw(CHARACTERS)
    return text[:at] + middle + text[at + (kind != "insert") :]


@pytest.mark.requirement("BCP-1", "RED-1")
@given(st.sampled_from([uri for uri, _ in REGISTRABLE.values() if not uri.startswith("http:")]), st.data())
def test_a_uri_that_differs_in_any_character_does_not_match(uri, data):
    presented = one_edit(data, uri)
    assume(presented != uri)
    assert not match([uri], presented)


@pytest.mark.requirement("RED-2")
@given(st.sampled_from([uri for uri, _ in REGISTRABLE.values() if uri.startswith("http:")]), st.data())
def test_a_loopback_that_differs_in_any_character_beside_its_port_does_not_match(uri, data):
    presented = one_edit(data, uri)
    port = re.compile(r"(?<=[1a-z\]])(?::([1-9][0-9]{0,4}))?(?=/)", re.ASCII)

    def beside_port(text: str) -> str:
        # There are no ports above: such a number is a part of the address like any other.
        return port.sub(lambda found: found[0] if int(found[1] or 0) > 65535 else "", text, count=1)

    assert match([uri], presented) == (presented == uri or beside_port(presented) == beside_port(uri))


@pytest.mark.requirement("RED-2", "RED-3")
@given(st.sampled_from([uri for uri, _ in REGISTRABLE.values() if uri.startswith("http:")]), st.integers(1, 65535))
def test_any_loopback_port_matches(uri, port):
    presented = re.sub(r"(?<=[1t\]])(?::[0-9]+)?(?=/)", f":{port}", uri, count=1)
    assert f":{port}/" in presented
    assert match([uri], presented)


HOSTS = {
    "a host": ("https://app.example/cb", "app.example", False),
    "a host in upper case": ("https://APP.example/cb", "app.example", False),
    "the default port is left out": ("https://app.example:443/cb", "app.example", False),
    "another port is shown": ("https://app.example:8443/cb", "app.example:8443", False),
    "punycode stays punycode": ("https://xn--pple-43d.example/cb", "xn--pple-43d.example", False),
    "loopback, whatever its port": ("http://127.0.0.1:8765/cb", "127.0.0.1", True),
    "IPv6 loopback": ("http://[::1]:1/cb", "[::1]", True),
    "localhost": ("http://localhost/cb", "localhost", True),
    "https on localhost is a host like others": ("https://localhost:3000/cb", "localhost:3000", False),
    "an app of its own scheme": ("com.example.app:/cb", "com.example.app", False),
    "the same with two slashes": ("com.example.app://app.example/cb", "com.example.app", False),
}


@pytest.mark.requirement("RED-7")
@pytest.mark.parametrize(("uri", "host", "loopback"), HOSTS.values(), ids=HOSTS)
def test_what_the_consent_page_shows(uri, host, loopback):
    assert (display_host(uri), is_loopback(uri)) == (host, loopback)


@pytest.mark.parametrize("uri", ["https://app.example@evil.test/", "https:app.example/cb"])
def test_what_was_never_registered_is_never_shown(uri):
    with pytest.raises(ValueError, match="not a registered"):
        display_host(uri)


ADDED = {
    "to no query": (CB, f"{CB}?code=a+b&state=%26%3D%23"),
    "to a query": (f"{CB}?x=1", f"{CB}?x=1&code=a+b&state=%26%3D%23"),
    "to an empty query": (f"{CB}?", f"{CB}?code=a+b&state=%26%3D%23"),
    "to a query that ends in an ampersand": (f"{CB}?x=1&", f"{CB}?x=1&code=a+b&state=%26%3D%23"),
    "to no path": ("https://app.example", "https://app.example?code=a+b&state=%26%3D%23"),
    "to the scheme of an app": ("com.example.app:/cb", "com.example.app:/cb?code=a+b&state=%26%3D%23"),
}


@pytest.mark.requirement("OA-7")
@pytest.mark.parametrize(("uri", "expected"), ADDED.values(), ids=ADDED)
def test_answer_parameters_are_added(uri, expected):
    assert add_params(uri, {"code": "a b", "state": "&=#"}) == expected


def test_nothing_to_add_changes_nothing():
    assert add_params(CB, {}) == CB


@pytest.mark.requirement("OA-7")
def test_nothing_is_added_behind_a_fragment():
    with pytest.raises(ValueError, match="fragment"):
        add_params(f"{CB}#a", {"code": "x"})


@pytest.mark.requirement("OA-7")
@given(
    st.sampled_from([CB, f"{CB}?x=1&y=%20", LOOPBACK]),
    st.dictionaries(st.text(min_size=1), st.text(), min_size=1),
)
def test_what_is_added_comes_back_exactly_and_the_rest_stays(uri, params):
    answer = add_params(uri, params)
    assert answer.startswith(uri)
    before = parse_qsl(urlsplit(uri).query, keep_blank_values=True)
    assert parse_qsl(urlsplit(answer).query, keep_blank_values=True) == before + list(params.items())
    assert urlsplit(answer).fragment == ""


LOCAL = {
    "the root": ("/", True),
    "a page": ("/t/acme/account", True),
    "a page with a query": ("/oauth/authorize?client_id=a&redirect_uri=https%3A%2F%2Fapp.example%2Fcb", True),
    "B-RED-08 another origin": ("https://evil.test", False),
    "B-RED-08 a network path": ("//evil.test", False),
    "B-RED-08 a backslash": ("/\\evil.test", False),
    "B-RED-08 a scheme without slashes": ("https:evil.test", False),
    "B-RED-08 encoded slashes": ("/%2f%2fevil.test", False),
    "B-RED-08 a control character": ("\x01//evil.test", False),
    "a tab that browsers take out": ("/\t/evil.test", False),
    "a newline behind": ("/account\n", False),
    "a relative path": ("account", False),
    "nothing": ("", False),
    "a fragment": ("/account#a", False),
    "as long as it may be": ("/" + "a" * 2047, True),
    "too long": ("/" + "a" * 2048, False),
}


@pytest.mark.parametrize(("text", "expected"), LOCAL.values(), ids=LOCAL)
def test_a_next_parameter_stays_at_home(text, expected):
    assert is_local_path(text) == expected


@given(st.text() | st.sampled_from([*REFUSED, *B_RED_03]))
def test_no_text_makes_the_reader_raise_or_a_hint_echo_it(text):
    refusal = check_registered(text, "native")
    if refusal is not None:
        assert all(" " <= character <= "~" and character not in '"\\' for character in refusal.hint)
        assert refusal.hint.startswith("the redirect URI ")
    match([text], LOOPBACK)
    is_local_path(text)
