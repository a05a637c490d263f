"""What is said about mutants that no test notices stays true (`make mutate`)."""

from __future__ import annotations

from tests.mutation.modules import ROOT, parts
from tests.mutation.page import PAGE, explained, modules_explained, page, results


def test_every_explained_survivor_is_a_change_that_can_be_made():
    # An explanation outlives its check in silence, and then excuses the next one of that name.
    assert modules_explained() <= parts().keys()
    for name, part in parts().items():
        possible = {(mutant.place, mutant.was, mutant.now) for mutant in part.mutants()}
        assert explained(name).keys() - possible == set(), name
        assert all(len(why) > 20 for why in explained(name).values()), name


def test_every_module_was_run_and_the_page_says_what_came_out():
    # `make mutate ARGS="MODULE --keep"` runs one and writes the page.
    assert results().keys() == parts().keys()
    assert PAGE.read_text(encoding="utf-8") == page(results())


def test_the_tests_that_must_notice_exist():
    assert [test for part in parts().values() for test in part.tests if not (ROOT / test).exists()] == []
