"""The one door to the JOSE library: public keys that verify, private keys that sign assertions."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry

from remit_sdk.dpop import TYPE, digest
from remit_sdk.strict import read_base64url, write_base64url

# The algorithm and the only key type it may meet. HMAC and `none` are absent, so no public key
# can be taken for a shared secret.
ALGORITHMS: Final[Mapping[str, tuple[str, str | None]]] = {
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
    "PS256": ("RSA", None),
    "RS256": ("RSA", None),
}
SMALLEST_RSA_BITS: Final = 2048
# A larger key costs us more to verify than its owner to make.
LARGEST_RSA_BITS: Final = 8192
ASSERTION_LIFETIME: Final = 60
# An agent proves the same key with every call, and reading it costs more than half of the check.
PROOF_KEYS: Final = 1_024

_PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_PUBLIC_MEMBERS: Final = ("kty", "crv", "x", "y", "n", "e")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A published key, pinned to exactly one algorithm (GEN-15)."""

    kid: str
    alg: str
    material: Key = field(repr=False)

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Say whether the signature is this key's; anything odd about it is a no."""
        try:
            return JWSRegistry.algorithms[_model(self.alg)].verify(message, signature, self.material)
        except (JoseError, ValueError, TypeError, OverflowError):
            return False


def _model(alg: str) -> str:
    # RFC 9864 gives Ed25519 its own name; the signature is the same.
    return "Ed25519" if alg == "EdDSA" else alg


def read_key(jwk: object) -> PublicKey | None:
    """Read one member of a JWKS; None when it is not a public key of access tokens that we accept (GEN-17).

    An issuer signs id tokens with other keys, and says by `remit_typ` what each is for.
    """
    if not isinstance(jwk, dict):
        return None
    kid, alg = jwk.get("kid"), jwk.get("alg")
    if not isinstance(kid, str) or not kid or not isinstance(alg, str) or alg not in ALGORITHMS:
        return None
    if jwk.get("use") != "sig" or jwk.get("remit_typ") != "at+jwt" or _PRIVATE_MEMBERS & jwk.keys():
        return None
    material = _read_material(jwk, alg)
    return None if material is None else PublicKey(kid=kid, alg=alg, material=material)


def read_proof_key(jwk: object, alg: str) -> PublicKey | None:
    """Read the key that a DPoP proof brings along (RFC 9449 §4.2); None when it is no public key for this algorithm."""
    if not isinstance(jwk, dict) or jwk.get("use", "sig") != "sig" or _PRIVATE_MEMBERS & jwk.keys():
        return None
    named = jwk.get("alg", alg)
    if not isinstance(named, str) or _model(named) != _model(alg) or _bits(jwk.get("n")) > LARGEST_RSA_BITS:
        return None
    material = _read_proof_material(
        alg, tuple((name, jwk[name]) for name in _PUBLIC_MEMBERS if isinstance(jwk.get(name), str))
    )
    return None if material is None else PublicKey(kid="", alg=alg, material=material)


@lru_cache(maxsize=PROOF_KEYS)
def _read_proof_material(alg: str, members: tuple[tuple[str, str], ...]) -> Key | None:
    return _read_material(dict(members), alg)


def _read_material(jwk: Mapping[str, Any], alg: str) -> Key | None:
    kty, crv = ALGORITHMS[alg]
    if jwk.get("kty") != kty or (crv is not None and jwk.get("crv") != crv):
        return None
    if kty == "RSA" and _bits(jwk.get("n")) < SMALLEST_RSA_BITS:
        return None
    try:
        material = import_key({name: value for name, value in jwk.items() if name != "alg"})
    except (JoseError, ValueError, TypeError, KeyError):
        return None
    return material if isinstance(material, ECKey | OKPKey | RSAKey) else None


def _bits(number: object) -> int:
    # Looked at before the import: the library only warns, and a warning is no refusal.
    raw = read_base64url(number) if isinstance(number, str) else None
    return int.from_bytes(raw or b"", "big").bit_length()


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionKey:
    """A client's private key for `private_key_jwt` (RFC 7523 §2.2)."""

    alg: str
    kid: str | None
    material: Key = field(repr=False)

    @classmethod
    def read(cls, key: str | bytes | Mapping[str, str | list[str]], *, alg: str | None = None) -> AssertionKey:
        """Read a PEM text or a private JWK.

        Raises:
            ValueError: the key is not private, or does not fit the algorithm.
        """
        try:
            material = _import_private(key)
        except (JoseError, TypeError, KeyError) as error:
            msg = "the assertion key cannot be read as PEM or JWK"
            raise ValueError(msg) from error
        chosen = alg or material.as_dict(private=False).get("alg") or _default_alg(material)
        if not isinstance(chosen, str) or chosen not in ALGORITHMS:
            msg = f"an assertion is signed with one of {', '.join(ALGORITHMS)}"
            raise ValueError(msg)
        if ALGORITHMS[chosen][0] != material.key_type or not material.is_private:
            msg = f"{chosen} needs a private {ALGORITHMS[chosen][0]} key"
            raise ValueError(msg)
        return cls(alg=chosen, kid=material.kid, material=material)

    def assertion(self, *, client: str, audience: str, now: float) -> str:
        """Sign a one-time client assertion addressed to the issuer alone."""
        header = {"typ": "client-authentication+jwt", "alg": self.alg}
        if self.kid is not None:
            header["kid"] = self.kid
        issued = int(now)
        claims: dict[str, object] = {
            "iss": client,
            "sub": client,
            # The issuer and nothing else: an endpoint URL as audience can be replayed elsewhere.
            "aud": audience,
            "iat": issued,
            "exp": issued + ASSERTION_LIFETIME,
            "jti": secrets.token_urlsafe(24),
        }
        return _signed(header, claims, self.alg, self.material)


@dataclass(frozen=True, slots=True, kw_only=True)
class DpopKey:
    """An agent's private key, by which its tokens are worth something (RFC 9449)."""

    material: Key = field(repr=False)

    @classmethod
    def generate(cls) -> DpopKey:
        """Make a new P-256 key."""
        return cls(material=ECKey.generate_key("P-256"))

    @classmethod
    def load(cls, text: str) -> DpopKey:
        """Read what `export` wrote.

        Raises:
            ValueError: it is no such key.
        """
        try:
            members = json.loads(text)
            material = ECKey.import_key(members if members["kty"] == "EC" else {})
        except (JoseError, TypeError, KeyError) as error:
            msg = "the DPoP key cannot be read"
            raise ValueError(msg) from error
        if not material.is_private or material.curve_name != "P-256":
            msg = "a DPoP key is a private P-256 key"
            raise ValueError(msg)
        return cls(material=material)

    def export(self) -> str:
        """Write the private key as JSON, to be kept as secret as a refresh token."""
        return json.dumps(self.material.as_dict(private=True))

    @property
    def public(self) -> dict[str, object]:
        """The public key as a JWK."""
        members = self.material.as_dict(private=False)
        return {name: members[name] for name in ("kty", "crv", "x", "y")}

    @property
    def jkt(self) -> str:
        """The key's thumbprint (RFC 7638)."""
        return self.material.thumbprint()

    def proof(self, method: str, url: str, *, now: float, token: str | None = None, nonce: str | None = None) -> str:
        """Sign a one-time proof for a request (RFC 9449 §4.2), beside an access token where one is sent."""
        claims: dict[str, object] = {
            "jti": secrets.token_urlsafe(24),
            "htm": method,
            # RFC 9449 §4.2: without query and fragment.
            "htu": url.split("#", 1)[0].split("?", 1)[0],
            "iat": int(now),
        }
        if token is not None:
            claims["ath"] = digest(token)
        if nonce is not None:
            claims["nonce"] = nonce
        return _signed({"typ": TYPE, "alg": "ES256", "jwk": self.public}, claims, "ES256", self.material)


def _signed(header: Mapping[str, object], claims: Mapping[str, object], alg: str, key: Key) -> str:
    body = ".".join(write_base64url(json.dumps(part, separators=(",", ":")).encode()) for part in (header, claims))
    signature = JWSRegistry.algorithms[_model(alg)].sign(body.encode("ascii"), key)
    return f"{body}.{write_base64url(signature)}"


def _import_private(key: str | bytes | Mapping[str, str | list[str]]) -> Key:
    if isinstance(key, Mapping):
        return import_key(dict(key))
    for kty in ("EC", "RSA", "OKP"):
        try:
            return import_key(key, kty)
        except (JoseError, ValueError, TypeError):
            continue
    msg = "neither an EC, an RSA nor an OKP key"
    raise TypeError(msg)


def _default_alg(key: Key) -> str:
    return {"EC": "ES256", "OKP": "Ed25519", "RSA": "PS256"}.get(key.key_type, "")
