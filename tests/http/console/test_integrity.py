"""The badge: a database that somebody tampered with shows it, and a large log is looked at in steps."""

from __future__ import annotations

import apsw
import pytest

from remit.core.audit.events import SYSTEM, SignedOut
from remit.core.audit.tree import leaf_hash
from remit.services import integrity
from remit.services.checkpoints import make_checkpoint
from remit.services.integrity import Integrity

TAMPERINGS = {
    "an edited event": ("update event set body = replace(body, ':\"ok', ':\"no') where seq = 3", "entry"),
    "an event taken out": ("delete from event where seq = 4", "entry 4"),
    "an event that is no event": ("update event set body = cast('{}' as blob) where seq = 5", "entry 5"),
    "an edited event with its leaf made to fit": (
        f"update event set body = cast('{{}}' as blob), leaf = x'{leaf_hash(b'{}').hex()}' where seq = 5",
        "entries that were there before are gone or changed",
    ),
    "a cut tail, with the size made to fit": (
        "delete from event where seq = (select max(seq) from event where tenant = :tenant) and tenant = :tenant",
        "entry",
    ),
}


def tamper(folder, sql, tenant):
    connection = apsw.Connection(str(next(folder.glob("**/remit.db"))))
    sql = sql if ":tenant" in sql else f"{sql} and tenant = :tenant"
    connection.execute(sql, {"tenant": tenant})
    connection.close()


@pytest.mark.parametrize(("sql", "words"), TAMPERINGS.values(), ids=TAMPERINGS)
async def test_the_badge_shows(world, tmp_path, sql, words):
    site = world.acme
    browser = await world.browser(site, "amir")
    assert "Audit log verified up to" in (await browser.get("/console/audit")).text
    tamper(tmp_path, sql, site.tenant.id)
    page = (await browser.get("/console/audit")).text
    assert "Audit log not verified" in page
    assert words in page
    assert "Audit log not verified" in (await browser.get("/console")).text


async def test_a_log_that_was_rolled_back_is_missed_as_long_as_this_process_lives(world, tmp_path):
    site, badge = world.acme, Integrity()
    async with world.deps.db.read(site.tenant.id) as work:
        tree = await work.audit.tree()
    connection = apsw.Connection(str(next(tmp_path.glob("**/remit.db"))))
    ((old,),) = connection.execute("select frontier from audit_tree where tenant = ?", (site.tenant.id,))
    async with world.deps.db.work(site.tenant.id) as work:
        await work.events.append(SignedOut(who=SYSTEM), at=world.clock.now())
    assert (await badge.look(site.tenant.id, world.deps)).problem == ""
    connection.execute("delete from event where tenant = ? and seq >= ?", (site.tenant.id, tree.size))
    connection.execute(
        "update audit_tree set size = ?, frontier = ? where tenant = ?", (tree.size, old, site.tenant.id)
    )
    connection.close()
    # To somebody who knows nothing of before, the log is whole.
    assert (await Integrity().look(site.tenant.id, world.deps)).problem == ""
    assert "gone or changed" in (await badge.look(site.tenant.id, world.deps)).problem


async def test_a_checkpoint_that_nobody_signed_is_not_believed(world, tmp_path):
    site = world.acme
    assert await make_checkpoint(site.tenant.id, world.deps) is not None
    assert (await Integrity().look(site.tenant.id, world.deps)).problem == ""
    tamper(
        tmp_path, "update checkpoint set note = replace(note, '\n\u2014', '\n\u2014 x') where size > 0", site.tenant.id
    )
    assert "cannot be believed" in (await Integrity().look(site.tenant.id, world.deps)).problem


async def test_a_large_log_is_looked_at_in_steps_that_begin_again(world, monkeypatch):
    site, badge = world.acme, Integrity()
    size = await world.size(site)
    monkeypatch.setattr(integrity, "STEP", size // 3 + 1)
    looks = [await badge.look(site.tenant.id, world.deps) for _ in range(6)]
    assert [look.entries for look in looks] == [0, 0, size, size, size, size]
    assert [look.looked_at is None for look in looks] == [True, True, False, False, False, False]
