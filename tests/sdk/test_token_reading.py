"""What is read of a token before its key is asked for, and what of a good one."""

from __future__ import annotations

import pytest

from remit_sdk.jose import read_key
from remit_sdk.verify import AccessToken, Reason, Rejected, Unverified, judge, read
from tests.sdk.clock import NOW
from tests.sdk.issuer import RESOURCE
from tests.sdk.test_forged_tokens import ACT, ISSUER, KEY, check, good


def test_what_a_token_came_from_is_told_by_kind_and_id():
    token = check(good(act=ACT, via={"token": ["t1", "t2"], "kid": ["k1"]}))
    assert isinstance(token, AccessToken)
    assert token.via == (("token", "t1"), ("token", "t2"), ("kid", "k1"))


HEAD, BODY, SIGNED = good().split(".")
NOT_SIGNED = "not a signed JWT"
BEFORE_ANY_KEY = {
    "no header": (f".{BODY}.{SIGNED}", NOT_SIGNED),
    "no claims": (f"{HEAD}..{SIGNED}", NOT_SIGNED),
    "no signature": (f"{HEAD}.{BODY}.", NOT_SIGNED),
    "no issuer": (good(iss=...), "`iss` is missing"),
    "an issuer that is empty": (good(iss=""), "`iss` is missing"),
    "an issuer that is a list": (good(iss=[ISSUER]), "`iss` is missing"),
    "an algorithm that we do not take": (good(header={"alg": "HS256"}), "the algorithm is not accepted"),
    "algorithms": (good(header={"alg": ["ES256"]}), "the algorithm is not accepted"),
    "a kid with a space": (good(header={"kid": "k 1"}), "`kid` is missing or malformed"),
    "a kid that is a list": (good(header={"kid": ["k1"]}), "`kid` is missing or malformed"),
}


@pytest.mark.parametrize(("token", "hint"), BEFORE_ANY_KEY.values(), ids=BEFORE_ANY_KEY)
def test_no_key_is_looked_for_where_none_could_help(token, hint):
    assert read(token) == Rejected(reason=Reason.INVALID_TOKEN, hint=hint)


def test_a_key_of_another_name_is_not_tried():
    unverified, known = read(good()), read_key(KEY.public() | {"kid": "k9"})
    assert isinstance(unverified, Unverified)
    assert known is not None
    verdict = judge(unverified, key=known, issuer=ISSUER, audience=RESOURCE, now=NOW, leeway=10)
    assert verdict == Rejected(reason=Reason.INVALID_TOKEN, hint="the key is unknown")


JKT = "k" * 43
BINDINGS = {
    "a text": JKT,
    "nothing in it": {},
    "another member": {"x5t#S256": JKT},
    "a second member": {"jkt": JKT, "x5t#S256": JKT},
    "a number": {"jkt": 1},
    "a list": [JKT],
    "a key that is cut short": {"jkt": JKT[1:]},
    "null": None,
}


def test_a_token_tells_the_key_that_it_is_bound_to():
    token = check(good(cnf={"jkt": JKT}))
    assert isinstance(token, AccessToken)
    assert token.jkt == JKT


@pytest.mark.parametrize("bound", BINDINGS.values(), ids=BINDINGS)
def test_a_binding_that_nobody_can_check_is_no_bearer_token(bound):
    verdict = check(good(cnf=bound))
    assert isinstance(verdict, Rejected)
    assert "bound to something" in verdict.hint
