"""The demo's agent, a process of its own. It knows OAuth and nothing of Remit: requests-oauthlib with PKCE.

python -m remit.demo.agent ISSUER CLIENT_ID API CALLBACK     (commands and answers are JSON lines)
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterable
from typing import Any

import requests
from oauthlib.oauth2 import OAuth2Error
from requests_oauthlib import OAuth2Session

# oauthlib refuses plain http, on loopback too, and raises when a user grants less than was asked. Both are what this
# demo is about: everything runs on this machine, and the user gives less. The variables hold for this process only.
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
os.environ["OAUTHLIB_RELAX_TOKEN_SCOPE"] = "1"

SCOPES = ["read:calendar", "write:calendar", "delete:calendar"]


class Agent:
    """An agent that asks for access once, and then works until somebody stops it."""

    def __init__(self, issuer: str, client_id: str, api: str, callback: str) -> None:
        self._server = requests.get(f"{issuer}/.well-known/openid-configuration", timeout=10).json()
        self._api = api
        self.rotations = 0
        self._refresh_token = ""
        self._session = OAuth2Session(
            client_id,
            scope=SCOPES,
            redirect_uri=callback,
            pkce="S256",
            auto_refresh_url=self._server["token_endpoint"],
            auto_refresh_kwargs={"client_id": client_id},
            token_updater=self._rotated,
        )

    def ask(self, _: str) -> dict[str, Any]:
        """Return where to send the user."""
        url, _state = self._session.authorization_url(self._server["authorization_endpoint"], resource=self._api)
        return {"url": url}

    def finish(self, callback_url: str) -> dict[str, Any]:
        """Redeem the code that came back."""
        token = self._session.fetch_token(
            self._server["token_endpoint"],
            authorization_response=callback_url,
            include_client_id=True,
            resource=self._api,
        )
        # The library would ask for the first list again at each refresh; a refresh can only ask for what was granted.
        self._session.scope = token["scope"]
        self._refresh_token = token["refresh_token"]
        return {"token": token["access_token"], "scope": token["scope"], "expires_in": token["expires_in"]}

    def get(self, path: str) -> dict[str, Any]:
        return self._call("GET", path)

    def post(self, path: str) -> dict[str, Any]:
        return self._call("POST", path, json="Meeting with Ada")

    def delete(self, path: str) -> dict[str, Any]:
        return self._call("DELETE", path)

    def grow_old(self, _: str) -> dict[str, Any]:
        """Let the token look expired, as it will in fifteen minutes; the library refreshes before the next call."""
        self._session.token = self._session.token | {"expires_at": time.time() - 1}
        return {}

    def _call(self, method: str, path: str, **more: Any) -> dict[str, Any]:
        answer = self._session.request(method, self._api + path, timeout=10, **more)
        challenge = answer.headers.get("www-authenticate", "")
        return {"status": answer.status_code, "challenge": challenge, "token": self._session.token["access_token"]}

    def _rotated(self, token: dict[str, Any]) -> None:
        self._session.token = token
        self.rotations += token["refresh_token"] != self._refresh_token
        self._refresh_token = token["refresh_token"]


def serve(agent: Agent, lines: Iterable[str]) -> None:
    """Carry out one command a line and answer with one line; an OAuth error is an answer too."""
    verbs = {
        "ask": agent.ask,
        "finish": agent.finish,
        "get": agent.get,
        "post": agent.post,
        "delete": agent.delete,
        "old": agent.grow_old,
    }
    for line in lines:
        verb, argument = json.loads(line)
        try:
            answer = verbs[verb](argument)
        except OAuth2Error as error:
            answer = {"error": error.error, "description": error.description}
        print(json.dumps(answer | {"rotations": agent.rotations}), flush=True)


if __name__ == "__main__":
    serve(Agent(*sys.argv[1:5]), sys.stdin)
