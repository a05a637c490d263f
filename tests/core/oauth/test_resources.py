"""Resource indicators: one spelling, and no more than RFC 8707 allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.oauth.resources import canonical
from remit.core.oauth.verdicts import Refusal

LONG_HOST = ".".join(("a" * 63, "b" * 63, "c" * 63, "d" * 61))

SPELLINGS = {
    "as it should be": ("https://api.example/calendar", "https://api.example/calendar"),
    "upper-case scheme and host": ("HTTPS://API.Example/Calendar", "https://api.example/Calendar"),
    "no path stays no path": ("https://API.example", "https://api.example"),
    "a trailing slash stays": ("https://api.example/", "https://api.example/"),
    "a default port stays": ("https://API.example:443/", "https://api.example:443/"),
    "dot segments stay": ("https://api.example/A/../b", "https://api.example/A/../b"),
    "a percent-encoding stays": ("https://api.example/%7Ea/%2F", "https://api.example/%7Ea/%2F"),
    "a query stays": ("https://API.example/x?Q=A", "https://api.example/x?Q=A"),
    "a host that is also in the path": ("https://A/A?A", "https://a/A?A"),
    "the longest host": (f"https://{LONG_HOST}/", f"https://{LONG_HOST}/"),
    "a local server": ("http://LOCALHOST:9500/mcp", "http://localhost:9500/mcp"),
    "an IPv6 address": ("http://[2001:DB8::1]:9500/MCP", "http://[2001:db8::1]:9500/MCP"),
    "a name instead of an address": ("URN:Example:Tickets", "urn:Example:Tickets"),
}


@pytest.mark.requirement("RI-2")
@pytest.mark.parametrize(("uri", "expected"), SPELLINGS.values(), ids=SPELLINGS)
def test_one_spelling(uri, expected):
    assert canonical(uri) == expected
    assert canonical(expected) == expected


HOST = "the resource has no valid host and port: write a domain name, an IPv4 or a bracketed IPv6 address"
CHARACTER = "the resource holds a character that a URI may not hold: percent-encode it"
ENCODING = "the resource holds a broken percent-encoding or an encoded control character"
ABSOLUTE = "the resource is not absolute: begin with a scheme, as in https://"
FRAGMENT = "the resource has a fragment: leave out the # and what follows"

REFUSED = {
    "a fragment": ("https://api.example/#a", FRAGMENT),
    "an empty fragment": ("https://api.example/#", FRAGMENT),
    "nothing": ("", ABSOLUTE),
    "a path": ("/calendar", ABSOLUTE),
    "a host without scheme": ("api.example/calendar", ABSOLUTE),
    "a network path": ("//api.example/calendar", ABSOLUTE),
    "a scheme alone": ("https:", "the resource has nothing after its scheme"),
    "no host": ("https:///calendar", HOST),
    "user information": (
        "https://api.example@evil.test/",
        "the resource has user information before its host: leave it out",
    ),
    "a space": ("https://api.example/a b", CHARACTER),
    "a newline behind": ("https://api.example/\n", CHARACTER),
    "a quote": ('https://api.example/"', CHARACTER),
    "a backslash": ("https://api.example\\@evil.test/", CHARACTER),
    "a host in another script": ("https://аpi.example/", CHARACTER),
    "an encoded host": ("https://api%2eexample/", HOST),
    "an encoded null": ("https://api.example/%00", ENCODING),
    "an encoded newline": ("https://api.example/?a=%0A", ENCODING),
    "half an encoding": ("https://api.example/%2", ENCODING),
    "an empty port": ("https://api.example:/", HOST),
    "port zero": ("https://api.example:0/", HOST),
    "a port too large": ("https://api.example:65536/", HOST),
    "a trailing dot": ("https://api.example./", HOST),
    "a host too long": (f"https://{LONG_HOST}d/", HOST),
    "an empty label": ("https://api..example/", HOST),
    "a label that begins with a hyphen": ("https://-api.example/", HOST),
    "an address as one number": ("https://2130706433/", HOST),
    "an address in hexadecimal": ("https://0x7f000001/", HOST),
    "an address in octal": ("https://0177.0.0.1/", HOST),
    "an address cut short": ("https://127.1/", HOST),
    "a broken IPv6 address": ("https://[::1::]/", HOST),
    "an IPv6 address without brackets": ("https://::1/", HOST),
    "too long": (f"https://api.example/{'a' * 2048}", "the resource is longer than 2048 characters"),
}


@pytest.mark.requirement("RI-2")
@pytest.mark.parametrize(("uri", "hint"), REFUSED.values(), ids=REFUSED)
def test_what_is_no_resource(uri, hint):
    assert canonical(uri) == Refusal("invalid_target", hint)


URIS = st.from_regex(
    r"[a-zA-Z]{1,6}://[a-zA-Z][a-zA-Z0-9]{0,8}(?::[1-9][0-9]{0,3})?(?:/[a-zA-Z0-9./~-]{0,12})?", fullmatch=True
)


@pytest.mark.requirement("GEN-20", "RI-2")
@given(URIS)
def test_only_scheme_and_host_ever_change(uri):
    spelled = canonical(uri)
    scheme, rest = uri.split("://")
    host, slash, path = rest.partition("/")
    assert spelled == f"{scheme.lower()}://{host.lower()}{slash}{path}"
    assert canonical(spelled) == spelled


@given(st.text())
def test_no_text_makes_the_reader_raise_or_a_hint_echo_it(text):
    verdict = canonical(text)
    if isinstance(verdict, Refusal):
        assert all(" " <= character <= "~" and character not in '"\\' for character in verdict.hint)
    else:
        assert canonical(verdict) == verdict
