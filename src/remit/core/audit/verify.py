"""Verification of a whole audit log: which entry was touched, and what the log can no longer vouch for.

The stored leaf hashes, the stored frontier and the events lie in one database, so whoever can write there can make
them agree with each other. What holds them to the truth are the checkpoints (signed with a key that the database does
not have) and, against a cut tail, checkpoints that were kept elsewhere.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import groupby

from remit.core.audit.note import Checkpoint, Malformed
from remit.core.audit.tree import EMPTY, Frontier, leaf_hash

MAX_FAULTS = 1000  # a log that was rewritten from end to end must not fill the memory


class FaultKind(StrEnum):
    """What can be wrong with a log."""

    EDITED = "edited"  # the bytes do not hash to the stored leaf
    MISSING = "missing"  # an index is not there
    EXTRA = "extra"  # an index is there twice, or beyond the stored size
    TREE = "tree"  # the entries do not give the root that was stored or signed
    CUT = "cut"  # a checkpoint speaks of entries, or of a history, that the log does not have
    UNSIGNED = "unsigned"  # a stored checkpoint carries no signature that we believe


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that is wrong, and the entries `index` to `until` (both included) that it lies in."""

    kind: FaultKind
    index: int | None  # None where no entry is at fault, but a checkpoint or the stored root is
    until: int | None
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a whole log looks like."""

    entries: int  # entries read
    pending: int  # events that are not in the tree yet
    checkpoints: int  # stored checkpoints that agree with the entries
    signed: int  # the first so many entries are vouched for by an agreeing checkpoint
    faults: tuple[Fault, ...]
    unlisted: int  # faults beyond those that are listed
    tail_known: bool  # False: nothing from outside was there to tell that the end was cut off

    @property
    def sound(self) -> bool:
        """Tell whether nothing is wrong."""
        return not self.faults


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    """Something that says which root the first `size` entries have."""

    size: int
    root: bytes
    source: str  # stored, checkpoint or outside


@dataclass(slots=True, kw_only=True)
class LogCheck:
    """One pass over a log, an entry at a time: a pure fold, so the reader may be asynchronous.

    Read `size`, `root` and the checkpoints first and then the entries below `size`, or all in one read transaction:
    a log that grows meanwhile would look as if it had entries too many.
    """

    size: int
    root: bytes
    checkpoints: Sequence[Checkpoint | Malformed] = ()  # as `note.open_note` gives them
    outside: Sequence[Checkpoint] = ()  # kept elsewhere, and opened in the same way
    pending: int = 0
    _claims: Iterator[tuple[int, list[_Claim]]] = field(init=False)
    _due: tuple[int, list[_Claim]] | None = field(init=False)
    _frontier: Frontier = field(init=False, default=EMPTY)
    _entries: int = field(init=False, default=0)
    _next: int = field(init=False, default=0)  # the index that the next entry must have
    _agreed: int = field(init=False, default=0)  # size of the largest agreeing checkpoint
    _agreeing: int = field(init=False, default=0)
    _suspects: list[int] = field(init=False, default_factory=list)  # disagreeing checkpoints after the last agreeing
    _stored_differs: bool = field(init=False, default=False)
    _outside_agreed: int | None = field(init=False, default=None)
    _outside_differs: bool = field(init=False, default=False)
    _faults: list[Fault] = field(init=False, default_factory=list)
    _unlisted: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Line the claims up by size, so that each size costs one root."""
        claims = [_Claim(size=self.size, root=self.root, source="stored")]
        for checkpoint in self.checkpoints:
            if isinstance(checkpoint, Malformed):
                self._add(FaultKind.UNSIGNED, None, f"a stored checkpoint cannot be believed: {checkpoint.reason}")
            else:
                claims.append(_Claim(size=checkpoint.size, root=checkpoint.root, source="checkpoint"))
        claims += [_Claim(size=item.size, root=item.root, source="outside") for item in self.outside]
        claims.sort(key=lambda claim: claim.size)
        self._claims = ((size, list(group)) for size, group in groupby(claims, key=lambda claim: claim.size))
        self._due = next(self._claims, None)
        self._judge_due()

    def feed(self, index: int, event: bytes, leaf: bytes) -> None:
        """Take the next entry, in the order of the index."""
        self._entries += 1
        if leaf_hash(event) != leaf:
            self._add(FaultKind.EDITED, (index, index), "the event does not hash to its leaf")
        if index < self._next:
            self._add(FaultKind.EXTRA, (index, index), "this index is there more than once")
            return
        if index >= self.size:
            self._add(FaultKind.EXTRA, (index, index), "beyond the stored size of the log")
            return
        if index > self._next:
            detail = "not in the log, so what follows cannot be held against a checkpoint"
            self._add(FaultKind.MISSING, (self._next, index - 1), detail)
        whole = self._frontier.size == self._next == index  # the leaf of a missing entry is not known
        self._next = index + 1
        if whole:
            self._frontier = self._frontier.append(leaf)
            self._judge_due()

    def report(self) -> Report:
        """Say what the log looks like; nothing may be fed afterwards."""
        if self._next < self.size:
            detail = "the stored size counts entries that are not there"
            self._add(FaultKind.MISSING, (self._next, self.size - 1), detail)
        cut = self._report_sizes()
        self._report_roots()
        return Report(
            entries=self._entries,
            pending=self.pending,
            checkpoints=self._agreeing,
            signed=self._agreed,
            faults=tuple(self._faults),
            unlisted=self._unlisted,
            tail_known=cut or self._outside_differs or self._outside_agreed is not None,
        )

    def _judge_due(self) -> None:
        """Hold the entries so far against everything that speaks of exactly so many."""
        if self._due is None or self._due[0] != self._frontier.size:
            return
        size, claims = self._due
        self._due = next(self._claims, None)
        root = self._frontier.root()
        for claim in claims:
            agrees = claim.root == root
            match claim.source:
                case "stored":
                    self._stored_differs = not agrees
                case "outside":
                    self._judge_outside(size, agrees=agrees)
                case _:
                    self._judge_checkpoint(size, agrees=agrees)

    def _judge_checkpoint(self, size: int, *, agrees: bool) -> None:
        if agrees:
            self._agreed = size
            self._agreeing += 1
            # A later root covers all earlier entries, so it was the earlier checkpoints that lied.
            for suspect in self._suspects:
                self._add_foreign(suspect)
            self._suspects.clear()
        elif size == self._agreed and self._agreeing:
            self._add_foreign(size)
        else:
            self._suspects.append(size)

    def _judge_outside(self, size: int, *, agrees: bool) -> None:
        if agrees:
            self._outside_agreed = size
        elif not self._outside_differs:
            # Signed checkpoints inside may agree all the same, if the key was stolen: they do not narrow this down.
            self._outside_differs = True
            detail = f"the first {size} entries are not those of the outside checkpoint"
            self._add(FaultKind.CUT, _span(self._outside_agreed or 0, size), detail)

    def _report_sizes(self) -> bool:
        """Report the checkpoints that speak of more entries than the log claims to have."""
        end = max(self._next, self.size)
        largest = {"checkpoint": 0, "outside": 0}
        remaining = [] if self._due is None else [self._due, *self._claims]
        for size, claims in remaining:
            for claim in claims:
                if claim.source in largest:
                    largest[claim.source] = size
        if largest["checkpoint"] > end:
            detail = f"a signed checkpoint speaks of {largest['checkpoint']} entries, the log ends at {end}"
            self._add(FaultKind.CUT, _span(end, largest["checkpoint"]), detail)
        if largest["outside"] > end:
            # What is left may have moved up to close a gap, so no more is sure than what an outside root still covers.
            detail = (
                f"an outside checkpoint speaks of {largest['outside']} entries, the log ends at {end}; from entry "
                f"{self._outside_agreed or 0} on no checkpoint from outside can be held against what is left"
            )
            self._add(FaultKind.CUT, _span(end, largest["outside"]), detail)
            return True
        return False

    def _report_roots(self) -> None:
        if self._suspects:
            size = self._suspects[0]
            detail = f"the first {size} entries do not give the root of the signed checkpoint of that size"
            self._add(FaultKind.TREE, _span(self._agreed, size), detail)
        elif self._stored_differs:
            detail = "the entries do not give the stored root"
            self._add(FaultKind.TREE, _span(self._agreed, self.size), detail)

    def _add_foreign(self, size: int) -> None:
        detail = f"a signed checkpoint of size {size} is not of this log: another one agrees with the same entries"
        self._add(FaultKind.TREE, None, detail)

    def _add(self, kind: FaultKind, span: tuple[int, int] | None, detail: str) -> None:
        if len(self._faults) < MAX_FAULTS:
            index, until = span or (None, None)
            self._faults.append(Fault(kind=kind, index=index, until=until, detail=detail))
        else:
            self._unlisted += 1


def _span(start: int, end: int) -> tuple[int, int] | None:
    """Give the entries from `start` up to `end`; none means that a root is wrong, and no entry."""
    return (start, end - 1) if start < end else None


def verify_log(
    entries: Iterable[tuple[int, bytes, bytes]],
    *,
    size: int,
    root: bytes,
    checkpoints: Sequence[Checkpoint | Malformed] = (),
    outside: Sequence[Checkpoint] = (),
    pending: int = 0,
) -> Report:
    """Check a log of (index, stored event, stored leaf hash) in one pass; see `LogCheck`."""
    check = LogCheck(size=size, root=root, checkpoints=checkpoints, outside=outside, pending=pending)
    for index, event, leaf in entries:
        check.feed(index, event, leaf)
    return check.report()
