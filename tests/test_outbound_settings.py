"""Which networks of our own may be opened for fetching."""

from __future__ import annotations

from pathlib import Path

import pytest

from remit.settings import Settings, SettingsError, load


def _read(environ: dict[str, str]) -> Settings:
    return load(environ=environ, cwd=Path("/srv/remit"), default_file=Path("/nowhere/remit.toml"))


def _problems(environ: dict[str, str]) -> list[str]:
    with pytest.raises(SettingsError) as error:
        _read(environ)
    return list(error.value.problems)


NO_NETWORKS = {
    "a word": "home",
    "everybody": "0.0.0.0/0",
    "the internet": "8.8.8.0/24",
    "this host": "0.0.0.0/8",
    "where clouds tell machines who they are": "169.254.0.0/16",
    "more than is ours": "10.0.0.0/7",
    "all of IPv6": "::/0",
    "link-local": "fe80::/10",
    "multicast": "ff00::/8",
}


@pytest.mark.requirement("CIMD-10")
@pytest.mark.parametrize("network", NO_NETWORKS.values(), ids=NO_NETWORKS)
def test_only_networks_of_our_own_are_opened_for_fetching(network):
    assert _problems({"REMIT_OUTBOUND__NETWORKS": network}) != []
    assert _read({"REMIT_OUTBOUND__NETWORKS": "10.0.0.0/8, fd00::/8"}).outbound.networks == ("10.0.0.0/8", "fd00::/8")


@pytest.mark.requirement("CIMD-16")
def test_loopback_is_fetched_from_only_where_the_server_itself_is_there():
    for network in ("127.0.0.0/8", "127.0.0.1", "::1"):
        assert _read({"REMIT_OUTBOUND__NETWORKS": network}).outbound.networks == (network,)
        given = {"REMIT_OUTBOUND__NETWORKS": network, "REMIT_SERVER__BASE_URL": "https://id.example"}
        assert _problems(given) == ["outbound.networks may name loopback only where server.base_url is loopback"]
