"""Authorization server metadata (RFC 8414), believed only when it is the issuer's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from remit_sdk.errors import Untrustworthy
from remit_sdk.strict import web_origin, well_known

DOCUMENT: Final = "oauth-authorization-server"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerMetadata:
    """The endpoints of one issuer."""

    issuer: str
    jwks_uri: str
    token_endpoint: str
    authorization_endpoint: str
    introspection_endpoint: str
    feed_endpoint: str
    decisions_endpoint: str


def metadata_url(issuer: str) -> str:
    """Where an issuer publishes its metadata (RFC 8414 §3.1)."""
    return well_known(issuer, DOCUMENT)


def read_metadata(document: Mapping[str, object], *, issuer: str) -> ServerMetadata:
    """Read a metadata document.

    Raises:
        Untrustworthy: it speaks for another issuer, or sends us to another origin.
    """
    if document.get("issuer") != issuer:
        # RFC 8414 §3.3
        msg = f"the metadata of {issuer} names another issuer"
        raise Untrustworthy(msg)
    return ServerMetadata(
        issuer=issuer,
        jwks_uri=_endpoint(document, "jwks_uri", issuer),
        token_endpoint=_endpoint(document, "token_endpoint", issuer),
        authorization_endpoint=_endpoint(document, "authorization_endpoint", issuer),
        introspection_endpoint=_endpoint(document, "introspection_endpoint", issuer),
        feed_endpoint=_endpoint(document, "remit_feed_endpoint", issuer),
        decisions_endpoint=_endpoint(document, "remit_decisions_endpoint", issuer),
    )


def _endpoint(document: Mapping[str, object], name: str, issuer: str) -> str:
    url = document.get(name)
    # Remit serves everything below its issuer; another origin would get our secret or choose
    # what we fetch (PRM-9).
    if not isinstance(url, str) or web_origin(url) != web_origin(issuer):
        msg = f"`{name}` of {issuer} is missing or leads to another origin"
        raise Untrustworthy(msg)
    return url
