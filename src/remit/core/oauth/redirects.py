"""Redirect URIs: what may be registered, what matches, what the browser is sent to (RFC 9700 §2.1, RFC 8252)."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import parse_qsl, urlencode

from remit.core.oauth import uris
from remit.core.oauth.verdicts import Refusal

# The parameters that our answer adds: a registered one of the same name would make two of it.
ANSWER_PARAMETERS = frozenset({"code", "state", "iss", "error", "error_description", "error_uri", "response"})

_SCRIPT_SCHEMES = frozenset({"javascript", "data", "vbscript", "file", "about", "blob"})
# INVARIANT: the only place where two different strings may match, so the pattern allows no second reading.
_LOOPBACK = re.compile(r"(http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::([1-9][0-9]{0,4}))?((?:[/?][!-~]*)?)")
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(?:\.[a-z0-9+-]+)+")
_DOT_SEGMENT = re.compile(r"(?:^|/)(?:\.|%2e){1,2}(?=[/;]|$)", re.IGNORECASE)
# A server that decodes once, or twice, sees slashes and dots where we saw none.
_HIDDEN_SLASH = re.compile(r"%(?:2f|5c|25[0-9a-f]{2})", re.IGNORECASE)
_LOCAL_PATH = re.compile(r"/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@/-]*(?:\?[A-Za-z0-9._~!$&'()*+,;=:@/?%-]*)?")


def check_registered(uri: str, application_type: str) -> Refusal | None:
    """Refuse a redirect URI that may not be registered (RED-1, RED-4, RED-5)."""
    clause = _flaw_of_redirect(uri, native=application_type == "native")
    return Refusal("invalid_redirect_uri", f"the redirect URI {clause}") if clause else None


def check_link(uri: str) -> Refusal | None:
    """Refuse a link in client metadata (`client_uri`, `logo_uri` ...) that no page of ours may carry."""
    parts = uris.read(uri)
    if isinstance(parts, uris.Flaw):
        return Refusal("invalid_client_metadata", f"the link {parts.clause}")
    if parts.scheme != "https" or parts.host is None:
        return Refusal("invalid_client_metadata", "the link must begin with https://")
    return None


def match(registered: Sequence[str], presented: str) -> bool:
    """Tell whether a presented URI is a registered one: byte for byte, save the port of a loopback (RFC 8252 §7.3)."""
    return presented in registered or (
        (wanted := _without_port(presented)) is not None and any(_without_port(uri) == wanted for uri in registered)
    )


def is_loopback(uri: str) -> bool:
    """Tell whether the URI leads to the user's own computer."""
    return _without_port(uri) is not None


def display_host(uri: str) -> str:
    """Name the place that a registered URI leads to: host and unusual port, or the private-use scheme of an app.

    Raises:
        ValueError: this could never have been registered.
    """
    parts = uris.read(uri)
    if isinstance(parts, uris.Flaw):
        raise ValueError("not a registered redirect URI")
    if parts.scheme not in ("https", "http"):
        return parts.scheme
    if parts.host is None:
        raise ValueError("not a registered redirect URI: no host")
    host = parts.host.lower()
    # A loopback port is another one on each run; it tells the reader nothing.
    return host if parts.port in (None, 443) or is_loopback(uri) else f"{host}:{parts.port}"


def add_params(uri: str, params: Mapping[str, str]) -> str:
    """Add answer parameters to the query and keep the query that is there (RFC 6749 §3.1.2, §4.1.2).

    Raises:
        ValueError: a fragment, which no registered redirect URI has.
    """
    if "#" in uri:
        raise ValueError("a redirect URI has no fragment")
    if not params:
        return uri
    _, mark, query = uri.partition("?")
    # A query that was registered empty, or with a trailing ampersand, needs no joint.
    joint = "?" if not mark else "&" if query and not query.endswith("&") else ""
    return f"{uri}{joint}{urlencode(params)}"


def ambiguous(path: str) -> bool:
    """Say whether two readers of a path could end up at two places."""
    return bool(_DOT_SEGMENT.search(path) or _HIDDEN_SLASH.search(path))


def is_local_path(text: str) -> bool:
    """Tell whether a `next` parameter stays on our own origin, for every reader of it."""
    return len(text) <= uris.MAX_LENGTH and _LOCAL_PATH.fullmatch(text) is not None


def _without_port(uri: str) -> tuple[str, str] | None:
    found = _LOOPBACK.fullmatch(uri)
    if found is None or int(found[2] or 0) > 65535:
        return None
    return found[1], found[3]


def _flaw_of_redirect(uri: str, *, native: bool) -> str | None:
    parts = uris.read(uri)
    if isinstance(parts, uris.Flaw):
        return parts.clause
    if parts.scheme.lower() in _SCRIPT_SCHEMES:
        return "has a scheme that runs or opens something in the browser: use https"
    if parts.scheme != parts.scheme.lower():
        return "must have its scheme in lower case"
    if ambiguous(parts.path):
        return "has a dot segment or an encoded slash in its path: write the path that is meant"
    if parts.query and not ANSWER_PARAMETERS.isdisjoint(name for name, _ in parse_qsl(parts.query, True)):
        return "has a query parameter that the answer adds itself (code, state, iss, error): leave it out"
    if parts.scheme == "https":
        return None if parts.host else "has no host"
    if parts.scheme == "http":
        return None if is_loopback(uri) else "must use https; http only on 127.0.0.1, [::1] or localhost"
    if not native:
        return "must use https: an own scheme is for clients of application_type native only"
    if not _PRIVATE_SCHEME.fullmatch(parts.scheme):
        return "must have a scheme that is a reversed domain name, as in com.example.app:/callback (RFC 8252)"
    return None
