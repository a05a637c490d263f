"""Who is on this call: for whom, with which agent, under which grant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from remit_sdk.verify import AccessToken


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """The verified caller of the request at hand."""

    sub: str
    user: str | None
    agent: str
    client: str
    tenant: str
    issuer: str
    scopes: frozenset[str]
    grant: str
    line: str | None
    session: str | None
    owner: str | None
    purpose: str | None
    jti: str
    expires_at: float
    acting: tuple[str, ...]
    """The agents that act by token exchange, the one that calls first; empty where nobody handed a token on."""
    presented: str = field(repr=False)
    """The token itself, to exchange it. Never log it, and show it to nobody but its issuer."""
    claims: Mapping[str, object] = field(repr=False)
    details: tuple[Mapping[str, object], ...] = ()
    """Limits beside the scopes (RFC 9396): a call must be within one of them. Empty: there are none."""


_CALLER: ContextVar[Caller | None] = ContextVar("remit_caller", default=None)


def caller_of(token: AccessToken, *, scopes: frozenset[str], presented: str) -> Caller:
    """Describe the caller that a verified token stands for."""
    # JAT-3: a token by client_credentials has its agent or client as subject, and no user.
    # By exchange another agent acts for that one, which then stands on the way.
    alone = token.subject in {token.agent, token.client} or ("agent", token.subject) in token.via
    return Caller(
        sub=token.subject,
        user=None if alone else token.subject,
        agent=token.agent,
        client=token.client,
        tenant=token.tenant,
        issuer=token.issuer,
        scopes=scopes,
        grant=token.grant,
        line=token.line,
        session=token.session,
        owner=token.owner,
        purpose=token.purpose,
        jti=token.jti,
        expires_at=token.expires_at,
        acting=_acting(token.claims.get("act")),
        presented=presented,
        claims=token.claims,
        details=token.details,
    )


def _acting(act: object) -> tuple[str, ...]:
    found: list[str] = []
    while isinstance(act, Mapping) and isinstance(agent := act.get("sub"), str):
        found.append(agent)
        act = act.get("act")
    return tuple(found)


def current() -> Caller:
    """Return the caller of the guarded request at hand.

    Raises:
        LookupError: this code does not run inside a guarded request.
    """
    caller = _CALLER.get()
    if caller is None:
        msg = "no guarded request is being handled here"
        raise LookupError(msg)
    return caller


@contextmanager
def calling(caller: Caller | None) -> Iterator[None]:
    """Make somebody the current caller; None hides the outer one on a public path."""
    token = _CALLER.set(caller)
    try:
        yield
    finally:
        _CALLER.reset(token)
