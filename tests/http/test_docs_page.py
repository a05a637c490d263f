"""The page that every error points to: there without any other host, the same for all, with a row for each code."""

from __future__ import annotations

import json
import re

import httpx
import pytest

from remit.cli.explain import explain
from remit.cli.place import Place
from remit.core.explanations import EXPLANATIONS
from tests.http.pages.well_formed import read
from tests.kit.flows import act_for_itself, get_tokens
from tests.kit.world import BASE

URI = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""The characters of an error URI (RFC 6749 §5.2)."""


def rows(html):
    """Every row of the one table, by its anchor: the cells as they read."""
    page = read(html)
    assert page.faults == []
    assert len(page.every("table")) == 1
    found = {}
    for row in (element for element in page.every("tr") if "id" in element.attributes):
        cells = [" ".join(cell.text.split()) for cell in page.every("td") if row in cell.inside]
        found[row.attributes["id"]] = cells
    return found


def plain(text):
    return text.replace("`", "")


@pytest.mark.parametrize("slug", ["default", "acme"])
async def test_every_code_has_its_row(remit, slug):
    answer = await remit.http.get(f"{remit.worlds[slug].issuer}/docs")
    assert answer.status_code == 200
    assert rows(answer.text) == {
        code: [code, plain(explanation.means), plain(explanation.todo)] for code, explanation in EXPLANATIONS.items()
    }
    assert remit.worlds[slug].issuer in answer.text


@pytest.mark.parametrize("code", EXPLANATIONS)
async def test_the_command_line_says_the_same(remit, code, capsys):
    assert explain(code, place=Place(json=True)) == 0
    told = json.loads(capsys.readouterr().out)
    page = rows((await remit.http.get(f"{BASE}/docs")).text)
    assert page[code] == [told["code"], plain(told["means"]), plain(told["what_to_do"])]


async def test_it_is_for_everybody_and_may_be_kept(remit):
    answer = await remit.http.get(f"{BASE}/docs")
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert "set-cookie" not in answer.headers
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


async def test_the_metadata_leads_there(remit):
    told = (await remit.http.get(f"{remit.acme.issuer}/.well-known/openid-configuration")).json()
    page = await remit.http.get(told["service_documentation"])
    assert page.headers["content-type"].startswith("text/html")
    assert told["issuer"] in page.text


async def test_our_own_error_page_links_to_the_row(remit):
    answer = await remit.http.get(f"{remit.acme.issuer}/oauth/authorize?client_id=nobody")
    assert answer.status_code == 400
    assert f'href="{remit.acme.issuer}/docs#invalid_request"' in answer.text


FORM = {"content-type": "application/x-www-form-urlencoded"}
OUTSIDE = '"><script>\\%0d%0a'
REFUSED = {
    "token, no body": ("POST", "/oauth/token", {}),
    "token, wrong method": ("GET", "/oauth/token", {}),
    "token, unknown grant type": ("POST", "/oauth/token", {"data": {"grant_type": OUTSIDE}}),
    "token, unknown client": (
        "POST", "/oauth/token", {"data": {"grant_type": "client_credentials", "client_id": OUTSIDE}}
    ),
    "token, too large": ("POST", "/oauth/token", {"content": b"a" * 70_000, "headers": FORM}),
    "introspection, nobody": ("POST", "/oauth/introspect", {"data": {"token": "x"}}),
    "revocation, nobody": ("POST", "/oauth/revoke", {"data": {"token": "x"}}),
    "registration, no JSON": ("POST", "/oauth/register", {"content": b"["}),
    "userinfo, not a token": ("GET", "/oauth/userinfo", {"headers": {"authorization": "bearer x"}}),
    "feed, nobody": ("GET", "/feed", {}),
    "decisions, nobody": ("POST", "/decisions", {"content": b"[]"}),
    "API, not a token": ("GET", "/api/v1/events", {"headers": {"authorization": "bearer x"}}),
    "no such page": ("GET", "/" + "nothing", {}),
    "wrong method of a page": ("DELETE", "/account", {}),
}  # fmt: skip


def pointer(answer):
    """Where an error sends its reader."""
    if "json" in answer.headers.get("content-type", ""):
        body = answer.json()
        return body["error_uri"] if "error" in body else body["type"]
    found = re.search(r'error_uri="([^"]+)"', answer.headers["www-authenticate"])
    assert found is not None, answer.headers
    return found[1]


@pytest.mark.requirement("GEN-7", "PD-1", "PD-2")
@pytest.mark.parametrize(("method", "path", "more"), REFUSED.values(), ids=REFUSED)
async def test_every_error_points_to_the_row_that_explains_it(remit, method, path, more):
    answer = await remit.http.request(method, f"{remit.acme.issuer}{path}", **more)
    assert 400 <= answer.status_code < 500
    address = pointer(answer)
    assert URI.fullmatch(address)
    page, _, anchor = address.partition("#")
    assert page == f"{remit.acme.issuer}/docs"
    assert anchor in rows((await remit.http.get(page)).text)
    assert "script" not in address


@pytest.mark.requirement("API-3")
async def test_a_token_that_may_less_is_told_where_that_is_explained(remit):
    access = (await act_for_itself(remit, remit.acme, remit.acme.web)).json()["access_token"]
    headers = {"authorization": f"Bearer {access}"}
    answer = await remit.http.get(f"{remit.acme.issuer}/api/v1/events", headers=headers)
    assert pointer(answer) == f"{remit.acme.issuer}/docs#invalid_token"


async def test_where_no_issuer_is_known_there_is_no_page_to_point_to(remit):
    # First a request with an issuer, so that nothing of it may be left over for the next.
    assert (await remit.http.get(f"{remit.acme.issuer}/nothing")).json()["type"].endswith("#not_found")
    answer = await remit.http.get(f"{BASE}/t/nobody/oauth/token")
    assert (answer.status_code, answer.json()["type"]) == (404, "about:blank")


async def test_each_tenant_points_to_its_own_page(remit):
    for world in (remit.acme, remit.globex, remit.default):
        answer: httpx.Response = await remit.http.post(f"{world.issuer}/oauth/token")
        assert answer.json()["error_uri"].startswith(f"{world.issuer}/docs#")
    tokens = await get_tokens(remit, remit.acme, remit.acme.web)
    assert "error_uri" not in tokens
