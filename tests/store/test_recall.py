"""Which statements end what is remembered, and how much is kept."""

from __future__ import annotations

import re

import pytest

from remit.core.names import TenantId
from remit.store.recall import KEPT, OLDEST_SECONDS, VOLATILE, Change, Recall, change_of
from remit.store.schema import METADATA
from tests.rules.test_sql import STATEMENTS

A, B = TenantId("tnt_a"), TenantId("tnt_b")

CASES = {
    "a question changes nothing": ("select state from client where tenant = :tenant", Change.NONE),
    "a new row": ("\ninsert into client (tenant) values (:tenant)", Change.AUTHORITY),
    "an update": ("update agent set state = 's' where tenant = :tenant", Change.AUTHORITY),
    "a deletion": ("DELETE\n  FROM user_scope where tenant = :tenant", Change.AUTHORITY),
    "a table that nobody has thought of": ("insert into moon (tenant) values (:tenant)", Change.AUTHORITY),
    "an upsert of what changes all the time": (
        "insert into audit_tree (tenant) values (:tenant) on conflict (tenant) do update set size = 1",
        Change.NONE,
    ),
    "a change inside a question": ("with x as (delete from grants returning 1) select * from x", Change.AUTHORITY),
    "both kinds of tables": ("with x as (delete from line returning 1) update client set name = 'x'", Change.AUTHORITY),
    "a lock is no change": ("select 1 from client where tenant = :tenant for update", Change.NONE),
    "a stop": ("insert into stop (tenant) values (:tenant)", Change.STOPS),
    "the counter of stops": (
        "\nupdate tenant set epoch = epoch + 1 where tenant = :tenant returning epoch",
        Change.STOPS,
    ),
    "the counter with something else": (
        "update tenant set epoch = epoch + 1, state = 'suspended' where tenant = :tenant",
        Change.AUTHORITY,
    ),
}


@pytest.mark.parametrize(("sql", "expected"), CASES.values(), ids=CASES)
def test_what_a_statement_changes(sql, expected):
    assert change_of(sql) is expected


def test_every_statement_of_the_store_that_writes_is_seen_to_write():
    """Told apart by another reading of SQL: its first word, or any verb behind a bracket."""
    writing = re.compile(r"(?:^|\(|\bas\s*\(|\)\s*)\s*(insert into|update|delete from)\s+(\w+)", re.IGNORECASE)
    for name, sql in STATEMENTS.items():
        tables = {table for _, table in writing.findall(sql.strip())}
        assert (change_of(sql) is not Change.NONE) == bool(tables - VOLATILE), name


def test_what_is_volatile_exists():
    assert METADATA.tables.keys() >= VOLATILE


def test_an_item_is_recalled_at_its_own_stamp_only():
    recall = Recall(lambda: 7.0)
    recall.put("party", A, "c", 1, "item")
    assert recall.get("party", A, "c", 1) == ("item", 7.0)
    for other in (("party", A, "c", 2), ("party", B, "c", 1), ("party", A, "d", 1), ("user", A, "c", 1)):
        assert recall.get(*other) is None


def test_nothing_is_believed_for_long():
    now = [0.0]
    recall = Recall(lambda: now[0])
    recall.put("party", A, "c", 1, "item")
    now[0] = OLDEST_SECONDS
    assert recall.get("party", A, "c", 1) == ("item", 0.0)
    # What is made of it now is as old as it is.
    recall.put("verdict", A, "t", 1, "live", read_at=0.0)
    assert recall.get("verdict", A, "t", 1) == ("live", 0.0)
    now[0] = OLDEST_SECONDS + 0.001
    assert recall.get("party", A, "c", 1) is None
    assert recall.get("verdict", A, "t", 1) is None


def test_of_each_kind_a_bounded_number_is_kept():
    recall = Recall(lambda: 7.0)
    recall.put("user", A, "u", 1, "user")
    for number in range(3 * KEPT):
        recall.put("party", A, number, 1, number)
    held = [number for number in range(3 * KEPT) if recall.get("party", A, number, 1) is not None]
    assert KEPT // 2 < len(held) <= KEPT
    assert held[-1] == 3 * KEPT - 1
    assert recall.get("user", A, "u", 1) == ("user", 7.0)
