"""A reader of server-sent events (HTML Living Standard §9.2.6) that is bounded in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_EVENT_BYTES: Final = 16_384


class BrokenStream(ValueError):
    """The bytes are no event stream."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerEvent:
    """One dispatched event."""

    name: str
    data: bytes


class EventReader:
    """Turn chunks, however they were cut, into events."""

    def __init__(self) -> None:
        self._rest = b""
        self._name = ""
        self._data: list[bytes] = []
        self._size = 0

    def push(self, chunk: bytes) -> list[ServerEvent]:
        """Take the next chunk and return the events that it completes.

        Raises:
            BrokenStream: an event grows beyond every size the feed sends.
        """
        # Remit ends lines with LF; a lone CR as line end is not worth a third state here.
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > MAX_EVENT_BYTES:
            msg = "a line without end"
            raise BrokenStream(msg)
        return [event for line in lines if (event := self._line(line.removesuffix(b"\r")))]

    def _line(self, line: bytes) -> ServerEvent | None:
        if not line:
            event = ServerEvent(name=self._name or "message", data=b"\n".join(self._data))
            found = bool(self._data)
            self._name, self._data, self._size = "", [], 0
            return event if found else None
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        self._size += len(line)
        if self._size > MAX_EVENT_BYTES:
            msg = "an event without end"
            raise BrokenStream(msg)
        if field == b"event":
            self._name = value.decode("utf-8", "replace")
        elif field == b"data":
            self._data.append(value)
        return None
