"""However works, failures and tenants interleave, each tree is the tree over its own events."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from remit.core.audit.tree import leaf_hash, root_of
from remit.store.migrate import open_sqlite
from tests.store.rows import ACME, BASE, GLOBEX, ISSUED, NOW, add_tenants

ONE = st.tuples(st.sampled_from([ACME, GLOBEX]), st.integers(0, 5), st.sampled_from(["return", "raise", "suspend"]))
WAVES = st.lists(st.lists(ONE, max_size=8), min_size=1, max_size=4)


class Boom(Exception):
    """Somebody's bug."""


async def play(waves) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # Two engines on one file stand for two processes: each reads where the tree stands when its batch begins.
        engines = [await open_sqlite(Path(folder) / "remit.db", BASE) for _ in range(2)]
        await add_tenants(engines[0])
        expected = {ACME: 0, GLOBEX: 0}

        async def one(db, tenant, appends, end) -> None:
            async with db.work(tenant) as work:
                for _ in range(appends):
                    await work.events.append(ISSUED, at=NOW)
                if end == "raise":
                    raise Boom
                if end == "suspend":
                    await asyncio.sleep(0)

        for wave in waves:
            works = [one(engines[number % 2], *step) for number, step in enumerate(wave)]
            ends = await asyncio.gather(*works, return_exceptions=True)
            for (tenant, appends, _), end in zip(wave, ends, strict=True):
                expected[tenant] += appends if end is None else 0
        for db in engines:
            for tenant, size in expected.items():
                async with db.read(tenant) as work:
                    tree = await work.audit.tree()
                    leaves = await work.audit.leaves(0)
                assert tree.size == size
                assert [seq for seq, _, _ in leaves] == list(range(size))
                assert all(leaf_hash(body) == leaf for _, body, leaf in leaves)
                assert root_of([leaf for _, _, leaf in leaves]) == tree.root
            await db.close()


@settings(max_examples=25, deadline=None)
@given(waves=WAVES)
def test_the_tree_is_the_tree_over_the_events(waves):
    asyncio.run(play(waves))
