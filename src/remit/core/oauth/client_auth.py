"""How a client proved itself, and whether that is how it registered (RFC 6749 §2.3, RFC 7521 §4.2, CA-1..9)."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import unquote_plus

from remit.core.clients import AuthMethod, Client
from remit.core.names import ClientId, Secret
from remit.core.oauth.verdicts import Refusal

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

FAILED = Refusal(
    "invalid_client", "client authentication failed: check client_id, its secret or key, and the method it registered"
)
"""The one answer to every failed proof, whatever failed (CA-8)."""


# VSCHAR without the space (RFC 6749 appendix A.1), of a length that any real identifier stays below.
_CLIENT_ID = re.compile(r"[!-~]{1,1024}")


class Proof(StrEnum):
    NONE = "none"
    SECRET = "secret"
    ASSERTION = "assertion"


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """What a request brought to prove its client. Exactly one method (GEN-21)."""

    client: ClientId
    proof: Proof
    value: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFields:
    """The parts of a form that speak of the client; empty values were dropped by the parser."""

    client_id: str | None
    client_secret: str | None
    assertion_type: str | None
    assertion: str | None
    assertion_subject: str | None
    """The `sub` of an assertion sent without client_id, read without trust: it only chooses whose keys to try."""


def read_presented(authorization: str | None, fields: ClientFields) -> Presented | Refusal:
    """Decide which single method a request used. Two methods, or parts of one, are refused rather than guessed."""
    presented = _read(authorization, fields)
    if isinstance(presented, Presented) and not _CLIENT_ID.fullmatch(presented.client):
        # Nobody was ever registered under it, and not every database can be asked for it.
        return replace(FAILED, audit="client_id is not printable ASCII, or too long")
    return presented


def _read(authorization: str | None, fields: ClientFields) -> Presented | Refusal:
    basic = _read_basic(authorization) if authorization is not None else None
    if isinstance(basic, Refusal):
        return basic
    if (fields.assertion is None) != (fields.assertion_type is None):
        return Refusal("invalid_request", "client_assertion and client_assertion_type belong together")
    used = sum((basic is not None, fields.client_secret is not None, fields.assertion is not None))
    if used > 1:
        return Refusal("invalid_request", "use exactly one way to authenticate the client")
    if basic is not None:
        client, secret = basic
        if fields.client_id is not None and fields.client_id != client:
            return Refusal("invalid_request", "client_id differs from the one in the authorization header")
        if not secret:
            # The commonest published agent example sends Basic with an empty secret: that names a public client.
            return Presented(client=ClientId(client), proof=Proof.NONE)
        return Presented(client=ClientId(client), proof=Proof.SECRET, value=Secret(secret))
    if fields.assertion is not None:
        if fields.assertion_type != ASSERTION_TYPE:
            return Refusal("invalid_request", f"client_assertion_type must be {ASSERTION_TYPE}")
        named = fields.client_id or fields.assertion_subject
        if named is None:
            return FAILED
        return Presented(client=ClientId(named), proof=Proof.ASSERTION, value=Secret(fields.assertion))
    if fields.client_id is None:
        return Refusal("invalid_client", "name the client: send client_id, or authenticate with its secret or key")
    if fields.client_secret is not None:
        return Presented(client=ClientId(fields.client_id), proof=Proof.SECRET, value=Secret(fields.client_secret))
    return Presented(client=ClientId(fields.client_id), proof=Proof.NONE)


_NEEDED = {
    AuthMethod.NONE: Proof.NONE,
    AuthMethod.SECRET_BASIC: Proof.SECRET,
    AuthMethod.SECRET_POST: Proof.SECRET,
    AuthMethod.PRIVATE_KEY_JWT: Proof.ASSERTION,
}


def method_fits(presented: Presented, client: Client) -> bool:
    """Say whether a client used the method it registered (CA-2). Nothing is proven yet."""
    return _NEEDED[client.auth_method] is presented.proof


def _read_basic(header: str) -> tuple[str, str] | Refusal:
    """Read Basic credentials: form-urlencoded id and secret inside base64 (RFC 6749 §2.3.1)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return Refusal("invalid_client", "the authorization header must use Basic here")
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return Refusal("invalid_client", "the Basic credentials are not base64 of id:secret")
    client, colon, secret = decoded.partition(":")
    if not colon or not client:
        return Refusal("invalid_client", "the Basic credentials are not base64 of id:secret")
    return unquote_plus(client), unquote_plus(secret)
