"""`make mutate`: take each check out of the modules that guard, and see a test fail.

Mutation tools from elsewhere run a whole test command for each mutant, and know nothing of SQL or of tables of checks;
for these modules that would take a day. Here a mutant costs a fork and the tests that call what it changes
(`tests.mutation.worker`).

A mutant that no test notices is a missing test, or a check that is not needed, or it changes nothing that anybody could
see: then `survivors.toml` says why. The run is green when every survivor is explained, and no explanation outlives it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime

from tests.mutation.modules import ROOT, Part, parts
from tests.mutation.page import PAGE, Result, explained, keep, page, results


def main() -> None:
    parser = argparse.ArgumentParser(prog="make mutate", description=__doc__.partition("\n\n")[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=f"default all: {', '.join(parts())}")
    parser.add_argument("--keep", action="store_true", help="write what came out into docs/mutation.md")
    parser.add_argument("--all", action="store_true", help="print the mutants that were killed, too")
    asked = parser.parse_args()
    if unknown := set(asked.modules) - parts().keys():
        parser.error(f"no such module: {', '.join(sorted(unknown))}; there are {', '.join(parts())}")
    green = True
    for name in asked.modules or parts():
        result = _run(parts()[name], tell_all=asked.all)
        if result is None:
            green = False
        elif asked.keep:
            keep(name, result)
    if asked.keep:
        PAGE.write_text(page(results()), encoding="utf-8")
    sys.exit(not green)


def _run(part: Part, *, tell_all: bool) -> Result | None:
    """Run one module and tell its survivors. None: one is not explained, or the tests fail by themselves."""
    listed, reasons, stale = part.mutants(), explained(part.name), set()
    killed = known = troubles = 0
    for told in _told(part):
        if "broken" in told and "number" not in told:
            print(f"{part.name}: the tests are of no use: {told['broken']}")
            return None
        if "number" not in told:
            continue
        mutant = listed[int(told["number"])]
        line = f"{part.path.relative_to(ROOT)}:{mutant.line} {mutant.place}: `{mutant.was}` -> `{mutant.now}`"
        name = (mutant.place, mutant.was, mutant.now)
        if "killed" in told:
            killed += 1
            stale |= {name} & reasons.keys()
            if tell_all:
                print(f"killed    {line}  [{told['killed']}]", flush=True)
        elif name in reasons and "survived" in told:
            known += 1
            print(f"explained {line}  [{reasons[name]}]", flush=True)
        else:
            troubles += 1
            print(f"SURVIVED  {line}  [{told.get('survived') or told['broken']}]", flush=True)
    for place, was, now in sorted(stale):
        troubles += 1
        print(f"NOT SO    {part.name} {place}: `{was}` -> `{now}` is explained as a survivor, and was killed")
    lost = len(listed) - killed - known - troubles
    print(
        f"{part.name}: {len(listed)} mutants, {killed} killed, {known} explained, {troubles} not explained", flush=True
    )
    if troubles or lost:
        return None
    return Result(date=datetime.now(UTC).date().isoformat(), mutants=len(listed), killed=killed, explained=known)


def _told(part: Part) -> Iterator[dict[str, str]]:
    """Yield what the worker of a module says. What tests print goes nowhere, unless the worker breaks."""
    command = [sys.executable, "-m", "tests.mutation.worker", part.name]
    with (
        tempfile.TemporaryFile("w+") as errors,
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, text=True) as worker,
    ):
        assert worker.stdout is not None
        for line in worker.stdout:
            yield {key: str(value) for key, value in json.loads(line).items()}
        if worker.wait() != 0:
            errors.seek(0)
            yield {"broken": f"the worker ended with {worker.returncode}\n{errors.read()[-2000:]}"}


if __name__ == "__main__":
    main()
