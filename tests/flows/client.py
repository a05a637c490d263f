"""A seeded public client and the user behind it, both strangers to the server's code: HTTP, forms and tokens."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx

from tests.kit.pages import PageForm, form_to


class Browser:
    """One person's browser: cookies, forms, and redirects that it follows while they stay with us."""

    def __init__(self, email: str = "alice@example.com", password: str = "password") -> None:
        self.http = httpx.Client(timeout=20)
        self._email = email
        self._password = password

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def open(self, url: str) -> httpx.Response:
        """Open a page, and sign in where one has to."""
        page = self._follow(self.http.get(url))
        if page.is_redirect or not urlsplit(str(page.url)).path.endswith("/login"):
            return page
        form = form_to(page, "/login")
        form.put("email", self._email)
        form.put("password", self._password)
        return self.submit(page, form)

    def submit(self, page: httpx.Response, form: PageForm) -> httpx.Response:
        """Send a form as a browser does, and follow where it leads."""
        target = urljoin(str(page.url), form.action)
        parts = urlsplit(target)
        headers = {"origin": f"{parts.scheme}://{parts.netloc}", "sec-fetch-site": "same-origin"}
        body = urlencode(form.fields)
        headers["content-type"] = "application/x-www-form-urlencoded"
        return self._follow(self.http.post(target, content=body, headers=headers))

    def allow(self, url: str, *, untick: Iterable[str] = ()) -> str:
        """Answer an authorization request with yes, and return the address that the answer goes to."""
        page = self.open(url)
        if not page.is_redirect:
            form = form_to(page, "/consent")
            form.put("scope", *sorted(form.options("scope") - set(untick)))
            form.put("decision", "allow")
            page = self.submit(page, form)
        assert page.is_redirect, f"{page.status_code}: {page.text[:400]}"
        return page.headers["location"]

    def _follow(self, answer: httpx.Response) -> httpx.Response:
        for _ in range(10):
            if not answer.is_redirect:
                return answer
            target = urljoin(str(answer.url), answer.headers["location"])
            if urlsplit(target).netloc != urlsplit(str(answer.url)).netloc:
                return answer
            answer = self.http.get(target)
        raise AssertionError("a circle of redirects")


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a token endpoint answered."""

    access: str
    refresh: str
    scope: str

    @classmethod
    def read(cls, answer: httpx.Response) -> Tokens:
        assert answer.status_code == 200, answer.text
        body = answer.json()
        return cls(body["access_token"], body["refresh_token"], body["scope"])

    @property
    def claims(self) -> dict[str, Any]:
        part = self.access.split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return claims


class Party:
    """A public client with PKCE, written down from RFC 6749 and RFC 7636."""

    def __init__(self, tenant: dict[str, Any], name: str = "pub1") -> None:
        self._tenant = tenant
        self.id: str = tenant["clients"][name]["client_id"]
        # The port of a loopback redirect is free (RFC 8252 §7.3).
        self.redirect = "http://127.0.0.1:45454/callback"
        self._verifier = secrets.token_urlsafe(48)

    def request(self, scope: str = "read:calendar", **more: str) -> str:
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self._verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": self.id,
            "redirect_uri": self.redirect,
            "scope": scope,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
            **more,
        }
        return f"{self._tenant['authorization_endpoint']}?{urlencode(asked)}"

    def code_fields(self, callback: str) -> dict[str, str]:
        code = dict(parse_qsl(urlsplit(callback).query))["code"]
        return {
            "grant_type": "authorization_code",
            "client_id": self.id,
            "code": code,
            "redirect_uri": self.redirect,
            "code_verifier": self._verifier,
        }

    def refresh_fields(self, token: str) -> dict[str, str]:
        return {"grant_type": "refresh_token", "client_id": self.id, "refresh_token": token}

    def redeem(self, callback: str) -> Tokens:
        return Tokens.read(httpx.post(self._tenant["token_endpoint"], data=self.code_fields(callback)))

    def refresh(self, token: str) -> httpx.Response:
        return httpx.post(self._tenant["token_endpoint"], data=self.refresh_fields(token), timeout=20)
