"""How a seeded key is written: its public half for the server, the whole of it for the script that plays the client."""

from __future__ import annotations

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec

from remit.core.errors import RemitError
from remit.crypto.compact import write_base64url
from remit.crypto.jose import AnyPrivate, PrivateKey


def jwks(private: PrivateKey) -> str:
    return msgspec.json.encode({"keys": [_public_jwk(private)]}).decode()


def _public_jwk(private: PrivateKey) -> dict[str, str]:
    members = {name: str(value) for name, value in private.jwk().items()}
    return members | {"kid": private.thumbprint(), "alg": private.alg, "use": "sig"}


def private_jwk(private: PrivateKey) -> dict[str, str]:
    """Write the key out whole, for the script that plays this client."""
    return _public_jwk(private) | {"d": write_base64url(_number(private.private)).decode()}


def _number(key: AnyPrivate) -> bytes:
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise RemitError("a seeded client signs with ES256")
    return key.private_numbers().private_value.to_bytes(32, "big")
