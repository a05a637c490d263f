"""The rule of stops: a token is refused if its `epo` is below the epoch of any id it names."""

from __future__ import annotations

from typing import Final

import msgspec

from remit_sdk.verify import MAX_LIFETIME, AccessToken

# The longest token and a margin: after that no living token can be older than the stop.
REMEMBERED_FOR: Final = MAX_LIFETIME + 30.0


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of the feed."""

    seq: int
    kind: str
    id: str
    epoch: int


class Epochs:
    """Every stop that a living token may still meet."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], tuple[int, float]] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def learn(self, stop: Stop, *, at: float) -> None:
        """Remember a stop; an epoch never goes back."""
        self.forget(at)
        name = (stop.kind, stop.id)
        known, _ = self._entries.pop(name, (0, 0.0))
        # Newest last, so forgetting looks at the front only.
        self._entries[name] = (max(known, stop.epoch), at + REMEMBERED_FOR)

    def forget(self, at: float) -> None:
        """Drop the entries that no living token can meet."""
        while self._entries:
            oldest = next(iter(self._entries))
            if self._entries[oldest][1] > at:
                return
            del self._entries[oldest]

    def stopped(self, token: AccessToken, *, resources: frozenset[str]) -> str | None:
        """Return the kind of the stop that ends the token, or None."""
        if not self._entries:
            return None
        for name in self._names(token, resources):
            entry = self._entries.get(name)
            if entry is not None and token.epoch < entry[0]:
                return name[0]
        return None

    @staticmethod
    def _names(token: AccessToken, resources: frozenset[str]) -> list[tuple[str, str]]:
        # A kind that is not listed here would be a stop that nobody feels: the issuer and this
        # table change together.
        names = [
            ("token", token.jti),
            ("grant", token.grant),
            ("agent", token.agent),
            ("client", token.client),
            ("user", token.subject),
            ("tenant", token.tenant),
            ("kid", token.kid),
            ("resource", token.audience),
            *(("resource", resource) for resource in resources),
            # A stop of anything on the way ends what came of it by exchange.
            *token.via,
        ]
        if token.line is not None:
            names.append(("line", token.line))
        if token.session is not None:
            names.append(("session", token.session))
        return names
