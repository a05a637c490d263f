"""What a request may cost in what can be counted: statements, commits, signatures. Times are for `make bench`."""

from __future__ import annotations

import pytest

from tests.kit.bill import BUDGETS, COMMITS_OF_A_CROWD, counting, crowd, issued


@pytest.fixture
def bill():
    with counting() as opened:
        yield opened


@pytest.mark.parametrize(("prepare", "statements", "signatures"), BUDGETS.values(), ids=BUDGETS)
async def test_what_a_request_costs(remit, bill, prepare, statements, signatures):
    act = await prepare(remit)
    bill.clear()
    answer = await act()
    assert answer.status_code == 200, answer.text
    assert (bill.questions, bill.signatures) == (statements, signatures), bill.statements


async def test_a_thousand_tokens_for_a_crowd_take_few_commits(remit, bill):
    """64 callers, each with one request after the other: works that come together are committed together."""
    await issued(remit)
    bill.clear()
    await crowd(remit)
    assert bill.commits <= COMMITS_OF_A_CROWD
    trees = sum(count for sql, count in bill.statements.items() if sql.startswith("insert into audit_tree"))
    assert trees <= bill.commits
