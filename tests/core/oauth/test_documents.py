"""What a URL must be to be a client id, and what must stand there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.admission import Admission, Documents, judge_admission
from remit.core.clients import AuthMethod, GrantType
from remit.core.oauth.documents import flaw_of_url, host_of, is_document, judge_document, strays
from remit.core.oauth.verdicts import Refusal
from remit.core.self_registration import ClientMetadata, Registration

URL = "https://app.example/client.json"
KEYS = '{"keys":[{"kty":"EC"}]}'

GOOD = [
    "https://a.example/", "https://a.example/c", "https://a.example:8443/c?d=e", "https://a.example/.well-known/c",
    "https://[2606::1]/c",
]  # fmt: skip
BAD = [
    "https://a.example", "https://a.example?c", "http://a.example/c", "HTTPS://a.example/c", "https:/a.example/c", "https:///c",
    "https://u@a.example/c", "https://u:p@a.example/c", "https://a.example/c#d", "https://a.example/c#", "https://a.example/../c",
    "https://a.example/./c", "https://a.example/x/..", "https://a.example/%2e/c", "https://a.example/%2E%2e/c",
    "https://a.example/.%2e/c", "https://a.example/a%2fb", "https://a.example/a%5cb", "https://a.example/a\\b",
    "https://a.example\\@b.example/c", "https://a.example/c\n", "https://a.example/%00", "https://ä.example/c", "https://127.1/c",
    "https://0x7f000001/c", "https://a.example:99999/c", "https://a.example/" + "c" * 512, "cli_1", "",
]  # fmt: skip


@pytest.mark.requirement("CIMD-1")
@pytest.mark.parametrize("url", GOOD)
def test_a_url_with_a_path_is_a_client_id(url):
    assert flaw_of_url(url) is None


@pytest.mark.requirement("CIMD-1")
@pytest.mark.parametrize("url", BAD)
def test_every_other_text_is_none(url):
    assert flaw_of_url(url) is not None


@given(st.text(alphabet="https://a.example:443%2e\\#?@[]0x7f", max_size=40).map("https://".__add__))
def test_what_is_a_client_id_has_one_reading(url):
    if flaw_of_url(url) is None:
        host, slash, path = url.removeprefix("https://").partition("/")
        assert slash
        assert host
        assert not any(letter in host for letter in "@\\?#%")
        assert not any(part in {".", ".."} for part in path.partition("?")[0].lower().replace("%2e", ".").split("/"))


SAID = ClientMetadata(client_id=URL, name="Notes", redirect_uris=("https://app.example/cb",))
FLAWS = {
    "it names another URL": {"client_id": "https://app.example/other.json"},
    "it names no URL": {"client_id": None},
    "it spells its port": {"client_id": "https://app.example:443/client.json"},
    "it spells its host otherwise": {"client_id": "https://APP.example/client.json"},
    "it has no name": {"name": None},
    "its name is blank": {"name": "  "},
    "it has no redirect URI": {"redirect_uris": ()},
    "its redirect URI is http": {"redirect_uris": ("http://app.example/cb",)},
    "its redirect URI runs a script": {"redirect_uris": ("javascript:alert(1)",)},
    "it holds a secret": {"holds_secret": True},
    "its method needs a secret": {"auth_method": "client_secret_post"},
    "its method is the default of registration": {"auth_method": "client_secret_basic"},
    "its method is unknown": {"auth_method": "tls_client_auth"},
    "it has keys in no way": {"auth_method": "private_key_jwt"},
    "it has keys in two ways": {"auth_method": "private_key_jwt", "jwks": KEYS, "keyed_twice": True},
    "a link leads inside": {"links": ("http://10.0.0.1/logo.png",)},
    "it cannot be asked for by a user": {"grant_types": ("client_credentials",)},
    "it answers by another type": {"response_types": ("token",)},
}


@pytest.mark.requirement("CIMD-3", "CIMD-4", "CIMD-5", "CIMD-18")
@pytest.mark.parametrize("changes", FLAWS.values(), ids=FLAWS)
def test_a_document_that_is_not_one(changes):
    assert isinstance(judge_document(URL, replace(SAID, **changes), known=frozenset()), Refusal)


@pytest.mark.requirement("CIMD-4", "CIMD-6")
def test_a_document_is_registered_as_it_says():
    said = replace(
        SAID, auth_method="private_key_jwt", jwks=KEYS, grant_types=("authorization_code", "refresh_token", "unheard"),
        scope="read write openid", home="https://www.app.example/",
    )  # fmt: skip
    assert judge_document(URL, said, known=frozenset({"read"})) == Registration(
        name="Notes",
        auth_method=AuthMethod.PRIVATE_KEY_JWT,
        grant_types=frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN}),
        redirect_uris=("https://app.example/cb",),
        application_type="web",
        scopes=frozenset({"read", "openid"}),
        id_token_alg="RS256",
        jwks=KEYS,
        home="https://www.app.example/",
    )


def test_a_public_client_is_one_whatever_keys_it_publishes():
    found = judge_document(URL, replace(SAID, jwks=KEYS), known=frozenset())
    assert isinstance(found, Registration)
    assert (found.auth_method, found.jwks) == (AuthMethod.NONE, None)


@pytest.mark.requirement("CIMD-18")
def test_only_whom_an_administrator_expects_may_act_for_itself_and_needs_no_redirect():
    said = replace(
        SAID, redirect_uris=(), grant_types=("client_credentials",), auth_method="private_key_jwt", jwks=KEYS
    )
    assert isinstance(judge_document(URL, said, known=frozenset()), Refusal)
    found = judge_document(URL, said, known=frozenset(), managed=True)
    assert isinstance(found, Registration)
    assert found.grant_types == {GrantType.CLIENT_CREDENTIALS}


def test_whose_origin_a_redirect_is():
    assert not strays(URL, ["https://app.example/cb", "https://APP.example:443/x"])
    for uri in ("https://other.example/cb", "https://app.example:8443/cb", "http://127.0.0.1/cb", "com.example:/cb"):
        assert strays(URL, ["https://app.example/cb", uri])


LISTED = Admission(documents=Documents.LISTED, hosts=("app.example", "*.tools.example"))
HOSTS = {"app.example": True, "x.tools.example": True, "a.b.tools.example": True, "tools.example": False,
         "evil-app.example": False, "app.example.evil": False, "xtools.example": False, "": False}  # fmt: skip


@pytest.mark.requirement("CIMD-13")
@pytest.mark.parametrize(("host", "welcome"), HOSTS.items())
def test_a_list_lets_in_or_keeps_out(host, welcome):
    assert LISTED.welcomes(host) is welcome
    assert replace(LISTED, documents=Documents.UNLISTED).welcomes(host) is not welcome
    assert replace(LISTED, documents=Documents.ANY).welcomes(host)
    assert not replace(LISTED, documents=Documents.OFF).welcomes(host)


@pytest.mark.parametrize(
    "hosts",
    [("App.example",), ("https://a.example",), ("a.example/",), ("*",), ("a.*.example",), ("-a",), ("a", "a"), ()],
)
def test_a_list_that_would_never_fit_is_refused(hosts):
    assert judge_admission(replace(LISTED, hosts=hosts)) is not None
    assert judge_admission(LISTED) is None


def test_a_host_is_named_without_its_port():
    assert host_of("https://App.Example:8443/c") == "app.example"
    assert host_of("nonsense") == ""
    assert is_document("https://a")
    assert not is_document("cli_1")
