"""A whole log under attack: every touch is found, and the entry is named."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.core.audit import verify as module
from remit.core.audit.note import Checkpoint, Malformed
from remit.core.audit.tree import Frontier, leaf_hash, root_of
from remit.core.audit.verify import Fault, FaultKind, LogCheck, verify_log

ORIGIN = "remit.example/t/acme"


def rows(events):
    """Store events as the sequencer does."""
    return [(index, event, leaf_hash(event)) for index, event in enumerate(events)]


def root_at(events, size):
    return root_of([leaf_hash(event) for event in events[:size]])


def checkpoint(events, size):
    return Checkpoint(origin=ORIGIN, size=size, root=root_at(events, size))


def verify(stored, events, *, checkpoints=(), outside=(), size=None):
    """Verify stored rows of a log whose frontier was stored when it held `events`."""
    return verify_log(
        stored,
        size=len(events) if size is None else size,
        root=root_at(events, len(events)),
        checkpoints=[checkpoint(events, at) if isinstance(at, int) else at for at in checkpoints],
        outside=[checkpoint(events, at) if isinstance(at, int) else at for at in outside],
    )


def places(report):
    return [(fault.kind.value, fault.index, fault.until) for fault in report.faults]


LOG = [f"event {number}".encode() for number in range(10)]
OTHER = [f"other {number}".encode() for number in range(20)]


def changed(index, event, leaf=None):
    """Change one row; without a leaf as a careful attacker would, who writes the matching leaf too."""
    stored = rows(LOG)
    stored[index] = (index, event, leaf or leaf_hash(event))
    return stored


def without(index):
    return [row for row in rows(LOG) if row[0] != index]


# stored rows, sizes of the stored checkpoints, sizes of outside checkpoints, what is found
CASES = {
    "a log that nobody touched": (rows(LOG), [4, 8], [], []),
    "a checkpoint of the empty log": (rows(LOG), [0, 10], [0], []),
    "an event that was edited": (changed(3, b"evil", leaf_hash(LOG[3])), [4, 8], [], [("edited", 3, 3)]),
    "a leaf that was edited": (changed(3, LOG[3], bytes(32)), [2, 8], [], [("edited", 3, 3), ("tree", 2, 7)]),
    "an event edited together with its leaf": (changed(5, b"evil"), [4, 8, 10], [], [("tree", 4, 7)]),
    "the same after the last checkpoint": (changed(9, b"evil"), [4, 8], [], [("tree", 8, 9)]),
    "the same without any checkpoint": (changed(9, b"evil"), [], [], [("tree", 0, 9)]),
    "an entry taken out": (without(6), [4, 8], [], [("missing", 6, 6)]),
    "the first entry taken out": (without(0), [4, 8], [], [("missing", 0, 0)]),
    "the last entry taken out": (without(9), [4, 8], [], [("missing", 9, 9)]),
    "three entries taken out": (rows(LOG)[:2] + rows(LOG)[5:], [1, 8], [], [("missing", 2, 4)]),
    "two gaps": (rows(LOG)[:2] + rows(LOG)[3:5] + rows(LOG)[6:], [], [], [("missing", 2, 2), ("missing", 5, 5)]),
    "an edit behind a gap": (
        [row for row in changed(7, b"evil", leaf_hash(LOG[7])) if row[0] != 2],
        [4],
        [],
        [("missing", 2, 2), ("edited", 7, 7)],
    ),
    "an index twice": ([*rows(LOG)[:4], rows(LOG)[3], *rows(LOG)[4:]], [4, 8], [], [("extra", 3, 3)]),
    "an entry too many": (rows([*LOG, b"evil"]), [4, 8], [], [("extra", 10, 10)]),
    "everything gone": ([], [4, 8], [], [("missing", 0, 9)]),
    "a stored checkpoint that speaks of more": (rows(LOG), [checkpoint(LOG + OTHER, 13)], [], [("cut", 10, 12)]),
    "an outside checkpoint that speaks of more": (rows(LOG), [10], [checkpoint(LOG + OTHER, 13)], [("cut", 10, 12)]),
    "an outside checkpoint of another history": (rows(LOG), [4, 8, 10], [checkpoint(OTHER, 7)], [("cut", 0, 6)]),
    "the same, narrowed by an older outside one": (rows(LOG), [], [3, checkpoint(OTHER, 7)], [("cut", 3, 6)]),
    "a checkpoint nobody signed": (
        rows(LOG),
        [Malformed("no signature of a trusted key")],
        [],
        [("unsigned", None, None)],
    ),
    "a signed checkpoint of another log": (rows(LOG), [4, checkpoint(OTHER, 6), 8], [], [("tree", None, None)]),
    "a checkpoint of an empty log with a root": (
        rows(LOG),
        [Checkpoint(origin=ORIGIN, size=0, root=bytes(32))],
        [],
        [("tree", None, None)],
    ),
}


@pytest.mark.parametrize(("stored", "checkpoints", "outside", "expected"), CASES.values(), ids=CASES)
def test_what_is_found(stored, checkpoints, outside, expected):
    report = verify(stored, LOG, checkpoints=checkpoints, outside=outside)
    assert places(report) == expected
    assert report.sound == (not expected)


def test_a_stored_root_that_no_entry_explains_is_itself_at_fault():
    report = verify_log(rows(LOG), size=10, root=bytes(32), checkpoints=[checkpoint(LOG, 10)])
    assert places(report) == [("tree", None, None)]


def test_a_good_report_says_what_is_vouched_for():
    report = verify_log(
        rows(LOG),
        size=10,
        root=root_at(LOG, 10),
        checkpoints=[checkpoint(LOG, 4), checkpoint(LOG, 8)],
        outside=[checkpoint(LOG, 4)],
        pending=3,
    )
    assert (report.entries, report.pending, report.checkpoints, report.signed) == (10, 3, 2, 8)
    assert report.tail_known


def test_without_anything_from_outside_the_tail_is_not_known():
    assert not verify(rows(LOG), LOG, checkpoints=[10]).tail_known


def test_behind_a_gap_an_outside_checkpoint_tells_nothing_about_the_tail():
    assert not verify(without(2), LOG, outside=[8]).tail_known


@pytest.mark.parametrize("checkpoints", [[6, checkpoint(OTHER, 6)], [checkpoint(OTHER, 6), 6]], ids=["after", "before"])
def test_of_two_checkpoints_of_one_size_the_one_that_differs_is_wrong(checkpoints):
    report = verify(rows(LOG), LOG, checkpoints=checkpoints)
    detail = "a signed checkpoint of size 6 is not of this log: another one agrees with the same entries"
    assert report.faults == (Fault(kind=FaultKind.TREE, index=None, until=None, detail=detail),)


def test_an_empty_log_is_sound():
    assert verify([], []).sound


def test_a_fault_is_told_in_words():
    report = verify(changed(5, b"evil"), LOG, checkpoints=[4, 8])
    detail = "the first 8 entries do not give the root of the signed checkpoint of that size"
    assert report.faults == (Fault(kind=FaultKind.TREE, index=4, until=7, detail=detail),)


def test_a_log_rewritten_from_end_to_end_lists_so_many_faults_and_counts_the_rest(monkeypatch):
    monkeypatch.setattr(module, "MAX_FAULTS", 3)
    report = verify([(index, b"evil", leaf) for index, _, leaf in rows(LOG)], LOG)
    assert [fault.index for fault in report.faults] == [0, 1, 2]
    assert report.unlisted == 7


def test_each_checkpoint_size_costs_one_root(monkeypatch):
    roots = []
    plain = Frontier.root

    def counted(frontier):
        roots.append(frontier.size)
        return plain(frontier)

    monkeypatch.setattr(Frontier, "root", counted)
    check = LogCheck(
        size=10,
        root=root_at(LOG, 10),
        checkpoints=[checkpoint(LOG, 4), checkpoint(LOG, 4), checkpoint(LOG, 8)],
        outside=[checkpoint(LOG, 8)],
    )
    roots.clear()
    for row in rows(LOG):
        check.feed(*row)
    assert check.report().sound
    assert roots == [4, 8, 10]


# Laws: any log, any checkpoints, any touch.
LOGS = st.lists(st.binary(max_size=12), min_size=1, max_size=24, unique=True)


@st.composite
def checked_logs(draw):
    """A log with the sizes of its checkpoints, sorted."""
    events = draw(LOGS)
    return events, sorted(draw(st.sets(st.integers(1, len(events)), max_size=4)))


def range_of(index, sizes, end):
    """Where a change at this index must be reported: from the last good checkpoint to the first bad one."""
    good = max((size for size in sizes if size <= index), default=0)
    bad = min((size for size in sizes if size > index), default=end)
    return ("tree", good, bad - 1)


@given(checked_logs())
def test_an_untouched_log_is_sound(log):
    events, sizes = log
    report = verify(rows(events), events, checkpoints=sizes, outside=sizes)
    assert report.sound
    assert (report.checkpoints, report.signed) == (len(sizes), max(sizes, default=0))
    assert report.tail_known == bool(sizes)


@pytest.mark.requirement("AUD-3")
@given(checked_logs(), st.data())
def test_every_edit_is_found_at_its_index(log, data):
    events, sizes = log
    edits = data.draw(st.dictionaries(st.integers(0, len(events) - 1), st.binary(max_size=12), min_size=1))
    edits = {index: event if event != events[index] else event + b"!" for index, event in edits.items()}
    stored = [(index, edits.get(index, event), leaf) for index, event, leaf in rows(events)]
    expected = [("edited", index, index) for index in sorted(edits)]
    assert places(verify(stored, events, checkpoints=sizes)) == expected


@given(checked_logs(), st.data())
def test_a_careful_edit_is_found_between_two_checkpoints(log, data):
    events, sizes = log
    index = data.draw(st.integers(0, len(events) - 1))
    forged = [*events[:index], events[index] + b"!", *events[index + 1 :]]
    assert places(verify(rows(forged), events, checkpoints=sizes)) == [range_of(index, sizes, len(events))]


@given(checked_logs(), st.data())
def test_a_swap_is_found(log, data):
    events, sizes = log
    first = data.draw(st.integers(0, len(events) - 1))
    second = (
        data.draw(st.integers(0, len(events) - 1).filter(lambda index: index != first)) if len(events) > 1 else first
    )
    forged = list(events)
    forged[first], forged[second] = forged[second], forged[first]
    report = verify(rows(forged), events, checkpoints=sizes)
    assert places(report) == ([range_of(min(first, second), sizes, len(events))] if first != second else [])


@pytest.mark.requirement("AUD-3")
@given(checked_logs(), st.data())
def test_every_deletion_is_named(log, data):
    events, sizes = log
    gone = data.draw(st.sets(st.integers(0, len(events) - 1), min_size=1))
    report = verify([row for row in rows(events) if row[0] not in gone], events, checkpoints=sizes)
    assert {fault.kind for fault in report.faults} == {FaultKind.MISSING}
    named = [index for fault in report.faults for index in range(fault.index, fault.until + 1)]
    assert named == sorted(gone)


@given(checked_logs(), st.data())
def test_a_careful_insertion_or_deletion_before_a_checkpoint_is_found(log, data):
    events, sizes = log
    index = data.draw(st.integers(0, len(events) - 1))
    inserted = [*events[:index], b"an event too long", *events[index:]]
    deleted = [*events[:index], *events[index + 1 :]]
    for forged in (inserted, deleted):
        # The attacker wrote the stored size and root as well; the signed checkpoints are out of his reach.
        report = verify_log(
            rows(forged),
            size=len(forged),
            root=root_at(forged, len(forged)),
            checkpoints=[checkpoint(events, size) for size in sizes],
        )
        reachable = [size for size in sizes if size <= len(forged)]
        cut = [("cut", len(forged), size - 1) for size in sizes[-1:] if size > len(forged)]
        tree = [range_of(index, reachable, len(forged))] if any(size > index for size in reachable) else []
        assert places(report) == cut + tree
        assert report.sound == all(size <= index for size in sizes)


@pytest.mark.requirement("AUD-3")
@given(LOGS, st.data())
def test_a_cut_tail_is_found_with_an_outside_checkpoint_and_admitted_without(events, data):
    kept = data.draw(st.integers(0, len(events) - 1))
    size = data.draw(st.integers(kept + 1, len(events)))
    log = {
        "size": kept,
        "root": root_at(events, kept),
        "checkpoints": [checkpoint(events, kept)],
    }
    blind = verify_log(rows(events[:kept]), **log)
    assert (blind.sound, blind.tail_known) == (True, False)
    report = verify_log(rows(events[:kept]), **log, outside=[checkpoint(events, size)])
    assert (places(report), report.tail_known) == ([("cut", kept, size - 1)], True)


@pytest.mark.requirement("AUD-3")
@given(LOGS, st.lists(st.binary(max_size=12), min_size=1), st.data())
def test_a_log_rewritten_with_a_stolen_key_does_not_fool_an_outside_checkpoint(events, invented, data):
    kept = data.draw(st.integers(0, len(events) - 1))
    forged = events[:kept] + [event + b"!!" * 8 for event in invented]
    report = verify_log(
        rows(forged),
        size=len(forged),
        root=root_at(forged, len(forged)),
        checkpoints=[checkpoint(forged, len(forged))],
        outside=[checkpoint(events, len(events))],
    )
    assert [fault.kind for fault in report.faults] == [FaultKind.CUT]
    assert report.tail_known


@given(checked_logs(), st.randoms(use_true_random=False))
def test_rows_out_of_order_never_pass(log, random):
    events, sizes = log
    stored = rows(events)
    random.shuffle(stored)
    in_order = stored == rows(events)
    assert verify(stored, events, checkpoints=sizes).sound == in_order
