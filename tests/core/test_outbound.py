"""Which addresses are public, what a URL leads to, and how long an answer is fresh."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from remit.core.outbound import Place, Unreachable, fresh_seconds, is_json, is_public, may_dial, place_of

INSIDE = {
    "loopback": "127.0.0.1",
    "all of loopback": "127.255.255.254",
    "unspecified": "0.0.0.0",
    "this network": "0.1.2.3",
    "private": "10.0.0.1",
    "private, the forgotten one": "172.31.255.255",
    "private at home": "192.168.1.1",
    "carrier-grade NAT": "100.64.0.1",
    "link-local": "169.254.0.1",
    "metadata of most clouds": "169.254.169.254",
    "metadata in shared space": "100.100.100.200",
    "metadata among assignments": "192.0.0.192",
    "metadata that looks public": "168.63.129.16",
    "benchmarks": "198.18.0.1",
    "documentation": "203.0.113.7",
    "multicast": "224.0.0.1",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "loopback, six": "::1",
    "unspecified, six": "::",
    "unique local": "fd00::1",
    "metadata in unique local": "fd00:ec2::254",
    "link-local, six": "fe80::1",
    "link-local with a zone": "fe80::1%eth0",
    "multicast, six": "ff02::1",
    "mapped": "::ffff:127.0.0.1",
    "mapped and public": "::ffff:8.8.8.8",
    "compatible": "::127.0.0.1",
    "NAT64": "64:ff9b::7f00:1",
    "NAT64, local": "64:ff9b:1::7f00:1",
    "6to4": "2002:7f00:1::1",
    "Teredo": "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "documentation, six": "2001:db8::1",
    "new documentation, six": "3fff::1",
    "site-local": "fec0::1",
    "discard": "100::1",
    "SRv6": "5f00::1",
    "public with a zone": "2606:4700::1111%eth0",
}
OUTSIDE = {
    "a resolver": "8.8.8.8",
    "a resolver, six": "2606:4700:4700::1111",
    "the last before multicast": "223.255.255.254",
}


@pytest.mark.requirement("CIMD-10")
@pytest.mark.parametrize("text", INSIDE.values(), ids=INSIDE)
def test_nothing_near_is_public(text):
    assert not is_public(ip_address(text))
    assert not may_dial(ip_address(text), 443, ())


@pytest.mark.parametrize("text", OUTSIDE.values(), ids=OUTSIDE)
def test_what_is_public_is_dialled_at_the_ports_of_documents(text):
    assert may_dial(ip_address(text), 443, ())
    assert may_dial(ip_address(text), 8443, ())
    assert not may_dial(ip_address(text), 22, ())


ADDRESSES = st.ip_addresses(v=4) | st.ip_addresses(v=6) | st.ip_addresses(network="2000::/3")


@given(ADDRESSES)
@example(IPv4Address("192.88.99.1"))
@example(IPv6Address("2001:10::1"))
@settings(max_examples=300)
def test_nobody_else_calls_private_what_is_public_here(address):
    """The standard library reads the registry by itself: whatever it takes for special is special here, too."""
    if is_public(address):
        assert address.is_global
        assert not any((address.is_multicast, address.is_private, address.is_reserved, address.is_link_local))


# What is refused here although the library calls it global, each for its own reason.
STRICTER = (
    "168.63.129.16/32", "192.0.0.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.175.48.0/24",
    "224.0.0.0/3", "2001::/23", "2002::/16", "2620:4f:8000::/48", "3fff::/20",
)  # fmt: skip


@given(ADDRESSES)
@settings(max_examples=300)
def test_little_else_is_refused(address):
    if address.is_global and not is_public(address):
        outside = address.version == 6 and address not in IPv6Network("2000::/3")
        assert outside or any(address in ip_network(network) for network in STRICTER)


@given(st.ip_addresses(v=4), st.sampled_from(["::ffff:{}", "::{}", "64:ff9b::{}"]))
def test_an_address_wrapped_in_another_is_never_public(inner, form):
    assert not is_public(ip_address(form.format(inner)))


def test_a_setting_opens_its_own_network_at_any_port_and_no_other():
    own = (ip_network("10.1.0.0/16"), ip_network("fd00::/8"))
    assert may_dial(ip_address("10.1.2.3"), 9443, own)
    assert may_dial(ip_address("fd00::1"), 443, own)
    assert not may_dial(ip_address("10.2.0.1"), 443, own)
    assert not may_dial(ip_address("::ffff:10.1.2.3"), 443, own)


@pytest.mark.parametrize("text", ["fd00:ec2::254", "100.100.100.200"])
def test_no_setting_opens_where_clouds_tell_machines_who_they_are(text):
    assert not may_dial(ip_address(text), 443, (ip_network("fd00::/8"), ip_network("100.64.0.0/10")))


REFUSED = [
    "http://app.example/c", "HTTPS://app.example/c", "ftp://app.example/c", "file:///etc/passwd",
    "gopher://x", "//x/c", "x",
    "https:///c", "https://2130706433/c", "https://0x7f000001/c", "https://0177.0.0.1/c", "https://127.1/c",
    "https://①②⑦.0.0.1/c", "https://localhost./c", "https://169.254.169.254./c", "https://a@b.example/c",
    "https://a.example\\@b.example/c", "https://a.example/c#d", "https://a.example/ c", "https://a.example:0/c",
    "https://a.example:99999/c", "https://[::1/c", "https://a.example/\r\nhost: b", "https://[fe80::1%25eth0]/c",
]  # fmt: skip


@pytest.mark.requirement("CIMD-10")
@pytest.mark.parametrize("url", REFUSED)
def test_only_plain_https_is_ever_taken_apart(url):
    assert isinstance(place_of(url), Unreachable)


def test_a_url_says_what_to_dial_and_what_to_ask_for():
    assert place_of("https://App.Example:8443/c?d=e") == Place(
        host="app.example", port=8443, authority="app.example:8443", target="/c?d=e"
    )
    assert place_of("https://[2606:4700::1111]") == Place(
        host="2606:4700::1111", port=443, authority="[2606:4700::1111]", target="/"
    )


FRESH = {
    "nothing is said": ({}, 300),
    "an hour": ({"cache-control": "public, max-age=3600"}, 3600),
    "an hour, half of it gone": ({"cache-control": "max-age=3600", "age": "1800"}, 1800),
    "less than we keep": ({"cache-control": "max-age=5"}, 300),
    "a year": ({"cache-control": "max-age=31536000"}, 86_400),
    "not at all": ({"cache-control": "no-store, max-age=3600"}, 300),
    "only when asked again": ({"cache-control": "no-cache, max-age=3600"}, 300),
    "not for one member": ({"cache-control": 'no-cache="set-cookie", max-age=3600'}, 300),
    "twice": ({"cache-control": "max-age=7200, max-age=3600"}, 3600),
    "nonsense": ({"cache-control": "max-age=-1, max-age=x", "age": "x"}, 300),
    "more digits than a number has": ({"cache-control": "max-age=" + "9" * 5000}, 300),
}


@pytest.mark.requirement("CIMD-9")
@pytest.mark.parametrize(("headers", "seconds"), FRESH.values(), ids=FRESH)
def test_an_answer_is_fresh_as_long_as_its_host_says_within_bounds(headers, seconds):
    assert fresh_seconds(headers) == seconds


def test_json_and_what_is_built_on_it_count():
    assert all(map(is_json, ["application/json", "Application/JSON; charset=utf-8", "application/jwk-set+json"]))
    assert not any(
        map(is_json, ["", "text/html", "text/json", "application/jsonp", "application/json, text/html", "+json"])
    )
