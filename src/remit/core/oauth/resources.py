"""Resource indicators: the URI of the API that a token is for (RFC 8707)."""

from remit.core.oauth import uris
from remit.core.oauth.verdicts import Refusal


def canonical(uri: str) -> str | Refusal:
    """Spell a resource in the one way we compare: scheme and host in lower case, nothing else touched (RFC 8707 §2).

    A trailing slash, a default port and a percent-encoding stay as they are: `https://a` and `https://a/` are two.
    """
    parts = uris.read(uri)
    if isinstance(parts, uris.Flaw):
        return Refusal("invalid_target", f"the resource {parts.clause}")
    rest = uri[len(parts.scheme) :]
    if parts.host is not None:
        after = len("://") + len(parts.host)  # user information is refused, so the host comes first
        rest = rest[:after].lower() + rest[after:]
    return parts.scheme.lower() + rest
