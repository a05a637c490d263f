"""What an authorization request asks for, and which step it needs next (RFC 6749 §4.1.1, OIDC Core §3.1.2)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from remit.core.clients import Client, GrantType
from remit.core.grants import Grant, GrantState, Line
from remit.core.names import ClientId, ResourceId, SessionId, UserId
from remit.core.oauth import pkce, redirects
from remit.core.oauth.device import AskedByDevice
from remit.core.oauth.scopes import IDENTITY_SCOPES
from remit.core.oauth.verdicts import Refusal
from remit.core.resources import Resource
from remit.core.sessions import ACR_VALUES, LoginSession

REQUEST_LIFETIME = timedelta(minutes=15)
"""How long sign-in and consent may take together."""

PROMPTS = frozenset({"none", "login", "consent", "select_account"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizeRequest:
    """A validated request. It is sealed into the pages, so nothing can change between display and approval (OA-6)."""

    id: str
    client: ClientId
    client_version: int
    redirect_uri: str
    redirect_sent: bool
    resource: ResourceId
    scopes: tuple[str, ...]
    state: str | None
    nonce: str | None
    challenge: str
    prompt: tuple[str, ...]
    max_age: int | None
    login_hint: str | None
    hinted: UserId | None
    """The user whom `id_token_hint` is about; nobody else is to answer (OIDC Core §3.1.2.1)."""
    posted: bool
    """Whether the answer goes back in a form that the browser posts (OAuth 2.0 Form Post Response Mode §2)."""
    cross_site: bool
    """Whether the request came from another site, or the browser did not say: then nothing is approved silently."""
    at_ms: int
    pushed: str | None = None
    """The pushed request that this is; answering forgets it (RFC 9126 §4)."""
    jkt: str | None = None
    """The key that must redeem the code, as `dpop_jkt` named it (RFC 9449 §10)."""
    details: str | None = None
    """The authorization details that it asks for, in canonical JSON."""
    acr: str | None = None
    """The level that the sign-in must have reached; None: any does."""
    device: AskedByDevice | None = None
    """The device that asked: it has no redirect URI, and fetches its answer at the token endpoint (RFC 8628)."""

    def expired(self, now: datetime) -> bool:
        return now.timestamp() * 1000 >= self.open_until_ms

    @property
    def open_until_ms(self) -> float:
        """Return until when it may be answered, in milliseconds since 1970."""
        return self.device.expires_ms if self.device else self.at_ms + REQUEST_LIFETIME.total_seconds() * 1000


def judge_redirect(client: Client | None, redirect_uri: str | None) -> str | Refusal:
    """Return where the answer goes. Until this is settled nothing is ever sent anywhere (OA-4)."""
    if client is None:
        return Refusal("invalid_request", "no such client: check client_id", redirect=False)
    if GrantType.AUTHORIZATION_CODE not in client.grant_types:
        return Refusal("unauthorized_client", "this client is not registered for authorization_code", redirect=False)
    if redirect_uri is None:
        if len(client.redirect_uris) != 1:
            return Refusal("invalid_request", "send redirect_uri: this client registered several", redirect=False)
        return client.redirect_uris[0]
    if not redirects.match(client.redirect_uris, redirect_uri):
        hint = "redirect_uri is not one that this client registered; it must match to the letter"
        return Refusal("invalid_request", hint, redirect=False)
    return redirect_uri


LONGEST_STATE = 2048
"""Characters of the longest state, nonce and login_hint: they travel in our URLs, which every server cuts somewhere."""


def judge_lengths(texts: Mapping[str, str | None]) -> Refusal | None:
    """Refuse what could be taken in but not carried through the pages to the answer."""
    for name, text in texts.items():
        if text is not None and len(text) > LONGEST_STATE:
            return Refusal("invalid_request", f"{name} is longer than {LONGEST_STATE} characters")
    return None


MODES = {None: False, "query": False, "form_post": True}
"""The response modes there are, and whether each is a form."""


def judge_mode(mode: str | None, redirect_uri: str) -> Refusal | None:
    """Refuse an answer that would travel in a way there is not here, or that could not arrive."""
    if mode not in MODES:
        return Refusal("invalid_request", "response_mode is query or form_post here; leave it out for query")
    if MODES[mode] and not redirect_uri.startswith(("https:", "http:")):
        return Refusal("invalid_request", "a form can only be posted to an http address: leave out response_mode")
    return None


PUSH_FIRST = Refusal(
    "invalid_request", "requests have to be pushed here: send them to the pushed_authorization_request_endpoint"
)
SIGN_FIRST = Refusal("invalid_request", "this client has to sign its requests: send request, signed with its key")


def judge_parameters(
    *, response_type: str | None, challenge: str | None, method: str | None, prompt: str | None, max_age: str | None
) -> tuple[tuple[str, ...], int | None] | Refusal:
    """Check the parameters that need no look-up; return the prompts and max_age."""
    if response_type is None:
        return Refusal("invalid_request", "send response_type=code")
    if response_type != "code":
        return Refusal("unsupported_response_type", "only response_type=code exists here")
    refusal = pkce.check_challenge(challenge, method)
    if refusal is not None:
        return refusal
    prompts = tuple(sorted(set((prompt or "").split())))
    if not PROMPTS.issuperset(prompts):
        return Refusal("invalid_request", "prompt may be none, login, consent or select_account")
    if "none" in prompts and len(prompts) > 1:
        return Refusal("invalid_request", "prompt=none stands alone")
    seconds = read_max_age(max_age)
    return seconds if isinstance(seconds, Refusal) else (prompts, seconds)


def read_max_age(max_age: str | None) -> int | Refusal | None:
    if max_age is None:
        return None
    if not max_age.isdecimal() or not max_age.isascii() or len(max_age) > 9:
        return Refusal("invalid_request", "max_age is a number of seconds")
    return int(max_age)


UNMET = Refusal(
    "unmet_authentication_requirements",
    "no sign-in here reaches what acr_values or claims ask for: acr_values_supported lists what there is",
)


def judge_acr(acr_values: str | None, essential: tuple[str, ...]) -> str | Refusal | None:
    """Return the level that a sign-in must have reached for this request; None: any will do (RFC 9470 §5).

    Of several values the weakest is enough. Values that do not exist here are no hindrance, as long as `claims` does
    not call them essential (OIDC Core §5.5.1.1).
    """
    levels = []
    for values, must in ((tuple((acr_values or "").split()), False), (essential, True)):
        known = [ACR_VALUES.index(value) for value in values if value in ACR_VALUES]
        if values and must and not known:
            return UNMET
        if known:
            levels.append(min(known))
    needed = max(levels, default=0)
    return ACR_VALUES[needed] if needed else None


def too_weak(request: AuthorizeRequest, session: LoginSession) -> bool:
    """Say whether a sign-in has not reached what the request asks for."""
    return request.acr is not None and ACR_VALUES.index(session.acr) < ACR_VALUES.index(request.acr)


def askable(
    asked: frozenset[str] | None, client: Client, resource: Resource, allowed: frozenset[str]
) -> frozenset[str] | Refusal:
    """Return what of the asked scopes this client can get on this resource at all (OA-14, OA-15).

    `allowed` is the agent's remit on the resource. What is outside is dropped, and only when nothing is left refused.
    """
    wanted = client.default_scopes if asked is None else asked
    if not wanted:
        return Refusal("invalid_scope", f"send scope: {some(allowed & resource.scope_names)}")
    if GrantType.REFRESH_TOKEN not in client.grant_types:
        wanted -= {"offline_access"}  # OIDC-8
    possible = wanted & ((resource.scope_names & allowed) | IDENTITY_SCOPES)
    if not possible - {"offline_access"}:
        return Refusal(
            "invalid_scope", f"none of the scopes is open to this agent here: {some(allowed & resource.scope_names)}"
        )
    return possible


def needs_login(request: AuthorizeRequest, session: LoginSession | None, now: datetime) -> bool:
    """Say whether the user must sign in (again) before anything else (OIDC Core §3.1.2.3)."""
    if session is None:
        return True
    fresh = session.auth_time.timestamp() * 1000 >= request.at_ms
    if "login" in request.prompt or "select_account" in request.prompt:
        return not fresh
    if request.hinted not in {None, session.user}:
        return not fresh
    if request.max_age is not None:
        return not fresh and now > session.auth_time + timedelta(seconds=request.max_age)
    return False


def remembered(
    request: AuthorizeRequest,
    client: Client,
    grant: Grant | None,
    lines: tuple[Line, ...],
    *,
    session: SessionId,
    now: datetime,
) -> Line | None:
    """Return the earlier approval that covers this request, or None when the user must be asked (CON-2).

    Only the same client version, redirect URI, resource and details, a subset of the scopes that were approved, a
    request that did not come cross-site, and never a self-registered client that answers on this computer: any program
    could pose as it. What was revoked is not remembered, and "not while I am away" was said for one session. What
    a device asks is asked of its user every time: nobody knows who holds it (RFC 8628 §5.4).
    """
    if grant is None or "consent" in request.prompt or request.cross_site or request.device is not None:
        return None
    if grant.expires_at is not None and now >= grant.expires_at:
        return None
    if client.self_registered and redirects.is_loopback(request.redirect_uri):
        return None
    wanted = frozenset(request.scopes)
    for line in lines:
        if (
            line.state is GrantState.ACTIVE
            and line.client_version == request.client_version == client.version
            and line.redirect_uri == request.redirect_uri
            and line.resource == request.resource
            and wanted <= line.scopes & grant.scopes
            and line.details == request.details  # RAR-9
            and (line.while_away or line.session == session)
            and now < line.expires_at
        ):
            return line
    return None


def some(scopes: frozenset[str]) -> str:
    """List registered names for a hint; names follow RFC 6749 §3.3, so they are safe for the wire."""
    if not scopes:
        return "this agent's remit holds no scope of this resource"
    names = sorted(scopes)
    return "one or more of " + " ".join(names[:10])
