"""Tell clients that somebody signed out (OpenID Connect Back-Channel Logout): from an outbox, with bounded retries.

The notice is written in the transaction of the sign-out. Whichever node takes it next has it for a while; one that dies
over it leaves it to another. So a client may be told twice, and never not at all while it can be reached.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from remit.core.audit.events import SYSTEM, LogoutDelivered, LogoutFailed, Who
from remit.core.clients import ClientState
from remit.core.names import Secret, SessionId, TenantId
from remit.core.oauth.logout import DEFERRED, EVENT, LEASE, OLDEST, TOKEN_LIFETIME, LogoutNotice, next_try
from remit.core.outbound import Posted, Unreachable
from remit.ports.deps import Deps
from remit.ports.work import Work

AT_ONCE = 16
"""Notices of a tenant that a node takes at a time."""

TOLD = frozenset({200, 204})
REFUSED = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A notice that is ready to be sent."""

    notice: LogoutNotice
    url: str
    token: Secret = field(repr=False)
    who: Who


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    letter: Letter
    said: Posted | Unreachable


async def note_logout(work: Work, session: SessionId, deps: Deps) -> None:
    """Write down whom to tell: every client that has an id token of this login and an address to be told at."""
    now = deps.clock.now()
    opened = {line.client: line.user for line in await work.lines.of_session(session) if "openid" in line.scopes}
    for id_, user in sorted(opened.items()):
        client = await work.clients.get(id_)
        if client is None or client.state is not ClientState.ACTIVE or client.logout.backchannel_uri is None:
            continue
        notice = LogoutNotice(
            id=deps.fresh.ordinal(), client=client.id, user=user, session=session, tries=0, created_at=now
        )
        await work.logout_notices.add(notice)


async def take_letters(tenant: TenantId, deps: Deps) -> Sequence[Letter]:
    """Take what is due for this node to send, each with a logout token of its own (§2.4)."""
    now = deps.clock.now()
    async with deps.db.read(tenant) as work:
        if not await work.logout_notices.due(now):
            return ()
    letters = []
    async with deps.db.work(tenant) as work:
        current, keys = await work.tenants.current(), await work.keys.all()
        for notice in await work.logout_notices.take(now=now, until=now + LEASE, limit=AT_ONCE):
            party = await work.clients.party(notice.client)
            who = replace(SYSTEM, user=notice.user, client=notice.client, session=notice.session)
            if party is None or party.client.state is not ClientState.ACTIVE or not party.client.logout.backchannel_uri:
                await _give_up(work, notice, who, "the client is gone, or has no address any more", deps)
                continue
            claims: dict[str, object] = {
                "sub": notice.user,
                "aud": party.client.wire_id,
                "iat": int(now.timestamp()),
                "exp": int((now + TOKEN_LIFETIME).timestamp()),
                "jti": deps.fresh.ordinal(),
                "events": {EVENT: {}},
                "sid": notice.session,
            }
            token = deps.keyring.sign_logout(current, keys, party.client.id_token_alg, claims)
            who = replace(who, agent=party.agent.id, owner=party.agent.owner)
            letters.append(Letter(notice=notice, url=party.client.logout.backchannel_uri, token=Secret(token), who=who))
    return letters


async def send(letter: Letter, deps: Deps) -> Reply:
    """Post a logout token to its client (§2.5)."""
    return Reply(letter=letter, said=await deps.outbound.post(letter.url, {"logout_token": letter.token.reveal()}))


async def settle(tenant: TenantId, replies: Sequence[Reply], deps: Deps) -> None:
    """Write down what came of it: told, to be tried again, or given up."""
    now = deps.clock.now()
    async with deps.db.work(tenant) as work:
        for reply in replies:
            letter, said = reply.letter, reply.said
            notice = letter.notice
            if isinstance(said, Posted) and said.status in TOLD:
                if await work.logout_notices.drop(notice):
                    await work.events.append(LogoutDelivered(who=letter.who, tries=notice.tries), at=now)
                continue
            if isinstance(said, Posted) and said.status == REFUSED:
                await _give_up(work, notice, letter.who, "the client refused it with 400", deps)
                continue
            if isinstance(said, Unreachable) and said.crowded and now < notice.created_at + OLDEST:
                await work.logout_notices.postpone(notice, until=now + DEFERRED, counts=False)
                continue
            again = next_try(notice, now)
            if again is None:
                reason = said.reason if isinstance(said, Unreachable) else f"answered with {said.status}"
                await _give_up(work, notice, letter.who, reason, deps)
            else:
                await work.logout_notices.postpone(notice, until=again, counts=True)


async def _give_up(work: Work, notice: LogoutNotice, who: Who, reason: str, deps: Deps) -> None:
    if await work.logout_notices.drop(notice):
        await work.events.append(LogoutFailed(who=who, tries=notice.tries, reason=reason), at=deps.clock.now())
