"""Choose the one resource that a token is for (RFC 8707)."""

from __future__ import annotations

from collections.abc import Sequence

from remit.core.clients import Client
from remit.core.oauth.resources import canonical
from remit.core.oauth.verdicts import Refusal
from remit.core.resources import Resource, ResourceState
from remit.ports.work import Work

NO_RESOURCE = Refusal(
    "invalid_target", "send resource: the URI of the API this token is for; this client has no default"
)
UNKNOWN_RESOURCE = Refusal("invalid_target", "no such resource here: resource must be a registered URI, to the letter")
ONE_RESOURCE = Refusal("invalid_target", "one token is for one resource: send resource once")


async def pick_resource(work: Work, asked: Sequence[str], client: Client) -> Resource | Refusal:
    """Return the named resource, or the client's default. Never a token for no or any audience (RI-4, RI-7)."""
    if len(set(asked)) > 1:
        return ONE_RESOURCE
    if not asked:
        resource = await work.resources.get(client.default_resource) if client.default_resource else None
        return resource or NO_RESOURCE
    uri = canonical(asked[0])
    if isinstance(uri, Refusal):
        return uri
    resource = await work.resources.by_uri(uri)
    if resource is None or resource.state is not ResourceState.ACTIVE:
        return UNKNOWN_RESOURCE
    return resource


def same_resource(asked: Sequence[str], resource: Resource) -> Refusal | None:
    """Say no when a token request names another resource than the one that was approved (RI-5, RT-6)."""
    for uri in asked:
        if canonical(uri) != resource.uri:
            return Refusal("invalid_target", "resource must be the one that was approved, or be left out")
    return None
