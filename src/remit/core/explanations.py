"""What every error code means and what to do about it; `remit explain` and docs/errors.md say the same."""

from __future__ import annotations

from typing import Final, NamedTuple


class Explanation(NamedTuple):
    means: str
    todo: str


EXPLANATIONS: Final[dict[str, Explanation]] = {
    "invalid_request": Explanation(
        "The request cannot be read: something is missing, repeated, too long or of the wrong form.",
        "The description names the parameter. Correct the program that sends it; a retry changes nothing.",
    ),
    "invalid_client": Explanation(
        "The client did not prove who it is: unknown, a wrong secret or method, or an assertion that does not hold.",
        "Check id, secret and method against the registration. `remit clients add-secret` makes a new secret.",
    ),
    "invalid_grant": Explanation(
        "The code or refresh token is unknown, expired, spent, of another client, or what it stands on was ended.",
        "Ask for consent again. The audit log tells the very reason; strangers are not told.",
    ),
    "invalid_scope": Explanation(
        "A scope is unknown at this resource, or wider than what was granted.",
        "Ask for less, or start a new authorization request for more.",
    ),
    "invalid_target": Explanation(
        "The resource is unknown, stopped, or not what the grant is for (RFC 8707).",
        "Send `resource` with the registered URI; `remit resources list` shows it.",
    ),
    "invalid_token": Explanation(
        "The access token is not live: expired, revoked, stopped, of another issuer or for another resource.",
        "Refresh it. If the refresh is refused too, ask for consent again.",
    ),
    "invalid_dpop_proof": Explanation(
        "The DPoP proof is missing, was used before, or is not one for this request (RFC 9449).",
        "The description names the part. Make a new proof for each request, with its method, its address and the time.",
    ),
    "use_dpop_nonce": Explanation(
        "This server asks for a nonce of its own in every DPoP proof. Nothing was spent.",
        "Make the proof again with the value of the `DPoP-Nonce` header of this answer, and send the request again.",
    ),
    "insufficient_scope": Explanation(
        "The token is good, but does not hold the scope that this call needs.",
        "The challenge names the scope. Send the user through consent for it, or leave the call.",
    ),
    "no_credentials": Explanation(
        "A guarded API was called without a token.",
        "Ask for a token where `resource_metadata` of the challenge leads, and send it in the Authorization header.",
    ),
    "unknown_route": Explanation(
        "The guard of the API does not list this operation, so nobody may call it.",
        "Check method and path. Whoever runs the API adds the operation to the table of its guard.",
    ),
    "unauthorized_client": Explanation(
        "The client may not use this grant type, or its agent may not act.",
        "Look at the client's grant types, and at the state and the stops of the agent.",
    ),
    "unsupported_grant_type": Explanation(
        "The token endpoint does not know this `grant_type`.", "Use one that the issuer's metadata lists."
    ),
    "unsupported_response_type": Explanation("Only `response_type=code` exists here.", "Use the code flow with PKCE."),
    "invalid_client_metadata": Explanation(
        "A client cannot be registered like this.", "The description names the member. Correct it and register again."
    ),
    "invalid_redirect_uri": Explanation(
        "A redirect URI cannot be registered: not https or loopback, with a fragment, or not a URI.",
        "Register the exact URI; http is for loopback alone.",
    ),
    "unsupported_token_type": Explanation(
        "What was sent for revocation is not a kind of token that can be revoked.", "Send an access or refresh token."
    ),
    "access_denied": Explanation(
        "The user said no, or may not say yes.",
        "Nothing was granted. Ask an administrator where the user should be able to.",
    ),
    "authorization_pending": Explanation(
        "The user has not yet answered what a device asked for.",
        "Ask again after the seconds of `interval`. Show the user the code and the address as long as it lasts.",
    ),
    "slow_down": Explanation(
        "A device asks too often for its answer.",
        "Wait five seconds longer between two requests than before, and keep to that.",
    ),
    "expired_token": Explanation(
        "Nobody answered in time what a device asked for.",
        "Start again at the device_authorization_endpoint; the user gets a new code.",
    ),
    "login_required": Explanation(
        "`prompt=none` was sent, and nobody is signed in.", "Send the user through the flow without `prompt=none`."
    ),
    "insufficient_user_authentication": Explanation(
        "The token is good, but its user signed in too weakly or too long ago for this call.",
        "Send the user through authorization with the `acr_values` and `max_age` of the challenge.",
    ),
    "unmet_authentication_requirements": Explanation(
        "The user cannot sign in as strongly as the request asks: he has no second factor, or there is no such level.",
        "Ask for a level of `acr_values_supported`. The user sets up a second factor under How I sign in.",
    ),
    "consent_required": Explanation(
        "`prompt=none` was sent, and there is no consent that covers the request.", "Send the user through consent."
    ),
    "interaction_required": Explanation(
        "`prompt=none` was sent, and the user has to do something first.", "Send the user through the flow once."
    ),
    "account_selection_required": Explanation(
        "`prompt=none` was sent, and it is not clear who is meant.", "Send the user through the flow once."
    ),
    "invalid_request_object": Explanation(
        "The signed request is not by a key of the client, not for this issuer, not in time, or used before.",
        "The description names the member. Sign a new one; what stands beside it does not count.",
    ),
    "invalid_authorization_details": Explanation(
        "`authorization_details` is not what its type says, not open to this client or resource, or more than was "
        "approved.",
        "The description names the member. See the page on authorization details.",
    ),
    "invalid_request_uri": Explanation(
        "The pushed request is unknown, expired, answered already, or of another client.",
        "Push it again, and send the browser on within the seconds of `expires_in`.",
    ),
    "request_not_supported": Explanation(
        "The client registered no keys, so nobody could tell whether a request object is its own.",
        "Register keys with `private_key_jwt`, or send plain parameters.",
    ),
    "request_uri_not_supported": Explanation(
        "`request_uri` is an address, and none is ever fetched.",
        "Push the request, and send the `request_uri` of the answer.",
    ),
    "registration_not_supported": Explanation(
        "The `registration` parameter is not taken.", "Register the client first."
    ),
    "temporarily_unavailable": Explanation(
        "The store did not answer, or there were too many requests. Nothing was issued and nothing was spent.",
        "Wait as `Retry-After` says and send the same request again.",
    ),
    "too_large": Explanation("The body is larger than this endpoint takes.", "Send less at a time."),
    "too_many": Explanation("Too many requests in too short a time.", "Wait as `Retry-After` says."),
    "unauthorized": Explanation("Nobody is proven on this request.", "Sign in, or send an access token."),
    "forbidden": Explanation(
        "Who asks is known, and may not do this.", "An administrator can give the role or scope that the detail names."
    ),
    "not_found": Explanation(
        "There is nothing here, or nothing that you may see: both answer alike.", "Check the id and the tenant."
    ),
    "method_not_allowed": Explanation("This address takes another HTTP method.", "The `Allow` header lists them."),
    "conflict": Explanation(
        "It does not fit what there is: a name is taken, or the moment is wrong.",
        "The detail says what is in the way.",
    ),
    "precondition_failed": Explanation(
        "It was changed by somebody else since it was read: the tag in `If-Match` is not the one it has now.",
        "Read it again, look at what is different, and send the change with the new `ETag`.",
    ),
    "precondition_required": Explanation(
        "A change of something that exists must say which state it was decided on.",
        "Send `If-Match` with the `ETag` of what was read, or `*` to change it whatever it is.",
    ),
    "key_reused": Explanation(
        "The `Idempotency-Key` was used in the last 24 hours for another request of the same client.",
        "Choose a new key for each thing that is to be done; repeat a key only with the very same request.",
    ),
    "unsupported_media_type": Explanation("The body is not JSON.", "Send it as `application/json`."),
    "internal": Explanation(
        "Something broke on the side of Remit. Nothing was changed by this request.",
        "Look for `request_id` in the log of the server; the traceback stands there.",
    ),
    "unavailable": Explanation("The store did not answer.", "Try again; look at `/readyz` and `remit doctor`."),
}
"""By code, as it stands in `error` of OAuth answers and in `code` of problem documents."""


def errors_page() -> str:
    """Return docs/errors.md."""
    lines = [
        "# Errors",
        "",
        "Every code that an answer of Remit can carry, in `error` (OAuth) or `code` (the REST API). The text beside it",
        "says what is wrong with this very request. `remit explain CODE` prints the same.",
        "",
        "Each instance serves this table itself, at `{issuer}/docs`. There `error_uri` of an OAuth error, `type` of a",
        "problem document and `service_documentation` of the metadata lead, to the row of the very code.",
        "",
        "| code | means | what to do |",
        "| --- | --- | --- |",
    ]
    for code, (means, todo) in sorted(EXPLANATIONS.items()):
        lines.append(f'| <a id="{code}"></a>`{code}` | {means} | {todo} |')
    return "\n".join(lines) + "\n"
