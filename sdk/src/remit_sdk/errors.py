"""What can go wrong, in the words of the one who must act on it."""

from __future__ import annotations


class RemitError(Exception):
    """Anything that Remit's SDK raises on purpose."""


class Unavailable(RemitError):
    """The issuer could not be asked, so nobody may say yes."""


class Untrustworthy(Unavailable):
    """The issuer answered something that must not be believed."""
