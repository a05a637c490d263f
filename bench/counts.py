"""What stands behind the rates and does not depend on the machine: statements, signatures and commits a request."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from bench.direct import folder
from bench.report import Line, Target
from tests.kit.bill import BUDGETS, COMMITS_OF_A_CROWD, counting, crowd, issued
from tests.kit.instance import instance


def measure() -> Iterator[Line]:
    """Yield the bill of one request of each kind, and the commits of a thousand issuances."""
    yield from asyncio.run(_counted())


async def _counted() -> list[Line]:
    lines = []
    for name, (prepare, statements, _) in BUDGETS.items():
        async with instance(folder()) as remit:
            act = await prepare(remit)
            with counting() as bill:
                (await act()).raise_for_status()
        more = {"signatures": float(bill.signatures), "commits": float(bill.commits)}
        target = Target(at_most=statements)
        lines.append(Line(name=name, value=bill.questions, unit="statements", target=target, more=more))
    async with instance(folder()) as remit:
        await issued(remit)
        with counting() as bill:
            await crowd(remit)
    name, target = "1,000 issuances, 64 callers", Target(at_most=COMMITS_OF_A_CROWD)
    return [*lines, Line(name=name, value=bill.commits, unit="commits", target=target)]
