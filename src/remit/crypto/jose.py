"""The one door to JOSE: which algorithms exist, keys that verify and keys that sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, Key, OKPKey, RSAKey, import_key
from joserfc.jws import JWSRegistry

from remit.crypto.compact import read_base64url

ALGORITHMS: Final[Mapping[str, tuple[str, str | None]]] = {
    "ES256": ("EC", "P-256"),
    "EdDSA": ("OKP", "Ed25519"),
    "Ed25519": ("OKP", "Ed25519"),
    "PS256": ("RSA", None),
    "RS256": ("RSA", None),
}
"""Every algorithm there is and the only key it may meet (GEN-15).

HMAC and `none` are absent, so that no public key can be taken for a shared secret.
"""

PRIVATE_MEMBERS: Final = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})

RSA_BITS: Final = 2048
_LARGEST_RSA_BITS: Final = 8192  # a larger key costs us more to verify than its owner to register
_LARGEST_EXPONENT: Final = (1 << 33) - 1
_UNNAMED: Final[Mapping[tuple[str, str | None], str]] = {
    ("EC", "P-256"): "ES256",
    ("OKP", "Ed25519"): "Ed25519",
    # RFC 7518 §3.1 recommends RS256; a client that signs PS256 says so in its key.
    ("RSA", None): "RS256",
}
_PUBLIC_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "EC": ("crv", "x", "y"),
    "OKP": ("crv", "x"),
    "RSA": ("n", "e"),
}
_ES256: Final = ec.ECDSA(hashes.SHA256())
_BUT_SIGN: Final = 0x7F
# The points of small order, without the bit for the sign of x. By such a key one signature holds for many messages.
_SMALL_ORDER: Final = frozenset(
    bytes.fromhex(y)
    for y in (
        "00" * 32,
        "01" + "00" * 31,
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
        "ec" + "ff" * 30 + "7f",
        "ed" + "ff" * 30 + "7f",
        "ee" + "ff" * 30 + "7f",
    )
)

AnyPrivate = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def canonical(alg: str) -> str:
    """Return the algorithm's present name: RFC 9864 calls Ed25519 what was EdDSA, and the signature is the same."""
    return "Ed25519" if alg == "EdDSA" else alg


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicKey:
    """A key that verifies, pinned to exactly one algorithm."""

    kid: str | None
    alg: str
    material: Key = field(repr=False)

    def verifies(self, message: bytes, signature: bytes) -> bool:
        """Say whether this key made the signature; anything odd about it is a no."""
        try:
            return JWSRegistry.algorithms[canonical(self.alg)].verify(message, signature, self.material)
        except (JoseError, ValueError, TypeError, OverflowError):
            return False

    def thumbprint(self) -> str:
        """Return the SHA-256 thumbprint (RFC 7638) of the key itself, however its numbers were written."""
        return _rewritten(self.material).thumbprint()


def read_public(jwk: object) -> PublicKey | None:
    """Read a JSON Web Key (RFC 7517 §4). None when it is not a public key that verifies with an algorithm we know."""
    if not isinstance(jwk, dict) or PRIVATE_MEMBERS & jwk.keys():
        return None
    kid, kty, crv = jwk.get("kid"), jwk.get("kty"), jwk.get("crv")
    if not isinstance(kty, str) or not isinstance(crv, str | None) or not isinstance(kid, str | None):
        return None
    alg = jwk["alg"] if "alg" in jwk else _UNNAMED.get((kty, crv))
    if not isinstance(alg, str) or ALGORITHMS.get(alg) != (kty, crv):
        return None
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        return None
    try:
        public = {name: str(jwk[name]) for name in _PUBLIC_MEMBERS[kty]}
        if kty == "RSA" and not _bearable(**public):
            return None
        material = import_key({"kty": kty, **public})
        if isinstance(material, OKPKey) and _small_order(material.public_key.public_bytes_raw()):
            return None
    except (JoseError, ValueError, TypeError, KeyError, OverflowError):
        return None
    return PublicKey(kid=kid, alg=alg, material=material)


def _bearable(n: str, e: str) -> bool:
    modulus, exponent = (int.from_bytes(read_base64url(number.encode()) or b"", "big") for number in (n, e))
    return RSA_BITS <= modulus.bit_length() <= _LARGEST_RSA_BITS and exponent <= _LARGEST_EXPONENT


def _small_order(public: bytes) -> bool:
    return public[:-1] + bytes([public[-1] & _BUT_SIGN]) in _SMALL_ORDER


@dataclass(frozen=True, slots=True, kw_only=True)
class PrivateKey:
    """A key that signs, pinned to exactly one algorithm, with its public half."""

    alg: str
    private: AnyPrivate = field(repr=False)
    public: PublicKey

    @classmethod
    def generate(cls, alg: str) -> Self:
        """Make a new key.

        Raises:
            ValueError: an algorithm that is not in ALGORITHMS.
        """
        match ALGORITHMS.get(alg):
            case ("EC", _):
                return cls._of(alg, ec.generate_private_key(ec.SECP256R1()))
            case ("OKP", _):
                return cls._of(alg, ed25519.Ed25519PrivateKey.generate())
            case ("RSA", _):
                return cls._of(alg, rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS))
            case _:
                raise ValueError(f"no keys are made for {alg}")

    @classmethod
    def load(cls, alg: str, der: bytes) -> Self:
        """Read what `der` wrote.

        Raises:
            ValueError: damaged bytes, or a key that the algorithm cannot use.
        """
        # The bytes were sealed by us and authenticated when unsealed; proving the primes again would take 50 ms.
        key = serialization.load_der_private_key(der, password=None, unsafe_skip_rsa_key_validation=True)
        if not isinstance(key, AnyPrivate):
            raise ValueError("this key signs nothing here")
        return cls._of(alg, key)

    @classmethod
    def _of(cls, alg: str, key: AnyPrivate) -> Self:
        material = _material(key)
        crv = material.as_dict().get("crv")
        if ALGORITHMS.get(alg) != (material.key_type, crv):
            raise ValueError(f"this key cannot sign {alg}")
        return cls(alg=alg, private=key, public=PublicKey(kid=None, alg=alg, material=material))

    def der(self) -> bytes:
        """Write the private key as PKCS #8, to be sealed at once."""
        return self.private.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def thumbprint(self) -> str:
        """Return the SHA-256 thumbprint of the public key (RFC 7638)."""
        return self.public.thumbprint()

    def jwk(self) -> dict[str, object]:
        """Return the public members alone."""
        return dict(self.public.material.as_dict())

    def raw_public(self) -> bytes:
        """Return the 32 bytes of an Ed25519 public key.

        Raises:
            ValueError: another kind of key.
        """
        if not isinstance(self.private, ed25519.Ed25519PrivateKey):
            raise ValueError("only an Ed25519 key has raw public bytes")
        return self.private.public_key().public_bytes_raw()

    def sign(self, message: bytes) -> bytes:
        """Return the signature in JOSE form (for ES256 the two numbers side by side, RFC 7518 §3.4)."""
        match self.private:
            case ec.EllipticCurvePrivateKey():
                # Every access token passes here; the library's own way takes twice as long.
                r, s = decode_dss_signature(self.private.sign(message, _ES256))
                return r.to_bytes(32, "big") + s.to_bytes(32, "big")
            case ed25519.Ed25519PrivateKey():
                return self.private.sign(message)
            case _:
                signer = RSAKey(self.private, None)
                return JWSRegistry.algorithms[self.alg].sign(message, signer)


def _rewritten(key: Key) -> Key:
    match key:
        case ECKey():
            return ECKey(key.public_key, None)
        case OKPKey():
            return OKPKey(key.public_key, None)
        case RSAKey():
            return RSAKey(key.public_key, None)
        case _:
            raise ValueError("a public key is EC, OKP or RSA")


def _material(key: AnyPrivate) -> ECKey | OKPKey | RSAKey:
    match key:
        case ec.EllipticCurvePrivateKey():
            return ECKey(key.public_key(), None)
        case ed25519.Ed25519PrivateKey():
            return OKPKey(key.public_key(), None)
        case _:
            return RSAKey(key.public_key(), None)


def verifies_ed25519(public: bytes, message: bytes, signature: bytes) -> bool:
    """Check a bare Ed25519 signature by a bare key, as signed notes carry them."""
    try:
        key = OKPKey(ed25519.Ed25519PublicKey.from_public_bytes(public), None)
    except ValueError:
        return False
    return not _small_order(public) and PublicKey(kid=None, alg="Ed25519", material=key).verifies(message, signature)
