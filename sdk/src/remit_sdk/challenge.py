"""The one ending of every refusal on the wire (RFC 6750 §3, RFC 9728 §5.1)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

from remit_sdk.dpop import DPOP_ALGS
from remit_sdk.step_up import StepUp
from remit_sdk.strict import write_scopes
from remit_sdk.verify import AccessToken, Reason

RETRY_AFTER_SECONDS: Final = 2

# status, `error` of the challenge; None where RFC 6750 has no challenge or no error to give
_ENDINGS: Final[dict[Reason, tuple[int, str | None]]] = {
    Reason.NO_CREDENTIALS: (401, None),
    Reason.INVALID_REQUEST: (400, "invalid_request"),
    Reason.INVALID_TOKEN: (401, "invalid_token"),
    Reason.EXPIRED: (401, "invalid_token"),
    Reason.WRONG_AUDIENCE: (401, "invalid_token"),
    Reason.STOPPED: (401, "invalid_token"),
    Reason.INVALID_PROOF: (401, "invalid_dpop_proof"),
    Reason.USE_NONCE: (401, "use_dpop_nonce"),
    Reason.INSUFFICIENT_SCOPE: (403, "insufficient_scope"),
    Reason.INSUFFICIENT_AUTHENTICATION: (401, "insufficient_user_authentication"),
    Reason.UNKNOWN_ROUTE: (403, None),
    # Never 401: a client would throw a good token away and come back with the next one.
    Reason.UNAVAILABLE: (503, None),
}


_ALGS: Final = ("algs", " ".join(DPOP_ALGS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A call that may not go on."""

    reason: Reason
    hint: str
    needed: frozenset[str] = frozenset()
    token: AccessToken | None = None
    dpop: bool = False
    """The call came with that scheme, or must come with it."""
    nonce: str | None = None
    """For the next proof, where nonces are asked for."""
    step_up: StepUp | None = None
    """How the user has to sign in (RFC 9470 §3)."""

    @property
    def status(self) -> int:
        """The HTTP status of this refusal."""
        return _ENDINGS[self.reason][0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A finished response."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def challenge(refusal: Refusal, *, metadata_url: str, docs: str | None = None) -> str | None:
    """Write the `WWW-Authenticate` value, each parameter at most once (BR-4)."""
    status, error = _ENDINGS[refusal.reason]
    if status not in {400, 401, 403} or (status == 403 and error is None):
        return None
    parameters: list[tuple[str, str]] = []
    if error is not None:
        parameters += [("error", error), ("error_description", refusal.hint)]
        if docs is not None:
            parameters.append(("error_uri", f"{docs}#{error}"))
    if refusal.needed and status != 400:
        # The least that makes this very call succeed, all at once (BR-8).
        parameters.append(("scope", write_scopes(refusal.needed)))
    if refusal.step_up is not None:
        parameters += refusal.step_up.parameters()
    parameters.append(("resource_metadata", metadata_url))
    if refusal.dpop:
        return _written("DPoP", [*parameters, _ALGS])
    if error is None or (refusal.token is not None and refusal.token.jkt is not None):
        # RFC 9449 §7.1, §7.2: whoever may send a proof hears so.
        return f"{_written('Bearer', parameters)}, {_written('DPoP', [_ALGS])}"
    return _written("Bearer", parameters)


def _written(scheme: str, parameters: list[tuple[str, str]]) -> str:
    return f"{scheme} " + ", ".join(f'{name}="{_quotable(value)}"' for name, value in parameters)


def _quotable(text: str) -> str:
    # RFC 6750 §3: no quote, no backslash, nothing outside printable ASCII.
    return "".join(c for c in text if " " <= c <= "~" and c not in '"\\')


def render(refusal: Refusal, *, metadata_url: str, docs: str | None = None) -> Answer:
    """Turn a refusal into status, headers and a JSON body; `docs` is the page on which each error is an anchor."""
    status, error = _ENDINGS[refusal.reason]
    name = "temporarily_unavailable" if status == 503 else error or refusal.reason.value
    body = {"error": name, "error_description": _quotable(refusal.hint)}
    if docs is not None:
        body["error_uri"] = f"{docs}#{name}"
    if refusal.needed and status == 403:
        body["scope"] = write_scopes(refusal.needed)
    headers = [("content-type", "application/json"), ("cache-control", "no-store")]
    value = challenge(refusal, metadata_url=metadata_url, docs=docs)
    if value is not None:
        headers.append(("www-authenticate", value))
        if refusal.nonce is not None:
            headers.append(("dpop-nonce", refusal.nonce))
    if status == 503:
        headers.append(("retry-after", str(RETRY_AFTER_SECONDS)))
    return Answer(
        status=status,
        headers=tuple(headers),
        body=json.dumps(body, separators=(",", ":")).encode(),
    )
