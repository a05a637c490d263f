"""Every event in plain words: a line for the list, and the answer to "why did this happen?"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from remit.core.audit.events import EVENTS
from remit.core.display import exact
from remit.services.activity import Field, Told

SUMMARIES: Final[Mapping[str, str]] = {
    "tenant.created": "The tenant was created",
    "tenant.moved": "The tenant's address changed",
    "tenant.lifetimes_changed": "The lifetimes of tokens were chosen anew",
    "setup.finished": "{administrator} became the first administrator",
    "user.created": "{subject} was added with the role {role}",
    "user.changed": "{subject} was changed",
    "tenant.admission_changed": "Clients register: {registration}; their documents are read from: {documents} {hosts}",
    "tenant.asking_changed": "Whether requests have to be pushed, and whether devices may ask, was chosen anew",
    "user.state_changed": "{subject} was made {state}: {reason}",
    "user.rights_changed": "{subject} now holds on {target}: {scopes}",
    "user.signed_in": "{actor} signed in",
    "user.sign_in_refused": "A sign-in was refused: {reason}",
    "user.signed_out": "{actor} signed out",
    "logout.delivered": "{client} was told that {user} signed out",
    "logout.failed": "{client} could not be told that {user} signed out: {reason}",
    "resource.created": "The resource {uri} was registered",
    "resource.changed": "The resource {uri} was changed: {changed}",
    "agent.created": "The agent {name} was registered",
    "agent.changed": "{agent} was changed",
    "agent.state_changed": "{agent} was made {state}: {reason}",
    "remit.published": "{agent} got version {version} of its remit",
    "client.created": "The client {client} was registered for {agent}",
    "client.retired": "{client} was retired",
    "client.changed": "{client} was changed: {changed}",
    "client.registered": "{client} registered itself",
    "initial_token.added": "{actor} made a token for {uses} registrations until {expires_at}: {note}",
    "initial_token.ended": "{actor} ended the registration token {note}",
    "client.document_refused": "The document of a client at {host} was not taken: {reason}",
    "client.registration_refused": "A client could not register itself: {reason}",
    "credential.added": "{holder} got a secret",
    "credential.revoked": "A credential of {holder} was ended",
    "credential.rotated": "{holder} got a new secret or keys; the old ones end {until}",
    "second_factor.added": "{subject} set up a second factor",
    "second_factor.removed": "The second factor of {subject} was removed: {reason}",
    "second_factor.codes_renewed": "{subject} got new recovery codes",
    "key.state_changed": "A signing key ({alg}, {use}) became {state}",
    "authorization.refused": "A request for consent was refused: {reason}",
    "consent.given": "{actor} let {agent} do: {scopes}",
    "device.asked": "A device of {client} asked for: {scopes}",
    "consent.denied": "{actor} said no to {agent}",
    "grant.approved": "{approver} let {agent} act for itself: {scopes}",
    "grant.narrowed": "{actor} took back from {agent}: {removed}",
    "grants.revoked": "{actor} revoked {count} grants together: {reason}",
    "grants.trimmed": "{actor} trimmed {count} grants to what was used of them: {reason}",
    "token.issued": "{client} got a token for: {scopes}",
    "token.exchanged": "{client} showed a token and got one to act on with: {scopes}",
    "token.refused": "No token was given: {reason}",
    "token.reuse_detected": "A secret came back that was used up or foreign; its line was stopped",
    "token.introspected": "{actor} asked about a token of {agent}",
    "stop.placed": "{actor} stopped {stopped}: {reason}",
    "stop.lifted": "{actor} resumed {stopped}",
    "decision.permit": "{method} {path} was allowed",
    "decision.deny": "{method} {path} was refused: {reason}",
    "refusals.counted": "{count} refusals alike in one minute: {reason}",
    "api.refused": "The REST API said no to {operation}: {reason}",
    "page.refused": "{page} said no: {reason}",
    "audit.exported": "Entries {first} to {last} were exported",
}
"""One row an event type; the words in braces are fields of the event."""

REASONS: Final[Mapping[str, str]] = {
    "tenant.created": "{actor} created the tenant {slug}. Its log begins here.",
    "tenant.moved": "{actor} moved the tenant from {before} to {issuer}. Access tokens of the old address are refused.",
    "setup.finished": "The one-time setup link was used. It cannot be used again.",
    "user.sign_in_refused": "{reason}. Somebody who tries gets the same answer in every case.",
    "remit.published": "{actor} published it. From the next decision on {agent} may do at most: {scopes}.",
    "authorization.refused": "{client} sent a request that could not be followed: {reason}. Nothing was given.",
    "consent.given": "{actor} was shown {shown}, and left ticked: {scopes}. It holds until {until}.",
    "consent.denied": "{actor} was shown {shown}, and chose Deny. Nothing was given.",
    "grant.approved": "{approver} approved it as an administrator; no user is involved.",
    "grant.narrowed": "{actor} unticked {removed}. What stays: {scopes}. Every token from before is refused.",
    "grants.revoked": "{actor} looked for grants by {sought} and revoked the {count} that were found: {reason}. "
    "Each has an event of its own.",
    "grants.trimmed": "{actor} looked for grants by {sought} and took from {count} of them what nobody had used for "
    "{days} days: {reason}. Each has an event of its own.",
    "token.issued": "{client} asked for {requested}. What was granted and is open to it now: {scopes}. {taken}{bound}",
    "token.exchanged": "{client} showed a token for {subject_resource} and asked to act on at {resource} with "
    "{requested}. One after the other act: {chain}. What is open to all of them: {scopes}. {taken}{bound}",
    "token.refused": "{client} asked for a token ({grant_type}) and was told {code}: {reason}.",
    "token.reuse_detected": "{reason}. Whoever showed it has something that was not meant for him, so everything that "
    "came from the same approval was stopped.",
    "token.introspected": "The token was live at that moment. This is told once a minute for each token.",
    "stop.placed": "{actor} stopped {stopped}, because: {reason}. Every token issued before is refused everywhere.",
    "stop.lifted": "{actor} resumed {stopped}, because: {reason}. New tokens can be issued; the old ones stay refused.",
    "decision.permit": "{agent} called {method} {path}. It needs {required}, and the token held {scopes}.",
    "decision.deny": "{agent} called {method} {path}. It needs {required}, and the token held {scopes}. The API "
    "answered {status}: {reason}.",
    "refusals.counted": "{reason}. The first was told by itself, the others only counted, so that nobody can flood "
    "the log.",
}
"""Where the line of the list does not answer it already."""

_TIMES: Final = frozenset({"until", "expires_at", "minute"})

_CEILINGS: Final = {
    "remit": "outside the remit",
    "grant": "not granted",
    "line": "not in this approval",
    "user's rights": "not among the user's own rights",
    "remit of an earlier agent": "outside the remit of an agent that acted before",
    "earlier resource": "not known any more to a resource on the way",
    "subject token": "not in the token that was shown",
    "resource": "not known to the resource",
}


ILLEGIBLE: Final = "This entry is not what was written here: somebody changed it"

_KINDS: Final = {"kid": "signing key", "session": "sign-in", "line": "approval"}
"""What people call the targets whose names are for machines."""


def summary(told: Told) -> str:
    """Say in one line what happened."""
    if not told.legible:
        return ILLEGIBLE
    return SUMMARIES.get(told.stored.type, told.stored.type).format_map(_fields(told))


def why(told: Told) -> str:
    """Say in one or two sentences why it happened."""
    if not told.legible:
        return f"{ILLEGIBLE}. The log is only whole where it can be verified: run `remit audit verify`."
    sentence = REASONS.get(told.stored.type)
    return sentence.format_map(_fields(told)).strip() if sentence is not None else f"{summary(told)}."


def actor(told: Told) -> tuple[str, str]:
    """Return who did it: the kind and the name to show."""
    kind, id_ = told.who["actor_kind"], told.who["actor"]
    if kind == "unknown":
        return "system", "Not proven"
    return kind, "Remit" if id_ == "remit" else told.name(id_)


def _fields(told: Told) -> Mapping[str, str]:
    """Return the words a sentence may use: the event's own, then the chain's."""
    chain = {key: told.name(id_) for key, id_ in told.who.items()}
    words = _Words(chain | {key: _text(told, value) for key, value in told.what.items()})
    words.update({key: _time(words[key]) for key in _TIMES & words.keys()})
    words["actor"] = actor(told)[1]
    if told.stored.type in {"token.issued", "token.exchanged"}:
        words["taken"] = _taken(told.listed("removed"))
        words["bound"] = " The token is worth nothing without its key (DPoP)." if told.what.get("bound_to") else ""
    if told.stored.type.startswith("decision."):
        words["reason"] = str(told.what.get("reason", "")).replace("_", " ")
    if "target_kind" in told.what:
        words["stopped"] = _target(told)
    return words


def _target(told: Told) -> str:
    """Name what was stopped; what has no name of its own is named after whoever it belongs to."""
    kind, id_ = str(told.what["target_kind"]), str(told.what.get("target", ""))
    if id_ in told.names:
        return f"the {kind} {told.names[id_]}"
    owner = told.who.get("agent") or told.who.get("user")
    return f"the {_KINDS.get(kind, kind)} of {told.name(owner)}" if owner else f"the {_KINDS.get(kind, kind)} {id_}"


def _text(told: Told, value: Field) -> str:
    match value:
        case None:
            return "no end"
        case []:
            return "nothing"
        case list():
            return ", ".join(str(item) for item in value)
        case str():
            return told.name(value)
        case _:
            return str(value)


def _time(text: str) -> str:
    """Write a time as the pages do; what is none stays as it is."""
    try:
        return exact(datetime.fromisoformat(text))
    except ValueError:
        return text


def _taken(removed: list[str]) -> str:
    """Say what each ceiling took away; entries are `ceiling:scope`."""
    parts = [entry.partition(":") for entry in removed]
    return " ".join(f"{scope} was left out: {_CEILINGS.get(ceiling, ceiling)}." for ceiling, _, scope in parts)


class _Words(dict[str, str]):
    """A chain has not every link: a missing one reads as somebody unknown, never as an error."""

    def __missing__(self, key: str) -> str:
        return "somebody"


TYPES: Final = tuple(sorted(event.type for event in EVENTS))
