"""The repository stands alone: nothing in it points at one person's machine, and every link leads somewhere."""

from __future__ import annotations

import re

import pytest

from tests.rules.tree import ROOT, below, files, shown, text_of

MACHINE_PATH = re.compile(r"(?<![\w.~/$}-])/(?:work|root|home)/\w")
LINK = re.compile(r"\]\((?!https?://|mailto:|#)([^)\s#]+)")


def test_no_file_holds_a_path_of_somebodys_machine():
    # Such a path works for its author only, and tells strangers about them.
    found = [
        f"{shown(path)}:{number}"
        for path in files()
        for number, line in enumerate((text_of(path) or "").splitlines(), start=1)
        if MACHINE_PATH.search(line)
    ]
    assert found == []


@pytest.mark.parametrize("path", below(ROOT, suffix=".md"), ids=shown)
def test_every_link_leads_to_a_file_of_the_repository(path):
    # A reader who follows a dead link stops trusting the page.
    targets = LINK.findall(text_of(path) or "")
    inside = {target for target in targets if (path.parent / target).resolve().is_relative_to(ROOT)}
    assert set(targets) - inside == set()
    assert {target for target in inside if not (path.parent / target).exists()} == set()
