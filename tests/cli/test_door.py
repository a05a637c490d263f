"""The seam between commands and operations: what was read is what is changed, and lists are read to their end."""

from __future__ import annotations

import pytest

from remit.cli.door import Api, plain
from remit.cli.exits import OK, REFUSED
from remit.cli.find import find_resource
from remit.cli.place import Change, Place, through
from remit.http.api import agents, resources
from remit.http.api.shapes import NamedQuery

NAME = resources.ResourceChanges(name="Mine")


def test_a_change_stands_on_the_state_that_was_read(seeded, capsys):
    async def race(api: Api) -> int:
        found = await find_resource(api, "Calendar")
        await api.ask(resources.get_resource, found)
        other = Api(door=api.door)
        await other.ask(resources.change_resource, found, body=resources.ResourceChanges(name="Theirs"))
        await api.ask(resources.change_resource, found, body=NAME)
        raise AssertionError("somebody was faster")

    assert through(Change(data=seeded.data, tenant="acme"), race) == REFUSED
    assert "it was changed since you read it" in capsys.readouterr().err
    assert seeded("resources", "show", "Theirs", "--tenant", "acme").code == 0


def test_what_was_not_read_is_changed_whatever_it_is(seeded):
    async def change(api: Api) -> int:
        changed = await api.ask(resources.change_resource, await find_resource(api, "Calendar"), body=NAME)
        assert (changed.name, api.changed) == ("Mine", True)
        return OK

    assert through(Change(data=seeded.data, tenant="acme"), change) == OK


def test_a_list_is_read_to_its_end(seeded_once):
    async def read(api: Api) -> int:
        pages = [page async for page in api.every(agents.list_agents, query=NamedQuery(limit=1))]
        whole = await api.ask(agents.list_agents)
        assert [agent for page in pages for agent in page.agents] == whole.agents
        assert len(pages) == len(whole.agents) > 2
        assert not api.changed
        return OK

    assert through(Place(data=seeded_once.data, tenant="acme"), read) == OK


SAID = {
    "a member": ("Expected `int` <= 1800 - at `$.token_seconds`", "token seconds: expected `int` <= 1800"),
    "a member of a member": ("Expected `str` - at `$.remit.scopes`", "remit scopes: expected `str`"),
    "of the query": ("query: Expected `str` of length <= 5 - at `$.name`", "name: expected `str` of length <= 5"),
    "the whole": ("Expected `object`", "Expected `object`"),
    "no member at all": ("there is no such agent", "there is no such agent"),
}


@pytest.mark.parametrize(("detail", "said"), SAID.values(), ids=SAID)
def test_a_wrong_value_is_told_as_a_person_typed_it(detail, said):
    assert plain(detail) == said
