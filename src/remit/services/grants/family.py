"""What the grant types share that hand out refresh tokens: the chain of a line, and the next link of its family."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime

from remit.core.authority import Chain
from remit.core.clients import GrantType, Party
from remit.core.grants import Line
from remit.core.lifetimes import refresh_end
from remit.core.names import Opaque, Secret, SecretKind, parse_opaque
from remit.core.oauth.token_set import TokenCall, TokenSet
from remit.core.oauth.verdicts import Refusal
from remit.core.tokens import RefreshState, RefreshToken
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.id_tokens import IdBasis
from remit.services.issuance import Issue, decide, record
from remit.services.origin import Origin
from remit.services.targets import same_resource

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


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedInBy:
    """How the user had signed in who approved a line, for its id token."""

    nonce: str | None
    auth_time: datetime
    amr: tuple[str, ...]


async def first_tokens(
    work: Work,
    chain: Chain,
    call: TokenCall,
    by: SignedInBy,
    deps: Deps,
    origin: Origin,
    *,
    spend: Callable[[], Awaitable[bool]],
) -> Outcome | Refusal | None:
    """Issue a line's first tokens for what is spent by it. None: somebody else spent it first.

    Decide first, then spend: a dead principal or a wrong parameter must not cost the client what it holds.
    """
    line, resource, user = chain.line, chain.resource, chain.user
    assert line is not None and resource is not None and user is not None  # noqa: S101, PT018 - chain_of loads them
    refusal = same_resource(call.resources, resource)
    if refusal is not None:
        return refusal
    asked = line.scopes if call.scopes is None else line.scopes & call.scopes
    if not asked:
        return Refusal("invalid_scope", "none of the scopes was approved: leave out scope, or name approved ones")
    issued = await decide(work, chain, asked, deps, details=call.details, proven=call.proven)
    if isinstance(issued, Refusal):
        return issued
    now = deps.clock.now()
    if not await spend():
        return None
    await record(work, issued, origin, grant_type=call.grant_type)
    refresh = None
    if may_refresh(chain.party):
        opaque_refresh, token = next_link(chain, line, deps, jkt=call.jkt, now=now)
        await work.refresh_tokens.add(token)
        refresh = opaque_refresh.text()
    id_basis = None
    if "openid" in issued.claims.scopes:
        id_basis = IdBasis(user=user, nonce=by.nonce, auth_time=by.auth_time, amr=by.amr)
    return Outcome(issue=issued, refresh=refresh, id_basis=id_basis)


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
