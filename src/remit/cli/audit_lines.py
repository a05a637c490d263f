"""The lines of an exported audit log (docs/cli.md). Versioned: others verify by them for years."""

from __future__ import annotations

import msgspec

from remit.services.audit_log import LogEntry, LogHead, LogNote, encode_hash

VERSION = 1


def line_of(part: LogHead | LogEntry | LogNote) -> str:
    """Write one part as one line. The body of an entry is a string, so that its bytes come out as they were hashed."""
    line: dict[str, object]
    match part:
        case LogHead():
            line = {
                "kind": "log",
                "version": VERSION,
                "tenant": part.tenant,
                "issuer": part.issuer,
                "origin": part.origin,
                "size": part.size,
                "root": encode_hash(part.root),
                "public_keys": [encode_hash(key) for key in part.public_keys],
            }
        case LogEntry():
            # Bytes that are no text were not written by us; what stands for them will not hash to the leaf either.
            body = part.body.decode("utf-8", "replace")
            line = {"kind": "entry", "seq": part.seq, "leaf": encode_hash(part.leaf), "body": body}
        case LogNote():
            line = {"kind": "checkpoint", "size": part.size, "note": part.note}
    return msgspec.json.encode(line).decode() + "\n"
