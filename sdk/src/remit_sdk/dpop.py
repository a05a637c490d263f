"""What both ends know of DPoP (RFC 9449): how an address is spelled, and how a token and a key are named."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from remit_sdk.strict import write_base64url

# RS256 is not among them: keys are made for it anew, so nobody needs it for old times' sake.
DPOP_ALGS: Final = ("ES256", "EdDSA", "Ed25519", "PS256")
TYPE: Final = "dpop+jwt"

_PORTS: Final[Mapping[str, int]] = {"https": 443, "http": 80}
_PRINTABLE: Final = re.compile(r"[\x21-\x7E]{1,4096}", re.ASCII)
_ENCODED: Final = re.compile(r"%(.{0,2})", re.DOTALL)
_UNRESERVED: Final = re.compile(r"[A-Za-z0-9._~-]", re.ASCII)
_HEX: Final = re.compile(r"[0-9A-Fa-f]{2}", re.ASCII)
_MEMBERS: Final[Mapping[str, tuple[str, ...]]] = {
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
    "RSA": ("e", "kty", "n"),
}


def normal(url: str) -> str | None:
    """Return the one spelling of a URL without query and fragment (RFC 3986 §6.2.2, §6.2.3), or None."""
    if _PRINTABLE.fullmatch(url) is None or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    scheme, host = parts.scheme.lower(), parts.hostname
    if scheme not in _PORTS or not host or "@" in parts.netloc:
        return None
    if any(_HEX.fullmatch(found) is None for found in _ENCODED.findall(parts.path)):
        return None
    name = f"[{host}]" if ":" in host else host
    where = name if port in {None, _PORTS[scheme]} else f"{name}:{port}"
    return f"{scheme}://{where}{_without_dots(_ENCODED.sub(_decoded, parts.path or '/'))}"


def _decoded(found: re.Match[str]) -> str:
    letter = chr(int(found[1], 16))
    return letter if _UNRESERVED.fullmatch(letter) else found[0].upper()


def _without_dots(path: str) -> str:
    # RFC 3986 §5.2.4
    kept: list[str] = []
    segments = path.split("/")[1:]
    for segment in segments:
        if segment == "..":
            kept = kept[:-1]
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/" + "/".join(kept)


def digest(text: str) -> str:
    """Return base64url(SHA-256(text)): what `ath` says of a token (RFC 9449 §4.2)."""
    return write_base64url(hashlib.sha256(text.encode()).digest())


def thumbprint(jwk: Mapping[str, object]) -> str | None:
    """Return the SHA-256 thumbprint of a public key (RFC 7638), or None."""
    names = _MEMBERS.get(str(jwk.get("kty")))
    if names is None or not all(isinstance(jwk.get(name), str) for name in names):
        return None
    return digest(json.dumps({name: jwk[name] for name in names}, separators=(",", ":")))
