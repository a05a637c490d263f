"""The second listener, on loopback: is it alive, may requests come, which version, and the metrics.

It shares nothing with the routes below an issuer: who reaches it is whoever runs the machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from enum import StrEnum

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from remit.core.errors import RemitError
from remit.ports.deps import Deps
from remit.services.health import Check, levels, readiness
from remit.telemetry.metrics import CONTENT_TYPE, Meter, Reading
from remit.wire.problems import render_problem, status_of


class Phase(StrEnum):
    """Where a server stands between its start and its end."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probes:
    deps: Deps
    meter: Meter
    phase: Callable[[], Phase]
    version: str

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/livez", self.live),
                Route("/readyz", self.ready),
                Route("/startupz", self.started),
                Route("/version", self.tell_version),
                Route("/metrics", self.metrics),
            ]
        )

    async def live(self, _: Request) -> Response:
        """Answer at all. A broken database is no reason to restart this process."""
        return _json({"ok": True})

    async def ready(self, _: Request) -> Response:
        """Say whether requests may be sent here, each check by its name."""
        phase = self.phase()
        reason = "" if phase is Phase.SERVING else f"the server is {phase}"
        checks = {"phase": Check(ok=phase is Phase.SERVING, detail=reason), **await readiness(self.deps)}
        ok = all(check.ok for check in checks.values())
        return _json({"ok": ok, "checks": {name: asdict(check) for name, check in checks.items()}}, ok=ok)

    async def started(self, _: Request) -> Response:
        phase = self.phase()
        return _json({"ok": phase is not Phase.STARTING, "phase": phase}, ok=phase is not Phase.STARTING)

    async def tell_version(self, _: Request) -> Response:
        return _json({"version": self.version})

    async def metrics(self, _: Request) -> Response:
        """Expose the counters; without the database there would be numbers missing, so there are none."""
        try:
            found = await levels(self.deps)
        except RemitError:
            return render_problem("unavailable", "the store did not answer")
        reading = Reading(audit_lag=found.audit_lag, key_ages=found.key_ages, commits=self.deps.db.commits)
        return Response(self.meter.exposition(reading), media_type=CONTENT_TYPE)


def _json(body: dict[str, object], *, ok: bool = True) -> Response:
    status = 200 if ok else status_of("unavailable")
    return Response(msgspec.json.encode(body), status, {"cache-control": "no-store"}, "application/json")
