"""Authorization server metadata (RFC 8414), believed only when it is the issuer's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from remit_sdk.errors import Untrustworthy
from remit_sdk.strict import web_origin, well_known

DOCUMENT: Final = "oauth-authorization-server"


def metadata_url(issuer: str) -> str:
    """Where an issuer publishes its metadata (RFC 8414 §3.1)."""
    return well_known(issuer, DOCUMENT)


def read_endpoints(document: Mapping[str, object], *, issuer: str, names: Iterable[str]) -> dict[str, str]:
    """Read the named endpoints out of a metadata document.

    Raises:
        Untrustworthy: it speaks for another issuer, or sends us to another origin.
    """
    if document.get("issuer") != issuer:
        # RFC 8414 §3.3
        msg = f"the metadata of {issuer} names another issuer"
        raise Untrustworthy(msg)
    endpoints: dict[str, str] = {}
    for name in names:
        url = document.get(name)
        # Remit serves everything below its issuer; another origin would get our secret or choose
        # what we fetch (PRM-9).
        if not isinstance(url, str) or web_origin(url) != web_origin(issuer):
            msg = f"`{name}` of {issuer} is missing or leads to another origin"
            raise Untrustworthy(msg)
        endpoints[name] = url
    return endpoints
