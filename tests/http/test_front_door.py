"""The bare address of an issuer leads a person somewhere; style and script belong to no tenant."""

from __future__ import annotations

from remit.http._kit.render import Pages


async def test_the_bare_address_leads_to_ones_own_page(remit):
    issuer = remit.acme.issuer
    answer = await remit.http.get(f"{issuer}/")
    assert (answer.status_code, answer.headers["location"]) == (303, f"{issuer}/account")


async def test_style_and_script_are_served_where_no_default_tenant_is(remit):
    for name in Pages().static_names():
        answer = await remit.http.get(f"/static/{name}")
        assert answer.status_code == 200, name
        assert "immutable" in answer.headers["cache-control"]
    assert (await remit.http.get("/static/nothing.css")).status_code == 404
