"""What the two grant types that hand out refresh tokens share: the chain of a line, and the next link of its family."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from remit.core.authority import Chain
from remit.core.clients import GrantType, Party
from remit.core.grants import Line
from remit.core.lifetimes import refresh_end
from remit.core.names import Opaque, Secret, SecretKind, parse_opaque
from remit.core.oauth.token_set import TokenSet
from remit.core.oauth.verdicts import Refusal
from remit.core.tokens import RefreshState, RefreshToken
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.id_tokens import IdBasis
from remit.services.issuance import Issue

GONE = Refusal("invalid_grant", "what was approved no longer exists; ask the user again")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A committed yes: an access token to sign, and perhaps a refresh token and an id token to go with it."""

    issue: Issue
    refresh: Secret | None = None
    id_basis: IdBasis | None = None

    def sign(self, deps: Deps) -> TokenSet:
        tokens = self.issue.sign(deps)
        if self.refresh is not None:
            tokens = replace(tokens, refresh_token=self.refresh)
        if self.id_basis is not None:
            tokens = replace(tokens, id_token=self.id_basis.sign(self.issue, tokens.access_token, deps))
        return tokens


async def find_refresh(work: Work, text: str, deps: Deps) -> tuple[Opaque, RefreshToken] | None:
    """Return the refresh token of this text, taken apart and as stored. None unless its secret proves it."""
    opaque = parse_opaque(text, SecretKind.REFRESH)
    token = await work.refresh_tokens.find(opaque.id) if opaque else None
    if opaque is None or token is None or not deps.digester.matches(opaque, token.digest):
        return None
    return opaque, token


async def chain_of(work: Work, party: Party, line: Line | None) -> Chain | Refusal:
    """Load everybody behind a line. Something missing means that nothing is granted any more."""
    if line is None:
        return GONE
    resource = await work.resources.get(line.resource)
    user = await work.users.get(line.user)
    grant = await work.grants.get(line.grant)
    if resource is None or user is None or grant is None:
        return GONE
    return Chain(
        tenant=await work.tenants.current(),
        party=party,
        resource=resource,
        user=user,
        grant=grant,
        line=line,
        session=line.session,
        login=await work.sessions.find(line.session),
    )


def may_refresh(party: Party) -> bool:
    """Say whether the client gets refresh tokens: by its grant types, with or without offline_access."""
    return GrantType.REFRESH_TOKEN in party.client.grant_types


def next_link(chain: Chain, line: Line, deps: Deps, *, jkt: str | None, now: datetime) -> tuple[Opaque, RefreshToken]:
    """Make the next refresh token of a line: idle limit from now, never past the line's own end (B-REF-07).

    That of a public client is bound to its key; any other client proves itself, and may change its key (RFC 9449 §5).
    """
    lifetimes = chain.tenant.lifetimes.over(deps.lifetimes)
    opaque = deps.fresh.opaque(SecretKind.REFRESH)
    token = RefreshToken(
        id=opaque.id,
        digest=deps.digester.digest(opaque),
        line=line.id,
        state=RefreshState.LIVE,
        issued_at=now,
        expires_at=refresh_end(line, lifetimes, issued_at=now),
        spent_at=None,
        successor=None,
        sealed=None,
        successor_state=None,
        jkt=jkt if chain.party.client.public else None,
    )
    return opaque, token
