"""What a client may say of itself."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.clients import AuthMethod, GrantType
from remit.core.oauth.scopes import IDENTITY_SCOPES
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import check_name
from remit.core.self_registration import ClientMetadata, Registration, judge_metadata

LOCAL = "http://localhost:40123/callback"
GOOD = ClientMetadata(redirect_uris=(LOCAL,), name="Notes")
KNOWN = frozenset({"read:calendar", "write:calendar"})
BOTH = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN})

KEPT = {
    "a client that says nothing of its method gets a secret": ({}, {"auth_method": AuthMethod.SECRET_BASIC}),
    "a public client is public": ({"auth_method": "none"}, {"auth_method": AuthMethod.NONE}),
    "a secret in the body": ({"auth_method": "client_secret_post"}, {"auth_method": AuthMethod.SECRET_POST}),
    "code alone is the default": ({}, {"grant_types": frozenset({GrantType.AUTHORIZATION_CODE})}),
    "refresh is registered when it is asked for": (
        {"grant_types": ("refresh_token", "authorization_code")},
        {"grant_types": BOTH},
    ),
    "a right to act without a user is dropped": (
        {"grant_types": ("authorization_code", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code")},
        {"grant_types": frozenset({GrantType.AUTHORIZATION_CODE})},
    ),
    "web is the default, and loopback is open to it": ({}, {"application_type": "web", "redirect_uris": (LOCAL,)}),
    "a native app may use its own scheme": (
        {"application_type": "native", "redirect_uris": ("com.example.app:/cb",)},
        {"redirect_uris": ("com.example.app:/cb",)},
    ),
    "unknown scopes are dropped": (
        {"scope": "openid  read:calendar everything"},
        {"scopes": frozenset({"openid", "read:calendar"})},
    ),
    "a name of nothing becomes the place it leads to": (
        {"name": "\u202e \n", "redirect_uris": ("https://app.example/cb",)},
        {"name": "app.example"},
    ),
    "a long name is cut": ({"name": f" {'long ' * 30}"}, {"name": ("long " * 12).rstrip()}),
    "an unknown algorithm becomes the default": ({"id_token_alg": "none"}, {"id_token_alg": "RS256"}),
    "further response types are dropped": ({"response_types": ("code", "token")}, {}),
}

REFUSED = {
    "no redirect": ({"redirect_uris": ()}, "invalid_redirect_uri"),
    "a redirect twice": ({"redirect_uris": (LOCAL, LOCAL)}, "invalid_redirect_uri"),
    "plain http to somewhere": ({"redirect_uris": ("http://app.example/cb",)}, "invalid_redirect_uri"),
    "a host that looks like loopback": ({"redirect_uris": ("http://localhost.evil.example/",)}, "invalid_redirect_uri"),
    "a script": ({"redirect_uris": ("javascript:alert(1)",)}, "invalid_redirect_uri"),
    "an own scheme without being native": (
        {"redirect_uris": ("com.example.app:/cb",), "application_type": "web"},
        "invalid_redirect_uri",
    ),
    "twenty-one redirects": (
        {"redirect_uris": tuple(f"https://app.example/{n}" for n in range(21))},
        "invalid_redirect_uri",
    ),
    "a method that needs keys": ({"auth_method": "private_key_jwt"}, "invalid_client_metadata"),
    "only a grant without a user": ({"grant_types": ("client_credentials",)}, "invalid_client_metadata"),
    "refresh without code": ({"grant_types": ("refresh_token",)}, "invalid_client_metadata"),
    "a response type that does not go with code": ({"response_types": ("token",)}, "invalid_client_metadata"),
    "keys in two places": ({"keyed_twice": True}, "invalid_client_metadata"),
    "a link without https": ({"links": ("http://app.example/logo.png",)}, "invalid_client_metadata"),
    "an unheard-of kind of application": ({"application_type": "toaster"}, "invalid_client_metadata"),
}


@pytest.mark.requirement("DCR-3", "DCR-5", "MCP-8")
@pytest.mark.parametrize(("said", "kept"), KEPT.values(), ids=KEPT)
def test_what_is_kept(said, kept):
    made = judge_metadata(replace(GOOD, **said), known=KNOWN)
    assert isinstance(made, Registration)
    assert {name: getattr(made, name) for name in kept} == kept


@pytest.mark.requirement("DCR-3", "DCR-4")
@pytest.mark.parametrize(("said", "code"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(said, code):
    verdict = judge_metadata(replace(GOOD, **said), known=KNOWN)
    assert isinstance(verdict, Refusal)
    assert verdict.code == code


@given(name=st.text(max_size=200), scope=st.text(max_size=80) | st.sampled_from(["openid", "read:calendar x"]))
def test_words_of_strangers_always_fit_a_page_and_never_name_more_than_the_ceiling(name, scope):
    made = judge_metadata(replace(GOOD, name=name, scope=scope), known=KNOWN)
    assert isinstance(made, Registration)
    assert check_name("client", f"{made.name} 0123abcd") is None
    assert made.scopes <= KNOWN | IDENTITY_SCOPES
