"""Where a command works: one rule, and nothing that is taken for something done elsewhere."""

from __future__ import annotations

import json

import pytest

from tests.kit.command import Command

ACME = "https://remit.example.com/t/acme"
LOGIN: dict[str, object] = {
    "issuer": ACME,
    "api": f"{ACME}/api",
    "token_endpoint": f"{ACME}/oauth/token",
    "client_id": "cli_0",
    "access_token": "x",
    "refresh_token": None,
    "expires_at": "2020-01-01T00:00:00Z",
    "scopes": [],
}


@pytest.fixture
def signed_in(tmp_path):
    """Somebody who signed in long ago, so that nothing is sent to where he did."""
    logins = tmp_path / "logins.json"
    logins.write_text(json.dumps({"default": ACME, "logins": {ACME: LOGIN}}), "utf-8")
    return Command(folder=tmp_path, environ={"REMIT_LOGINS": str(logins)})


PLACES = {
    "signed in, the server is asked": ([], 4, f"the sign-in to {ACME} is over: `remit login {ACME}`"),
    "its tenant may be named": (["--tenant", "acme"], 4, "is over"),
    "another tenant is another sign-in": (["--tenant", "globex"], 2, f"this would work on {ACME}"),
    "a server without a sign-in": (["--server", "https://other.example"], 4, f"(signed in to: {ACME})"),
    "a slash at the end is no other server": (["--server", f"{ACME}/"], 4, "is over"),
    "two places": (["--server", ACME, "--data", "."], 2, "name two places"),
    "the folder of this machine": (["--data", "nowhere"], 3, "there is no instance in"),
}


@pytest.mark.parametrize(("words", "code", "said"), PLACES.values(), ids=PLACES)
def test_a_command_works_where_its_words_say(signed_in, words, code, said):
    ran = signed_in("agents", "list", *words)
    assert (ran.code, ran.out, said in ran.err) == (code, "", True), ran.err


def test_signed_in_nowhere_it_is_the_folder(remit):
    ran = remit("agents", "list")
    assert (ran.code, "there is no instance in" in ran.err) == (3, True)


def test_what_works_on_this_machine_only_says_so_to_whoever_is_signed_in(signed_in):
    told = f"`remit config check` works on this machine, not on {ACME}: settings are the machine's.\n"
    assert signed_in("config", "check").err.startswith(told)
    assert "not on" not in signed_in("config", "check", "--data", ".").err
    asked = signed_in("audit", "verify", "--server", ACME)
    assert (asked.code, "`remit audit verify` works on this machine only: " in asked.err) == (2, True)
    assert "Works on this machine only" in signed_in("audit", "verify", "--help").out


def test_only_a_person_has_something_of_his_own(seeded_once):
    ran = seeded_once("own", "list", "--tenant", "acme")
    assert (ran.code, "sign in with `remit login`" in ran.err) == (4, True)


def test_a_damaged_file_of_sign_ins_is_told(signed_in):
    (signed_in.folder / "logins.json").write_text("{", "utf-8")
    ran = signed_in("agents", "list")
    assert (ran.code, "is damaged: remove it and sign in again" in ran.err) == (4, True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_every_noun(remit, shell):
    script = remit("completion", shell)
    assert script.code == 0
    assert {word for word in ("agents", "own", "for-login", "dry-run") if word not in script.out} == set()
