"""Run the tests of one module against each of its mutants; `python -m tests.mutation` starts one of these a module.

The tests are imported and run once, unchanged: they must pass, and it is noted which of them call which function. Then
each mutant gets a process of its own, forked from here, that changes the loaded module and runs the tests that call
what was changed, the quick ones first, until one fails. Files are never changed, so other tests may run beside.
"""

from __future__ import annotations

import importlib
import json
import os
import resource
import select
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType, ModuleType

import pytest

from tests.mutation.modules import ROOT, Part, parts
from tests.mutation.mutants import Mutant
from tests.mutation.swap import mentions, put_in

CPU_SECONDS = 10
"""What a mutant may use beside five times what its tests need unchanged: some never end."""
WALL_FACTOR = 20


class Worker:
    """A plug-in of pytest whose test loop is one run unchanged, and one for each mutant."""

    def __init__(self, part: Part, only: int | None, out: int) -> None:
        self._part = part
        self._only = only
        self._out = out
        self._calls: dict[str, frozenset[str]] = {}
        self._seconds: dict[str, float] = {}
        self._failed: str | None = None

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self) -> None:
        # Imported here: pytest wants to see the imports of its plug-ins.
        from hypothesis import HealthCheck, Phase, settings

        # Chance would let another mutant survive each time, and a busy machine would let none.
        settings.register_profile(
            "mutation",
            derandomize=True,
            database=None,
            deadline=None,
            phases=(Phase.explicit, Phase.generate),
            suppress_health_check=list(HealthCheck),
        )
        settings.load_profile("mutation")

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if session.testsfailed:
            self._tell({"broken": "the tests cannot be imported"})
            return True
        module = importlib.import_module(self._part.module)
        self._run(session, session.items, watched=str(module.__file__))
        if self._failed is not None:
            self._tell({"broken": f"fails without any change: {self._failed}"})
            return True
        count = len(self._part.mutants())
        self._tell({"mutants": count, "tests": len(session.items), "seconds": sum(self._seconds.values())})
        for number in range(count) if self._only is None else [self._only]:
            self._tell({"number": number, **self._verdict(session, module, number)})
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self._failed is None:
            self._failed = report.nodeid

    def _run(self, session: pytest.Session, items: Sequence[pytest.Item], *, watched: str | None = None) -> None:
        for item, following in zip(items, [*items[1:], None], strict=True):
            called: set[str] = set()

            def note(frame: FrameType, event: str, _: object, called: set[str] = called) -> None:
                if event == "call" and frame.f_code.co_filename == watched:
                    called.add(frame.f_code.co_qualname)

            began = time.process_time()
            sys.setprofile(note if watched else None)
            item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
            sys.setprofile(None)
            if watched:
                self._seconds[item.nodeid] = time.process_time() - began
                self._calls[item.nodeid] = frozenset(called)
            if self._failed is not None:
                return

    def _chosen(self, session: pytest.Session, module: ModuleType, mutant: Mutant) -> list[pytest.Item]:
        """Return the tests that call what is changed, quick ones first; all where nobody can tell."""
        places = mentions(module, mutant.place) or {mutant.place}
        chosen = [item for item in session.items if self._calls[item.nodeid] & places]
        if not chosen and mutant.place in vars(module):
            chosen = list(session.items)
        return sorted(chosen, key=lambda item: self._seconds[item.nodeid])

    def _verdict(self, session: pytest.Session, module: ModuleType, number: int) -> dict[str, object]:
        tree = self._part.tree()
        mutant = self._part.mutants(tree)[number]
        chosen = self._chosen(session, module, mutant)
        if not chosen:
            return {"survived": "no test calls it"}
        needed = sum(self._seconds[item.nodeid] for item in chosen)
        seconds = CPU_SECONDS + 5 * int(needed + 1)
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
            try:
                put_in(mutant, tree, module)
                self._run(session, chosen)
                told = {"killed": self._failed} if self._failed else {"survived": f"{len(chosen)} tests"}
            except BaseException as error:  # noqa: BLE001 - a mutant may break anything, the runner too
                told = {"killed": f"{type(error).__name__} outside of a test"}
                if isinstance(error, LookupError):
                    told = {"broken": f"cannot be put in: {error}"}
            os.write(write, json.dumps(told).encode())
            os._exit(0)
        os.close(write)
        try:
            return self._wait(child, read, seconds)
        finally:
            os.close(read)

    def _wait(self, child: int, read: int, seconds: int) -> dict[str, object]:
        ready, _, _ = select.select([read], [], [], seconds * WALL_FACTOR)
        told = os.read(read, 65536) if ready else b""
        os.killpg(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return json.loads(told) if told else {"killed": "it never ends"}

    def _tell(self, what: dict[str, object]) -> None:
        os.write(self._out, json.dumps(what).encode() + b"\n")


def main() -> None:
    name, only = sys.argv[1], sys.argv[2:]
    out = os.dup(1)
    with tempfile.TemporaryFile() as nowhere:
        os.dup2(nowhere.fileno(), 1)
    os.nice(10)
    os.chdir(ROOT)
    part = parts()[name]
    with tempfile.TemporaryDirectory(prefix="mutation", dir=_memory()) as temporary:
        options = ["-p", "no:xdist", "-p", "no:cacheprovider", "--capture=no", "-m", "not long", "--tb=no"]
        options += ["-k", "not postgres", f"--basetemp={temporary}/t"]
        worker = Worker(part, int(only[0]) if only else None, out)
        status = pytest.main([*options, *part.tests], plugins=[worker])
    sys.exit(int(status))


def _memory() -> str | None:
    return "/dev/shm" if Path("/dev/shm").is_dir() else None


if __name__ == "__main__":
    main()
