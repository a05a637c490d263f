"""What every refusal of a protocol endpoint must look like."""

from __future__ import annotations

import re

FORM = {"content-type": "application/x-www-form-urlencoded"}
PRINTABLE = re.compile(r"[\x20-\x21\x23-\x5b\x5d-\x7e]+")
"""The characters of an error description (RFC 6749 §5.2)."""


def refused(answer, error, status=400):
    """Look at everything that a refusal of this endpoint must be, and return its hint."""
    assert (answer.status_code, answer.json().get("error")) == (status, error), answer.text
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert answer.headers["x-request-id"].startswith("req_")
    hint = answer.json()["error_description"]
    assert PRINTABLE.fullmatch(hint), hint
    assert set(answer.json()) == {"error", "error_description"}
    return hint
