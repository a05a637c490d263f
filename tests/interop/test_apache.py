"""A relying party and resource server that we did not write: Apache with mod_auth_openidc, against a running server."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from tests.interop.apache import INSTALLED, apache
from tests.interop.browse import browse

pytestmark = pytest.mark.skipif(
    not INSTALLED, reason="needs apache2-bin and libapache2-mod-auth-openidc (Debian packages; .ci/run installs them)"
)


@pytest.fixture(scope="module")
def tenant(server):
    return server.seed["tenants"]["acme"]


@pytest.fixture(scope="module")
def site(tenant):
    told = {"client": tenant["clients"]["conf1"], "resource": tenant["resources"]["R1"]}
    where = {"issuer": tenant["issuer"], "introspection": tenant["introspection_endpoint"]}
    with apache(**where, **told) as base:
        yield base


@pytest.fixture(scope="module")
def token(tenant):
    client = tenant["clients"]["conf1"]
    answer = httpx.post(
        tenant["token_endpoint"],
        data={"grant_type": "client_credentials", "scope": "read:calendar"},
        auth=(client["client_id"], client["client_secret"]),
    )
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


def test_a_person_signs_in_to_a_site_behind_it(site, tenant):
    # Code with PKCE, state and nonce, the ID token's signature, and userinfo with the access token.
    with httpx.Client(timeout=20) as browser:
        asked = browser.get(f"{site}/private/")
        assert asked.status_code == 302
        assert asked.headers["location"].startswith(tenant["authorization_endpoint"])
        back = asyncio.run(browse(asked.headers["location"], f"{site}/callback"))
        returned = browser.get(back)
        assert (returned.status_code, returned.headers["location"]) == (302, f"{site}/private/"), returned.text
        page = browser.get(f"{site}/private/")
    assert (page.status_code, page.text) == (200, "the private page")
    assert page.headers["x-user"] == f"{tenant['users']['alice']['id']}@{tenant['issuer']}"


def test_a_stranger_does_not_get_in(site):
    # An answer that belongs to nobody's question, and a cookie that nobody set.
    with httpx.Client(timeout=20) as browser:
        forged = browser.get(f"{site}/callback", params={"code": "rmt_ac_1.x", "state": "made-up"})
        assert "the private page" not in forged.text
        assert browser.get(f"{site}/private/", headers={"cookie": "mod_auth_openidc_session=x"}).status_code == 302


def test_a_no_of_the_user_reaches_the_site_as_a_no(site):
    with httpx.Client(timeout=20) as browser:
        asked = browser.get(f"{site}/private/", params={"prompted": "again"})
        address = httpx.URL(asked.headers["location"]).copy_merge_params({"prompt": "consent"})
        back = asyncio.run(browse(str(address), f"{site}/callback", decision="deny"))
        assert "error=access_denied" in back
        assert "the private page" not in browser.get(back).text
        assert browser.get(f"{site}/private/").status_code == 302


def test_its_api_takes_a_live_token(site, token):
    answer = httpx.get(f"{site}/api/", headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.text) == (200, "the api page"), answer.headers
    assert answer.headers["x-user"]


@pytest.mark.parametrize("wrong", ["nothing", "nonsense", "cut short", "of somebody else"])
def test_its_api_takes_nothing_else(site, server, token, wrong):
    foreign = server.seed["tenants"]["globex"]["admin"]["access_token"]
    shown = {"nothing": None, "nonsense": "nonsense", "cut short": token[:-9], "of somebody else": foreign}[wrong]
    answer = httpx.get(f"{site}/api/", headers={"authorization": f"Bearer {shown}"} if shown else {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].lower().startswith("bearer")


def test_its_api_refuses_a_token_as_soon_as_it_is_revoked(site, tenant, token):
    client = tenant["clients"]["conf1"]
    auth = client["client_id"], client["client_secret"]
    assert httpx.post(tenant["revocation_endpoint"], data={"token": token}, auth=auth).status_code == 200
    answer = httpx.get(f"{site}/api/", headers={"authorization": f"Bearer {token}"})
    assert answer.status_code == 401, json.dumps(dict(answer.headers))
