"""Settings: who outranks whom, and everything that must keep the server from starting, at once."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from remit.settings import Settings, SettingsError, describe, load

CWD = Path("/srv/remit")
NOWHERE = Path("/nowhere/remit.toml")


def read(environ=None, flags=None, default_file=NOWHERE):
    return load(environ=environ or {}, flags=flags, cwd=CWD, default_file=default_file)


def problems(environ=None, flags=None, default_file=NOWHERE):
    with pytest.raises(SettingsError) as error:
        read(environ, flags, default_file)
    return list(error.value.problems)


def toml(tmp_path, text):
    file = tmp_path / "remit.toml"
    file.write_text(text)
    return {"REMIT_CONFIG": str(file)}, str(file)


def test_nothing_given_is_safe_and_every_path_is_named_in_full():
    settings = read()
    assert (settings.server.host, settings.server.port, settings.server.probe_port) == ("127.0.0.1", 8700, 8701)
    assert settings.server.base_url == "http://127.0.0.1:8700"
    assert settings.server.trusted_proxies == ()
    assert settings.data.dir == "/srv/remit/remit-data"
    assert settings.storage.path == "/srv/remit/remit-data/remit.db"
    assert settings.secrets.master_key_file == "/srv/remit/remit-data/remit.key"
    assert settings.secrets.pepper_file == "/srv/remit/remit-data/remit.pepper"
    assert settings.audit.checkpoints == "/srv/remit/remit-data/checkpoints.log"
    assert settings.tokens.access_seconds == 900


def test_the_data_folder_moves_what_is_not_named_itself():
    settings = read({"REMIT_STORAGE__PATH": "/var/db/remit.db"}, {"data.dir": Path("/var/lib/remit")})
    assert settings.storage.path == "/var/db/remit.db"
    assert settings.secrets.master_key_file == "/var/lib/remit/remit.key"


def test_the_base_url_follows_the_port_until_it_is_given():
    assert read(flags={"server.port": 9000}).server.base_url == "http://127.0.0.1:9000"
    given_ = {"server.port": 9000, "server.base_url": "https://id.example"}
    assert read(flags=given_).server.base_url == "https://id.example"


def test_each_source_outranks_the_one_before_it(tmp_path):
    environ, _ = toml(tmp_path, "[server]\nport = 1001\n[log]\nlevel = 'debug'\n[tokens]\naccess_seconds = 61\n")
    (tmp_path / "port").write_text("1003\n")
    assert read(environ).server.port == 1001
    environ |= {"REMIT_SERVER__PORT": "1002"}
    assert read(environ).server.port == 1002
    environ |= {"REMIT_SERVER__PORT_FILE": str(tmp_path / "port")}
    assert read(environ).server.port == 1003
    assert read(environ, {"server.port": 1004}).server.port == 1004
    assert read(environ, {"server.port": None}).server.port == 1003
    assert read(environ).log.level == "debug"
    assert read(environ).tokens.access_seconds == 61


def test_the_default_file_is_read_where_it_is(tmp_path):
    _, file = toml(tmp_path, "[server]\nport = 1001\n")
    assert read(default_file=Path(file)).server.port == 1001


def test_a_list_is_a_list_in_toml_and_commas_elsewhere(tmp_path):
    environ, _ = toml(tmp_path, "[server]\ntrusted_proxies = ['10.0.0.1', '10.1.0.0/16']\n")
    assert read(environ).server.trusted_proxies == ("10.0.0.1", "10.1.0.0/16")
    assert read({"REMIT_SERVER__TRUSTED_PROXIES": "10.0.0.1, ::1"}).server.trusted_proxies == ("10.0.0.1", "::1")
    assert read({"REMIT_SERVER__TRUSTED_PROXIES": ""}).server.trusted_proxies == ()


def test_a_key_that_itself_ends_in_file_is_that_key():
    settings = read({"REMIT_SECRETS__MASTER_KEY_FILE": "/run/secrets/master"})
    assert settings.secrets.master_key_file == "/run/secrets/master"


def test_other_programs_variables_are_not_ours():
    assert read({"PATH": "/bin", "REMITTANCE": "1", "remit_server__port": "9"}) == read()


def test_the_result_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        read().server.port = 1


URLS = {
    "https": ("https://id.example", None),
    "https with a port": ("https://id.example:8443", None),
    "http on 127.0.0.1": ("http://127.0.0.1:8700", None),
    "http on localhost": ("http://localhost:8700", None),
    "http on ::1": ("http://[::1]:8700", None),
    "http elsewhere": ("http://id.example", "must be https; http is for loopback alone"),
    "http on a name that only begins like loopback": (
        "http://127.0.0.1.evil.example",
        "must be https; http is for loopback alone",
    ),
    "a slash at the end": ("https://id.example/", "must end after the host or port, without a path or a slash"),
    "a path": ("https://id.example/auth", "must end after the host or port, without a path or a slash"),
    "a query": ("https://id.example?x=1", "must have no query and no fragment"),
    "an empty query": ("https://id.example?", "must have no query and no fragment"),
    "a fragment": ("https://id.example#x", "must have no query and no fragment"),
    "an empty fragment": ("https://id.example#", "must have no query and no fragment"),
    "a user name": ("https://me@id.example", "must have no user name"),
    "capitals": ("https://ID.example", "must be in lower case and without the port that its scheme implies"),
    "the port https implies": (
        "https://id.example:443",
        "must be in lower case and without the port that its scheme implies",
    ),
    "a port with a zero before it": (
        "https://id.example:08443",
        "must be in lower case and without the port that its scheme implies",
    ),
    "an empty port": ("https://id.example:", "must be in lower case and without the port that its scheme implies"),
    "no host": ("https://", "must be an https URL, or http on loopback"),
    "another scheme": ("ftp://id.example", "must be an https URL, or http on loopback"),
    "no URL": ("id.example", "must be an https URL, or http on loopback"),
    "letters beyond ASCII": ("https://idé.example", "must be an https URL, or http on loopback"),
    "a port that is no number": ("https://id.example:x", "must be a URL"),
    "a bracket too many": ("https://[::1", "must be a URL"),
    "a space": ("https://id .example", "must be an https URL, or http on loopback"),
    "empty": ("", "must be an https URL, or http on loopback"),
}


@pytest.mark.requirement("GEN-1")
@pytest.mark.parametrize(("url", "why"), URLS.values(), ids=URLS)
def test_base_url(url, why):
    environ = {"REMIT_SERVER__BASE_URL": url}
    if why is None:
        assert read(environ).server.base_url == url
    else:
        assert problems(environ) == [f"REMIT_SERVER__BASE_URL: server.base_url {why}"]


DATABASES = {
    "another machine, TLS checked": ("postgresql://db.example/remit?sslmode=verify-full", None),
    "another machine and port, no TLS on purpose": ("postgresql://db:5433/remit?sslmode=disable", None),
    "this machine": ("postgres://127.0.0.1/remit", None),
    "none": ("", None),
    "another machine without a word on TLS": (
        "postgresql://db.example/remit",
        "must say its sslmode where the database is not on loopback: verify-full, if you can",
    ),
    "a password": (
        "postgresql://me:secret@127.0.0.1/remit",
        "must have no user and no password; see storage.app_user and storage.app_password_file",
    ),
    "a user": (
        "postgresql://me@127.0.0.1/remit",
        "must have no user and no password; see storage.app_user and storage.app_password_file",
    ),
    "a password among the options": (
        "postgresql://127.0.0.1/remit?password=secret",
        "may not have the option `password`",
    ),
    "settings of the session": (
        "postgresql://127.0.0.1/remit?options=-crow_security=off",
        "may not have the option `options`",
    ),
    "no database": ("postgresql://127.0.0.1", "must name one database"),
    "a folder": ("postgresql://127.0.0.1/a/b", "must name one database"),
    "no host": ("postgresql:///remit", "must be like postgresql://host:5432/database"),
    "another database": ("mysql://127.0.0.1/remit", "must be like postgresql://host:5432/database"),
    "a port that is no number": ("postgresql://127.0.0.1:x/remit", "must be a URL"),
}


@pytest.mark.parametrize(("url", "why"), list(DATABASES.values()), ids=list(DATABASES))
def test_where_the_database_is(url, why):
    environ = {"REMIT_STORAGE__URL": url}
    if why is None:
        assert read(environ).storage.url == url
    else:
        assert problems(environ) == [f"REMIT_STORAGE__URL: storage.url {why}"]


def test_the_three_roles_of_a_database_are_three():
    environ = {"REMIT_STORAGE__URL": "postgresql://127.0.0.1/remit", "REMIT_STORAGE__APP_USER": "remit_owner"}
    assert problems(environ) == ["storage.app_user, storage.system_user and storage.owner_user must be three roles"]


CONTACT = "must be like mailto:security@example.com or https://example.com/report"
BAD = {
    "a port that is no number": ({"REMIT_SERVER__PORT": "x"}, "REMIT_SERVER__PORT: server.port must be a whole number"),
    "a port with a fraction": ({"REMIT_SERVER__PORT": "1.5"}, "REMIT_SERVER__PORT: server.port must be a whole number"),
    "a port in other digits": ({"REMIT_SERVER__PORT": "٣"}, "REMIT_SERVER__PORT: server.port must be a whole number"),
    "port zero": ({"REMIT_SERVER__PORT": "0"}, "REMIT_SERVER__PORT: server.port must be from 1 to 65535"),
    "a port too high": ({"REMIT_SERVER__PORT": "65536"}, "REMIT_SERVER__PORT: server.port must be from 1 to 65535"),
    "tokens that live too long": (
        {"REMIT_TOKENS__ACCESS_SECONDS": "1801"},
        "REMIT_TOKENS__ACCESS_SECONDS: tokens.access_seconds must be from 60 to 1800",
    ),
    "tokens that live too short": (
        {"REMIT_TOKENS__ACCESS_SECONDS": "59"},
        "REMIT_TOKENS__ACCESS_SECONDS: tokens.access_seconds must be from 60 to 1800",
    ),
    "a path that depends on where one stands": (
        {"REMIT_STORAGE__PATH": "remit.db"},
        "REMIT_STORAGE__PATH: storage.path must be an absolute path",
    ),
    "a path with a line break": (
        {"REMIT_STORAGE__PATH": "/a\n/b"},
        "REMIT_STORAGE__PATH: storage.path must be one line of text",
    ),
    "an unknown level": (
        {"REMIT_LOG__LEVEL": "loud"},
        "REMIT_LOG__LEVEL: log.level must be one of debug, info, warning, error",
    ),
    "an unknown format": (
        {"REMIT_LOG__FORMAT": "xml"},
        "REMIT_LOG__FORMAT: log.format must be one of auto, json, text",
    ),
    "a host with a path": (
        {"REMIT_SERVER__HOST": "a/b"},
        "REMIT_SERVER__HOST: server.host must be a host name or an address",
    ),
    "every address as a proxy": (
        {"REMIT_SERVER__TRUSTED_PROXIES": "0.0.0.0/0"},
        "REMIT_SERVER__TRUSTED_PROXIES: server.trusted_proxies `0.0.0.0/0` is everybody; name the proxies",
    ),
    "a star as a proxy": (
        {"REMIT_SERVER__TRUSTED_PROXIES": "*"},
        "REMIT_SERVER__TRUSTED_PROXIES: server.trusted_proxies `*` is neither an address nor a network",
    ),
    "a contact that is no address": (
        {"REMIT_SERVER__SECURITY_CONTACT": "security@example.com"},
        f"REMIT_SERVER__SECURITY_CONTACT: server.security_contact {CONTACT}",
    ),
    "a contact of two words": (
        {"REMIT_SERVER__SECURITY_CONTACT": "https://example.com/ https://evil.example"},
        f"REMIT_SERVER__SECURITY_CONTACT: server.security_contact {CONTACT}",
    ),
    "a misspelt name": (
        {"REMIT_SERVER__PROT": "1"},
        "REMIT_SERVER__PROT: unknown setting; did you mean `REMIT_SERVER__PORT`?",
    ),
    "one underscore": (
        {"REMIT_SERVER_PORT": "1"},
        "REMIT_SERVER_PORT: unknown setting; did you mean `REMIT_SERVER__PORT`?",
    ),
    "a name like nothing": ({"REMIT_QZXJ": "1"}, "REMIT_QZXJ: unknown setting"),
    "a file of an unknown setting": (
        {"REMIT_SERVER__PROT_FILE": "/x"},
        "REMIT_SERVER__PROT_FILE: unknown setting; did you mean `REMIT_SERVER__PORT`?",
    ),
    "a file that is not there": (
        {"REMIT_SERVER__PORT_FILE": "/nowhere/port"},
        "REMIT_SERVER__PORT_FILE: /nowhere/port cannot be read: No such file or directory",
    ),
    "a configuration that is not there": (
        {"REMIT_CONFIG": "/nowhere/remit.toml"},
        "/nowhere/remit.toml: cannot be read: No such file or directory",
    ),
    "a configuration without its folder": ({"REMIT_CONFIG": "remit.toml"}, "REMIT_CONFIG: must be an absolute path"),
    "an empty name of a configuration": ({"REMIT_CONFIG": ""}, "REMIT_CONFIG: must be an absolute path"),
    "a line idle for longer than it lives": (
        {"REMIT_TOKENS__REFRESH_IDLE_DAYS": "91"},
        "tokens.refresh_idle_days must not exceed tokens.refresh_absolute_days",
    ),
    "two listeners on one port": (
        {"REMIT_SERVER__PROBE_PORT": "8700"},
        "server.probe_port must differ from server.port",
    ),
    "an end that no supervisor waits for": (
        {"REMIT_SERVER__DRAIN_DELAY": "10", "REMIT_SERVER__DRAIN_SECONDS": "19"},
        "server.drain_delay and server.drain_seconds must not exceed 28 together",
    ),
    "an administrator without a password": (
        {"REMIT_BOOTSTRAP__ADMIN_EMAIL": "a@example.com"},
        "bootstrap.admin_email and bootstrap.admin_password_file come together",
    ),
    "an open door whose address nobody gave": (
        {"REMIT_SERVER__HOST": "0.0.0.0"},
        "server.base_url must be given where server.host is not loopback",
    ),
}


@pytest.mark.parametrize(("environ", "problem"), BAD.values(), ids=BAD)
def test_what_keeps_the_server_from_starting(environ, problem):
    assert problems(environ) == [problem]


BAD_TOML = {
    "no TOML": ("[server", "is not TOML"),
    "an unknown setting": ("[server]\nprot = 1", "unknown setting `server.prot`; did you mean `server.port`?"),
    "an unknown section": ("[sever]\nport = 1", "unknown setting `sever.port`; did you mean `server.port`?"),
    "an empty unknown section": ("[sever]", "unknown section `sever`"),
    "a value outside its section": ("port = 1", "`port` stands outside a section"),
    "a number that is a text": ("[log]\nlevel = 1", "log.level must be a text"),
    "a boolean that would be one": ("[server]\nport = true", "server.port must be a whole number"),
    "a fraction": ("[server]\nport = 1.0", "server.port must be a whole number"),
    "a list of numbers": ("[server]\ntrusted_proxies = [1]", "server.trusted_proxies must be a list of texts"),
    "a table": ("[server.port]\nx = 1", "server.port must be a whole number"),
}


@pytest.mark.parametrize(("text", "problem"), BAD_TOML.values(), ids=BAD_TOML)
def test_what_a_configuration_must_not_say(tmp_path, text, problem):
    environ, file = toml(tmp_path, text)
    found = problems(environ)
    assert len(found) == 1
    assert found[0].startswith(f"{file}: ")
    assert problem in found[0]


def test_every_problem_is_listed_at_once(tmp_path):
    environ, file = toml(tmp_path, "[server]\nport = 'x'\nhots = 'a'\n")
    environ |= {
        "REMIT_LOG__LEVEL": "loud",
        "REMIT_TOKENS__ACCES_SECONDS": "60",
        "REMIT_STORAGE__PATH_FILE": "/nowhere/path",
        "REMIT_SERVER__BASE_URL": "http://id.example",
        "REMIT_TOKENS__REFRESH_IDLE_DAYS": "99",
    }
    assert problems(environ, {"audit.checkpoints": "here", "log.colour": "red"}) == [
        f"{file}: server.port must be a whole number",
        f"{file}: unknown setting `server.hots`; did you mean `server.host`?",
        "REMIT_LOG__LEVEL: log.level must be one of debug, info, warning, error",
        "REMIT_SERVER__BASE_URL: server.base_url must be https; http is for loopback alone",
        "REMIT_TOKENS__ACCES_SECONDS: unknown setting; did you mean `REMIT_TOKENS__ACCESS_SECONDS`?",
        "REMIT_STORAGE__PATH_FILE: /nowhere/path cannot be read: No such file or directory",
        "command line: audit.checkpoints must be an absolute path",
        "command line: unknown setting `log.colour`",
        "tokens.refresh_idle_days must not exceed tokens.refresh_absolute_days",
    ]


def test_a_bad_value_is_a_problem_also_where_a_better_one_outranks_it():
    assert problems({"REMIT_SERVER__PORT": "x"}, {"server.port": 9000}) == [
        "REMIT_SERVER__PORT: server.port must be a whole number"
    ]


def test_a_secret_in_a_setting_is_not_repeated_in_a_problem():
    assert "hunter2" not in " ".join(problems({"REMIT_SECRETS__PEPPER_FILE": "hunter2"}))


SECTIONS = [section for section in dataclasses.fields(Settings) if section.name != "given"]


def test_every_setting_is_described_once_and_named_in_one_way():
    described = describe()
    names = [f"{section.name}.{one.name}" for section in SECTIONS for one in fields_of(section)]
    assert [known.key for known in described] == names
    for known in described:
        assert known.env == "REMIT_" + known.key.upper().replace(".", "__")
        assert known.doc.endswith(".")


def fields_of(section):
    return dataclasses.fields(getattr(Settings(), section.name))


@given(st.dictionaries(st.sampled_from([known.env for known in describe()]), st.text(max_size=10), max_size=6))
def test_whatever_the_environment_says_it_is_taken_or_refused(environ):
    try:
        read(environ)
        found = ["none"]
    except SettingsError as refusal:
        found = list(refusal.problems)
    assert found
    assert all(found)
