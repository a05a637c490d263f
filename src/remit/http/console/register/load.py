"""Fill the form that registers an agent, and read it back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from remit.core.agents import ScopeKey
from remit.core.clients import AuthMethod, GrantType
from remit.core.display import sentence
from remit.core.names import AgentId, ResourceId
from remit.core.registration import ClientDraft
from remit.core.resources import ResourceState
from remit.core.users import User
from remit.http._kit.views import FieldError, Resource
from remit.http.console.register.page import KindChoice, RegisterPage, ResourceChoice, ScopeChoice
from remit.http.console.rows import console_frame
from remit.http.visits import Visit
from remit.services.directory import PAGE
from remit.services.provisioning.whole import AgentDraft, Flaw, Part
from remit.wire.parse import Form

_NOBODY: Final = AgentId("")
_USERS: Final = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN})
_EXCHANGE: Final = frozenset({GrantType.CLIENT_CREDENTIALS})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A way to get tokens, as people choose it."""

    label: str
    hint: str
    draft: ClientDraft | None


KINDS: Final = {
    "web": Kind(
        label="For users, from a server",
        hint="It keeps a secret, which is shown once. Users agree in the browser.",
        draft=ClientDraft(agent=_NOBODY, name="", auth_method=AuthMethod.SECRET_BASIC, grant_types=_USERS),
    ),
    "native": Kind(
        label="For users, from their own computer",
        hint="It can keep no secret. Users agree in the browser, and are sent back to 127.0.0.1.",
        draft=ClientDraft(
            agent=_NOBODY,
            name="",
            auth_method=AuthMethod.NONE,
            grant_types=_USERS,
            application_type="native",
        ),
    ),
    "itself": Kind(
        label="For itself, without a user",
        hint="It keeps a secret, which is shown once. An administrator approves what it may do.",
        draft=ClientDraft(agent=_NOBODY, name="", auth_method=AuthMethod.SECRET_BASIC, grant_types=_EXCHANGE),
    ),
    "none": Kind(label="No client yet", hint="It can ask for no token until it has one.", draft=None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What stands in the form."""

    name: str = ""
    purpose: str = ""
    owner: str = ""
    sponsor: str = ""
    scopes: frozenset[str] = frozenset()
    client: str = "web"
    client_name: str = ""
    redirect: str = ""


def read(form: Form) -> Typed:
    words = {
        name: (form.one(name) or "").strip()
        for name in ("name", "purpose", "owner", "sponsor", "client_name", "redirect")
    }
    kind = form.one("client") or "none"
    return Typed(**words, scopes=frozenset(form.many("scope")), client=kind if kind in KINDS else "none")


async def draft_of(visit: Visit, typed: Typed) -> AgentDraft | FieldError:
    """Make of what was typed what is wanted, or say whom nobody knows."""
    owner = await _person(visit, typed.owner)
    if owner is None:
        return FieldError(name="owner", text="No user here has this address.")
    sponsor = await _person(visit, typed.sponsor)
    if typed.sponsor and sponsor is None:
        return FieldError(name="sponsor", text="No user here has this address.")
    keys = [key.partition(" ") for key in typed.scopes]
    client = KINDS[typed.client].draft
    if client is not None:
        client = replace(client, name=typed.client_name or typed.name, redirect_uris=tuple(typed.redirect.split()))
    return AgentDraft(
        name=typed.name,
        purpose=typed.purpose,
        owner=owner.id,
        sponsor=sponsor.id if sponsor else None,
        scopes=frozenset(ScopeKey(ResourceId(resource), name) for resource, _, name in keys),
        client=client,
    )


async def _person(visit: Visit, address: str) -> User | None:
    if not address:
        return None
    async with visit.deps.db.read(visit.tenant) as work:
        return await work.users.by_email(address)


def error_of(flaw: Flaw) -> FieldError:
    """Put a refusal beside the field that it speaks of."""
    hint = flaw.refusal.hint
    said = {
        Part.AGENT: {"purpose": "purpose", "what the agent is for": "purpose", "owner": "owner", "sponsor": "sponsor"},
        Part.REMIT: {"": "scope"},
        Part.CLIENT: {"redirect": "redirect", "": "client_name"},
    }[flaw.part]
    name = next((field for word, field in said.items() if word in hint), "name")
    return FieldError(name=name, text=sentence(hint))


async def load(visit: Visit, typed: Typed, *errors: FieldError) -> RegisterPage:
    base = f"{visit.issuer}/console/agents"
    async with visit.deps.db.read(visit.tenant) as work:
        tenant = await work.tenants.current()
        found = await work.resources.page(limit=PAGE + 1)
    return RegisterPage(
        frame=await console_frame(visit, "Agents"),
        back=base,
        action=f"{base}/register" if visit.may_write else "",
        name=typed.name,
        purpose=typed.purpose,
        owner=typed.owner,
        sponsor=typed.sponsor,
        resources=tuple(
            ResourceChoice(
                resource=Resource(name=resource.name, uri=resource.uri),
                scopes=tuple(
                    ScopeChoice(
                        key=f"{resource.id} {scope.name}",
                        name=scope.name,
                        sentence=scope.sentence,
                        risk=scope.risk,
                        ticked=f"{resource.id} {scope.name}" in typed.scopes,
                    )
                    for scope in resource.scopes
                ),
                own=resource.uri == tenant.api,
            )
            for resource in found[:PAGE]
            if resource.state is ResourceState.ACTIVE
        ),
        more=len(found) > PAGE,
        kinds=tuple(
            KindChoice(value=value, label=kind.label, hint=kind.hint, chosen=value == typed.client)
            for value, kind in KINDS.items()
        ),
        client_name=typed.client_name,
        redirect=typed.redirect,
        errors=errors,
    )
