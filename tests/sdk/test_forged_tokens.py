"""Forged, foreign and worn-out tokens: each is refused, whatever is wrong with it (B-JOSE, B-AUD, B-TIME)."""

from __future__ import annotations

import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from remit_sdk.jose import read_key
from remit_sdk.verify import MAX_LIFETIME, MAX_TOKEN_BYTES, AccessToken, Reason, Rejected, judge, read
from tests.sdk.clock import NOW
from tests.sdk.issuer import ACCESS, RESOURCE, Issuer, SigningKey, b64, compact, unb64

ISSUER = "https://remit.example.com/t/acme"
KEY = SigningKey("k1")
MINE = SigningKey("k1")  # the attacker's, under the issuer's name
RSA = rsa.generate_private_key(65537, 2048)
SERVER = Issuer(now=NOW, keys=[KEY], base=ISSUER)
HEADER = {"typ": "at+jwt", "alg": "ES256", "kid": "k1"}


def check(token, *, now=NOW, key=KEY, audience=RESOURCE):
    """What a guard does with a presented text."""
    unverified = read(token)
    if isinstance(unverified, Rejected):
        return unverified
    known = read_key(key.public())
    found = known if known is not None and unverified.kid == known.kid else None
    return judge(unverified, key=found, issuer=ISSUER, audience=audience, now=now, leeway=10)


def good(**changes):
    return SERVER.token(**changes)


def parts(token):
    return token.split(".")


def rs256(header):
    message = f"{compact(header)}.{compact(SERVER.claims())}"
    return f"{message}.{b64(RSA.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def hs256(secret, **changes):
    message = f"{compact({**HEADER, 'alg': 'HS256', **changes})}.{compact(SERVER.claims())}"
    return f"{message}.{b64(hmac.new(secret, message.encode(), hashlib.sha256).digest())}"


def public_pem():
    return KEY.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def resigned(token, signature):
    header, claims, _ = parts(token)
    return f"{header}.{claims}.{b64(signature)}"


def der_signature(token):
    message = token.rpartition(".")[0].encode()
    return KEY.private.sign(message, ec.ECDSA(hashes.SHA256()))


def with_claims(**changes):
    header, _, last = parts(good())
    return f"{header}.{compact(SERVER.claims(**changes))}.{last}"


def signature(token):
    return unb64(parts(token)[2])


ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
OWN_JWK = MINE.public()

FORGED = {
    **{
        f"alg {alg!r} without signature": good(header={"alg": alg}).rpartition(".")[0] + "."
        for alg in ("none", "None", "nOnE", "")
    },
    "alg none with the signature kept": f"{compact({**HEADER, 'alg': 'none'})}.{'.'.join(parts(good())[1:])}",
    "alg missing": good(header={"alg": ...}),
    "alg a list": good(header={"alg": ["ES256"]}),
    "the signature stripped": good().rpartition(".")[0] + ".",
    "two parts": good().rpartition(".")[0],
    "five parts": good() + ".AAAA.AAAA",
    "a wider scope under the old signature": with_claims(scope="admin"),
    "HMAC keyed with the public key, PEM": hs256(public_pem()),
    "HMAC keyed with the public key, PEM stripped": hs256(public_pem().strip()),
    "HMAC keyed with the public key, JWK": hs256(json.dumps(KEY.public(), separators=(",", ":")).encode()),
    "HMAC keyed with nothing": hs256(b""),
    "HMAC keyed with a zero byte": hs256(b"\0"),
    "HMAC with a kid that is a file": hs256(b"", kid="../../../../dev/null"),
    "a kid that is a file": good(header={"kid": "../../../dev/null"}),
    "a kid that is SQL": good(header={"kid": "' OR 1=1--"}),
    "a kid that is a zero byte": good(header={"kid": "\0"}),
    "a kid that is long": good(header={"kid": "k" * 5_000}),
    "a kid that is an object": good(header={"kid": {"a": 1}}),
    "a kid that is a number": good(header={"kid": 12}),
    "a kid nobody published": good(header={"kid": "k2"}),
    "no kid": good(header={"kid": ...}),
    "somebody's own key under our kid": SERVER.token(key=MINE),
    "somebody's own RSA key under our kid": rs256({**HEADER, "alg": "RS256"}),
    "PS256 announced for an EC key": good(header={"alg": "PS256"}),
    "Ed25519 announced for an EC key": good(header={"alg": "Ed25519"}),
    "an embedded jwk": SERVER.token(key=MINE, header={"jwk": OWN_JWK}),
    "an embedded jwk under a good signature": good(header={"jwk": OWN_JWK}),
    "jku": good(header={"jku": "https://evil.example/jwks"}),
    "x5u": good(header={"x5u": "https://evil.example/x5u"}),
    "x5c": good(header={"x5c": ["AAAA"]}),
    "crit with an extension": good(header={"crit": ["x"], "x": 1}),
    "crit that is empty": good(header={"crit": []}),
    "crit that is a string": good(header={"crit": "exp"}),
    "b64 false": good(header={"b64": False}),
    "typ missing": good(header={"typ": ...}),
    "an ID token": good(header={"typ": "JWT"}),
    "a logout token": good(header={"typ": "logout+jwt"}),
    "a client assertion": good(header={"typ": "client-authentication+jwt"}),
    "a DPoP proof": good(header={"typ": "dpop+jwt"}),
    "a signed request object": good(header={"typ": "oauth-authz-req+jwt"}),
    "typ a list": good(header={"typ": ["at+jwt"]}),
    "ECDSA zeros": resigned(good(), b"\0" * 64),
    "ECDSA with the order as both numbers": resigned(good(), ORDER.to_bytes(32, "big") * 2),
    "ECDSA in DER": resigned(good(), der_signature(good())),
    "a signature of 63 bytes": resigned(good(), signature(good())[:-1]),
    "a signature of 65 bytes": resigned(good(), signature(good()) + b"\0"),
    "padding": good() + "=",
    "a header that is no object": f"{compact([1])}.{'.'.join(parts(good())[1:])}",
    "a header member twice": KEY.sign(b'{"alg":"none",' + json.dumps(HEADER).encode()[1:], SERVER.claims()),
    "not a token": "aaaa.bbbb.cccc",
    "nothing": "",
    "only dots": "..",
    "a huge token": f"{parts(good())[0]}.{'A' * 65_536}.{parts(good())[2]}",
    "a huge header": KEY.sign({**HEADER, "pad": "x" * 20_000}, SERVER.claims()),
}


@pytest.mark.requirement("BCP-17", "BR-5", "GEN-15", "GEN-16", "JAT-5", "JAT-6")
@pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
def test_a_forged_token_is_refused(token):
    verdict = check(token)
    assert isinstance(verdict, Rejected)
    assert verdict.reason is Reason.INVALID_TOKEN
    assert verdict.token is None, "nobody has vouched for any name in it"


def raw_claims(text):
    header = compact(HEADER)
    return KEY.sign(HEADER, text if isinstance(text, bytes) else text.encode()) if header else ""


PLAIN = json.dumps(SERVER.claims())
NO_DETAILS: list[object] = [
    None,
    {},
    [],
    5,
    {"type": "a"},
    ["a"],
    [{}],
    [{"type": 1}],
    [{"type": "a"}, {}],
    [{"type": "a"}, "b"],
]
NO_WAY: list[object] = [
    "token",
    ["token"],
    {"token": "t"},
    {"token": [1]},
    {"token": [""]},
    {"token": ["t", 1]},
    {"token": ["t", ""]},
]
ACT = {"sub": "agt_helper", "client_id": "cli_helper"}

CLAIMS = {
    **{f"no {name}": good(**{name: ...}) for name in (
        "iss", "aud", "sub", "client_id", "iat", "exp", "jti", "scope", "tenant", "agent_id", "grant_id", "epo"
    )},
    "exp a string": good(exp=str(int(NOW) + 900)),
    "exp true": good(exp=True),
    "exp negative": good(exp=-1),
    "exp zero": good(exp=0),
    "exp far away": good(exp=4_102_444_800),
    "exp 2^53": good(exp=2**53),
    "exp 2^63": good(exp=2**63),
    "exp infinite": raw_claims(PLAIN.replace(str(int(NOW) + 900), "1e400")),
    "exp NaN": raw_claims(PLAIN.replace(str(int(NOW) + 900), "NaN")),
    "exp before iat": good(iat=int(NOW) + 5, exp=int(NOW) + 1),
    "a longer life than any token has": good(exp=int(NOW) + MAX_LIFETIME + 1),
    "iat true": good(iat=True),
    "iat ahead of us": good(iat=int(NOW) + 11),
    "nbf ahead of us": good(nbf=int(NOW) + 61),
    "nbf a string": good(nbf="0"),
    "aud a list": good(aud=[RESOURCE]),
    "aud a nested list": good(aud=[["x"]]),
    "aud an object": good(aud={}),
    "sub null": good(sub=None),
    "sub a list": good(sub=["a"]),
    "sub empty": good(sub=""),
    "scope a list": good(scope=["admin"]),
    "scope with two spaces": good(scope="a  b"),
    "epo true": good(epo=True),
    "epo negative": good(epo=-1),
    "epo a string": good(epo="9"),
    "line_id null": good(line_id=None),
    "sid a number": good(sid=1),
    "agent_owner null": good(agent_owner=None),
    "purpose a list": good(purpose=["plan"]),
    "aud empty": good(aud=""),
    "exp at iat": good(iat=int(NOW) + 5, exp=int(NOW) + 5),
    **{f"authorization_details {said!r}": good(authorization_details=said) for said in NO_DETAILS},
    "an actor that came from nowhere": good(act=ACT),
    "an actor that came from nothing": good(act=ACT, via={}),
    **{f"via {said!r}": good(act=ACT, via=said) for said in NO_WAY},
    "via without an actor": good(via={"token": ["t"]}),
    "another issuer": good(iss="https://remit.example.com/t/globex"),
    "the issuer with a slash": good(iss=ISSUER + "/"),
    "a bound token without its proof": good(cnf={"jkt": "x"}),
    "sub twice": raw_claims(PLAIN[:-1] + ',"sub":"usr_mallory"}'),
    "claims that are a list": raw_claims("[1]"),
    "claims nested 5,000 deep": raw_claims(PLAIN[:-1] + ',"x":' + "[" * 5_000 + "]" * 5_000 + "}"),
    "claims nested 33 deep": raw_claims(PLAIN[:-1] + ',"x":' + "[" * 33 + "]" * 33 + "}"),
    "claims that are not UTF-8": raw_claims(PLAIN.encode()[:-1] + b',"x":"\xff"}'),
    "claims with something behind": raw_claims(PLAIN + " x"),
}  # fmt: skip


@pytest.mark.requirement("BR-5", "GEN-19", "GEN-20", "JAT-6")
@pytest.mark.parametrize("token", CLAIMS.values(), ids=CLAIMS)
def test_claims_that_are_not_as_agreed_are_refused(token):
    verdict = check(token)
    assert isinstance(verdict, Rejected)
    assert verdict.reason is Reason.INVALID_TOKEN


def as_long_as_it_may_be():
    short = (MAX_TOKEN_BYTES - len(good(pad=""))) * 3 // 4 - 8
    lengths = ((in_claims, in_header) for in_claims in range(short, short + 16) for in_header in range(4))
    tokens = (good(pad="x" * one, header={"x": "x" * other}) for one, other in lengths)
    return next(token for token in tokens if len(token) == MAX_TOKEN_BYTES)


GOOD = {
    "as issued": good(),
    "the long form of the type": good(header={"typ": "application/at+jwt"}),
    "the type in capitals": good(header={"typ": "AT+JWT"}),
    "without user session and line": good(line_id=..., sid=..., sub="agt_helper"),
    "fractional dates": good(iat=NOW + 0.5, exp=NOW + 900.5),
    "issued by a clock ten seconds ahead": good(iat=int(NOW) + 10),
    "not before now": good(nbf=int(NOW)),
    "not before now by a clock ten seconds ahead": good(nbf=int(NOW) + 10),
    "limits beside its scopes": good(authorization_details=[{"type": "a"}]),
    "a purpose that says nothing": good(purpose=""),
    "as long as it may be": as_long_as_it_may_be(),
    "the longest life": good(exp=int(NOW) + MAX_LIFETIME),
    "no scope at all, said so": good(scope=""),
    "members we do not know": good(roles=["a"], header={"x": 1}),
}


@pytest.mark.parametrize("token", GOOD.values(), ids=GOOD)
def test_a_good_token_is_taken(token):
    assert isinstance(check(token), AccessToken)


AGES = {
    "alive in its last second": (899.9, None),
    "dead on the very second": (900, Reason.EXPIRED),
    "dead a minute later": (960, Reason.EXPIRED),
}


@pytest.mark.requirement("BR-5")
@pytest.mark.parametrize(("age", "expected"), AGES.values(), ids=AGES)
def test_a_token_dies_on_time(age, expected):
    verdict = check(good(), now=NOW + age)
    assert (verdict.reason if isinstance(verdict, Rejected) else None) is expected


AUDIENCES = ["https://r2.example", RESOURCE + "/", RESOURCE + "/mcp", RESOURCE.upper(), "*", ISSUER]


@pytest.mark.requirement("BCP-11", "BR-5", "GEN-20", "JAT-6")
@pytest.mark.parametrize("audience", AUDIENCES)
def test_a_token_for_another_resource_is_refused(audience):
    verdict = check(good(aud=audience))
    assert isinstance(verdict, Rejected)
    assert verdict.reason is Reason.WRONG_AUDIENCE
    assert verdict.token is not None, "the audit learns who carried it here"


TOKEN = good(jti="at_fixed")


@given(at=st.integers(0, len(TOKEN) - 1), bits=st.integers(1, 255))
def test_a_flipped_byte_is_refused(at, bits):
    flipped = chr(ord(TOKEN[at]) ^ bits)
    assert isinstance(check(TOKEN[:at] + flipped + TOKEN[at + 1 :]), Rejected)


@given(part=st.integers(0, 2), at=st.integers(0, 10_000), bits=st.integers(1, 255))
def test_a_flipped_byte_inside_is_refused(part, at, bits):
    pieces = [unb64(piece) for piece in parts(TOKEN)]
    raw = bytearray(pieces[part])
    raw[at % len(raw)] ^= bits
    pieces[part] = bytes(raw)
    assert isinstance(check(".".join(b64(piece) for piece in pieces)), Rejected)


@given(st.text(alphabet=st.characters(max_codepoint=0x2FF), max_size=200))
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_no_text_is_a_token(text):
    assert isinstance(check(text), Rejected)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=5,
)


@given(
    name=st.sampled_from(["exp", "iat", "nbf", "epo", "aud", "sub", "scope", "jti", "sid", "kid", "alg", "typ"]),
    value=JSON,
)
def test_no_value_in_any_place_breaks_the_verifier(name, value):
    assume(value != SERVER.claims().get(name))
    inside = name in HEADER
    token = good(header={name: value}) if inside else good(**{name: value})
    verdict = check(token)
    if isinstance(verdict, AccessToken):
        now = verdict.issued_at - 10 <= NOW < verdict.expires_at
        assert now
        assert verdict.audience == RESOURCE
        assert 0 < verdict.expires_at - verdict.issued_at <= MAX_LIFETIME


def small_rsa():
    numbers = rsa.generate_private_key(65537, 1024).public_key().public_numbers()
    size = (numbers.n.bit_length() + 7) // 8
    return {"kty": "RSA", "n": b64(numbers.n.to_bytes(size, "big")), "e": "AQAB"} | {
        "kid": "r",
        "alg": "RS256",
        **ACCESS,
    }


def p384():
    numbers = ec.generate_private_key(ec.SECP384R1()).public_key().public_numbers()
    x, y = (b64(number.to_bytes(48, "big")) for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-384", "x": x, "y": y, "kid": "k1", "alg": "ES256", **ACCESS}


JWK = KEY.public()
KEYS = {
    "no kid": {k: v for k, v in JWK.items() if k != "kid"},
    "no alg": {k: v for k, v in JWK.items() if k != "alg"},
    "no use": {k: v for k, v in JWK.items() if k != "use"},
    "for encryption": JWK | {"use": "enc"},
    "of id tokens": JWK | {"remit_typ": "JWT"},
    "for nobody knows what": {k: v for k, v in JWK.items() if k != "remit_typ"},
    "an algorithm of another key type": JWK | {"alg": "RS256"},
    "an algorithm of another curve family": JWK | {"alg": "Ed25519"},
    "a good key of another curve": p384(),
    "another curve": JWK | {"crv": "P-384"},
    "a point that is not on the curve": JWK | {"x": b64(b"\1" * 32)},
    "a shared secret": {"kty": "oct", "k": "AAAA", "kid": "k1", "alg": "HS256", **ACCESS},
    "a private key": JWK | {"d": b64(b"\1" * 32)},
    "a short RSA key": small_rsa(),
    "not an object": "k1",
}


@pytest.mark.parametrize("jwk", KEYS.values(), ids=KEYS)
def test_a_key_that_cannot_be_pinned_is_no_key(jwk):
    assert read_key(jwk) is None


def test_a_token_has_one_spelling():
    # The last character of a 64-byte signature carries four unused bits.
    last = TOKEN[-1]
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    same = [c for c in alphabet if c != last and alphabet.index(c) >> 4 == alphabet.index(last) >> 4]
    assert len(same) == 15
    assert all(isinstance(check(TOKEN[:-1] + c), Rejected) for c in same)
