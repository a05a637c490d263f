"""Somebody who owns the files, a process of its own: copies the instance and turns its last refusal into a permit.

    python -m remit.demo.intruder DATA COPY     (prints the place of the entry it changed)

It knows nothing of Remit but what lies in the file, and goes past every door of the store. That is the point of it.
"""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path

LAST_REFUSAL = "select seq, body from event where type = 'decision.deny' order by seq desc limit 1"
REWRITE = "update event set body = ? where seq = ? and body = ?"


def tamper(data: Path, copy: Path) -> int:
    """Copy the instance and rewrite one entry. Returns its place in the log."""
    copy.mkdir()
    for name in ("remit.key", "remit.pepper"):
        (copy / name).write_bytes((data / name).read_bytes())
        (copy / name).chmod(0o600)
    with closing(sqlite3.connect(copy / "remit.db")) as target:
        with closing(sqlite3.connect(data / "remit.db")) as source:
            source.backup(target)
        seq, body = target.execute(LAST_REFUSAL).fetchone()
        with target:
            target.execute(REWRITE, (body.replace(b'"decision":"deny"', b'"decision":"permit"'), seq, body))
        return int(seq)


if __name__ == "__main__":
    print(tamper(Path(sys.argv[1]), Path(sys.argv[2])))
