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
    assert set(answer.json()) == {"error", "error_description", "error_uri"}
    assert answer.json()["error_uri"] == f"{issuer_of(answer)}/docs#{error}"
    return hint


def issuer_of(answer):
    """The issuer whose endpoint this was, read off its address."""
    url = answer.request.url
    slug = re.match(r"/t/[^/]+", url.path)
    return f"{url.scheme}://{url.netloc.decode()}{slug[0] if slug else ''}"
