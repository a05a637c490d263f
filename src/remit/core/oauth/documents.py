"""Client ID metadata documents: a client id that is a URL, and what must stand there (CIMD-1..7, CIMD-18)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from remit.core.clients import AuthMethod, GrantType
from remit.core.oauth import redirects, uris
from remit.core.oauth.verdicts import Refusal
from remit.core.self_registration import ClientMetadata, Registration, judge_metadata, open_types

LONGEST_URL: Final = 512
"""It stands in every token of the client."""

METHODS: Final = (AuthMethod.NONE, AuthMethod.PRIVATE_KEY_JWT)
"""A document is public, so nothing that proves its client can stand in it (CIMD-5)."""

MANAGED: Final = frozenset({GrantType.CLIENT_CREDENTIALS})
"""What a client may have besides that an administrator expects."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """When a document was last read, and until when that counts."""

    etag: str | None
    read_at: datetime
    fresh_until: datetime


def is_document(client_id: str) -> bool:
    """Say whether a client id is a URL. No id that we give begins like one (DCR-7)."""
    return client_id.startswith("https://")


def flaw_of_url(url: str) -> str | None:
    """Say what keeps a URL from being a client id; reads on after a subject (CIMD-1)."""
    if len(url) > LONGEST_URL:
        return f"is longer than {LONGEST_URL} characters"
    parts = uris.read(url)
    if isinstance(parts, uris.Flaw):
        return parts.clause
    if not is_document(url) or parts.host is None:
        return "must begin with https://"
    if not parts.path.startswith("/"):
        return "has no path: the document needs an address of its own on its host"
    if redirects.ambiguous(parts.path):
        return "has a dot segment or an encoded slash in its path: write the path that is meant"
    return None


def host_of(url: str) -> str:
    """Return the host of a URL, in lower case and without the port; empty where there is none."""
    parts = uris.read(url)
    return "" if isinstance(parts, uris.Flaw) or parts.host is None else parts.host.lower()


def judge_document(
    url: str, said: ClientMetadata, *, known: frozenset[str], managed: bool = False, device_flow: bool = False
) -> Registration | Refusal:
    """Turn a document into what is registered. `managed`: an administrator expects it, so it may act for itself."""
    if said.client_id != url:
        # CIMD-3: to the letter, or whoever can place a file on a host could speak for another one.
        return _no("its client_id must be the very URL that it stands at")
    if not (said.name or "").strip():
        return _no("client_name is missing")
    if said.holds_secret:
        return _no("it holds a client secret, and everybody can read it: leave it out")
    method = said.auth_method or AuthMethod.NONE
    if method not in METHODS:
        return _no(f"token_endpoint_auth_method must be one of {', '.join(METHODS)}")
    return judge_metadata(
        replace(said, auth_method=method),
        known=known,
        methods=METHODS,
        allowed=open_types(device_flow=device_flow) | (MANAGED if managed else frozenset()),
    )


def strays(url: str, redirect_uris: Sequence[str]) -> bool:
    """Say whether a redirect URI leads to another origin than the document's own."""
    return any(_origin(uri) != _origin(url) for uri in redirect_uris)


def _origin(url: str) -> tuple[str, str, int]:
    parts = uris.read(url)
    if isinstance(parts, uris.Flaw) or parts.host is None:
        return ("", "", 0)
    return (parts.scheme, parts.host.lower(), parts.port or 443)


def _no(hint: str) -> Refusal:
    return Refusal("invalid_client_metadata", hint)
