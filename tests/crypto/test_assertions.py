"""Client assertions: what proves a client, and what only looks like it (RFC 7523, CA-3 to CA-8)."""

import json
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from remit.core.oauth.verdicts import Refusal
from remit.crypto.compact import write_base64url
from remit.crypto.jose import PrivateKey
from remit.ports.deps import Assertion
from tests.crypto.making import AT, NOW, a_ring, compact, without

ISSUER = "https://id.example/t/acme"
CLIENT = "cli_1"
RING = a_ring()

ES256, ED25519, RS256, PS256 = (PrivateKey.generate(alg) for alg in ("ES256", "Ed25519", "RS256", "PS256"))
STRANGER = PrivateKey.generate("ES256")


def jwks(*keys):
    return json.dumps({"keys": list(keys)})


EC = ES256.jwk() | {"kid": "k1", "alg": "ES256", "use": "sig"}
ALL = jwks(
    EC,
    ED25519.jwk() | {"kid": "k2", "alg": "Ed25519"},
    RS256.jwk() | {"kid": "k3", "alg": "RS256"},
    PS256.jwk() | {"kid": "k4", "alg": "PS256"},
)
HEADER = {"alg": "ES256", "kid": "k1"}
CLAIMS = {"iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "iat": AT, "exp": AT + 60, "jti": "j1"}


def check(assertion, keys=ALL):
    return RING.check_assertion(assertion, keys, issuer=ISSUER, client=CLIENT, now=NOW)


def signed(header=HEADER, claims=CLAIMS, private=ES256):
    return compact(header, claims, private)


GOOD = {
    "as small as it may be": (signed(claims=without(CLAIMS, "iat")), ALL),
    "typed JWT": (signed(HEADER | {"typ": "JWT"}), ALL),
    "typed as RFC 7523bis recommends": (signed(HEADER | {"typ": "client-authentication+jwt"}), ALL),
    "the same with its media type": (signed(HEADER | {"typ": "application/Client-Authentication+JWT"}), ALL),
    "the issuer as the one member of a list": (signed(claims=CLAIMS | {"aud": [ISSUER]}), ALL),
    "no kid": (signed({"alg": "ES256"}), ALL),
    "Ed25519": (signed({"alg": "Ed25519", "kid": "k2"}, private=ED25519), ALL),
    "Ed25519 by its old name": (signed({"alg": "EdDSA", "kid": "k2"}, private=ED25519), ALL),
    "RS256": (signed({"alg": "RS256", "kid": "k3"}, private=RS256), ALL),
    "PS256": (signed({"alg": "PS256", "kid": "k4"}, private=PS256), ALL),
    "a key that does not name its algorithm": (signed({"alg": "ES256"}), jwks(ES256.jwk())),
    "the older of two keys": (signed({"alg": "ES256"}), jwks(STRANGER.jwk(), ES256.jwk())),
    "fractions of a second": (signed(claims=CLAIMS | {"exp": AT + 60.5}), ALL),
    "the longest life": (signed(claims=CLAIMS | {"exp": AT + 300}), ALL),
    "a clock ten seconds ahead": (signed(claims=CLAIMS | {"iat": AT + 10, "nbf": AT + 10}), ALL),
    "as old as it may be": (signed(claims=CLAIMS | {"iat": AT - 300}), ALL),
    "a key that is of no use to us beside one that is": (signed(), jwks({"kty": "oct", "k": "AA"}, "x", EC)),
    "a certificate brought along, which is not looked at": (signed(HEADER | {"x5c": ["AA"]}), ALL),
}


@pytest.mark.requirement("CA-4", "CA-5", "CA-6", "CA-7", "CA-10", "GEN-16", "GEN-19")
@pytest.mark.parametrize(("assertion", "keys"), GOOD.values(), ids=GOOD)
def test_a_client_proves_itself(assertion, keys):
    verdict = check(assertion, keys)
    assert isinstance(verdict, Assertion)
    assert verdict.jti == "j1"


def test_the_verdict_says_until_when_the_jti_is_to_be_remembered():
    assert check(signed()) == Assertion(jti="j1", expires_at=datetime.fromtimestamp(AT + 60, UTC), key="k1")


NO_KEY = "no registered key has this kid and algorithm"
NOT_SIGNED = "the signature is not by a registered key"
TYPE = "typ is of another kind of token"
ALG = "alg is not one of ours"
SHAPE = "not three parts of base64url and JSON within 16 kB"
CRIT = "a header that changes what is signed, or that must be understood, is not"
PARTY = "iss and sub are not both the client"
AUD = "aud is not the issuer alone"
EXP = "exp is missing or no number of seconds"
LONG = "exp is more than 300 s ahead"
IAT = "iat is too old or in the future"
JTI = "jti is missing or unusable"

SMALL_RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)
SMALL = PrivateKey._of("RS256", SMALL_RSA)

FORGED = {
    "empty": ("", ALL, SHAPE),
    "not signed": (compact(HEADER, CLAIMS, None), ALL, SHAPE),
    "alg none": (signed({"alg": "none"}), ALL, ALG),
    "alg HS256 with the public key as secret": (signed({"alg": "HS256"}), ALL, ALG),
    "alg missing": (signed({"kid": "k1"}), ALL, ALG),
    "alg a list": (signed({"alg": ["ES256"]}), ALL, ALG),
    "signed by a stranger under a known kid": (signed(private=STRANGER), ALL, NOT_SIGNED),
    "the stranger's key brought along": (signed(HEADER | {"jwk": STRANGER.jwk()}, private=STRANGER), ALL, NOT_SIGNED),
    "an unknown kid": (signed(HEADER | {"kid": "k9"}), ALL, NO_KEY),
    "a kid that is a number": (signed(HEADER | {"kid": 1}), ALL, "kid is not a string"),
    "another algorithm than the key is registered for": (
        signed({"alg": "PS256", "kid": "k3"}, private=RS256),
        ALL,
        NO_KEY,
    ),
    "an RSA key that names no algorithm signs RS256 alone": (
        signed({"alg": "PS256"}, private=PS256),
        jwks(PS256.jwk()),
        NO_KEY,
    ),
    "a key that was removed": (signed(), jwks(), NO_KEY),
    "a key for encryption": (signed(), jwks(EC | {"use": "enc"}), NO_KEY),
    "a key whose operations leave verifying out": (signed(), jwks(EC | {"key_ops": ["sign"]}), NO_KEY),
    "a private key registered by accident": (signed(), jwks(EC | {"d": "AA"}), NO_KEY),
    "an RSA key of 1024 bits": (signed({"alg": "RS256"}, private=SMALL), jwks(SMALL.jwk()), NO_KEY),
    "an Ed25519 key by which anybody can sign": (
        f"{compact({'alg': 'Ed25519'}, CLAIMS, None)}{write_base64url(bytes([1] + [0] * 63)).decode()}",
        jwks({"kty": "OKP", "crv": "Ed25519", "x": write_base64url(bytes([1] + [0] * 31)).decode()}),
        NO_KEY,
    ),
    "a key set that is no JSON": (signed(), "nonsense", NO_KEY),
    "a key set without keys": (signed(), "{}", NO_KEY),
    "a key set whose keys are an object": (signed(), '{"keys":{}}', NO_KEY),
    "a point that is not on the curve": (signed(), jwks(EC | {"x": EC["y"]}), NO_KEY),
    "a critical header": (signed(HEADER | {"crit": ["exp"]}), ALL, CRIT),
    "an unencoded payload": (signed(HEADER | {"b64": False}), ALL, CRIT),
    "an access token": (signed(HEADER | {"typ": "at+jwt"}), ALL, TYPE),
    "a DPoP proof": (signed(HEADER | {"typ": "dpop+jwt"}), ALL, TYPE),
    "a request object": (signed(HEADER | {"typ": "oauth-authz-req+jwt"}), ALL, TYPE),
    "a logout token": (signed(HEADER | {"typ": "logout+jwt"}), ALL, TYPE),
    "a type that is a number": (signed(HEADER | {"typ": 5}), ALL, TYPE),
    "a claim given twice": (
        signed(claims=json.dumps(CLAIMS)[:-1].encode() + b',"jti":"j2"}'),
        ALL,
        "the claims are not one JSON object with each member once",
    ),
    "another issuer of the assertion": (signed(claims=CLAIMS | {"iss": "cli_2"}), ALL, PARTY),
    "another subject": (signed(claims=CLAIMS | {"sub": "cli_2"}), ALL, PARTY),
    "no subject": (signed(claims=without(CLAIMS, "sub")), ALL, PARTY),
    "the token endpoint as audience": (signed(claims=CLAIMS | {"aud": f"{ISSUER}/oauth/token"}), ALL, AUD),
    "the issuer among others": (signed(claims=CLAIMS | {"aud": [ISSUER, "https://other.example"]}), ALL, AUD),
    "the issuer twice": (signed(claims=CLAIMS | {"aud": [ISSUER, ISSUER]}), ALL, AUD),
    "an empty list of audiences": (signed(claims=CLAIMS | {"aud": []}), ALL, AUD),
    "a list in the list of audiences": (signed(claims=CLAIMS | {"aud": [[ISSUER]]}), ALL, AUD),
    "the issuer with a slash": (signed(claims=CLAIMS | {"aud": ISSUER + "/"}), ALL, AUD),
    "no audience": (signed(claims=without(CLAIMS, "aud")), ALL, AUD),
    "no exp": (signed(claims=without(CLAIMS, "exp")), ALL, EXP),
    "exp as a string": (signed(claims=CLAIMS | {"exp": str(AT + 60)}), ALL, EXP),
    "exp as a boolean": (signed(claims=CLAIMS | {"exp": True}), ALL, EXP),
    "exp at 2^63": (signed(claims=CLAIMS | {"exp": 2**63}), ALL, EXP),
    "expired on the very second": (signed(claims=CLAIMS | {"exp": AT}), ALL, "expired"),
    "a life longer than 300 s": (signed(claims=CLAIMS | {"exp": AT + 301}), ALL, LONG),
    "exp in ten years": (signed(claims=CLAIMS | {"exp": AT + 315_360_000}), ALL, LONG),
    "iat eleven seconds ahead": (signed(claims=CLAIMS | {"iat": AT + 11}), ALL, IAT),
    "iat older than 300 s": (signed(claims=CLAIMS | {"iat": AT - 301}), ALL, IAT),
    "iat as a string": (signed(claims=CLAIMS | {"iat": str(AT)}), ALL, "iat is no number of seconds"),
    "nbf in the future": (
        signed(claims=CLAIMS | {"nbf": AT + 11}),
        ALL,
        "nbf is in the future or no number of seconds",
    ),
    "no jti": (signed(claims=without(CLAIMS, "jti")), ALL, JTI),
    "an empty jti": (signed(claims=CLAIMS | {"jti": ""}), ALL, JTI),
    "a jti that is a number": (signed(claims=CLAIMS | {"jti": 1}), ALL, JTI),
    "a jti with NUL, which not every database keeps": (signed(claims=CLAIMS | {"jti": "a\x00"}), ALL, JTI),
    "a jti of 257 characters": (signed(claims=CLAIMS | {"jti": "a" * 257}), ALL, JTI),
}


@pytest.mark.requirement(
    "CA-3", "CA-4", "CA-5", "CA-6", "CA-7", "CA-8", "CA-10", "GEN-15", "GEN-16", "GEN-19", "GEN-20"
)
@pytest.mark.parametrize(("assertion", "keys", "why"), FORGED.values(), ids=FORGED)
def test_the_client_hears_nothing_and_the_audit_the_cause(assertion, keys, why):
    assert check(assertion, keys) == Refusal("invalid_client", "client authentication failed", audit=why)


SETS = {
    "a good one": (ALL, None),
    "no JSON": ("nonsense", "must be a JSON Web Key Set"),
    "no keys": ("{}", "must be a JSON Web Key Set"),
    "an empty list of keys": (jwks(), "must be a JSON Web Key Set"),
    "half of a surrogate pair": (chr(0xD800), "must be a JSON Web Key Set"),
    "more keys than are tried": (jwks(*[EC | {"kid": f"k{n}"} for n in range(21)]), "has more than 20 keys"),
    "a private key": (jwks(EC | {"d": "AA"}), "holds a private key"),
    "a shared secret": (jwks({"kty": "oct", "k": "AA"}), "holds a private key"),
    "a key for encryption": (jwks(EC | {"use": "enc"}), "holds a key that signs nothing here"),
    "a good key and a text": (jwks(EC, "x"), "holds a key that signs nothing here"),
    "two keys of one name": (jwks(EC, STRANGER.jwk() | {"kid": "k1"}), "names two keys alike"),
}


@pytest.mark.requirement("CA-7")
@pytest.mark.parametrize(("keys", "why"), SETS.values(), ids=SETS)
def test_a_key_set_is_registered_only_if_every_key_in_it_can_verify(keys, why):
    flaw = RING.flaw_of_jwks(keys)
    assert flaw is None if why is None else (flaw or "").startswith(why)


ASSERTION = signed()


@given(at=st.integers(0, len(ASSERTION) - 1), bit=st.integers(0, 6))
def test_any_bit_flipped_is_refused(at, bit):
    changed = ASSERTION[:at] + chr(ord(ASSERTION[at]) ^ 1 << bit) + ASSERTION[at + 1 :]
    assert isinstance(check(changed), Refusal)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(name=st.sampled_from([*CLAIMS, "nbf"]), value=JSON)
def test_no_claim_of_any_type_makes_the_judge_stumble(name, value):
    assert isinstance(check(signed(claims=CLAIMS | {name: value})), Assertion | Refusal)


@given(name=st.sampled_from(["kty", "crv", "x", "y", "alg", "use", "kid", "key_ops", "n", "e"]), value=JSON)
def test_no_key_set_makes_the_judge_stumble(name, value):
    keys = json.dumps({"keys": [EC | {name: value}]})
    assert isinstance(check(ASSERTION, keys), Assertion | Refusal)
