"""The core is told the time. (The import contracts keep the rest of the world out of it.)"""

from __future__ import annotations

from tests.rules.tree import SERVER, below, calls, last_name, shown, tree_of

READS_THE_CLOCK = {"now", "utcnow", "today"}


def test_the_core_never_reads_the_clock():
    # `datetime` is a plain type in the core, so no import contract can see `datetime.now`.
    found = [
        f"{shown(path)}:{call.lineno}"
        for path in below(SERVER / "core")
        for call in calls(tree_of(path))
        if last_name(call.func) in READS_THE_CLOCK
    ]
    assert found == []
