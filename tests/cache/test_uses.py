"""Uses of credentials: the last one of each is kept, and never more than there is room for."""

from datetime import UTC, datetime, timedelta

import pytest

from remit.cache.uses import MemoryUses
from remit.core.credentials import Use
from remit.core.names import TenantId

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)
ACME, GLOBEX = TenantId("tnt_acme"), TenantId("tnt_globex")


@pytest.fixture
def uses():
    return MemoryUses(most=2)


def note(uses, credential, *, tenant=ACME, later=0):
    uses.note(tenant, "cli_1", credential, at=NOW + timedelta(seconds=later))


def use(credential, later=0):
    return Use(holder="cli_1", credential=credential, at=NOW + timedelta(seconds=later))


def test_the_last_use_of_each_is_taken_once(uses):
    for later in range(4):
        note(uses, "sec_1", later=later)
    note(uses, "sec_2")
    assert uses.take() == {ACME: [use("sec_1", later=3), use("sec_2")]}
    assert uses.take() == {}


def test_each_tenant_has_its_own(uses):
    note(uses, "sec_1")
    note(uses, "sec_1", tenant=GLOBEX, later=1)
    assert uses.take() == {ACME: [use("sec_1")], GLOBEX: [use("sec_1", later=1)]}


def test_there_is_room_for_so_many_and_for_those_again_once_they_are_taken(uses):
    for number in range(4):
        note(uses, f"sec_{number}")
    note(uses, "sec_0", later=9)
    assert uses.take() == {ACME: [use("sec_0", later=9), use("sec_1")]}
    note(uses, "sec_2")
    assert uses.take() == {ACME: [use("sec_2")]}
