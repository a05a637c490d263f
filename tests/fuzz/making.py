"""Would-be tokens: a good one with every change that we could think of, signed by the true key, a wrong one or none."""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from hypothesis import strategies as st

from tests.fuzz.bending import bent

Sign = Callable[[bytes], bytes]


def b64(raw: bytes) -> bytes:
    return urlsafe_b64encode(raw).rstrip(b"=")


def unb64(text: bytes) -> bytes:
    return urlsafe_b64decode(text + b"=" * (-len(text) % 4))


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """A token that opens every door, its true key, the public half, and a few more tokens of the same issuer."""

    token: bytes
    sign: Sign
    public: ec.EllipticCurvePublicKey
    others: tuple[bytes, ...]

    @property
    def header(self) -> dict[str, Any]:
        return json.loads(unb64(self.token.split(b".")[0]))  # type: ignore[no-any-return]

    @property
    def claims(self) -> dict[str, Any]:
        return json.loads(unb64(self.token.split(b".")[1]))  # type: ignore[no-any-return]

    def signed(self, header: bytes, claims: bytes, sign: Sign | None = None) -> bytes:
        message = b64(header) + b"." + b64(claims)
        return message + b"." + b64((sign or self.sign)(message))

    def varied(self, **changes: Any) -> bytes:
        """Return a token that differs in some claims, under the true key; `...` leaves one out."""
        claims = {name: value for name, value in (self.claims | changes).items() if value is not ...}
        return self.signed(write(self.header), write(claims))


def write(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


_OWN = ec.generate_private_key(ec.SECP256R1())


def by_a_stranger(message: bytes) -> bytes:
    r, s = decode_dss_signature(_OWN.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def _with_the_public_key(good: Good) -> Sign:
    pem = good.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return lambda message: hmac.new(pem, message, hashlib.sha256).digest()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just("\ud800"),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=5), below, max_size=3),
    max_leaves=5,
)
MEMBERS = [b'"sub":"usr_mallory"', b'"alg":"none"', b'"exp":99999999999', b'"x":NaN', b'"x":1e999', b'"x":"\\ud800"']
DEEP = [b'"x":' + b"[" * depth + b"]" * depth for depth in (30, 31, 32, 40, 6_000)]


@st.composite
def forged(draw, good: Good) -> bytes:
    """Return bytes that somebody could send as a token. Some are good all the same."""
    way = draw(st.sampled_from(["bent", "spliced", "header", "claims", "member", "spelling", "signature"]))
    parts = good.token.split(b".")
    if way == "bent":
        changed: bytes = draw(bent(st.just(good.token)))
        return changed
    if way == "spliced":
        pools = [
            st.sampled_from([other.split(b".")[index] for other in (good.token, *good.others)]) for index in range(3)
        ]
        return b".".join(draw(pool) for pool in pools)
    if way == "signature":
        signature = unb64(parts[2])
        forms = [b"", bytes(64), signature[:-1], signature + b"\0", signature[32:] + signature[:32], signature * 2]
        return b".".join([*parts[:2], b64(draw(st.one_of(st.sampled_from(forms), bent(st.just(signature)))))])
    if way == "spelling":
        respelled: bytes = draw(_spelled(parts))
        return respelled
    header, claims = good.header, good.claims
    if way == "header":
        header |= {draw(_header_names()): draw(st.one_of(_header_values(header), JSON))}
    if way == "claims":
        claims |= {draw(_claim_names(claims)): draw(st.one_of(_claim_values(claims), JSON))}
    texts = [write(header), write(claims)]
    if way == "member":
        index = draw(st.integers(0, 1))
        extra = draw(st.sampled_from(MEMBERS + DEEP))
        texts[index] = draw(
            st.sampled_from([texts[index][:-1] + b"," + extra + b"}", b"{" + extra + b"," + texts[index][1:]])
        )
        texts[index] = draw(st.sampled_from([texts[index], b"\xef\xbb\xbf" + texts[index], texts[index] + b" {}"]))
    signers = [good.sign, good.sign, by_a_stranger, _with_the_public_key(good), lambda _: b""]
    return good.signed(texts[0], texts[1], draw(st.sampled_from(signers)))


def _spelled(parts: list[bytes]) -> st.SearchStrategy[bytes]:
    """Write the same three parts in other letters."""
    respelled = [b"=".join([part, b""]) for part in parts] + [b64encode(unb64(part)) for part in parts]
    joints = st.sampled_from([b".", b"..", b"\xc2\xb7", b". ", b"\n."])
    last = parts[2]
    # The last letter holds spare bits: others of its kind say the same.
    spare = [
        last[:-1] + bytes([letter]) for letter in b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    ]
    one = st.sampled_from([parts, [*parts[:2], respelled[2]], [*parts[:2], respelled[5]], [respelled[0], *parts[1:]]])
    return st.one_of(
        st.builds(lambda joint, chosen: joint.join(chosen), joints, one),
        st.sampled_from(spare).map(lambda text: b".".join([*parts[:2], text])),
    )


def _header_names() -> st.SearchStrategy[str]:
    return st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "jku", "x5u", "x5c", "cty", "zip", "enc", "epk"])


def _header_values(header: dict[str, Any]) -> st.SearchStrategy[Any]:
    algs = ["none", "HS256", "RS256", "PS256", "EdDSA", "ES384", ""]
    types = ["JWT", "AT+JWT", "application/at+jwt", "at+jwt ", "at+jwt\0", "dpop+jwt", ["at+jwt"]]
    others = ["../../dev/null", "' or 1=1--", ["exp"], [], {"kty": "EC"}, "https://evil.example/"]
    return st.sampled_from([*header.values(), *algs, *types, *others])


def _claim_names(claims: dict[str, Any]) -> st.SearchStrategy[str]:
    return st.sampled_from([*claims, "nbf", "cnf", "act", "sid", "extra"])


def _claim_values(claims: dict[str, Any]) -> st.SearchStrategy[Any]:
    issued = claims["iat"]
    near = st.sampled_from([-1, 0, 1, 9, 10, 11, 59, 60, 61, 899, 900, 901, 1_800, 1_801, 4_000]).map(
        lambda by: issued + by
    )
    return st.one_of(
        near,
        near.map(float),
        near.map(str),
        st.sampled_from(
            [claims["aud"], claims["iss"], f"{claims['iss']}/", [claims["aud"]], [], {}, "", "*", True, None]
        ),
        st.sampled_from(
            [2**31, 2**53, 2**63, 2**64, -1, 0, 10**400, "openid", "read:calendar  openid", ["read:calendar"]]
        ),
    )
