"""Schemathesis reads the OpenAPI document of a running server and tries what it describes, and what it does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from remit.http.api.table import OPERATIONS
from tests.flows.server import environment

SCHEMATHESIS = str(Path(sys.executable).with_name("schemathesis"))

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
    "allow_header_conformance",
    "missing_required_header",
    "ignored_auth",
)
"""Left out: that what the schema allows is taken, and the rest refused. Names are taken and owners missing by rules
that no schema tells, and a query may say `1` for true."""

CONFIG = """
[checks.missing_required_header]
expected-statuses = [428]
"""

ENDS_ITS_OWN_CALLER = {
    # Ids of the administrator's own agent, client and grant are in the answers, so some of this comes to hit it.
    "retire_agent",
    "publish_remit",
    "retire_client",
    "approve_grant",
    "narrow_grant",
    "revoke_grant",
    "create_stop",
    "revoke_key",
    "change_resource",
    "revoke_many",
    "trim_many",
    "apply_tenant",
}

OTHERS = sorted({operation.id for operation in OPERATIONS} - ENDS_ITS_OWN_CALLER)


def token_for(server, acme) -> str:
    admin = acme["admin"]
    issuer = f"{server.address}/t/acme"
    answer = httpx.post(
        f"{issuer}/oauth/token",
        data={"grant_type": "client_credentials", "resource": admin["resource"], "scope": " ".join(admin["scopes"])},
        auth=(admin["client_id"], admin["client_secret"]),
    )
    issued: str = answer.json()["access_token"]
    return issued


@pytest.mark.parametrize(
    "operations", [OTHERS, sorted(ENDS_ITS_OWN_CALLER)], ids=["what leaves its caller alone", "what may end it"]
)
def test_no_answer_is_broken_or_undocumented(server, acme, tmp_path, operations):
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG, encoding="utf-8")
    token = token_for(server, acme)
    words = [SCHEMATHESIS, "--config-file", str(config), "--no-color", "run"]
    words += [f"{server.address}/t/acme/api/v1/openapi.json", "--header", f"Authorization: Bearer {token}"]
    words += ["--phases", "examples,coverage,fuzzing", "--max-examples", "5", "--seed", "1", "--continue-on-failure"]
    words += ["--checks", ",".join(CHECKS)]
    words += [word for name in operations for word in ("--include-operation-id", name)]
    done = subprocess.run(
        words, cwd=tmp_path, env=environment(), capture_output=True, text=True, timeout=300, check=False
    )
    told = done.stdout + done.stderr
    assert done.returncode == 0, told[-6000:]
    assert f"Tested: {len(operations)}" in told, told[-3000:]
    if operations is OTHERS:
        # Somebody who was let in made all these calls, so what they met was the operation and not its door.
        still = httpx.get(f"{server.address}/t/acme/api/v1/agents", headers={"authorization": f"Bearer {token}"})
        assert still.status_code == 200
