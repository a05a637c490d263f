"""What a protocol rule answers when the answer is no."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=False)
class Refusal:
    """A protocol no: the standard error code and a hint, safe for the wire, that says what to change."""

    code: str
    hint: str
    # authorize only: False while the redirect URI is not trusted, so the answer is our own page
    redirect: bool = True
    # what the audit event adds; never rendered
    audit: str = ""


@dataclass(frozen=True, slots=True)
class TooMany:
    """Too many tries; seconds until the next one."""

    wait: int
