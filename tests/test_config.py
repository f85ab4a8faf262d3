"""Settings: defaults, file, environment; every problem in one run; a secret is never printed."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from inbox import config
from inbox.config import Listen, Mailbox, Settings
from inbox.errors import ConfigError, StoreError
from inbox.store.database import Database
from routing.problems import Problem

MINIMAL = "mailboxes:\n  - {address: hello@aboard.example, name: Onboarding}\n"
WHOLE = """
database: postgresql://ada@db.example/aboard
database_password_file: secrets/password
node: berlin-1
mailboxes:
  - {address: Hello@Aboard.example, name: Onboarding}
  - {address: help@aboard.example}
own_domains: [aboard.example, ABOARD.test.]
public_domains: [freemail.example]
smtp:
  listen: 0.0.0.0:25
  hostname: mx.aboard.example
  tls_certificate: tls/cert.pem
  tls_key: tls/key.pem
  require_tls: true
  most_bytes: 1000001
  most_recipients: 11
  most_connections: 12
  most_connections_per_peer: 13
  mails_per_minute_per_sender: 14
  mails_per_minute_per_peer: 15
  mails_per_minute_per_mailbox: 16
  idle_seconds: 16
  transaction_seconds: 17
  proxy_protocol: true
web:
  listen: "[::1]:8080"
  hosts: [inbox.aboard.example]
  trusted_proxies: [10.0.0.5/32]
  idle_hours: 3
  session_days: 4
floods: {sender_an_hour: 30, domain_an_hour: 31, mailbox_an_hour: 32, automatic_an_hour: 33}
filing: {workers: 3, batch: 4, most_attempts: 5, cpu_seconds: 6, wall_seconds: 7, memory_mib: 800}
send:
  host: smtp.relay.example
  port: 465
  tls: implicit
  tls_ca: tls/ca.pem
  username: aboard
  hostname: out.aboard.example
  connections: 18
  mails_per_connection: 19
  reply_seconds: 20
  final_seconds: 21
  undo_seconds: 0
  notices_an_hour: 6
  automatic_hours: 22
  reply_days: 23
  dkim_selector: s1
  dkim_domain: aboard.example
  dkim_key: dkim.pem
send_password_file: secrets/password
verify:
  nameservers: [system]
  seconds: 3
  lookups: 8
  signatures: 2
  strict: true
  policies: false
  trusted_relays: [mx.aboard.example]
  relay_networks: [10.0.0.0/8]
  trusted_sealers: [lists.example]
  relayed_mailboxes: true
imap:
  poll_seconds: 30
  call_seconds: 31
  batch_mails: 32
  batch_mib: 3
  most_bytes: 1000000
  old_hours: 34
  stalled_minutes: 35
  reconcile_minutes: 36
  mailboxes:
    - {name: main, host: imap.aboard.example, username: main, password_file: secrets/password}
files:
  rules: r
  shadow_rules: shadow
  teams: t.yaml
  sla: s.yaml
  stages: g.yaml
  followups: f.yaml
  macros: c.yaml
  templates: m
"""


def read(text: str | bytes, folder: Path, **environment: str) -> Settings:
    path = folder / "aboard.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return config.load(path, environment)


def problems(text: str, folder: Path, **environment: str) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as refusal:
        read(text, folder, **environment)
    return refusal.value.problems


def leaves(value: object, path: str = "") -> dict[str, object]:
    """Every setting by its path, such as `smtp.listen`."""
    found: dict[str, object] = {}
    for one in dataclasses.fields(value):  # type: ignore[arg-type]
        inner, name = getattr(value, one.name), f"{path}{one.name}"
        if dataclasses.is_dataclass(inner) and not isinstance(inner, Listen):
            found |= leaves(inner, f"{name}.")
        else:
            found[name] = inner
    return found


def test_what_is_not_said_has_its_default(tmp_path: Path) -> None:
    settings = read(MINIMAL, tmp_path)
    default = Settings(tmp_path)
    assert settings == dataclasses.replace(
        default, mailboxes=(Mailbox("hello@aboard.example", "Onboarding"),)
    )
    assert settings.web.listen.loopback and settings.smtp.listen.loopback


def test_every_setting_can_be_given_in_the_file(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "password").write_text("pw\n")
    given_all, default = leaves(read(WHOLE, tmp_path)), leaves(Settings(tmp_path))
    unchanged = {name for name, value in given_all.items() if value == default[name]}
    assert unchanged == {"folder"}, "say these in WHOLE"
    assert given_all["mailboxes"] == (
        Mailbox("hello@aboard.example", "Onboarding"),
        Mailbox("help@aboard.example", "Onboarding"),
    )
    assert given_all["own_domains"] == ("aboard.example", "aboard.test")
    assert given_all["web.listen"] == Listen("::1", 8080)


@pytest.mark.parametrize(
    ("name", "value", "path", "expected"),
    [
        ("ABOARD_DATABASE", "sqlite:///other.db", "database", "sqlite:///other.db"),
        ("ABOARD_NODE", "n7", "node", "n7"),
        ("ABOARD_NODE", "7", "node", None),
        ("ABOARD_SMTP__LISTEN", "0.0.0.0:2500", "smtp.listen", Listen("0.0.0.0", 2500)),
        ("ABOARD_SMTP__PROXY_PROTOCOL", "true", "smtp.proxy_protocol", True),
        ("ABOARD_SMTP__MOST_BYTES", "5000", "smtp.most_bytes", 5000),
        ("ABOARD_FILING__WORKERS", "9", "filing.workers", 9),
        ("ABOARD_WEB__HOSTS", "[a.example, b.example]", "web.hosts", ("a.example", "b.example")),
        ("ABOARD_WEB__HOSTS", "a.example", "web.hosts", ("a.example",)),
        ("ABOARD_OWN_DOMAINS", "x.example", "own_domains", ("x.example",)),
        ("ABOARD_FILES__RULES", "/etc/aboard/rules", "files.rules", Path("/etc/aboard/rules")),
        ("ABOARD_DATABASE_PASSWORD", "p: {w", "database_password", "p: {w"),
        ("ABOARD_DATABASE_PASSWORD", "'quoted\"\\", "database_password", "'quoted\"\\"),
        ("ABOARD_DATABASE_PASSWORD", "12345", "database_password", "12345"),
        ("ABOARD_DATABASE_PASSWORD", "true", "database_password", "true"),
        ("ABOARD_DATABASE_PASSWORD", "abc #d", "database_password", "abc #d"),
        ("ABOARD_DATABASE_PASSWORD", " x ", "database_password", " x "),
        ("ABOARD_DATABASE_PASSWORD", "&a *b !c", "database_password", "&a *b !c"),
    ],
)
def test_the_environment_lies_over_the_file(
    tmp_path: Path, name: str, value: str, path: str, expected: object
) -> None:
    if expected is None:
        (problem,) = problems(MINIMAL, tmp_path, **{name: value})
        assert problem.file == f"environment {name}"
        return
    assert leaves(read(MINIMAL, tmp_path, **{name: value}))[path] == expected


def test_the_environment_wins_over_what_the_file_says(tmp_path: Path) -> None:
    text = MINIMAL + "smtp: {listen: 127.0.0.1:1, hostname: a.example}\n"
    smtp = read(text, tmp_path, ABOARD_SMTP__LISTEN="127.0.0.1:2").smtp
    assert (smtp.listen.port, smtp.hostname) == (2, "a.example")


def test_variables_of_others_and_of_the_tests_are_no_settings(tmp_path: Path) -> None:
    others = {"HOME": "/", "ABOARD_SHARED": "x", "ABOARD_CONFIG": "y", "ABOARD_TEST_POSTGRES": "z"}
    assert read(MINIMAL, tmp_path, **others) == read(MINIMAL, tmp_path)


# --- Problems --------------------------------------------------------------------------------


def test_every_problem_is_told_in_one_run_with_its_place(tmp_path: Path) -> None:
    text = (
        "nod: x\n"
        "mailboxes:\n"
        "  - {address: nobody, name: A}\n"
        "smtp:\n"
        "  listen: 25\n"
        "  most_bytes: 0\n"
        "  require_tls: yes\n"
        "  hostnam: mx\n"
        "web: {listen: host}\n"
        "filing: {workers: many}\n"
        "database: mysql://x/y\n"
    )
    found = problems(text, tmp_path, ABOARD_SMPT__LISTEN="x", ABOARD_FILING__BATCH="no")
    file = str(tmp_path / "aboard.yaml")
    places = {(one.line, one.column) for one in found if one.file == file}
    assert places == {
        (1, 1),
        (3, 15),
        (5, 11),
        (6, 15),
        (7, 16),
        (8, 3),
        (9, 15),
        (10, 19),
        (11, 11),
    }
    assert {one.file for one in found} == {
        file,
        "environment ABOARD_SMPT__LISTEN",
        "environment ABOARD_FILING__BATCH",
    }
    assert all(one.message and one.code for one in found)
    assert str(found[0]).startswith(f"{file}:")


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("nodes: x\n", "node"),
        ("smtp: {listn: x}\n", "listen"),
        ("filing: {worker: 2}\n", "workers"),
        ("mailbox: []\n", "mailboxes"),
        ("files: {rule: x}\n", "rules"),
    ],
)
def test_a_misspelt_key_is_told_with_what_was_meant(tmp_path: Path, text: str, meant: str) -> None:
    found = [one for one in problems(MINIMAL + text, tmp_path) if one.code == "unknown-key"]
    assert [f"did you mean `{meant}`?" in one.hint for one in found] == [True]


def test_a_misspelt_variable_is_told_with_what_was_meant(tmp_path: Path) -> None:
    (problem,) = problems(MINIMAL, tmp_path, ABOARD_SMTP__LISTN="x:1")
    assert problem.file == "environment ABOARD_SMTP__LISTN"
    assert "smtp.listen" in problem.hint


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  \n# nothing\n",
        "- a\n",
        "mailboxes: []\n",
        "mailboxes: {a: b}\n",
        "mailboxes:\n  - {name: Nobody}\n",
        "node: n\n",
        MINIMAL + "own_domains: [user@x.example]\n",
        MINIMAL + "own_domains: [localhost]\n",
        MINIMAL + "smtp: {listen: '127.0.0.1:70000'}\n",
        MINIMAL + "smtp: {listen: ':25'}\n",
        MINIMAL + "smtp: {listen: '127.0.0.1:-1'}\n",
        MINIMAL + "smtp: {listen: '127.0.0.1:²'}\n",
        MINIMAL + "smtp: {tls_key: k.pem}\n",
        MINIMAL + "smtp: {most_bytes: 1.5}\n",
        MINIMAL + "filing: {workers: 0}\n",
        MINIMAL + "database: 'sqlite://'\n",
        MINIMAL + "database: 'sqlite:///'\n",
        MINIMAL + "node: a\nnode: b\n",
        MINIMAL + f"node: {'n' * 41}\n",
        MINIMAL + "database_password_file: nowhere\n",
        "mailboxes: [{address: a@x.example}, {address: A@x.example}]\n",
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str) -> None:
    assert problems(text, tmp_path)


def test_a_nodes_name_has_a_longest_length_wherever_it_is_given(tmp_path: Path) -> None:
    assert read(MINIMAL + f"node: {'n' * 40}\n", tmp_path).node == "n" * 40
    (found,) = problems(MINIMAL, tmp_path, ABOARD_NODE="n" * 41)
    assert "at most 40 characters" in str(found)


def test_require_tls_without_a_certificate_is_refused(tmp_path: Path) -> None:
    assert problems(MINIMAL + "smtp: {require_tls: true}\n", tmp_path)
    assert problems(MINIMAL, tmp_path, ABOARD_SMTP__TLS_KEY="k.pem")


def test_a_file_that_is_not_there_is_a_problem_with_what_to_do(tmp_path: Path) -> None:
    for path in (tmp_path / "no.yaml", tmp_path):
        with pytest.raises(ConfigError, match="aboard init"):
            config.load(path, {})


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_file_ever_raises_anything_but_its_problems(content: bytes) -> None:
    settings, found = config.parse(content, Path("aboard.yaml"), {})
    assert (settings is None) == bool([one for one in found if one.severity == "error"])


@given(
    st.sampled_from(["SMTP__LISTEN", "NODE", "FILING", "FILING__BATCH", "MAILBOXES", "X", "__"]),
    st.text(max_size=40),
)
def test_no_environment_ever_raises_anything_but_its_problems(name: str, value: str) -> None:
    config.parse(MINIMAL, Path("aboard.yaml"), {f"ABOARD_{name}": value})


# --- Secrets and paths -----------------------------------------------------------------------

SECRET = "s3cr3t-w0rd"


@pytest.mark.parametrize("key", ["database_password_file", "send_password_file"])
@pytest.mark.parametrize("name", ["secret", '"a\\0b"', "nowhere", "."])
def test_a_secret_that_cannot_be_read_is_a_problem(tmp_path: Path, key: str, name: str) -> None:
    (tmp_path / "secret").write_bytes(SECRET.encode() + b"\xff\xfe")
    found = problems(MINIMAL + f"{key}: {name}\n", tmp_path)
    assert any("a file that can be read" in one.message for one in found)
    assert SECRET not in str(found)


@pytest.mark.parametrize("place", ["h:²", "[::1", "h:x"])
def test_an_address_of_a_database_that_cannot_be_read_is_told(place: str) -> None:
    with pytest.raises(StoreError, match="address cannot be read") as told:
        Database(f"postgresql://ada:{SECRET}@{place}/aboard")
    assert SECRET not in str(told.value)


def test_a_secret_is_never_printed(tmp_path: Path) -> None:
    settings = read(
        MINIMAL + "database: postgresql://ada@db.example/aboard\n",
        tmp_path,
        ABOARD_DATABASE_PASSWORD=SECRET,
    )
    assert SECRET in settings.database_url()
    assert SECRET not in repr(settings)
    assert SECRET not in repr(config.effective(settings))
    assert config.effective(settings)["database_password"] == "(set)"


@pytest.mark.parametrize(
    "text",
    [
        f"database: postgresql://ada:{SECRET}@db.example/aboard\n",
        f"database: mysql://ada:{SECRET}@db.example/aboard\n",
        f"database_password: {SECRET}\n",
        f"database_password: [{SECRET}]\n",
    ],
)
def test_a_secret_in_the_wrong_place_is_refused_without_printing_it(
    tmp_path: Path, text: str
) -> None:
    found = problems(MINIMAL + text, tmp_path)
    for one in found:
        assert SECRET not in str(one)
        assert SECRET not in repr(one.as_json())
        assert SECRET not in one.framed()


@pytest.mark.parametrize(
    "variables",
    [
        {"ABOARD_DATABASE": f"mysql://ada:{SECRET}@db.example/aboard"},
        {"ABOARD_DATABASE_PASWORD": SECRET},
        {"ABOARD_DATABASE_PASSWORD": f"[{SECRET}"},
        {"ABOARD_DATABASE_PASSWORD": f"{SECRET}\x07"},
        {"ABOARD_DATABASE_PASSWORD": ""},
    ],
)
def test_a_secret_in_the_environment_is_never_printed_either(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    try:
        shown = repr(config.effective(read(MINIMAL, tmp_path, **variables)))
    except ConfigError as error:
        shown = str(error) + "".join(one.framed() for one in error.problems)
    assert SECRET not in shown


@pytest.mark.parametrize("password", ["a:b@c/d", r"\1\g<0>", "100%", "ü ?#", "p w"])
def test_any_password_reaches_the_database_as_it_is(tmp_path: Path, password: str) -> None:
    (tmp_path / "pw").write_text(password + "\n", encoding="utf-8")
    settings = read(
        MINIMAL + "database: postgresql://ada@db.example:5433/aboard\ndatabase_password_file: pw\n",
        tmp_path,
    )
    url = make_url(settings.database_url())
    assert (url.username, url.password, url.host, url.port, url.database) == (
        "ada",
        password,
        "db.example",
        5433,
        "aboard",
    )


def test_paths_are_relative_to_the_file_and_absolute_ones_stay(tmp_path: Path) -> None:
    settings = read(MINIMAL, tmp_path)
    assert settings.database_url() == f"sqlite:///{tmp_path / 'var/aboard.db'}"
    assert settings.path(Path("rules")) == tmp_path / "rules"
    assert settings.path(Path("/etc/rules")) == Path("/etc/rules")
    text = MINIMAL + f"database: 'sqlite:////{str(tmp_path).strip('/')}/x.db'\n"
    assert read(text, tmp_path).database_url() == f"sqlite:////{str(tmp_path).strip('/')}/x.db"


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("10.0.0.1", False),
        ("mx.example", False),
    ],
)
def test_a_loopback_address_is_told_from_others(host: str, loopback: bool) -> None:
    assert Listen(host, 25).loopback is loopback


def test_an_address_to_listen_on_is_written_as_it_is_read() -> None:
    assert str(Listen("::1", 25)) == "[::1]:25"
    assert str(Listen("0.0.0.0", 25)) == "0.0.0.0:25"
