"""What an authorization request really asks: its own parameters, those it pushed, or those it signed."""

from __future__ import annotations

from dataclasses import dataclass

from remit.core.clients import Client
from remit.core.names import ClientId, Prefix
from remit.core.oauth import scopes
from remit.core.oauth.documents import is_document
from remit.core.oauth.form import Form
from remit.core.oauth.pushed import PREFIX, UNKNOWN, judge_pushed, read_reference
from remit.core.oauth.request_object import form_of, parameters_in
from remit.core.oauth.verdicts import Refusal
from remit.ports.deps import Deps
from remit.ports.work import Work

FOREIGN_REFERENCE = Refusal(
    "request_uri_not_supported", "request_uri is only what a pushed request was answered with: nothing is fetched"
)
NO_KEYS = Refusal(
    "request_not_supported", "this client registered no keys to sign requests with: send the parameters themselves"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizeCall:
    """The parameters of an authorization request as they came, repeats already refused."""

    id: str
    """Answering uses it up: a new one for each request, the same one for all looks at one that was pushed or signed."""
    client_id: str | None
    redirect_uri: str | None
    response_type: str | None
    scopes: frozenset[str] | Refusal | None
    state: str | None
    challenge: str | None
    method: str | None
    nonce: str | None
    prompt: str | None
    max_age: str | None
    login_hint: str | None
    id_token_hint: str | None
    claims: str | None
    acr_values: str | None
    mode: str | None
    unsupported: Refusal | None
    """Set when the request carries a parameter that would replace all others, and cannot."""
    resources: tuple[str, ...]
    details: str | None
    jkt: str | None
    cross_site: bool
    pushed: str | None = None
    """The id of the pushed request that this is."""
    signed: bool = False
    """Whether the client signed these parameters, or had to when it pushed them."""


async def read_asked(work: Work, form: Form, deps: Deps, *, cross_site: bool) -> AuthorizeCall | Refusal:
    """Return what is asked. With a reference or a signed object, parameters beside it do not count (RFC 9101 §6.3)."""
    client_id, reference, signed = form.one("client_id"), form.one("request_uri"), form.one("request")
    if reference is not None and signed is not None:
        return Refusal("invalid_request", "send request or request_uri, not both", redirect=False)
    if reference is not None and reference.startswith(PREFIX):
        return await _pushed(work, client_id, reference, deps, cross_site=cross_site)
    if signed is not None:
        client = await work.clients.get(ClientId(client_id)) if client_id else None
        if client is not None and client.jwks is not None:
            opened = await open_signed(work, client, signed, deps)
            if isinstance(opened, Refusal):
                return opened
            said, id_ = opened
            return call_of(said, id=id_ or deps.fresh.id(Prefix.REQUEST), cross_site=cross_site, signed=True)
    unsupported = FOREIGN_REFERENCE if reference is not None else NO_KEYS if signed is not None else None
    return call_of(form, id=deps.fresh.id(Prefix.REQUEST), cross_site=cross_site, unsupported=unsupported)


async def open_signed(work: Work, client: Client, signed: str, deps: Deps) -> tuple[Form, str | None] | Refusal:
    """Return the parameters that a client signed, and what names this object among all, where it says so."""
    if client.jwks is None:
        return NO_KEYS
    issuer, now = (await work.tenants.current()).issuer, deps.clock.now()
    read = deps.keyring.check_request_object(signed, client.jwks, issuer=issuer, client=client.wire_id, now=now)
    old = client.old_keys(now)
    if isinstance(read, Refusal) and old is not None:
        read = deps.keyring.check_request_object(signed, old, issuer=issuer, client=client.wire_id, now=now)
    if isinstance(read, Refusal):
        return read
    deps.uses.note(work.tenant, client.id, read.key, at=now)
    parameters = parameters_in(read.claims)
    if isinstance(parameters, Refusal):
        return parameters
    return parameters, None if read.jti is None else f"{client.id}:{read.jti}"


async def _pushed(
    work: Work, client_id: str | None, request_uri: str, deps: Deps, *, cross_site: bool
) -> AuthorizeCall | Refusal:
    opaque = read_reference(request_uri)
    found = await work.pushed.find(opaque.id) if opaque is not None else None
    if opaque is None or found is None or not deps.digester.matches(opaque, found.digest):
        return UNKNOWN
    if client_id is not None and is_document(client_id):
        known = await work.clients.get(ClientId(client_id))
        client_id = None if known is None else known.id
    pushed = judge_pushed(found, client=client_id, now=deps.clock.now())
    if isinstance(pushed, Refusal):
        return pushed
    # INVARIANT: every look at one pushed request makes a request of one id, so that all of them are answered once.
    id_ = f"{Prefix.REQUEST}_{pushed.id}"
    return call_of(form_of(pushed.parameters), id=id_, cross_site=cross_site, pushed=pushed.id, signed=True)


def call_of(
    form: Form,
    *,
    id: str,
    cross_site: bool,
    pushed: str | None = None,
    signed: bool = False,
    unsupported: Refusal | None = None,
) -> AuthorizeCall:
    """Read the parameters of an authorization request."""
    asked = form.one("scope")
    return AuthorizeCall(
        id=id,
        client_id=form.one("client_id"),
        redirect_uri=form.one("redirect_uri"),
        response_type=form.one("response_type"),
        scopes=scopes.parse(asked) if asked is not None else None,
        state=form.one("state"),
        challenge=form.one("code_challenge"),
        method=form.one("code_challenge_method"),
        nonce=form.one("nonce"),
        prompt=form.one("prompt"),
        max_age=form.one("max_age"),
        login_hint=form.one("login_hint"),
        id_token_hint=form.one("id_token_hint"),
        claims=form.one("claims"),
        jkt=form.one("dpop_jkt"),
        acr_values=form.one("acr_values"),
        mode=form.one("response_mode"),
        unsupported=unsupported,
        resources=form.many("resource"),
        details=form.one("authorization_details"),
        cross_site=cross_site,
        pushed=pushed,
        signed=signed,
    )
