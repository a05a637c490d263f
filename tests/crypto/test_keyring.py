"""Keys at work: what is signed, what is published, what verifies."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.keys import USES, KeyState, KeyUse
from remit.core.names import Kid
from remit.crypto.compact import take_apart, write_base64url
from remit.crypto.jose import PrivateKey, read_public
from remit.crypto.keyring import KeyUnusable
from tests.crypto.making import ACME, AT, GLOBEX, NOW, a_ring, claims_for, key_for, keys_of, private_of

RING = a_ring()
KEYS = keys_of(ACME)


def parts_of(token):
    parts = take_apart(token)
    assert parts is not None
    return parts


@pytest.mark.requirement("JAT-1", "JAT-2", "JAT-4")
def test_an_access_token_says_all_of_rfc_9068_and_whom_it_speaks_for():
    parts = parts_of(RING.sign_access(ACME, KEYS, claims_for()))
    assert parts.header == {"alg": "ES256", "kid": key_for(ACME).kid, "typ": "at+jwt"}
    assert parts.claims() == {
        "iss": "https://id.example/t/acme",
        "sub": "usr_1",
        "aud": "https://calendar.example/",
        "client_id": "cli_1",
        "iat": AT,
        "exp": AT + 900,
        "jti": "tok_1",
        "scope": "read:calendar write:calendar",
        "tenant": "acme",
        "agent_id": "agt_1",
        "agent_owner": "usr_2",
        "purpose": "plans meetings",
        "grant_id": "grt_1",
        "line_id": "lin_1",
        "sid": "ses_1",
        "auth_time": AT - 5,
        "amr": ["pwd"],
        "acr": "urn:remit:acr:single-factor",
        "epo": 7,
    }


def test_what_a_token_does_not_have_it_does_not_mention():
    bare = claims_for(scopes=frozenset(), owner=None, line=None, session=None, auth_time=None, amr=())
    claims = parts_of(RING.sign_access(ACME, KEYS, bare)).claims()
    assert claims is not None
    assert claims.keys().isdisjoint({"scope", "agent_owner", "line_id", "sid", "auth_time", "amr", "acr"})
    assert claims["epo"] == 7


def test_an_access_token_is_read_back():
    token = RING.sign_access(ACME, KEYS, claims_for())
    assert RING.read_access(ACME, KEYS, token, now=NOW) == (parts_of(token).claims() or {}) | {"kid": key_for(ACME).kid}


def test_no_key_has_a_name_that_a_command_line_takes_for_an_option():
    names = [RING.create(ACME, KeyUse.ACCESS, "ES256", now=NOW).kid for _ in range(1000)]
    assert [name for name in names if name.startswith("-")] == []


def test_a_token_that_was_read_is_judged_anew_each_time():
    """That a key signed it is remembered. Whether the key, the time and the tenant still hold is not."""
    ring = a_ring()
    token = ring.sign_access(ACME, KEYS, claims_for())
    assert ring.read_access(ACME, KEYS, token, now=NOW) is not None
    kid = key_for(ACME).kid
    gone = tuple(replace(key, state=KeyState.GONE) if key.kid == kid else key for key in KEYS)
    assert ring.read_access(ACME, gone, token, now=NOW) is None
    assert ring.read_access(ACME, (), token, now=NOW) is None
    assert ring.read_access(ACME, KEYS, token, now=NOW + timedelta(seconds=900)) is None
    assert ring.read_access(replace(ACME, issuer=GLOBEX.issuer), KEYS, token, now=NOW) is None
    assert ring.read_access(GLOBEX, keys_of(GLOBEX), token, now=NOW) is None
    claims = ring.read_access(ACME, KEYS, token, now=NOW)
    assert claims is not None
    claims["scope"] = "everything"
    assert (ring.read_access(ACME, KEYS, token, now=NOW) or {})["scope"] == "read:calendar write:calendar"


def test_a_token_of_another_issuer_is_not_signed():
    with pytest.raises(ValueError, match="issuer"):
        RING.sign_access(ACME, KEYS, claims_for(issuer=GLOBEX.issuer))


@pytest.mark.requirement("OIDC-3")
@pytest.mark.parametrize("alg", ["RS256", "ES256"])
def test_an_id_token_is_signed_by_the_id_key_of_its_algorithm(alg):
    parts = parts_of(RING.sign_id(ACME, KEYS, alg, {"sub": "usr_1", "aud": "cli_1"}, access_token="a.b.c"))
    key = read_public(json.loads(key_for(ACME, KeyUse.ID, alg).public))
    assert key is not None
    assert parts.header == {"alg": alg, "kid": key.kid, "typ": "JWT"}
    assert key.verifies(parts.message, parts.signature)
    claims = parts.claims()
    assert claims is not None
    assert claims["iss"] == ACME.issuer


STATES = {KeyState.NEXT: True, KeyState.ACTIVE: True, KeyState.RETIRING: True, KeyState.GONE: False}


@pytest.mark.parametrize(("state", "verifies"), STATES.items())
def test_which_keys_verify_and_are_published(state, verifies):
    token = RING.sign_access(ACME, KEYS, claims_for())
    moved = [replace(key, state=state) for key in KEYS]
    assert (RING.read_access(ACME, moved, token, now=NOW) is not None) is verifies
    assert (RING.jwks(moved) != {"keys": []}) is verifies


@pytest.mark.parametrize("state", [state for state in KeyState if state is not KeyState.ACTIVE])
def test_only_an_active_key_signs(state):
    with pytest.raises(KeyUnusable):
        RING.sign_access(ACME, [replace(key, state=state) for key in KEYS], claims_for())


@pytest.mark.requirement("GEN-17")
def test_a_new_key_is_published_before_it_signs():
    for use, alg in USES:
        key = RING.create(ACME, use, alg, now=NOW)
        assert (key.state, key.use, key.alg) == (KeyState.NEXT, use, alg)
        assert private_of(ACME, key).alg == alg


@pytest.mark.requirement("GEN-15", "GEN-17")
def test_published_keys_show_no_private_member_and_name_their_use():
    keys = [replace(key, public=json.dumps(json.loads(key.public) | {"d": "AA", "p": "AA"})) for key in KEYS]
    published = RING.jwks(keys)["keys"]
    assert isinstance(published, list)
    for jwk in published:
        assert {"kid", "kty", "use", "alg"} <= jwk.keys()
        assert jwk["use"] == "sig"
        assert jwk.keys() <= {"kid", "kty", "use", "alg", "remit_typ", "crv", "x", "y", "n", "e"}
    assert {jwk["kid"] for jwk in published if jwk["remit_typ"] == "at+jwt"} == {key_for(ACME).kid}
    assert {jwk["remit_typ"] for jwk in published} == {"at+jwt", "JWT"}


def test_the_audit_key_signs_no_token_and_is_not_published_among_those_that_do():
    audit = key_for(ACME, KeyUse.AUDIT, "Ed25519")
    assert audit.kid not in json.dumps(RING.jwks(KEYS))


def test_whoever_writes_the_database_cannot_put_his_own_public_key_in_place_of_ours():
    mine = PrivateKey.generate("ES256")
    key = key_for(ACME)
    swapped = replace(key, public=json.dumps(mine.jwk() | {"kid": key.kid, "alg": "ES256", "use": "sig"}))
    head, body, _ = RING.sign_access(ACME, KEYS, claims_for()).split(".")
    parts = parts_of(f"{head}.{body}.AA")
    forged = a_ring()
    token = f"{head}.{body}.{write_base64url(mine.sign(parts.message)).decode()}"
    assert forged.read_access(ACME, [swapped], token, now=NOW) is None


@pytest.mark.requirement("KEY-1")
def test_a_key_opens_for_its_own_tenant_only():
    with pytest.raises(KeyUnusable):
        a_ring().sign_access(GLOBEX, KEYS, claims_for(GLOBEX))


def test_a_key_moved_to_another_kid_does_not_open():
    moved = [replace(key, kid=Kid("another")) for key in KEYS]
    with pytest.raises(KeyUnusable):
        a_ring().sign_access(ACME, moved, claims_for())


def test_private_keys_do_not_print():
    key = key_for(ACME)
    shown = repr(key) + repr(private_of(ACME, key))
    assert "sealed" not in shown
    assert "private" not in shown.replace("PrivateKey(", "")


def test_a_note_verifies_by_the_key_that_comes_with_it():
    public, signature = RING.sign_note(ACME, KEYS, b"origin\n1\nroot\n")
    assert len(public) == 32
    assert RING.verify_note(public, b"origin\n1\nroot\n", signature)


@given(at=st.integers(0, 2**20), where=st.sampled_from(["public", "body", "signature"]), bit=st.integers(0, 7))
def test_a_note_with_any_bit_flipped_does_not_verify(at, where, bit):
    public, signature = RING.sign_note(ACME, KEYS, b"origin\n1\nroot\n")
    given_ = {"public": public, "body": b"origin\n1\nroot\n", "signature": signature}
    changed = bytearray(given_[where])
    changed[at % len(changed)] ^= 1 << bit
    assert not RING.verify_note(**(given_ | {where: bytes(changed)}))


NO_KEYS = {
    "nothing": b"",
    "too short": b"\x00" * 31,
    "too long": b"\xff" * 33,
    "a point of order four, by which zeros sign everything": b"\x00" * 32,
    "the same with its sign": b"\x00" * 31 + b"\x80",
    "the neutral point": b"\x01" + b"\x00" * 31,
    "a point of order eight": bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
    "the neutral point in its second spelling": b"\xee" + b"\xff" * 30 + b"\x7f",
}


@pytest.mark.parametrize("public", NO_KEYS.values(), ids=NO_KEYS)
@pytest.mark.parametrize("point", [b"\x00" * 32, b"\x01" + b"\x00" * 31])
def test_what_is_no_public_key_verifies_nothing(public, point):
    signature = point + b"\x00" * 32
    assert not any(RING.verify_note(public, b"body %d" % n, signature) for n in range(32))
