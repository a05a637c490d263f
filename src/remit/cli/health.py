"""`remit health`: what a container's health check asks."""

from __future__ import annotations

import http.client
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from msgspec.json import decode

from remit.cli.exits import OK, REFUSED, SERVER, USAGE
from remit.cli.here import say
from remit.cli.output import write_record
from remit.cli.settings import load_or_exit

SECONDS = 5


def health(
    *,
    data: Annotated[Path | None, Parameter(help="Folder of the instance. [default: ./remit-data]")] = None,
    probe_port: Annotated[int | None, Parameter(help="Port of the probes. [default: 8701]")] = None,
    json: Annotated[bool, Parameter(negative="", show_default=False, help="Write JSON.")] = False,
) -> int:
    """Ask the server on this machine whether it is ready. Ends with 0 when it is."""
    port = load_or_exit(data=data, probe_port=probe_port).server.probe_port
    if not port:
        say("remit: server.probe_port is 0, so there is nobody to ask")
        return USAGE
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SECONDS)
    try:
        connection.request("GET", "/readyz")
        answer = connection.getresponse()
        told = decode(answer.read())
        failed = [f"{name}: {check['detail']}" for name, check in told["checks"].items() if not check["ok"]]
    except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError) as error:
        say(f"remit: no answer on port {port}: {error}")
        return SERVER
    finally:
        connection.close()
    write_record({"ready": not failed, "failed": failed}, json=json)
    for line in failed:
        say(f"remit: not ready: {line}")
    return REFUSED if failed else OK
