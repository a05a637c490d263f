"""What the `claims` parameter comes to (OpenID Connect Core §5.5)."""

from __future__ import annotations

import pytest

from remit.core.oauth.claims import LONGEST, NO_CLAIMS, AskedClaims, read_claims
from remit.core.oauth.verdicts import Refusal

READ = {
    "nothing": ("{}", NO_CLAIMS),
    "places that are left out": ('{"userinfo": null, "id_token": null}', NO_CLAIMS),
    "a name": ('{"userinfo": {"name": null}}', AskedClaims(scopes=frozenset({"profile"}))),
    "an address, as a wish": ('{"id_token": {"email": {}}}', AskedClaims(scopes=frozenset({"email"}))),
    "one in each place": (
        '{"id_token": {"email": {"essential": true}}, "userinfo": {"name": null}}',
        AskedClaims(scopes=frozenset({"email", "profile"})),
    ),
    "what nobody knows": ('{"id_token": {"shoe_size": {"value": 41}}, "elsewhere": {"email": null}}', NO_CLAIMS),
    "a user": ('{"id_token": {"sub": {"value": "usr_1"}}}', AskedClaims(subject="usr_1")),
    "no user in particular": ('{"id_token": {"sub": null}, "userinfo": {"sub": {"essential": true}}}', NO_CLAIMS),
    "the same user twice": (
        '{"id_token": {"sub": {"value": "usr_1"}}, "userinfo": {"sub": {"value": "usr_1"}}}',
        AskedClaims(subject="usr_1"),
    ),
}


@pytest.mark.requirement("OIDC-5")
@pytest.mark.parametrize(("text", "asked"), READ.values(), ids=READ)
def test_what_is_asked_for(text, asked):
    assert read_claims(text) == asked


REFUSED = {
    "no JSON": "{",
    "no object": "[]",
    "a text": '"name"',
    "a member twice": '{"userinfo": {"name": null, "name": null}}',
    "a fraction": '{"userinfo": {"age": {"value": 1.5}}}',
    "a place that is a list": '{"userinfo": ["name"]}',
    "a claim that is a text": '{"userinfo": {"name": "yes"}}',
    "a user who is a number": '{"id_token": {"sub": {"value": 1}}}',
    "two users": '{"id_token": {"sub": {"value": "usr_1"}}, "userinfo": {"sub": {"value": "usr_2"}}}',
    "too long": '{"userinfo": {"' + "x" * LONGEST + '": null}}',
    "too deep": '{"a":' * 2000,
}


@pytest.mark.requirement("OIDC-5")
@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_what_is_refused(text):
    refusal = read_claims(text)
    assert isinstance(refusal, Refusal)
    assert (refusal.code, "claims" in refusal.hint) == ("invalid_request", True)
