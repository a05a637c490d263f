"""What the token endpoint answers when it says yes (RFC 6749 §5.1, OA-13)."""

from __future__ import annotations

from dataclasses import dataclass

from remit.core.names import Secret
from remit.core.oauth.dpop import Proven
from remit.core.oauth.exchange import ExchangeCall


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSet:
    access_token: Secret
    expires_in: int
    scopes: frozenset[str]
    refresh_token: Secret | None = None
    id_token: Secret | None = None
    details: str | None = None
    """The authorization details of the access token, in canonical JSON (RFC 9396 §7)."""
    bound: bool = False
    """The access token is bound to a key (RFC 9449 §5)."""
    issued_token_type: str | None = None
    """Told by a token exchange alone (RFC 8693 §2.2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenCall:
    """A token request after parsing: who presents himself, and the parameters of his grant type."""

    grant_type: str
    scopes: frozenset[str] | None
    resources: tuple[str, ...]
    code: str | None = None
    redirect_uri: str | None = None
    verifier: str | None = None
    refresh_token: str | None = None
    device_code: str | None = None
    purpose: str | None = None
    details: str | None = None
    """`authorization_details`, as sent."""
    exchange: ExchangeCall | None = None
    proven: Proven | None = None
    """The key that whoever sent the request holds, by its DPoP proof."""

    @property
    def jkt(self) -> str | None:
        return self.proven.jkt if self.proven is not None else None
