"""The one way out: how a use case reads a document at a URL that a stranger named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Protocol

from remit.core.outbound import Fetched, Posted, Unchanged, Unreachable


class Fetcher(Protocol):
    async def fetch(self, url: str, *, limit: int, etag: str | None = None) -> Fetched | Unchanged | Unreachable:
        """Read JSON of at most `limit` bytes from a public https URL. With a tag, an unchanged one is not sent again.

        Whatever fails comes back as Unreachable; nothing is raised and nothing is followed.
        """
        ...

    async def post(self, url: str, form: Mapping[str, str]) -> Posted | Unreachable:
        """Send a form to a public https URL, within the same walls."""
        ...


class Nowhere:
    """A fetcher for processes that have no business outside."""

    async def fetch(self, url: str, *, limit: int, etag: str | None = None) -> Unreachable:
        return Unreachable("this process fetches nothing")

    async def post(self, url: str, form: Mapping[str, str]) -> Unreachable:
        return Unreachable("this process sends nothing")


NOWHERE: Final = Nowhere()
