"""Where a request came from: what every event about it carries."""

from __future__ import annotations

from dataclasses import dataclass

from remit.core.audit.events import Who
from remit.core.authority import Chain
from remit.core.clients import Party


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The peer and the id of one HTTP request, or of one command on the machine itself."""

    peer: str | None
    request: str | None
    trace: str | None = None

    def nobody(self, *, client: str | None = None) -> Who:
        """Return a Who for somebody not yet proven. `client` is what was claimed."""
        return Who(
            actor_kind="unknown", actor="unknown", client=client, peer=self.peer, request=self.request, trace=self.trace
        )

    def user(self, user: str, *, session: str | None = None) -> Who:
        return Who(
            actor_kind="user",
            actor=user,
            user=user,
            session=session,
            peer=self.peer,
            request=self.request,
            trace=self.trace,
        )

    def operator(self, kind: str, actor: str) -> Who:
        """Return a Who for an administrator, an API client or the command line."""
        return Who(actor_kind=kind, actor=actor, peer=self.peer, request=self.request, trace=self.trace)

    def party(self, party: Party) -> Who:
        """Return a Who for a client that proved itself, before it is known what it may have."""
        return Who(
            actor_kind="client",
            actor=party.client.id,
            agent=party.agent.id,
            owner=party.agent.owner,
            client=party.client.id,
            purpose=party.agent.purpose,
            peer=self.peer,
            request=self.request,
            trace=self.trace,
        )

    def chain(self, chain: Chain, *, actor_kind: str = "client", actor: str | None = None) -> Who:
        """Return a Who that names everybody in a chain of authority."""
        party, grant = chain.party, chain.grant
        return Who(
            actor_kind=actor_kind,
            actor=actor or party.client.id,
            user=chain.user.id if chain.user else None,
            agent=party.agent.id,
            owner=party.agent.owner,
            client=party.client.id,
            grant=grant.id if grant else None,
            line=chain.line.id if chain.line else None,
            approver=grant.approver if grant else None,
            session=chain.session,
            jti=chain.jti,
            resource=chain.resource.uri if chain.resource else None,
            purpose=party.agent.purpose,
            peer=self.peer,
            request=self.request,
            trace=self.trace,
        )
