"""Documents of the host rather than of a tenant (WK)."""

from __future__ import annotations

from datetime import datetime

import httpx
import pytest

from remit.app import build
from remit.settings import load
from tests.kit.world import BASE

CONTACT = "mailto:security@example.com"
PATH = "/.well-known/security.txt"


@pytest.fixture
async def told(remit, tmp_path):
    """A browser at an instance whose operator said whom to tell."""
    environ = {"REMIT_SERVER__SECURITY_CONTACT": CONTACT}
    settings = load(environ=environ, flags={}, cwd=tmp_path, default_file=tmp_path / "none.toml")
    app, _ = build(remit.deps, settings)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url=BASE) as http:
        yield http


@pytest.mark.requirement("WK-2")
async def test_whoever_finds_a_hole_learns_whom_to_tell(remit, told):
    answer = await told.get(PATH)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    lines = dict(line.split(": ", 1) for line in answer.text.splitlines())
    assert lines["Contact"] == CONTACT
    # RFC 9116 §2.5.5: less than a year, and never past.
    assert 0 < (datetime.fromisoformat(lines["Expires"]) - remit.clock.now()).days < 365
    assert (await told.head(PATH)).headers["content-length"] == str(len(answer.content))


@pytest.mark.requirement("WK-2")
async def test_it_is_there_without_a_tenant_and_once_for_the_host(remit, told):
    remit.sql("update tenant set slug = 'elsewhere' where tenant = :tenant", tenant=remit.default.tenant.id)
    assert (await told.get("/oauth/jwks")).status_code == 404
    assert (await told.get(PATH)).status_code == 200
    assert (await told.get(f"/t/acme{PATH}")).status_code == 404


@pytest.mark.requirement("WK-2")
async def test_where_nobody_said_there_is_none(remit):
    assert (await remit.http.get(PATH)).status_code == 404
