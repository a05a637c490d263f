"""What can go wrong, in the words of the one who must act on it."""

from __future__ import annotations


class RemitError(Exception):
    """Anything that Remit's SDK raises on purpose."""


class Unavailable(RemitError):
    """The issuer could not be asked, so nobody may say yes."""


class Untrustworthy(Unavailable):
    """The issuer answered something that must not be believed."""


class Refused(RemitError):
    """The issuer said no (RFC 6749 §5.2)."""

    def __init__(self, error: str, hint: str = "") -> None:
        super().__init__(f"{error}: {hint}" if hint else error)
        self.error = error
        self.hint = hint


class ApprovalPending(Refused):
    """A person has been asked and has not decided yet; come back later."""


class AgentStopped(Refused):
    """Somebody has stopped this agent; only they or an administrator can let it go on."""


class OutOfScope(RemitError):
    """The call needs scopes that the token does not have."""

    def __init__(self, missing: frozenset[str], needed: frozenset[str]) -> None:
        super().__init__(f"the token lacks {' '.join(sorted(missing)) or 'a scope'}")
        self.missing = missing
        self.needed = needed


class BoundToken(RemitError):
    """The token alone is worth nothing: every request needs a proof of its key beside it."""


class WrongResource(RemitError):
    """A request to an address that this token is not for; nothing was sent."""
