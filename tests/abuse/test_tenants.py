"""Attacks across tenants (B-TEN) beyond the matrix: tokens, handles, cursors, first runs, and who exists where."""

from __future__ import annotations

import asyncio

import pytest

from remit.core.tenants import DEFAULT_SLUG
from remit.core.users import User
from remit.opening import open_deps
from remit.services.provisioning.setup import create_setup_link, redeem_setup_link
from remit.services.provisioning.tenants import create_tenant
from remit.settings import load
from tests.abuse.doors import api_token, doors_of
from tests.http.api.world import api_of
from tests.kit.flows import claims_of, get_tokens, introspect, refresh, revoke
from tests.kit.pages import form_to, submit, text_of
from tests.kit.world import BASE, HERE


async def test_b_ten_02_a_token_of_one_tenant_opens_nothing_at_another(remit):
    ours, theirs = remit.acme, remit.globex
    tokens = await get_tokens(remit, theirs, theirs.web, scope="openid read:calendar")
    other = await api_token(remit, theirs)
    async with doors_of(remit, ours) as doors:
        assert await doors.which_open(tokens["access_token"]) == set()
        assert await doors.which_open(other) == set()
    answer = await revoke(remit, ours, ours.web, tokens["refresh_token"])
    assert (answer.status_code, answer.content) == (200, b"")
    assert (await introspect(remit, theirs, tokens["access_token"]))["active"] is True
    assert (await refresh(remit, theirs, theirs.web, tokens["refresh_token"])).status_code == 200


async def test_b_ten_03_a_handle_that_leaked_acts_on_nothing_elsewhere(remit):
    ours, theirs = remit.acme, remit.globex
    tokens = await get_tokens(remit, theirs, theirs.web)
    claims, api = claims_of(tokens["access_token"]), await api_of(remit, ours)
    for kind, handle in (("grant", claims["grant_id"]), ("line", claims["line_id"]), ("agent", claims["agent_id"])):
        answer = await api.post("/stops", {"kind": kind, "id": handle, "reason": "INC-1"})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), kind
    # The id of a token may be stopped by whoever names it: it is stopped in his own tenant, where there is none.
    assert (await api.post("/stops", {"kind": "token", "id": claims["jti"], "reason": "INC-1"})).status_code == 201
    assert (await introspect(remit, theirs, tokens["access_token"]))["active"] is True


LISTS = ("/agents", "/grants", "/clients", "/resources", "/users", "/stops", "/events", "/decisions")


async def test_b_ten_05_a_cursor_from_elsewhere_leads_nowhere_else(remit):
    api, other = await api_of(remit, remit.acme), await api_of(remit, remit.globex)
    foreign = {remit.globex.agent.id, remit.globex.web.id, remit.globex.alice.id, remit.globex.calendar.id}
    for path in LISTS:
        theirs = (await other.get(f"{path}?limit=1")).json()
        cursors = [theirs.get("next"), *foreign, "0", "-1", "x", "%00", "'", "9" * 40, "evt_", "../1"]
        for cursor in (str(cursor) for cursor in cursors if cursor is not None):
            answer = await api.get(f"{path}?cursor={cursor}")
            assert answer.status_code in {200, 400}, (path, cursor, answer.text)
            assert not [one for one in foreign if one in answer.text.replace(cursor, "")], (path, cursor)


async def test_b_ten_06_of_many_who_finish_the_setup_one_does(tmp_path):
    settings = load(environ={}, flags={"data.dir": tmp_path, "server.base_url": BASE}, cwd=tmp_path)
    async with open_deps(settings) as deps:
        await create_tenant(deps, HERE, slug=DEFAULT_SLUG, name="Acme", base_url=BASE)
        link = (await create_setup_link(deps, BASE)).rpartition("=")[2]
        second = (await create_setup_link(deps, BASE)).rpartition("=")[2]

        async def finish(number: int, token: str) -> object:
            return await redeem_setup_link(
                deps, HERE, token=token, name="O", email=f"o{number}@example.com", password="four words are enough"
            )

        made = await asyncio.gather(*(finish(number, (link, second)[number % 2]) for number in range(20)))
        assert len([one for one in made if isinstance(one, User)]) == 1
        again = [await finish(99, token) for token in (link, second, "", "rmt_su_0.0")]
        assert not [one for one in again if isinstance(one, User)]
        async with deps.db.system() as system:
            assert await system.user_count() == 1


@pytest.mark.parametrize("email", ["carol@example.com", "nobody@example.com"], ids=["elsewhere", "nowhere"])
async def test_b_ten_07_who_exists_elsewhere_exists_no_more_than_nobody(remit, email):
    from remit.core.users import Role
    from remit.services.provisioning.users import create_user
    from tests.kit.world import PASSWORD, SEEDER

    await create_user(
        remit.globex.tenant.id, remit.deps, SEEDER, email="carol@example.com", name="Carol", role=Role.USER,
        password=PASSWORD,
    )  # fmt: skip
    world = remit.acme
    async with remit.browser() as browser:
        page = await browser.get(f"{world.issuer}/login")
        form = form_to(page, "/login")
        form.put("email", email)
        form.put("password", PASSWORD)
        answer = await submit(browser, page, form)
    assert answer.status_code == 200
    assert text_of(answer).count(email) <= 1
    assert "wrong" in text_of(answer).lower() or "not" in text_of(answer).lower()
    api = await api_of(remit, world)
    made = await api.post("/users", {"email": email, "name": "n", "role": "user"})
    assert made.status_code == 201, "a name that somebody has elsewhere is free here"
