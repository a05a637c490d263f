"""ID tokens and userinfo claims (OpenID Connect Core §2, §5.3)."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from remit.core.names import Secret
from remit.core.sessions import acr_of
from remit.core.users import User
from remit.ports.deps import Deps
from remit.services.issuance import Issue

ID_TOKEN_LIFETIME = timedelta(seconds=300)


@dataclass(frozen=True, slots=True, kw_only=True)
class IdBasis:
    """What an id token says beyond the access token it accompanies."""

    user: User
    nonce: str | None
    auth_time: datetime
    amr: tuple[str, ...]

    def sign(self, issue: Issue, access_token: Secret, deps: Deps) -> Secret:
        claims, client = issue.claims, issue.chain.party.client
        body: dict[str, object] = {
            "iss": claims.issuer,
            "sub": self.user.id,
            "aud": client.wire_id,
            "iat": int(claims.issued_at.timestamp()),
            "exp": int((claims.issued_at + ID_TOKEN_LIFETIME).timestamp()),
            "auth_time": int(self.auth_time.timestamp()),
            "amr": list(self.amr),
            "acr": acr_of(self.amr),
            "sid": issue.chain.session,
            **user_claims(self.user, claims.scopes),
        }
        if self.nonce is not None:
            body["nonce"] = self.nonce
        text = deps.keyring.sign_id(
            issue.chain.tenant, issue.keys, client.id_token_alg, body, access_token=access_token.reveal()
        )
        return Secret(text)


def user_claims(user: User, scopes: AbstractSet[str]) -> dict[str, object]:
    """Return the personal claims that the granted identity scopes open, and no more."""
    found: dict[str, object] = {}
    if "profile" in scopes:
        found["name"] = user.name
    if "email" in scopes:
        found["email"] = user.email
    return found
