"""What an instance is made with, and what every node and command must then bring: two secrets and the base URL.

A node with another pepper would call every secret wrong that others made, and one with another base URL would sign
tokens of issuers that do not exist, both without a word. So the database remembers, and whoever differs does not start.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from remit.core.audit.events import TenantMoved, Who
from remit.core.errors import RemitError
from remit.core.tenants import INSTANCE, issuer_of
from remit.ports.deps import Deps
from remit.ports.work import Database

BASE_URL = "base URL"
MASTER_KEY = "master key"
PEPPER = "pepper"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One thing that this process brings. `otherwise` says what to do when the database remembers another value."""

    name: str
    value: str
    otherwise: Callable[[str], str]


async def agree(db: Database, *facts: Fact) -> None:
    """Remember what this process brings, or see that it is what the first one brought.

    Raises:
        RemitError: the database was made with something else.
    """
    async with db.read(INSTANCE) as work:
        known = [await work.facts.recall(fact.name) for fact in facts]
    if None in known:
        # Of two that start on an empty database together the first decides, and the second learns of it here.
        async with db.work(INSTANCE) as work:
            known = [await work.facts.settle(fact.name, fact.value) for fact in facts]
    for fact, value in zip(facts, known, strict=True):
        if value is not None and value != fact.value:
            raise RemitError(fact.otherwise(value))


async def remembered(db: Database, name: str) -> str | None:
    async with db.read(INSTANCE) as work:
        return await work.facts.recall(name)


def base_url_fact(base_url: str) -> Fact:
    def otherwise(known: str) -> str:
        return (
            f"server.base_url is {base_url}, and this instance was made for {known}: give it that one or none. "
            f"To change it, stop every server and run `remit config move {base_url}`"
        )

    return Fact(name=BASE_URL, value=base_url, otherwise=otherwise)


async def left_to_move(deps: Deps, *, base_url: str) -> int:
    """Count the tenants that `move` would give another issuer."""
    async with deps.db.system() as system:
        return sum(tenant.issuer != issuer_of(base_url, tenant.slug) for tenant in await system.tenants())


async def move(deps: Deps, who: Who, *, base_url: str) -> int:
    """Give every tenant its issuer below another base URL. Run again after a crash, it goes on where it was.

    Returns how many tenants moved. Access tokens of the old issuers are refused from the next start on; refresh tokens,
    grants and secrets stay good.
    """
    async with deps.db.system() as system:
        tenants = await system.tenants()
    moved = 0
    for tenant in tenants:
        issuer = issuer_of(base_url, tenant.slug)
        async with deps.db.work(tenant.id) as work:
            api = await work.resources.by_uri(tenant.api)
            if api is None or issuer == tenant.issuer:
                continue
            await work.resources.move(api.id, f"{issuer}/api")
            await work.events.append(TenantMoved(who=who, issuer=issuer, before=tenant.issuer), at=deps.clock.now())
            moved += 1
    # Last, so that whoever starts in between still meets the old one, and is refused with the new one.
    async with deps.db.work(INSTANCE) as work:
        await work.facts.settle(BASE_URL, base_url)
        await work.facts.change(BASE_URL, base_url)
    return moved
