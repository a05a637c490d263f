"""What may be registered: names, addresses, passwords, resources with their scopes, clients.

Each rule answers None or says what to change; whatever passes here can be stored, compared and shown to people.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeVar

from remit.core.clients import NO_LOGOUT, AuthMethod, GrantType, Logout
from remit.core.lifetimes import ACCESS_SECONDS
from remit.core.names import AgentId, ResourceId
from remit.core.oauth import resources, uris
from remit.core.oauth.details import TYPES
from remit.core.oauth.logout import check_logout
from remit.core.oauth.redirects import check_registered
from remit.core.oauth.scopes import IDENTITY_SCOPES, is_scope
from remit.core.oauth.verdicts import Refusal
from remit.core.resources import Resource, Scope

LEAST_PASSWORD = 12
"""Characters of the shortest password that a person may choose."""

LONGEST_PASSWORD = 1024
LONGEST_NAME = 80
LONGEST_TEXT = 400
LONGEST_URI = 512
MOST_SCOPES = 200
MOST_REDIRECTS = 20

ID_TOKEN_ALGS = ("RS256", "ES256")
APPLICATION_TYPES = ("web", "native")

_SLUG = re.compile(r"[a-z](?:[a-z0-9]|-(?=[a-z0-9])){0,39}")
_EMAIL = re.compile(r"[^\s@\"(),:;<>\[\]\\]{1,64}@[^\s@\"(),:;<>\[\]\\]{1,190}")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "[::1]"})


def check_name(what: str, name: str) -> Refusal | None:
    """Refuse a name that a page could not show as it is."""
    if not name.strip():
        return _no(f"give the {what} a name")
    if name != name.strip() or not name.isprintable():
        return _no(f"the name of the {what} must be one line of text without spaces around it")
    return _no(f"the name of the {what} is longer than {LONGEST_NAME} characters") if len(name) > LONGEST_NAME else None


def check_text(what: str, text: str) -> Refusal | None:
    """Refuse a sentence that a page could not show as it is. An empty one is nothing to refuse here."""
    if text != text.strip() or not text.isprintable():
        return _no(f"the {what} must be one line of text without spaces around it")
    return _no(f"the {what} is longer than {LONGEST_TEXT} characters") if len(text) > LONGEST_TEXT else None


def check_slug(slug: str) -> Refusal | None:
    if not _SLUG.fullmatch(slug):
        return _no("the slug must be up to 40 of a-z, 0-9 and single hyphens, and begin with a letter, as in acme-eu")
    return None


def check_email(email: str) -> Refusal | None:
    if not _EMAIL.fullmatch(email) or not email.isprintable():
        return _no("the address must look like name@example.com")
    return None


def check_password(password: str, *, least: int = LEAST_PASSWORD) -> Refusal | None:
    """Ask for length and nothing else (NIST SP 800-63B §3.1.1.2)."""
    if len(password) < least:
        return _no(f"the password needs at least {least} characters")
    return (
        _no(f"the password has more than {LONGEST_PASSWORD} characters") if len(password) > LONGEST_PASSWORD else None
    )


def check_uri(uri: str) -> str | Refusal:
    """Return the one spelling of a resource's URI, or say why no token can be for it (RFC 8707 §2)."""
    if len(uri) > LONGEST_URI:
        return _no(f"the resource is longer than {LONGEST_URI} characters, and every token names it")
    spelled = resources.canonical(uri)
    if isinstance(spelled, Refusal):
        return _no(spelled.hint)
    parts = uris.read(spelled)
    if isinstance(parts, uris.Flaw):
        return _no(f"the resource {parts.clause}")
    if parts.scheme == "http" and parts.host not in _LOOPBACK:
        # A bearer token on a plain connection belongs to whoever listens.
        return _no("the resource must use https; http only on 127.0.0.1, [::1] or localhost")
    return (
        spelled
        if parts.host or parts.scheme == "urn"
        else _no("the resource must be a URL, as in https://api.example.com")
    )


def check_scopes(scopes: Sequence[Scope]) -> Refusal | None:
    """Refuse scopes that no token could carry or no user could understand."""
    if not scopes:
        return _no("name at least one scope: without one, no token can be for this resource")
    if len(scopes) > MOST_SCOPES:
        return _no(f"a resource has at most {MOST_SCOPES} scopes")
    seen: set[str] = set()
    for scope in scopes:
        if not is_scope(scope.name) or len(scope.name) > LONGEST_NAME:
            return _no("a scope is printable ASCII without spaces, quotes and backslash, as in read:calendar")
        if scope.name in IDENTITY_SCOPES:
            return _no(f"`{scope.name}` belongs to OpenID Connect and to no resource: choose another name")
        if scope.name in seen:
            return _no(f"the scope `{scope.name}` is there twice")
        seen.add(scope.name)
        if not scope.sentence:
            return _no(f"say in a plain sentence what `{scope.name}` allows: people read it before they agree")
        if (flaw := check_text(f"sentence of `{scope.name}`", scope.sentence)) is not None:
            return flaw
    return None


def check_token_seconds(seconds: int | None) -> Refusal | None:
    if seconds is not None and seconds not in ACCESS_SECONDS:
        return _no(f"access tokens live {ACCESS_SECONDS.start} to {ACCESS_SECONDS.stop - 1} seconds")
    return None


def check_known(scopes: Iterable[str], resource: Resource) -> Refusal | None:
    """Refuse scopes that the resource does not define, by name: a typing error must not become a right."""
    unknown = sorted(frozenset(scopes) - resource.scope_names)
    if unknown:
        known = " ".join(sorted(resource.scope_names))
        return _no(f"{resource.name} does not define these scopes: {' '.join(unknown)}; it defines: {known}")
    return None


def check_details_types(types: Iterable[str]) -> Refusal | None:
    """Refuse a type of authorization details that nobody could read (RFC 9396 §2)."""
    if frozenset(types) <= TYPES:
        return None
    return _no(f"authorization_details_types may be {' '.join(sorted(TYPES))}, and nothing else")


def check_end(what: str, moment: datetime | None, *, now: datetime) -> Refusal | None:
    return _no(f"the {what} must end in the future") if moment is not None and moment <= now else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientDraft:
    """A client as somebody wants it, before it has an id."""

    agent: AgentId
    name: str
    auth_method: AuthMethod
    grant_types: frozenset[GrantType] = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN})
    redirect_uris: tuple[str, ...] = ()
    application_type: str = "web"
    default_resource: ResourceId | None = None
    default_scopes: frozenset[str] = frozenset()
    jwks: str | None = None
    id_token_alg: str = "RS256"
    require_pushed: bool = False
    require_signed: bool = False
    dpop_bound: bool = False
    details_types: frozenset[str] = frozenset()
    logout: Logout = NO_LOGOUT


def check_client(draft: ClientDraft) -> Refusal | None:
    """Refuse a client whose parts do not go together (RFC 7591 §2, RFC 9700 §2.1)."""
    rules = (
        check_name("client", draft.name),
        _check_choices(draft),
        _check_grant_types(draft),
        _check_redirects(draft),
        _check_keys(draft),
        _check_asking(draft),
        check_details_types(draft.details_types),
        _check_logout(draft),
        _check_defaults(draft),
    )
    return next((flaw for flaw in rules if flaw is not None), None)


def _check_choices(draft: ClientDraft) -> Refusal | None:
    if draft.application_type not in APPLICATION_TYPES:
        return _no("application_type is web or native")
    if draft.id_token_alg not in ID_TOKEN_ALGS:
        return _no("id tokens are signed with RS256 or ES256")
    return None


def _check_grant_types(draft: ClientDraft) -> Refusal | None:
    types = draft.grant_types
    if not types:
        return _no("name at least one grant type: authorization_code, device_code or client_credentials")
    if GrantType.REFRESH_TOKEN in types and not types & {GrantType.AUTHORIZATION_CODE, GrantType.DEVICE_CODE}:
        return _no("refresh_token needs authorization_code or device_code: refresh tokens come from a user's consent")
    for proven, name in (
        (GrantType.CLIENT_CREDENTIALS, "client_credentials"),
        (GrantType.TOKEN_EXCHANGE, "token-exchange"),
    ):
        if proven in types and draft.auth_method is AuthMethod.NONE:
            return _no(f"{name} needs a client with a secret or a key: a public client can prove nothing")
    return None


def _check_redirects(draft: ClientDraft) -> Refusal | None:
    redirected = GrantType.AUTHORIZATION_CODE in draft.grant_types
    if redirected and not draft.redirect_uris:
        return _no("authorization_code needs a redirect URI: where the user's browser is sent back to")
    if draft.redirect_uris and not redirected:
        return _no("redirect URIs are for authorization_code: add that grant type, or leave them out")
    if len(set(draft.redirect_uris)) != len(draft.redirect_uris):
        return _no("a redirect URI is there twice")
    if len(draft.redirect_uris) > MOST_REDIRECTS:
        return _no(f"a client has at most {MOST_REDIRECTS} redirect URIs")
    flaws = (check_registered(uri, draft.application_type) for uri in draft.redirect_uris)
    return next((flaw for flaw in flaws if flaw is not None), None)


def _check_keys(draft: ClientDraft) -> Refusal | None:
    keyed = draft.auth_method is AuthMethod.PRIVATE_KEY_JWT
    if keyed and draft.jwks is None:
        return _no("private_key_jwt needs the client's public keys: a JSON Web Key Set")
    if draft.jwks is not None and not keyed:
        return _no("public keys are for private_key_jwt: choose that method, or leave them out")
    return None


def _check_asking(draft: ClientDraft) -> Refusal | None:
    if draft.require_signed and draft.jwks is None:
        return _no("require_signed needs the client's public keys, which come with private_key_jwt")
    if (draft.require_signed or draft.require_pushed) and GrantType.AUTHORIZATION_CODE not in draft.grant_types:
        return _no(
            "require_pushed and require_signed are for authorization_code: add that grant type, or leave them out"
        )
    return None


def _check_logout(draft: ClientDraft) -> Refusal | None:
    if draft.logout != NO_LOGOUT and GrantType.AUTHORIZATION_CODE not in draft.grant_types:
        return _no("addresses for sign-out are for authorization_code: add that grant type, or leave them out")
    return check_logout(draft.logout, draft.application_type)


def _check_defaults(draft: ClientDraft) -> Refusal | None:
    if draft.default_resource is None and draft.default_scopes - IDENTITY_SCOPES:
        return _no("default scopes need a default resource, which they belong to")
    return None


Choice = TypeVar("Choice", bound=StrEnum)


def choose(what: str, text: str, choices: type[Choice]) -> Choice | Refusal:
    """Return the member that a text names, or say which there are."""
    try:
        return choices(text)
    except ValueError:
        return _no(f"{what} must be one of {', '.join(choices)}")


def _no(hint: str) -> Refusal:
    return Refusal("invalid_request", hint)
