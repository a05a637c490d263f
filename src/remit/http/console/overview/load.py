"""Fill the overview."""

from __future__ import annotations

from remit.core.audit.events import DecisionReported, Outcome
from remit.core.stops import TargetKind
from remit.http._kit.views import StopTarget
from remit.http.console.overview.page import DeniedScope, OverviewPage, Step, StopInForce
from remit.http.console.rows import agent_url, audit_url, console_frame, integrity, register_command, tenant_flag
from remit.http.visits import Visit
from remit.services.overview import Overview, Stopped, look_over


async def load(visit: Visit) -> OverviewPage:
    found = await look_over(visit.tenant, visit.deps)
    stopped = {each.stopped.stop.target.id for each in found.stops}
    seal = await visit.context.integrity.look(visit.tenant, visit.deps)
    return OverviewPage(
        frame=await console_frame(visit, "Overview"),
        steps=_steps(visit, found),
        agents=found.agents,
        grants=found.grants,
        more_agents=found.more_agents,
        more_grants=found.more_grants,
        calls=found.day.calls,
        denials=found.day.denied,
        partial=found.day.partial,
        denied=tuple(
            DeniedScope(
                scope=row.scope,
                agent=agent or "Not proven",
                reason=row.reason.replace("_", " "),
                count=count,
                href=audit_url(visit, outcome=Outcome.DENIED, agent=row.agent),
                stop=StopTarget(kind="agent", id=row.agent, name=agent) if agent and row.agent not in stopped else None,
            )
            for row, agent, count in found.day.most
        ),
        stops=tuple(_stop(visit, stopped) for stopped in found.stops),
        integrity=integrity(visit, seal),
        agents_href=f"{visit.issuer}/console/agents",
        grants_href=f"{visit.issuer}/console/grants",
        audit_href=audit_url(visit, type=DecisionReported.type),
        denials_href=audit_url(visit, outcome=Outcome.DENIED),
    )


def _steps(visit: Visit, found: Overview) -> tuple[Step, ...]:
    tenant = tenant_flag(visit)
    return (
        Step(title="Make an administrator", done=True),
        Step(
            title="Name the API or MCP server to protect",
            done=found.has_resource,
            command=f"remit resources create https://calendar.example.com --name Calendar{tenant} "
            '--scope "read:calendar=See your events"',
        ),
        Step(title="Register an agent", done=found.agents > 0, command=register_command(visit)),
        Step(
            title="Let it do something: by a user's consent, or by your approval",
            done=found.has_grant,
            href=f"{visit.issuer}/console/grants",
        ),
        Step(title="See the first guarded call", done=found.has_call, href=audit_url(visit)),
    )


def _stop(visit: Visit, stopped: Stopped) -> StopInForce:
    stop = stopped.stopped.stop
    return StopInForce(
        target_kind=stop.target.kind,
        target=stopped.name,
        by=stopped.stopped.by,
        reason=stop.reason,
        since=stop.started_at,
        until=stop.ends_at,
        resume=f"{visit.issuer}/console/stops/{stop.id}/lift" if visit.may_write else "",
        href=agent_url(visit, stop.target.id) if stop.target.kind is TargetKind.AGENT else "",
    )
