"""Prove a client inside a work (RFC 6749 §2.3, RFC 7523 §2.2)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from remit.core.clients import ClientState, Party
from remit.core.credentials import StoredSecret
from remit.core.names import ResourceId, Secret, SecretKind, parse_opaque
from remit.core.oauth.client_auth import FAILED, Presented, Proof, method_fits
from remit.core.oauth.verdicts import Refusal
from remit.core.resources import Resource
from remit.ports.deps import Deps
from remit.ports.work import Work

EXPIRED = Refusal("invalid_client", "this registration was not used within a day and expired: register again")
"""What is left of a registration: whoever comes back with its id is told what to do, whatever he proves."""


async def authenticate(work: Work, presented: Presented, deps: Deps) -> Party | Refusal:
    """Return the party that presented itself, or the one refusal that says nothing about what failed (CA-8)."""
    party = await work.clients.party(presented.client)
    if party is None:
        return replace(FAILED, audit="no such client")
    if party.client.state is ClientState.EXPIRED:
        return EXPIRED
    if not method_fits(presented, party.client):
        return replace(FAILED, audit=f"registered {party.client.auth_method}, presented {presented.proof}")
    match presented.proof:
        case Proof.NONE:
            return party
        case Proof.SECRET:
            secrets = await work.clients.secrets(party.client.id)
            if proves(work, party.client.id, presented.value, secrets, SecretKind.CLIENT, deps):
                return party
            return replace(FAILED, audit="wrong or expired secret")
        case Proof.ASSERTION:
            return await _by_assertion(work, party, presented, deps)


async def authenticate_resource(work: Work, presented: Presented, deps: Deps) -> Resource | Refusal:
    """Return the resource server that presented its own credentials."""
    if presented.proof is not Proof.SECRET:
        return replace(FAILED, audit="a resource authenticates with its secret")
    resource = await work.resources.get(ResourceId(presented.client))
    if resource is None:
        return replace(FAILED, audit="no such resource")
    secrets = await work.resources.secrets(resource.id)
    if not proves(work, resource.id, presented.value, secrets, SecretKind.RESOURCE, deps):
        return replace(FAILED, audit="wrong or expired secret")
    return resource


def proves(
    work: Work, holder: str, value: Secret | None, stored: Iterable[StoredSecret], kind: SecretKind, deps: Deps
) -> bool:
    """Say whether a secret is one of the holder's, and note which one was used."""
    opaque = parse_opaque(value.reveal(), kind) if value else None
    if opaque is None:
        return False
    now = deps.clock.now()
    for secret in stored:
        if secret.id == opaque.id and secret.usable(now) and deps.digester.matches(opaque, secret.digest):
            deps.uses.note(work.tenant, holder, secret.id, at=now)
            return True
    return False


async def _by_assertion(work: Work, party: Party, presented: Presented, deps: Deps) -> Party | Refusal:
    client, now = party.client, deps.clock.now()
    if client.jwks is None or presented.value is None:
        return replace(FAILED, audit="no key registered")
    issuer, assertion = (await work.tenants.current()).issuer, presented.value.reveal()
    verdict = deps.keyring.check_assertion(assertion, client.jwks, issuer=issuer, client=client.wire_id, now=now)
    old = client.old_keys(now)
    if isinstance(verdict, Refusal) and old is not None:
        verdict = deps.keyring.check_assertion(assertion, old, issuer=issuer, client=client.wire_id, now=now)
    if isinstance(verdict, Refusal):
        return replace(FAILED, audit=verdict.audit)
    # Keyed by client, so that nobody can burn somebody else's jti (B-KEY-03).
    if not await work.once.claim("assertion", f"{client.id}:{verdict.jti}", until=verdict.expires_at, at=now):
        return replace(FAILED, audit="assertion used twice")
    deps.uses.note(work.tenant, client.id, verdict.key, at=now)
    return party
