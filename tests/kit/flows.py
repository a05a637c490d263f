"""The dances: sign in, consent, redeem, refresh; each as small as a test wants to read it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx

from remit.core.clients import AuthMethod, Client
from remit.core.oauth.pkce import challenge_of
from remit.crypto.compact import write_base64url
from tests.kit.instance import Remit
from tests.kit.pages import PageForm, follow, form_to, submit
from tests.kit.world import PASSWORD, World, client_key

VERIFIER = "a-verifier-of-the-right-length-0123456789-abcdef"
STATE = "state &=+ü"


def request_for(client: Client, **changes: str | list[str] | None) -> dict[str, Any]:
    """Return the parameters of a good authorization request; a change to None leaves one out."""
    asked: dict[str, Any] = {
        "response_type": "code",
        "client_id": client.id,
        "redirect_uri": client.redirect_uris[0],
        "code_challenge": challenge_of(VERIFIER),
        "code_challenge_method": "S256",
        "scope": "read:calendar write:calendar",
        "resource": "https://calendar.example/",
        "state": STATE,
        **changes,
    }
    return {name: value for name, value in asked.items() if value is not None}


async def ask(browser: httpx.AsyncClient, world: World, asked: dict[str, Any], **headers: str) -> httpx.Response:
    """Send the browser to the authorization endpoint and follow it as far as it stays with us."""
    sent = {"sec-fetch-site": "none", **{name.replace("_", "-"): value for name, value in headers.items()}}
    return await follow(browser, await browser.get(f"{world.issuer}/oauth/authorize", params=asked, headers=sent))


async def sign_in(
    browser: httpx.AsyncClient, page: httpx.Response, email: str = "alice@example.com", password: str = PASSWORD
) -> httpx.Response:
    """Fill in the sign-in form of a page."""
    form = form_to(page, "/login")
    form.put("email", email)
    form.put("password", password)
    return await follow(browser, await submit(browser, page, form))


async def visit(browser: httpx.AsyncClient, world: World, email: str = "alice@example.com") -> httpx.Response:
    """Sign in without any client asking."""
    page = await browser.get(f"{world.issuer}/login")
    form = form_to(page, "/login")
    form.put("email", email)
    form.put("password", PASSWORD)
    return await submit(browser, page, form)


async def sign_out(remit: Remit, browser: httpx.AsyncClient, world: World) -> httpx.Response:
    """Send the sign-out form, which stands on every page of somebody who is signed in."""
    page = await browser.get(f"{world.issuer}/oauth/authorize", params={"client_id": "nobody"})
    return await submit(browser, page, form_to(page, "/logout"))


def answered(
    page: httpx.Response, decision: str = "allow", *, untick: Iterable[str] = (), away: str = "yes"
) -> PageForm:
    """Return the consent form of a page, filled in."""
    form = form_to(page, "/consent")
    form.put("scope", *sorted(form.options("scope") - set(untick)))
    form.put("away", away)
    form.put("decision", decision)
    return form


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back to the client."""

    url: str
    fields: dict[str, str]

    @property
    def code(self) -> str:
        assert "code" in self.fields, self.fields
        return self.fields["code"]


def answer_of(response: httpx.Response) -> Answer:
    assert response.is_redirect, f"{response.status_code}: {response.text[:300]}"
    location = response.headers["location"]
    pairs = parse_qsl(urlsplit(location).query, keep_blank_values=True)
    assert len(dict(pairs)) == len(pairs), f"repeated parameters: {location}"
    return Answer(location, dict(pairs))


async def approve(
    remit: Remit,
    world: World,
    client: Client,
    *,
    browser: httpx.AsyncClient | None = None,
    email: str = "alice@example.com",
    untick: Iterable[str] = (),
    away: str = "yes",
    **changes: str | list[str] | None,
) -> Answer:
    """Walk from the authorization request through sign-in and consent to the answer."""
    async with remit.browser() as fresh:
        using = browser or fresh
        page = await ask(using, world, request_for(client, **changes))
        if not page.is_redirect and "password" in page.text and page.url.path.endswith("/login"):
            page = await sign_in(using, page, email)
        if page.is_redirect:
            return answer_of(page)
        return answer_of(await submit(using, page, answered(page, untick=untick, away=away)))


def proof(remit: Remit, world: World, client: Client) -> dict[str, Any]:
    """Return the arguments of a request that prove a client, by the method it registered."""
    match client.auth_method:
        case AuthMethod.NONE:
            return {"data": {"client_id": client.id}}
        case AuthMethod.SECRET_BASIC:
            return {"auth": (client.id, world.web_secret.reveal())}
        case AuthMethod.SECRET_POST:
            return {"data": {"client_id": client.id, "client_secret": world.rival_secret.reveal()}}
        case AuthMethod.PRIVATE_KEY_JWT:
            kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
            return {"data": {"client_assertion": assertion(remit, world, client), "client_assertion_type": kind}}


def assertion(remit: Remit, world: World, client: Client, **changes: object) -> str:
    """Sign a client assertion (RFC 7523 §3)."""
    at = int(remit.clock.now().timestamp())
    claims = {
        "iss": client.id,
        "sub": client.id,
        "aud": world.issuer,
        "exp": at + 60,
        "iat": at,
        "jti": secrets.token_urlsafe(12),
        **changes,
    }
    return signed_by_client({"alg": "ES256", "kid": "k1"}, claims)


def request_object(
    remit: Remit, world: World, client: Client, *, header: dict[str, Any] | None = None, **said: Any
) -> str:
    """Sign an authorization request (RFC 9101 §4) with the key of the client that has one; None leaves a claim out."""
    at = int(remit.clock.now().timestamp())
    claims = {
        "iss": client.id,
        "aud": world.issuer,
        "exp": at + 300,
        "nbf": at,
        "iat": at,
        "jti": secrets.token_urlsafe(12),
        **request_for(client),
        **said,
    }
    claims = {name: value for name, value in claims.items() if value is not None}
    head = {"alg": "ES256", "kid": "k1", "typ": "oauth-authz-req+jwt", **(header or {})}
    return signed_by_client(head, claims)


def signed_by_client(head: dict[str, Any], claims: dict[str, Any]) -> str:
    message = write_base64url(json.dumps(head).encode()) + b"." + write_base64url(json.dumps(claims).encode())
    return (message + b"." + write_base64url(client_key().sign(message))).decode()


async def push(remit: Remit, world: World, client: Client, /, **fields: Any) -> httpx.Response:
    """Push parameters in the name of a client; a field that is None is left out."""
    shown = proof(remit, world, client)
    data = {**{name: value for name, value in fields.items() if value is not None}, **shown.pop("data", {})}
    return await remit.http.post(f"{world.issuer}/oauth/par", data=data, **shown)


async def pushed(remit: Remit, world: World, client: Client, **changes: Any) -> dict[str, str]:
    """Push a good request, and return the parameters that stand for it at the authorization endpoint."""
    answer = await push(remit, world, client, **request_for(client, **changes))
    assert answer.status_code == 201, answer.text
    return {"client_id": client.id, "request_uri": answer.json()["request_uri"]}


async def token(remit: Remit, world: World, client: Client, **fields: Any) -> httpx.Response:
    """Send a token request in the name of a client; a field that is None is left out."""
    shown = proof(remit, world, client)
    data = {**shown.pop("data", {}), **{name: value for name, value in fields.items() if value is not None}}
    return await remit.http.post(f"{world.issuer}/oauth/token", data=data, **shown)


async def redeem(remit: Remit, world: World, client: Client, code: str, /, **fields: Any) -> httpx.Response:
    return await token(
        remit, world, client, **{"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER, **fields}
    )


async def refresh(remit: Remit, world: World, client: Client, text: str, /, **fields: Any) -> httpx.Response:
    return await token(remit, world, client, grant_type="refresh_token", refresh_token=text, **fields)


async def act_for_itself(remit: Remit, world: World, client: Client, **fields: Any) -> httpx.Response:
    return await token(remit, world, client, grant_type="client_credentials", **fields)


async def get_tokens(remit: Remit, world: World, client: Client, **changes: Any) -> dict[str, Any]:
    """Return the token response of a whole flow."""
    answer = await approve(remit, world, client, **changes)
    response = await redeem(remit, world, client, answer.code)
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


def claims_of(jwt: str) -> dict[str, Any]:
    """Read what a token says, without checking it."""
    import base64

    part = jwt.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return claims


async def introspect(remit: Remit, world: World, text: str, *, by: str = "calendar") -> dict[str, Any]:
    """Ask about a token as one of the tenant's resource servers."""
    resource, secret = {
        "calendar": (world.calendar, world.calendar_secret),
        "tickets": (world.tickets, world.tickets_secret),
    }[by]
    response = await remit.http.post(
        f"{world.issuer}/oauth/introspect", data={"token": text}, auth=(resource.id, secret.reveal())
    )
    assert response.status_code == 200, response.text
    body: dict[str, Any] = response.json()
    return body


async def revoke(remit: Remit, world: World, client: Client, text: str) -> httpx.Response:
    shown = proof(remit, world, client)
    data = {**shown.pop("data", {}), "token": text}
    return await remit.http.post(f"{world.issuer}/oauth/revoke", data=data, **shown)


async def userinfo(remit: Remit, world: World, text: str) -> httpx.Response:
    return await remit.http.get(f"{world.issuer}/oauth/userinfo", headers={"authorization": f"Bearer {text}"})
