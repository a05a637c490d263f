"""The protected resource metadata that a guard serves (RFC 9728)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from remit_sdk.challenge import Answer
from remit_sdk.dpop import DPOP_ALGS
from remit_sdk.strict import web_origin, well_known

DOCUMENT: Final = "oauth-protected-resource"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedResource:
    """What a resource says about itself."""

    resource: str
    issuers: tuple[str, ...]
    scopes: frozenset[str]
    name: str | None
    documentation: str | None
    details_types: frozenset[str] = frozenset()
    dpop_required: bool = False

    @property
    def metadata_url(self) -> str:
        """Where the document is served (RFC 9728 §3.1)."""
        return well_known(self.resource, DOCUMENT)

    @property
    def metadata_path(self) -> str:
        """The path part of the document's URL."""
        return urlsplit(self.metadata_url).path

    def answer(self) -> Answer:
        """Render the document."""
        document: dict[str, object] = {
            "resource": self.resource,
            "authorization_servers": list(self.issuers),
            "bearer_methods_supported": ["header"],
            "dpop_signing_alg_values_supported": list(DPOP_ALGS),
        }
        if self.dpop_required:
            document["dpop_bound_access_tokens_required"] = True
        if self.scopes:
            document["scopes_supported"] = sorted(self.scopes)
        if self.details_types:
            document["authorization_details_types_supported"] = sorted(self.details_types)
        if self.name:
            document["resource_name"] = self.name
        if self.documentation:
            document["resource_documentation"] = self.documentation
        return Answer(
            status=200,
            headers=(
                ("content-type", "application/json"),
                ("cache-control", "public, max-age=300"),
                # Public by nature, and clients in browsers discover us with it.
                ("access-control-allow-origin", "*"),
            ),
            body=json.dumps(document, separators=(",", ":")).encode(),
        )


def read_resource(
    resource: str,
    *,
    issuers: Iterable[str],
    scopes: frozenset[str],
    name: str | None,
    documentation: str | None,
    details_types: frozenset[str] = frozenset(),
    dpop_required: bool = False,
) -> ProtectedResource:
    """Check the resource identifier (RFC 8707 §2).

    Raises:
        ValueError: it is no https (or loopback) URL, or has a query or fragment.
    """
    if web_origin(resource) is None or "?" in resource or "#" in resource:
        msg = f"`{resource}` is no resource: an https URL (http on loopback) without query or fragment"
        raise ValueError(msg)
    return ProtectedResource(
        resource=resource,
        issuers=tuple(issuers),
        scopes=scopes,
        name=name,
        documentation=documentation,
        details_types=details_types,
        dpop_required=dpop_required,
    )
