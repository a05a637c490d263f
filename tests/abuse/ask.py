"""One request in which ids and secrets are named by placeholders, and how it is sent."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from remit.crypto.jose import PrivateKey
from tests.kit.world import BASE

Values = Mapping[str, str]
"""What stands for each kind of placeholder."""

_SLOT = re.compile(r"<([a-z-]+)>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request. `<kind>` stands for an id or a secret of that kind, in whatever part of it."""

    method: str = "GET"
    by: str = "nobody"
    query: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    instead: Mapping[str, str] = field(default_factory=dict)
    """Kinds for which something of another kind is named."""
    effective: bool = True
    """With everything of one's own it answers otherwise, so that a comparison of refusals says something."""

    def parts(self, path: str) -> tuple[str, dict[str, str], Mapping[str, str], Mapping[str, str], Any]:
        headers, form = {}, dict(self.form)
        match self.by:
            case "program" | "person":
                headers["authorization"] = f"Bearer <{self.by}>"
                headers["if-match"] = "*"
            case "registration":
                headers["authorization"] = "Bearer <registration>"
            case "bearer":
                headers["authorization"] = "Bearer <access>"
            case "admin" | "alice":
                headers["cookie"] = f"__Host-remit_acme=<{self.by}-session>; __Host-remit_acme.b=<binding>"
                if self.method == "POST":
                    form["csrf"] = f"<{self.by}-csrf>"
            case "browser":
                headers["cookie"] = "__Host-remit_acme.b=<binding>"
                if self.method == "POST":
                    form["csrf"] = "<browser-csrf>"
            case "client" | "resource":
                headers["authorization"] = f"Basic <{self.by}-proof>"
            case _:
                assert self.by == "nobody", self.by
        if self.method == "POST" and self.by in {"admin", "alice", "browser"}:
            headers |= {"origin": BASE, "sec-fetch-site": "same-origin"}
        path = re.sub(r"\{([a-z]+)\}", r"<\1>", path)
        return path, headers, self.query, form, self.json

    def slots(self, path: str) -> list[str]:
        """Return the kinds that are named, but for the binding of a browser, which every tenant makes its own."""
        found = dict.fromkeys(_SLOT.findall(repr(self.parts(path))))
        return [kind for kind in found if kind not in {"binding", "once"}]

    def fitted(self, values: Values) -> dict[str, str]:
        """Return what this request names of all that a tenant has."""
        return {**values, **{kind: values[other] for kind, other in self.instead.items()}}

    async def send(self, http: httpx.AsyncClient, issuer: str, path: str, values: Values) -> httpx.Response:
        parts = filled(self.parts(path), {**values, "once": secrets.token_hex(8)})
        path, headers, query, form, json = parts
        more: dict[str, Any] = {}
        if form:
            more["data"] = form
        if json is not None:
            more["json"] = json
        where = f"{issuer}{path}"
        if path.startswith("/.well-known/"):
            where = f"{BASE}{path}{issuer.removeprefix(BASE)}"
        return await http.request(self.method, where, params=query, headers=headers, **more)


def filled(part: Any, values: Values) -> Any:
    match part:
        case str():
            return _SLOT.sub(lambda found: values[found[1]], part)
        case Mapping():
            return {filled(name, values): filled(value, values) for name, value in part.items()}
        case list() | tuple():
            return type(part)(filled(one, values) for one in part)
        case _:
            return part


def many(by: str, *kinds: str, **more: str) -> tuple[Ask, ...]:
    """Return a list narrowed by each kind in turn."""
    return tuple(Ask(by=by, query={kind: f"<{kind}>", **more}) for kind in kinds)


KEY = PrivateKey.generate("ES256").jwk() | {"kid": "k2", "alg": "ES256", "use": "sig"}
NOTHING: tuple[Ask, ...] = ()
"""It takes neither an id nor a secret."""
