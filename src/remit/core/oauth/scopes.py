"""Scope lists as text and as sets (RFC 6749 §3.3)."""

import re
from collections.abc import Iterable

from remit.core.oauth.verdicts import Refusal

# They speak about the user, not about a resource: no registry entry holds them (OpenID Connect Core §5.4, §11).
IDENTITY_SCOPES = frozenset({"openid", "profile", "email", "offline_access"})

_TOKEN = r"[\x21\x23-\x5b\x5d-\x7e]+"
_LIST = re.compile(rf"{_TOKEN}(?: {_TOKEN})*")
_ONE = re.compile(_TOKEN)


def is_scope(name: str) -> bool:
    """Tell whether a name can be a scope at all."""
    return _ONE.fullmatch(name) is not None


def parse(text: str) -> frozenset[str] | Refusal:
    """Read a scope parameter; one that was left empty is absent and never comes here (RFC 6749 §3.1)."""
    if not _LIST.fullmatch(text):
        return Refusal(
            "invalid_scope",
            "send scopes separated by single spaces, in printable ASCII without quotes and backslash (RFC 6749)",
        )
    return frozenset(text.split(" "))


def render(scopes: Iterable[str]) -> str:
    """Write scopes in one spelling: sorted, single spaces."""
    return " ".join(sorted(set(scopes)))
