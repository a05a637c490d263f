"""What a client may say of itself, and what is made of it (RFC 7591 §2; DCR-2..7).

Whoever registers here has proven nothing. So it gets code and refresh only, its words are cut to what a page can show,
and what we do not know is dropped: the answer tells what was kept (DCR-5).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from remit.core.agents import Agent, AgentState, Remit
from remit.core.clients import NO_LOGOUT, AuthMethod, GrantType, Logout
from remit.core.names import Secret
from remit.core.oauth.details import TYPES
from remit.core.oauth.logout import check_logout
from remit.core.oauth.redirects import check_link, check_registered, display_host
from remit.core.oauth.scopes import IDENTITY_SCOPES
from remit.core.oauth.verdicts import Refusal
from remit.core.registration import APPLICATION_TYPES, ID_TOKEN_ALGS, MOST_REDIRECTS
from remit.core.users import Role, User, UserState

GOVERNOR = "self-registered"
"""The agent whose remit is the ceiling of every client that registers itself. Without it a tenant takes none."""

LONGEST_NAME = 60
"""Leaves room in an agent's name for what tells it from its namesakes."""

METHODS = (AuthMethod.SECRET_BASIC, AuthMethod.SECRET_POST, AuthMethod.NONE, AuthMethod.PRIVATE_KEY_JWT)
GRANT_TYPES = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN})


def open_types(*, device_flow: bool) -> frozenset[GrantType]:
    """Return the grant types that whoever registers himself may have in a tenant."""
    return GRANT_TYPES | {GrantType.DEVICE_CODE} if device_flow else GRANT_TYPES


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientMetadata:
    """The members of a registration request that mean something here; None where the client left one out."""

    redirect_uris: tuple[str, ...] = ()
    auth_method: str | None = None
    grant_types: tuple[str, ...] | None = None
    response_types: tuple[str, ...] | None = None
    application_type: str | None = None
    name: str | None = None
    scope: str | None = None
    id_token_alg: str | None = None
    client_id: str | None = None
    """What a document calls itself; nothing in a registration, where we give the id."""
    secret: Secret | None = None
    holds_secret: bool = False
    home: str | None = None
    links: tuple[str, ...] = ()
    require_pushed: bool | None = None
    require_signed: bool | None = None
    dpop_bound: bool | None = None
    jwks: str | None = None
    details_types: tuple[str, ...] = ()
    logout: Logout = NO_LOGOUT
    keyed_twice: bool = False
    """Both `jwks` and `jwks_uri` were sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """What is registered: the effective metadata, defaults applied and the unknown left out."""

    name: str
    auth_method: AuthMethod
    grant_types: frozenset[GrantType]
    redirect_uris: tuple[str, ...]
    application_type: str
    scopes: frozenset[str]
    id_token_alg: str
    require_pushed: bool = False
    require_signed: bool = False
    dpop_bound: bool = False
    jwks: str | None = None
    home: str | None = None
    details_types: frozenset[str] = frozenset()
    logout: Logout = NO_LOGOUT


def judge_metadata(
    said: ClientMetadata,
    *,
    known: frozenset[str],
    methods: tuple[AuthMethod, ...] = METHODS,
    allowed: frozenset[GrantType] = GRANT_TYPES,
) -> Registration | Refusal:
    """Turn what a client says into what is registered. `known` are the scopes of the ceiling."""
    asked = frozenset(said.grant_types) if said.grant_types else frozenset({"authorization_code"})
    grant_types = frozenset(kind for kind in allowed if kind in asked)
    unredirected = grant_types & {GrantType.CLIENT_CREDENTIALS, GrantType.DEVICE_CODE}
    redirected = not unredirected or GrantType.AUTHORIZATION_CODE in grant_types
    application_type = said.application_type or _usual_type(said.redirect_uris)
    if application_type not in APPLICATION_TYPES:
        return _no("application_type is web or native")
    if redirected and (flaw := _judge_redirects(said.redirect_uris, application_type)) is not None:
        return flaw
    method = said.auth_method or AuthMethod.SECRET_BASIC
    if method not in methods:
        return _no(f"token_endpoint_auth_method must be one of {', '.join(methods)}")
    if redirected and GrantType.AUTHORIZATION_CODE not in grant_types:
        return _no("grant_types must contain authorization_code: that is how a user allows this client anything")
    if redirected and said.response_types and "code" not in said.response_types:
        # RFC 7591 §2.1: the two members must go together.
        return _no("response_types must contain code, which belongs to authorization_code")
    if not redirected and not _plain(said.name or ""):
        return _no("send client_name: there is no redirect URI to name this client by")
    if said.require_signed and method != AuthMethod.PRIVATE_KEY_JWT:
        return _no("require_signed_request_object needs keys, and here none are registered: leave it out")
    if method == AuthMethod.PRIVATE_KEY_JWT and said.jwks is None:
        return _no("private_key_jwt needs jwks with the client's public keys")
    if said.keyed_twice:
        return _no("send jwks or jwks_uri, not both")
    if (flaw := next((flaw for link in said.links if (flaw := check_link(link)) is not None), None)) is not None:
        return flaw
    logout = said.logout if redirected else NO_LOGOUT
    if (flaw := check_logout(logout, application_type)) is not None:
        return _no(flaw.hint)
    return Registration(
        name=_plain(said.name or "") or display_host(said.redirect_uris[0])[:LONGEST_NAME],
        auth_method=AuthMethod(method),
        grant_types=grant_types,
        redirect_uris=said.redirect_uris if redirected else (),
        application_type=application_type,
        scopes=frozenset((said.scope or "").split()) & (known | IDENTITY_SCOPES),
        id_token_alg=said.id_token_alg if said.id_token_alg in ID_TOKEN_ALGS else ID_TOKEN_ALGS[0],
        require_pushed=bool(said.require_pushed),
        require_signed=bool(said.require_signed),
        dpop_bound=bool(said.dpop_bound),
        jwks=said.jwks if method == AuthMethod.PRIVATE_KEY_JWT else None,
        home=said.home,
        details_types=TYPES & frozenset(said.details_types),
        logout=logout,
    )


def open_ceiling(governor: Agent | None, remit: Remit | None) -> Remit | None:
    """Return the ceiling for whoever registers itself. None: this tenant takes no registrations (DCR-1)."""
    if governor is None or governor.state is AgentState.RETIRED or remit is None or not remit.scopes:
        return None
    return remit


def first_administrator(users: Iterable[User]) -> User | None:
    """Name who answers for a self-registered agent until somebody adopts it: the administrator of longest standing."""
    standing = (user for user in users if user.role is Role.ADMIN and user.state is UserState.ACTIVE)
    return min(standing, key=lambda user: user.id, default=None)


def _judge_redirects(redirect_uris: tuple[str, ...], application_type: str) -> Refusal | None:
    if not redirect_uris:
        return Refusal("invalid_redirect_uri", "send redirect_uris: where the user's browser is sent back to")
    if len(redirect_uris) > MOST_REDIRECTS:
        return Refusal("invalid_redirect_uri", f"a client has at most {MOST_REDIRECTS} redirect URIs")
    if len(set(redirect_uris)) != len(redirect_uris):
        return Refusal("invalid_redirect_uri", "a redirect URI is there twice")
    flaws = (check_registered(uri, application_type) for uri in redirect_uris)
    return next((flaw for flaw in flaws if flaw is not None), None)


def _usual_type(redirect_uris: tuple[str, ...]) -> str:
    """Return the type of a client that names none: whoever has a scheme of his own is an app (RFC 8252 §7.1)."""
    own = any(not uri.lower().startswith(("https:", "http:")) for uri in redirect_uris)
    return "native" if own else "web"


def _plain(name: str) -> str:
    """Cut a stranger's name to one line that a page can show."""
    line = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())
    return line[:LONGEST_NAME].rstrip()


def _no(hint: str) -> Refusal:
    return Refusal("invalid_client_metadata", hint)
