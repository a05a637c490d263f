"""Who is on this request: the client it presents, the bearer token it carries, the browser session behind it."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from urllib.parse import parse_qsl

import msgspec

from remit.core.names import Secret, TenantId
from remit.core.oauth.client_auth import ClientFields, Presented, read_presented
from remit.core.oauth.verdicts import Refusal
from remit.core.tenants import Tenant
from remit.services.origin import Origin
from remit.wire.call import Call, header_values
from remit.wire.parse import Form
from remit.wire.trace import trace_of

CREDENTIALS = frozenset(
    {
        "client_secret",
        "client_assertion",
        "access_token",
        "refresh_token",
        "code",
        "code_verifier",
        "token",
        "subject_token",
        "actor_token",
    }
)
"""What would be written into the log of every proxy on the way if it stood in a URL (GEN-6)."""

# b64token (RFC 6750 §2.1). `str.strip` would take spaces of every alphabet off, and one token have many spellings.
_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")

_ACCESS_TOKEN = frozenset({"access_token"})
TWICE = Refusal("invalid_request", "more than one Authorization header")


def tenant_of(call: Call) -> Tenant:
    """Return the tenant that the router found for this call's path."""
    tenant: Tenant = call.scope["remit.tenant"]
    return tenant


def tenant_id_of(call: Call) -> TenantId:
    """Return the id of that tenant: all that a plain endpoint is told."""
    tenant: TenantId = call.scope["remit.tenant_id"]
    return tenant


def address_of(call: Call) -> str:
    """Return the address of this call as clients know it: the issuer's, whatever host a proxy asked for."""
    address: str = call.scope["remit.address"]
    return address


def origin_of(call: Call) -> Origin:
    scope = call.scope
    peer = scope.get("client")
    return Origin(peer=peer[0] if peer else None, request=scope.get("remit.request"), trace=trace_of(scope))


def authorization(call: Call) -> str | Refusal | None:
    """Return the one Authorization header; two of them are an attack or a bug, never a choice."""
    values = header_values(call, b"authorization")
    return TWICE if len(values) > 1 else values[0] if values else None


def in_query(call: Call, names: frozenset[str]) -> bool:
    """Say whether the query names any of these parameters, however they are spelled."""
    query: bytes = call.scope["query_string"]
    return bool(query) and not names.isdisjoint(
        name for name, _ in parse_qsl(query.decode("latin-1"), keep_blank_values=True)
    )


def presented_client(call: Call, form: Form) -> Presented | Refusal:
    """Return how the client of a protocol request presents itself."""
    header = authorization(call)
    if isinstance(header, Refusal):
        return header
    if in_query(call, CREDENTIALS):
        return Refusal("invalid_request", "credentials belong into the body or the header, never into the URL")
    assertion = form.one("client_assertion")
    fields = ClientFields(
        client_id=form.one("client_id"),
        client_secret=form.one("client_secret"),
        assertion_type=form.one("client_assertion_type"),
        assertion=assertion,
        assertion_subject=_unverified_subject(assertion) if assertion else None,
    )
    return read_presented(header, fields)


def presented_by_header(call: Call) -> Presented | Refusal:
    """Return who presents himself in the header alone, where the body is not a form."""
    return presented_client(call, Form({}))


@dataclass(frozen=True, slots=True)
class NoToken:
    """The request carries no credentials at all; the challenge then names no error (RFC 6750 §3.1)."""


@dataclass(frozen=True, slots=True)
class Authorized:
    """The access token of the header, and whether it came by the scheme DPoP."""

    token: Secret
    dpop: bool


def authorized(call: Call) -> Authorized | NoToken | Refusal:
    """Return the access token of the header. Query and body are never looked at (BR-1)."""
    header = authorization(call)
    if isinstance(header, Refusal):
        return header
    if in_query(call, _ACCESS_TOKEN):
        return Refusal("invalid_request", "send the token in the Authorization header, never in the URL")
    if header is None:
        return NoToken()
    scheme, _, rest = header.partition(" ")
    if scheme.lower() not in {"bearer", "dpop"}:
        return NoToken()
    token = rest.strip(" \t")
    if not _TOKEN.fullmatch(token):
        return Refusal("invalid_request", "the Authorization header must be: Bearer or DPoP, one space, one token")
    return Authorized(Secret(token), dpop=scheme.lower() == "dpop")


def bearer(call: Call) -> Secret | NoToken | Refusal:
    """Return the token of the header where it must be one that proves nothing further."""
    found = authorized(call)
    if isinstance(found, Authorized):
        return NoToken() if found.dpop else found.token
    return found


class _Subject(msgspec.Struct):
    sub: str | None = None


def _unverified_subject(assertion: str) -> str | None:
    """Read `sub` of an assertion without trusting it: it only says whose keys must verify it."""
    parts = assertion.split(".")
    if len(parts) != 3:
        return None
    try:
        body = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return msgspec.json.decode(body, type=_Subject).sub
    except (binascii.Error, ValueError, RecursionError, msgspec.MsgspecError):
        return None
