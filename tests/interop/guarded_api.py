"""The calendar behind our own guard: `python -m tests.interop.guarded_api ISSUER RESOURCE ID SECRET PORT`."""

from __future__ import annotations

import secrets
import sys

import uvicorn

from remit_sdk import Dpop, guard
from tests.sdk.calendar import ROUTES, calendar


def main(issuer: str, resource: str, client: str, secret: str, port: int) -> None:
    api = guard(
        issuer,
        resource=resource,
        credentials=(client, secret),
        scopes="read:calendar",
        name="Calendar",
        # It is registered under a name that nobody serves, and asks for its own nonces.
        dpop=Dpop(addresses=[f"http://127.0.0.1:{port}"], nonce_secret=secrets.token_bytes(32)),
    )
    app = api.wrap(calendar(), routes=ROUTES, public=["GET /health"])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error", ws="none")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
