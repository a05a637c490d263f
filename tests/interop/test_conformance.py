"""The MCP conformance suite, in the mode in which it judges authorization servers."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from typing import Any

import pytest

from tests.interop.browse import browse
from tests.interop.served import MODULES, NODE, ROOT, environment, free_port

SUITE = MODULES / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"

pytestmark = pytest.mark.skipif(not MODULES.exists(), reason="`make test` installs the suite in tests/interop/node")


@pytest.mark.requirement("MCP-1", "MCP-2")
def test_the_suite_finds_nothing_to_complain_of(server, tmp_path):
    client = server.seed["tenants"]["acme"]["clients"]["pub1"]["client_id"]
    port = str(free_port())
    asked = ["--url", server.issuer, "--client-id", client, "--port", port, "-o", str(tmp_path)]
    words = [str(NODE), str(SUITE), "authorization", *asked]
    said = []
    options: Any = {"cwd": ROOT, "env": environment(), "text": True}
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options) as suite:
        assert suite.stdout is not None
        for line in suite.stdout:
            said.append(line)
            if re.match(r"https?://\S+code_challenge=", line):
                # It listens already when it tells the address.
                asyncio.run(browse(line.strip(), f"http://127.0.0.1:{port}/callback", deliver=True))
    assert suite.returncode == 0, "".join(said)
    checks = [check for path in tmp_path.rglob("checks.json") for check in json.loads(path.read_text("utf-8"))]
    judged = {check["id"]: check["status"] for check in checks}
    assert judged == {
        "authorization-server-metadata": "SUCCESS",
        "authorization-server-metadata-cimd": "SUCCESS",
        "authorization-code-grant": "SUCCESS",
    }
