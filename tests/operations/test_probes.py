"""The second listener of a real server, what it counts, and how the server goes."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import time

import httpx
import pytest

from remit.telemetry.names import METRICS, Metric
from tests.operations.served import free_port, run, serving


def token(served, **changes):
    client = served.seed["clients"]["conf1"]
    sent = {"grant_type": "client_credentials", "scope": "read:calendar", **changes}
    return httpx.post(
        f"{served.base}/t/acme/oauth/token", data=sent, auth=(client["client_id"], client["client_secret"])
    )


def test_every_probe_of_a_server_that_serves(served):
    assert served.probe("/livez").json() == {"ok": True}
    assert served.probe("/startupz").json() == {"ok": True, "phase": "serving"}
    assert set(served.probe("/version").json()) == {"version"}
    ready = served.probe("/readyz")
    assert (ready.status_code, set(ready.json()["checks"])) == (200, {"phase", "database", "schema", "keys"})
    assert all(check["ok"] for check in ready.json()["checks"].values())


def test_probes_and_metrics_are_not_on_the_public_listener(served):
    for path in ("/livez", "/readyz", "/startupz", "/version", "/metrics"):
        assert httpx.get(f"{served.base}{path}").status_code == 404


BROKEN = {
    "a key is missing": ("update signing_key set state = 'retiring' where state = 'active' and use = 'access'", "keys"),
    "another version changed the schema": ("update alembic_version set version_num = '9999'", "schema"),
}


@pytest.mark.parametrize(("statement", "check"), BROKEN.values(), ids=BROKEN)
def test_readiness_names_what_does_not_hold(served, statement, check):
    with sqlite3.connect(served.data / "remit.db") as database:
        database.execute(statement)
    ready = served.probe("/readyz")
    failed = [name for name, found in ready.json()["checks"].items() if not found["ok"]]
    assert (ready.status_code, failed) == (503, [check])
    assert served.probe("/livez").status_code == 200


def test_metrics_count_what_happened(served):
    assert token(served).status_code == 200
    assert token(served, scope="no:such").status_code == 400
    httpx.get(f"{served.base}/t/acme/nothing/here/at-all")
    text = served.probe("/metrics").text
    assert 'remit_token_issued_total{grant="client_credentials"} 1.0' in text
    assert 'remit_token_refused_total{code="invalid_scope",grant="client_credentials"} 1.0' in text
    assert 'remit_http_requests_total{route="/oauth/token",status="200"} 1.0' in text
    assert 'remit_http_requests_total{route="unmatched",status="404"} 1.0' in text
    assert "at-all" not in text
    commits = [line for line in text.splitlines() if line.startswith("remit_store_commits_total ")]
    assert float(commits[0].split()[1]) >= 2
    for name in METRICS:
        assert f"# TYPE {name.removesuffix('_total') if 'total' in name else name}" in text, name


def test_no_metric_carries_an_agent_a_tenant_or_a_person():
    labels = {label for _, labels in METRICS.values() for label in labels}
    assert labels == {"grant", "code", "decision", "reason", "use", "route", "status"}
    assert set(METRICS) == set(Metric)


def test_a_stop_is_timed_until_it_leaves_for_an_open_feed(served):
    resource, agent = served.seed["resources"]["R1"], served.seed["agents"]["A"]["id"]
    auth = (resource["client_id"], resource["client_secret"])
    with httpx.stream("GET", f"{served.base}/t/acme/feed", auth=auth, timeout=10) as feed:
        lines = feed.iter_lines()
        assert next(line for line in lines if line.startswith("event: ready"))
        stopped = served.command("stop", "agent", agent, "--tenant", "acme", "--reason", "test")
        assert stopped.returncode == 0, stopped.stderr
        assert next(line for line in lines if line.startswith("event: stop"))
        assert next(line for line in lines if line.startswith("event: heartbeat"))
    assert "remit_revocation_propagation_seconds_count 1.0" in served.probe("/metrics").text


def test_sigterm_drains_before_the_listener_closes(seeded_folder, seeded_base, tmp_path):
    with serving(seeded_folder, tmp_path, base=seeded_base, drain=3) as served:
        began = time.monotonic()
        assert token(served).status_code == 200
        served.process.send_signal(signal.SIGTERM)
        while served.probe("/readyz").status_code == 200:
            assert time.monotonic() - began < 3, "readyz went on saying yes"
        # Whoever had not heard of it yet is still served.
        assert token(served).status_code == 200
        assert served.probe("/readyz").json()["checks"]["phase"] == {"ok": False, "detail": "the server is draining"}
        assert served.stop() == 0
        assert time.monotonic() - began < 30
    # Everything that happened is under a checkpoint: nothing was left for the next start.
    verified = served.command(
        "audit", "verify", "--tenant", "acme", "--checkpoint", str(served.data / "checkpoints.log")
    )
    assert verified.returncode == 0, verified.stderr


def test_a_second_sigterm_ends_the_draining(seeded_folder, seeded_base, tmp_path):
    with serving(seeded_folder, tmp_path, base=seeded_base, drain=20) as served:
        served.process.send_signal(signal.SIGTERM)
        while served.probe("/readyz").status_code == 200:
            pass
        began = time.monotonic()
        assert served.stop() == 0
        assert time.monotonic() - began < 15


def test_a_probe_port_that_somebody_has_refuses_the_start(served, seeded_folder, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(seeded_folder, other)
    taken = served.probes.rpartition(":")[2]
    ran = run(
        *("serve", "--port", str(free_port()), "--base-url", served.base, "--probe-port", taken),
        cwd=other,
    )
    assert ran.returncode == 5
    assert f"server.probe_port {taken} cannot be had" in ran.stderr


def test_one_line_a_request_with_its_trace_and_without_its_query(served):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    headers = {"traceparent": f"00-{trace}-00f067aa0ba902b7-01"}
    answer = httpx.get(f"{served.base}/t/acme/oauth/authorize?client_id=canary-in-the-query", headers=headers)
    served.stop()
    lines = [event for event in served.events() if event["event"] == "request.answered"]
    (line,) = [event for event in lines if event["request"] == answer.headers["x-request-id"]]
    assert line["trace"] == trace
    assert (line["route"], line["tenant"], line["status"]) == ("/oauth/authorize", "acme", answer.status_code)
    assert isinstance(line["ms"], float)
    assert "canary" not in "".join(served.log)
    refused = [json.loads(row[0]) for row in rows(served, "select body from event")]
    assert [event["who"]["trace"] for event in refused if event["who"].get("trace")] == [trace]


def rows(served, statement):
    with sqlite3.connect(served.data / "remit.db") as database:
        return database.execute(statement).fetchall()
