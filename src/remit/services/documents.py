"""Clients that a URL describes: read their document when they ask, and know them by it from then on (CIMD-2..14)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from remit.core.admission import USUAL, Documents
from remit.core.audit.events import SYSTEM, DocumentRefused
from remit.core.clients import Client, ClientState, Party
from remit.core.names import ClientId, TenantId
from remit.core.oauth.documents import Reading, flaw_of_url, host_of, is_document, judge_document, strays
from remit.core.oauth.verdicts import Refusal
from remit.core.outbound import MOST_FRESH, Fetched, Unchanged, Unreachable
from remit.core.self_registration import Registration
from remit.ports.deps import Deps
from remit.ports.work import Work
from remit.services.client_metadata import read_metadata
from remit.services.origin import Origin
from remit.services.registration import ceiling_of, redescribe, take_in
from remit.strict_json import read_object

WHAT = "document"

CLOSED = Refusal(
    "invalid_client", "this issuer reads no client metadata documents: ask an administrator to register the client"
)
UNWELCOME = Refusal(
    "invalid_client", "this issuer reads no client metadata documents of this host: ask an administrator"
)
UNREAD = Refusal(
    "invalid_client",
    "the document at client_id could not be read: it must be public, answer 200 with a small JSON object at once, and "
    "redirect nowhere",
)
"""The one answer to whatever went wrong on the way: what it was would tell of networks that are not the asker's."""

BUSY = Refusal("temporarily_unavailable", "too many unknown clients came from your address: wait before the next")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Due:
    """A document that has to be read now."""

    client: Client | None
    reading: Reading | None


async def takes_documents(work: Work, deps: Deps) -> bool:
    """Say whether a client may come by a document of its own, which is what the metadata advertises (CIMD-15)."""
    admission = await work.admission.get() or USUAL
    open_here = deps.registration.documents and admission.documents is not Documents.OFF
    return open_here and await ceiling_of(work, deps) is not None


async def meet(tenant: TenantId, client_id: str, deps: Deps, origin: Origin) -> Refusal | None:
    """See that what a document says of a client is known and fresh, before the client's request is looked at.

    Nothing happens where the id is none of a document. Nothing is fetched inside a work.
    """
    return await _meet(tenant, client_id, deps, origin, new=True) if is_document(client_id) else None


async def keep_current(tenant: TenantId, client_id: str, deps: Deps, origin: Origin) -> Refusal | None:
    """The same for a client that is met already. Where its host is away, what it said within a day still counts.

    An outage there would else sign out every user of the client (docs/divergences.md).
    """
    return await _meet(tenant, client_id, deps, origin, new=False) if is_document(client_id) else None


async def _meet(tenant: TenantId, url: str, deps: Deps, origin: Origin, *, new: bool) -> Refusal | None:
    async with deps.db.read(tenant) as work:
        due = await _look(work, url, deps)
    if due is None or (not new and isinstance(due, _Due) and due.client is None):
        return None
    outcome = due if isinstance(due, Refusal) else await _fetch(tenant, url, due, deps, origin, strict=new)
    if outcome is not None:
        async with deps.db.work(tenant) as work:
            known = await work.clients.get(ClientId(url))
            event = DocumentRefused(
                who=origin.nobody(client=None if known is None else known.id),
                host=host_of(url),
                code=outcome.code,
                reason=outcome.audit or outcome.hint,
            )
            await work.events.tally(event, reason=f"{event.host}: {event.reason}", at=deps.clock.now())
    return outcome


async def _look(work: Work, url: str, deps: Deps) -> _Due | Refusal | None:
    """Say whether a document is due; None when what is known of it still counts, or nothing it says would."""
    if (flaw := flaw_of_url(url)) is not None:
        return Refusal("invalid_client", f"the client_id {flaw}")
    client = await work.clients.get(ClientId(url))
    if client is None or client.self_registered:
        admission = await work.admission.get() or USUAL
        if not deps.registration.documents or admission.documents is Documents.OFF:
            return CLOSED
        if not admission.welcomes(host_of(url)):
            return UNWELCOME
    if client is None:
        return CLOSED if await ceiling_of(work, deps) is None else _Due(client=None, reading=None)
    if client.state is not ClientState.ACTIVE:
        return None
    reading = await work.readings.get(client.id, WHAT)
    if reading is not None and deps.clock.now() < reading.fresh_until:
        return None
    return _Due(client=client, reading=reading)


async def _fetch(tenant: TenantId, url: str, due: _Due, deps: Deps, origin: Origin, *, strict: bool) -> Refusal | None:
    now, limits = deps.clock.now(), deps.registration
    if due.client is None:
        who = f"{tenant} {origin.peer or 'unknown'}"
        if deps.throttle.allow("document", who, limit=limits.per_peer, per_seconds=3600, now=now):
            return BUSY
    etag = due.reading.etag if due.reading is not None else None
    answer = await deps.outbound.fetch(url, limit=limits.document_bytes, etag=etag)
    if isinstance(answer, Unreachable):
        if not strict and due.reading is not None and now < due.reading.read_at + timedelta(seconds=MOST_FRESH):
            return None
        return replace(UNREAD, audit=answer.reason)
    async with deps.db.work(tenant) as work:
        return await _take(work, url, answer, etag, deps, origin)


async def _take(
    work: Work, url: str, answer: Fetched | Unchanged, etag: str | None, deps: Deps, origin: Origin
) -> Refusal | None:
    """Believe an answer, and remember until when. What is wrong is never remembered (CIMD-9)."""
    now = deps.clock.now()
    party = await work.clients.party(ClientId(url))
    if isinstance(answer, Fetched):
        party_or_flaw = await _believe(work, url, answer.body, party, deps, origin)
        if isinstance(party_or_flaw, Refusal):
            return party_or_flaw
        client, etag = party_or_flaw, answer.etag
    elif party is None:
        return replace(UNREAD, audit="unchanged, and never read")
    else:
        client = party.client
    fresh_until = now + timedelta(seconds=answer.fresh_seconds)
    await work.readings.put(client.id, WHAT, Reading(etag=etag, read_at=now, fresh_until=fresh_until))
    return None


async def _believe(
    work: Work, url: str, body: bytes, party: Party | None, deps: Deps, origin: Origin
) -> Client | Refusal:
    document = read_object(body)
    if document is None:
        return _flaw("it must be one JSON object with each member once")
    said = read_metadata(document)
    if isinstance(said, Refusal):
        return _flaw(said.hint)
    managed = party is not None and not party.client.self_registered
    ceiling = party.remit if party is not None else await ceiling_of(work, deps)
    if ceiling is None:
        return CLOSED
    registration = judge_document(
        url,
        said,
        known=frozenset(key.name for key in ceiling.scopes),
        managed=managed,
        device_flow=(await work.tenants.current()).device_flow,
    )
    if isinstance(registration, Refusal):
        return _flaw(registration.hint)
    if registration.jwks is not None and (clause := deps.keyring.flaw_of_jwks(registration.jwks)) is not None:
        return _flaw(f"its key set {clause}")
    admission = await work.admission.get() or USUAL
    if admission.same_origin and not managed and strays(url, registration.redirect_uris):
        return _flaw("this issuer lets it redirect to its own origin alone")
    if party is not None:
        return await _change(work, party, registration, deps)
    taken = await take_in(work, registration, ceiling, deps, origin, document=url)
    return taken if isinstance(taken, Refusal) else taken.client


async def _change(work: Work, party: Party, registration: Registration, deps: Deps) -> Client:
    """Take over what a document says now."""
    who = replace(SYSTEM, agent=party.agent.id, owner=party.agent.owner, client=party.client.id)
    return await redescribe(work, party.client, registration, deps, who)


def _flaw(why: str) -> Refusal:
    return Refusal("invalid_client", f"the document at client_id is not valid: {why}")
