"""What a token exchange may ask for, before anybody looks at a token."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.names import Secret
from remit.core.oauth.exchange import ACCESS_TOKEN, ExchangeCall, choose_scopes, judge_exchange
from remit.core.oauth.scopes import IDENTITY_SCOPES
from remit.core.oauth.verdicts import Refusal

TOKEN = Secret("a.b.c")
ASKED = ExchangeCall(subject_token=TOKEN, subject_token_type=ACCESS_TOKEN)
JWT = "urn:ietf:params:oauth:token-type:jwt"

GOOD = {
    "a subject token": ASKED,
    "an actor token too": replace(ASKED, actor_token=TOKEN, actor_token_type=ACCESS_TOKEN),
    "an access token by name": replace(ASKED, requested_token_type=ACCESS_TOKEN),
}


@pytest.mark.parametrize("asked", GOOD.values(), ids=GOOD)
def test_what_can_be_exchanged(asked):
    assert judge_exchange(asked) is None


BAD = {
    "nothing": (ExchangeCall(), "send subject_token"),
    "no subject token": (replace(ASKED, subject_token=None), "send subject_token"),
    "no type of it": (replace(ASKED, subject_token_type=None), "send subject_token"),
    "another type of it": (replace(ASKED, subject_token_type=JWT), "subject_token_type must be"),
    "an actor token without its type": (replace(ASKED, actor_token=TOKEN), "belong together"),
    "a type without its actor token": (replace(ASKED, actor_token_type=ACCESS_TOKEN), "belong together"),
    "another type of actor token": (
        replace(ASKED, actor_token=TOKEN, actor_token_type=JWT),
        "actor_token_type must be",
    ),
    "somebody to be": (replace(ASKED, requested_subject="usr_1"), "impersonation"),
    "another type to get": (replace(ASKED, requested_token_type=JWT), "requested_token_type must be"),
}


@pytest.mark.parametrize(("asked", "told"), BAD.values(), ids=BAD)
def test_what_cannot_be_exchanged_at_all(asked, told):
    refusal = judge_exchange(asked)
    assert refusal is not None
    assert (refusal.code, told in refusal.hint) == ("invalid_request", True)


HELD, OFFERED = frozenset({"openid", "read", "write"}), frozenset({"openid", "read", "delete"})
CHOSEN = {
    "what both know": (None, HELD, OFFERED, {"read"}),
    "what is asked": ({"read"}, HELD, OFFERED, {"read"}),
    "what is asked and held, though the target may not know it": ({"write"}, HELD, OFFERED, {"write"}),
    "all that is held": ({"read", "write"}, frozenset({"read", "write"}), OFFERED, {"read", "write"}),
    "nothing that both know": (None, HELD, frozenset({"openid"}), "nothing to hand on"),
    "who the user is": ({"read", "openid"}, HELD, OFFERED, "not handed on"),
    "more than is held": ({"read", "delete"}, HELD, OFFERED, "ask for some of read"),
    "more than is held, of which nothing is left": ({"delete"}, HELD, frozenset({"delete"}), "knows nothing"),
}


@pytest.mark.parametrize(("asked", "held", "offered", "expected"), CHOSEN.values(), ids=CHOSEN)
def test_what_is_handed_on(asked, held, offered, expected):
    chosen = choose_scopes(None if asked is None else frozenset(asked), held, offered)
    if isinstance(chosen, Refusal):
        assert chosen.code == "invalid_scope"
        assert isinstance(expected, str)
        assert expected in chosen.hint
    else:
        assert chosen == expected


NAMES = st.frozensets(st.sampled_from(["openid", "email", "read", "write", "delete"]))


@given(asked=st.none() | NAMES, held=NAMES, offered=NAMES)
def test_nothing_is_handed_on_that_was_not_held_or_speaks_of_the_user(asked, held, offered):
    chosen = choose_scopes(asked, held, offered)
    if not isinstance(chosen, Refusal):
        assert chosen <= held - IDENTITY_SCOPES
