"""Secrets planted everywhere in a real run, then looked for everywhere they must not be (GEN-14).

Two kinds: secrets that the server made and handed out, and words that somebody typed into a field for secrets. Each is
looked for as it is, by its first eight signs, and in base64 at each of its three positions.
"""

from __future__ import annotations

import base64
import secrets
import sqlite3
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from remit.core.oauth.pkce import challenge_of
from tests.kit.pages import follow, form_to, submit

TRACE = "5af92f3577b34da6a3ce929d0e0e4737"
JWT_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def forms_of(secret: str) -> Iterator[bytes]:
    """The secret, its beginning, and what of its base64 does not depend on its neighbours."""
    plain = secret.encode()
    yield plain[:8]
    for shift in range(3):
        coded = base64.b64encode(b"x" * shift + plain)[4:-4]
        yield coded
        yield coded.replace(b"+", b"-").replace(b"/", b"_")


def secret_part(issued: str) -> str:
    """The part that proves something: behind the id of an opaque secret, or the signature of a JWT."""
    return issued.rpartition(".")[2]


def found(planted: dict[str, str], places: dict[str, bytes]) -> list[str]:
    return [
        f"{name} in {place}"
        for name, secret in planted.items()
        for place, held in places.items()
        if any(form in held for form in forms_of(secret))
    ]


def test_the_search_finds_what_is_there():
    secret = secrets.token_urlsafe(24)
    for shift in range(3):
        coded = base64.urlsafe_b64encode(b"k" * shift + secret.encode() + b"and more")
        assert found({"it": secret}, {"there": b"before " + coded + b" after"}) == ["it in there"]
    assert found({"it": secret}, {"cut": secret[:8].encode()}) == ["it in cut"]
    assert found({"it": secret}, {"elsewhere": secrets.token_urlsafe(64).encode()}) == []


@pytest.mark.requirement("AUD-4", "GEN-8", "GEN-14")
async def test_no_secret_is_in_log_metrics_database_or_error_pages(served):
    issued: dict[str, str] = {}
    typed: dict[str, str] = {}

    def canary(name: str) -> str:
        return typed.setdefault(name, "Cn" + secrets.token_urlsafe(24))

    errors: list[httpx.Response] = []
    issuer, client = f"{served.base}/t/acme", served.seed["clients"]["conf1"]
    resource = served.seed["resources"]["R1"]
    proof = (client["client_id"], client["client_secret"])
    issued["client secret"] = client["client_secret"]
    issued["resource secret"] = resource["client_secret"]
    async with httpx.AsyncClient(base_url=served.base, headers={"traceparent": f"00-{TRACE}-{TRACE[:16]}-01"}) as http:
        verifier = secrets.token_urlsafe(48)
        issued["code verifier"] = verifier
        asked = {
            "response_type": "code",
            "client_id": client["client_id"],
            "redirect_uri": client["redirect_uri"],
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
            "scope": "openid read:calendar",
            "resource": resource["uri"],
        }
        page = await follow(http, await http.get(f"{issuer}/oauth/authorize", params=asked))
        form = form_to(page, "/login")
        form.put("email", "alice@example.com")
        form.put("password", canary("password"))
        page = await follow(http, await submit(http, page, form))
        errors.append(page)
        form = form_to(page, "/login")
        form.put("email", "alice@example.com")
        form.put("password", "password")
        page = await follow(http, await submit(http, page, form))
        form = form_to(page, "/consent")
        form.put("decision", "allow")
        form.put("away", "yes")
        page = await submit(http, page, form)
        (code,) = parse_qs(urlsplit(page.headers["location"]).query)["code"]
        issued["code"] = code
        issued["session cookie"] = next(value for name, value in http.cookies.items() if "acme" in name)

        async def ask(**fields: str) -> httpx.Response:
            return await http.post(f"{issuer}/oauth/token", data=fields, auth=proof)

        first = await ask(
            grant_type="authorization_code", code=code, code_verifier=verifier, redirect_uri=client["redirect_uri"]
        )
        assert first.status_code == 200, first.text
        second = await ask(grant_type="refresh_token", refresh_token=first.json()["refresh_token"])
        for nth, answer in (("first", first), ("second", second)):
            for kind in ("access_token", "refresh_token", "id_token"):
                if kind in answer.json():
                    issued[f"{nth} {kind}"] = answer.json()[kind]
        access = second.json()["access_token"]
        live = {"token": access}
        about = (resource["client_id"], resource["client_secret"])
        assert (await http.post(f"{issuer}/oauth/introspect", data=live, auth=about)).json()["active"]
        bearer = {"authorization": f"Bearer {access}"}
        assert (await http.get(f"{issuer}/oauth/userinfo", headers=bearer)).status_code == 200
        # Shown again, stolen, and half shown: what goes wrong is told at length, and must still tell no secret.
        errors.append(await ask(grant_type="refresh_token", refresh_token=first.json()["refresh_token"]))
        errors.append(
            await ask(
                grant_type="authorization_code",
                code=code,
                code_verifier=canary("code verifier"),
                redirect_uri=client["redirect_uri"],
            )
        )
        errors.append(await ask(grant_type="refresh_token", refresh_token=canary("refresh token")))
        errors.append(await ask(grant_type="authorization_code", code=canary("code"), redirect_uri=canary("redirect")))
        errors.append(await ask(grant_type=canary("grant type")))
        errors.append(await ask(grant_type="client_credentials", scope=canary("scope"), resource=canary("resource")))
        wrong = (client["client_id"], canary("client secret"))
        swapped = (canary("secret in place of the name"), "x")
        good = {"grant_type": "client_credentials"}
        for auth in (wrong, swapped):
            errors.append(await http.post(f"{issuer}/oauth/token", data=good, auth=auth))
            errors.append(await http.post(f"{issuer}/oauth/introspect", data={"token": canary("token")}, auth=auth))
            errors.append(await http.post(f"{issuer}/oauth/revoke", data={"token": canary("token")}, auth=auth))
            errors.append(await http.get(f"{issuer}/feed", auth=auth))
            errors.append(await http.post(f"{issuer}/decisions", content=canary("body"), auth=auth))
        assertion = {**good, "client_assertion_type": JWT_ASSERTION, "client_assertion": canary("assertion")}
        errors.append(await http.post(f"{issuer}/oauth/token", data=assertion))
        errors.append(await http.post(f"{issuer}/oauth/token", data=good | {"client_secret": canary("post secret")}))
        for scheme in ("Bearer", "Basic", "DPoP", "Unknown", ""):
            sent = {"authorization": f"{scheme} {canary(f'authorization {scheme}')}".strip()}
            guarded = ("/oauth/userinfo", "/api/v1/agents", "/console", "/account")
            errors += [await http.get(f"{issuer}{path}", headers=sent) for path in guarded]
            errors.append(await http.post(f"{issuer}/oauth/token", data=good, headers=sent))
        for path in ("/oauth/authorize", "/oauth/token", "/oauth/userinfo", "/login", "/consent", "/setup", "/nowhere"):
            for name in ("access_token", "client_secret", "ix", "token", "code"):
                query = {name: canary(f"query {name}")}
                errors.append(await http.get(f"{issuer}{path}", params=query))
                errors.append(await http.post(f"{issuer}{path}", params=query, data={name: canary(f"body {name}")}))
        async with httpx.AsyncClient() as stranger:
            for name in http.cookies:
                sent = {"cookie": f"{name}={canary(f'cookie {name}')}"}
                errors.append(await stranger.get(f"{issuer}/account", headers=sent))
                errors.append(await stranger.post(f"{issuer}/login", headers=sent, data={"csrf": canary("csrf")}))
        changed = {**asked, "redirect_uri": "https://evil.example/" + canary("redirect path"), "state": canary("state")}
        errors.append(await http.get(f"{issuer}/oauth/authorize", params=changed))
    metrics = served.probe("/metrics").content
    assert served.stop() == 0
    files = {
        path.name: path.read_bytes() for path in served.data.iterdir() if not path.name.endswith((".key", ".pepper"))
    }
    with sqlite3.connect(served.data / "remit.db") as database:
        dump = "\n".join(database.iterdump()).encode()
        events = b"".join(bytes(body) for (body,) in database.execute("select body from event"))
    log = "".join(served.log).encode()
    places = {"the log": log, "the metrics": metrics, "a dump": dump, "events": events, **files}
    shown = {
        f"{answer.request.method} {answer.request.url.path} {answer.status_code}": answer.content
        + repr(answer.headers.multi_items()).encode()
        for answer in errors
    }
    # What must be found is found in the same places, so that an empty log cannot pass.
    assert TRACE.encode() in log
    assert TRACE.encode() in events
    assert b"remit_token_refused_total" in metrics
    assert all(answer.status_code < 500 for answer in errors)
    assert len(typed) > 25
    assert found({name: secret_part(secret) for name, secret in issued.items()}, places) == []
    assert found(typed, places) == []
    assert found(typed, shown) == []
