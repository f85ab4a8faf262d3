"""Settings: defaults <- `aboard.yaml` <- environment, checked as a whole, then frozen.

Environment: `ABOARD_` and the path of the key, levels parted by two underscores:
`ABOARD_DATABASE=...`, `ABOARD_SMTP__LISTEN=0.0.0.0:25`. Paths in the file are relative to the file.
A secret is given as `NAME_file` or by environment, and is never printed.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from inbox.errors import ConfigError
from inbox.imap_settings import LONGEST_POLL, Imap, read_polled
from inbox.levels import Level, keys_of
from inbox.listen import Listen as Listen
from inbox.masking import has_password, masked, shown, with_password
from inbox.sections import Files as Files
from inbox.sections import Filing as Filing
from inbox.sections import Floods as Floods
from inbox.sections import Mailbox as Mailbox
from inbox.sections import Send as Send
from inbox.sections import Smtp as Smtp
from inbox.sections import Verify as Verify
from inbox.sections import Web as Web
from routing.problems import Problem
from routing.reader import Reader, did_you_mean
from routing.strict_yaml import Node, load_text

PREFIX = "ABOARD_"
NOT_SETTINGS = frozenset({"ABOARD_SHARED", "ABOARD_CONFIG"})
"""Variables of ours that say where things are, not how they behave; ABOARD_TEST_* too."""

LONGEST_NODE = 40
"""Characters of a node's name; leases add a worker and a process to it."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that an operator may set."""

    folder: Path
    database: str = "sqlite:///var/aboard.db"
    database_password: str | None = field(default=None, repr=False, metadata={"secret": True})
    node: str = "node-1"
    mailboxes: tuple[Mailbox, ...] = ()
    own_domains: tuple[str, ...] = ()
    public_domains: tuple[str, ...] = ()
    smtp: Smtp = field(default_factory=Smtp)
    web: Web = field(default_factory=Web)
    filing: Filing = field(default_factory=Filing)
    floods: Floods = field(default_factory=Floods)
    send: Send = field(default_factory=Send)
    send_password: str | None = field(default=None, repr=False, metadata={"secret": True})
    verify: Verify = field(default_factory=Verify)
    imap: Imap = field(default_factory=Imap)
    files: Files = field(default_factory=Files)

    def path(self, relative: Path) -> Path:
        """A path of the settings, resolved from the folder of the file."""
        return relative if relative.is_absolute() else self.folder / relative

    def database_url(self) -> str:
        """The database's address with its password, for the store only."""
        if self.database.startswith("sqlite:///") and not self.database.startswith("sqlite:////"):
            return f"sqlite:///{self.folder / self.database.removeprefix('sqlite:///')}"
        if self.database_password is None:
            return self.database
        return with_password(self.database, self.database_password)


def load(path: Path, environment: Mapping[str, str]) -> Settings:
    """Read the file at `path` and the environment. Raises `ConfigError` with every problem."""
    try:
        content = path.read_bytes()
    except OSError as error:
        hint = "`aboard init DIR` writes a folder to start from; or give --config FILE"
        problem = Problem(str(path), 0, 0, "unreadable", f"{error.strerror or error}", hint)
        raise ConfigError([problem]) from error
    settings, problems = parse(content, path, environment)
    if settings is None:
        raise ConfigError(problems)
    return settings


def parse(
    content: str | bytes, path: Path, environment: Mapping[str, str]
) -> tuple[Settings | None, tuple[Problem, ...]]:
    """The settings of a file's content and the environment, or None with every problem."""
    root, found = load_text(content, str(path))
    reader = Reader(found)
    overlay = _overlay(environment, reader)
    top = Level(reader.fields(root, keys_of(Settings), "the configuration"), overlay)
    top.given = {name: environment[key] for name, key in _SECRETS.items() if environment.get(key)}
    settings = _settings(top, path.resolve().parent, environment)
    for level in top.unused():
        _unknown_variable(level, reader)
    if root is None and not found and not content.strip():
        reader.add(Problem(str(path), 0, 0, "empty-file", "the configuration is empty"))
    return None if reader.errors else settings, masked(reader.problems)


def effective(settings: Settings) -> dict[str, Any]:
    """Every setting with its value, for people to read; secrets are masked."""
    return {name: value for name, value in shown(settings).items() if name != "folder"}


_SECRETS = {
    one.name: PREFIX + one.name.upper() for one in fields(Settings) if one.metadata.get("secret")
}
"""Setting -> its variable. What it holds is no YAML: a password may look like a number."""


# --- The environment over the file -----------------------------------------------------------


def _overlay(environment: Mapping[str, str], reader: Reader) -> dict[str, Node]:
    """`smtp.listen` -> a node that holds the variable's value, read as YAML scalars are."""
    overlay: dict[str, Node] = {}
    for name, value in sorted(environment.items()):
        if not name.startswith(PREFIX) or name.startswith("ABOARD_TEST_"):
            continue
        if name in NOT_SETTINGS or name in _SECRETS.values():
            continue
        where = f"environment {name}"
        quoted = value if value.strip() else '""'
        node, problems = load_text(quoted, where)
        if node is None or problems or node.kind == "map":
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            node, problems = load_text(f'"{escaped}"', where)
        reader.add(*problems)
        if node is not None:
            overlay[name.removeprefix(PREFIX).lower().replace("__", ".")] = node
    return overlay


def _unknown_variable(key: str, reader: Reader) -> None:
    known = keys_of(Settings) + tuple(
        f"{part}.{name}" for part, kind in PARTS.items() for name in keys_of(kind)
    )
    variable = PREFIX + key.upper().replace(".", "__")
    hint = did_you_mean(key, known)
    message = f"there is no setting `{key}`"
    reader.add(Problem(f"environment {variable}", 0, 0, "unknown-key", message, hint))


PARTS: Mapping[str, type] = {
    "smtp": Smtp,
    "web": Web,
    "filing": Filing,
    "floods": Floods,
    "send": Send,
    "verify": Verify,
    "imap": Imap,
    "files": Files,
}
"""The sections of the configuration."""


# --- Reading the parts -----------------------------------------------------------------------


def _settings(top: Level, folder: Path, environment: Mapping[str, str]) -> Settings:
    default = Settings(folder)
    database = top.at("database").text("database", default.database)
    node = top.at("database").get("database")
    if node is not None and has_password(database):
        hint = "use database_password_file, or ABOARD_DATABASE_PASSWORD"
        message = "`database` must be an address without a password"
        top.there.reader.report(node, "wrong-type", message, hint)
    elif not re.match(r"sqlite:///.|postgresql(\+psycopg)?://.", database):
        top.at("database").wrong("database", "sqlite:///FILE or postgresql://USER@HOST/NAME")
    smtp = _smtp(top.below("smtp", Smtp))
    _tls(top, smtp)
    mailboxes = _mailboxes(top)
    return Settings(
        folder=folder,
        database=database,
        database_password=_secret(top, "database_password", folder),
        node=_node(top, default.node),
        mailboxes=mailboxes,
        own_domains=_domains(top, "own_domains"),
        public_domains=_domains(top, "public_domains"),
        smtp=smtp,
        web=_web(top.below("web", Web)),
        filing=Filing(**_counts(top.below("filing", Filing), default.filing)),
        floods=Floods(**_counts(top.below("floods", Floods), default.floods)),
        send=_send(top.below("send", Send)),
        send_password=_secret(top, "send_password", folder),
        verify=_verify(top.below("verify", Verify)),
        imap=_imap(top.below("imap", Imap), folder, environment, mailboxes),
        files=_files(top.below("files", Files), default.files),
    )


def _node(top: Level, default: str) -> str:
    name = top.at("node").text("node", default)
    if len(name) > LONGEST_NODE:
        top.at("node").wrong("node", f"a name of at most {LONGEST_NODE} characters")
    return name


def _tls(top: Level, smtp: Smtp) -> None:
    pair = (smtp.tls_certificate, smtp.tls_key)
    if None not in pair or (pair == (None, None) and not smtp.require_tls):
        return
    message = "`tls_certificate` and `tls_key` belong together"
    if pair == (None, None):
        message = "`require_tls` needs `tls_certificate` and `tls_key`"
    node = top.there.get("smtp")
    if node is not None:
        top.there.reader.report(node, "missing-key", message, "give both or none")
    else:
        where = Problem("environment ABOARD_SMTP__...", 0, 0, "missing-key", message)
        top.there.reader.add(where)


def _secret(level: Level, key: str, folder: Path) -> str | None:
    given = level.at(key)
    file_key = f"{key}_file"
    from_file = level.at(file_key)
    if key in level.given:
        return level.given[key]
    node = given.get(key)
    if node is not None:
        message = f"`{key}` must be given by environment or as a file, not here"
        given.reader.report(node, "wrong-type", message, f"write {file_key}: PATH")
        return None
    if file_key not in from_file:
        return None
    path = folder / from_file.text(file_key)
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:  # no file; or no text, no path: what it holds is secret
        why = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        from_file.wrong(file_key, f"a file that can be read ({why})")
        return None


def _mailboxes(top: Level) -> tuple[Mailbox, ...]:
    source = top.at("mailboxes")
    found: list[Mailbox] = []
    for entry in source.mappings("mailboxes", ("address", "name"), "a mailbox"):
        address = entry.text("address", required=True).strip().lower()
        if address and not re.fullmatch(r"[^@\s]+@[^@\s]+", address):
            entry.wrong("address", "a mail address such as onboarding@company.example")
        if any(one.address == address for one in found):
            entry.wrong("address", "another one than that of the mailboxes above")
        found.append(Mailbox(address, entry.text("name", "Onboarding")))
    if source is top.there and top.there.node is not None and not found:
        top.there.require("mailboxes")
        if "mailboxes" in top.there and not top.there.items("mailboxes"):
            top.there.wrong("mailboxes", "a list with at least one mailbox")
    return tuple(found)


def _domains(top: Level, key: str) -> tuple[str, ...]:
    source = top.at(key)
    domains = tuple(domain.strip().lower().rstrip(".") for domain in source.texts(key))
    if any(not re.fullmatch(r"[^\s@/:]+\.[^\s@/:]+", domain) for domain in domains):
        source.wrong(key, "a list of domains such as company.example")
    return domains


def _listen(level: Level, default: Listen) -> Listen:
    source = level.at("listen")
    text = source.text("listen", str(default))
    host, colon, port = text.rpartition(":")
    if not colon or not (port.isascii() and port.isdigit()) or int(port) > 65535 or not host:
        source.wrong("listen", "HOST:PORT such as 127.0.0.1:2525")
        return default
    return Listen(host.strip("[]"), int(port))


def _counts(level: Level, default: Any, may_be_0: tuple[str, ...] = ()) -> dict[str, int]:
    """Every whole-number setting of a part; they are caps, so only those that say so may be 0."""
    return {
        one.name: level.at(one.name).integer(
            one.name,
            getattr(default, one.name),
            at_least=0 if one.name in may_be_0 else 1,
            at_most=10**9,
        )
        for one in fields(default)
        if type(getattr(default, one.name)) is int
    }


def _smtp(level: Level) -> Smtp:
    def file(key: str) -> Path | None:
        return Path(level.at(key).text(key)) if key in level.at(key) else None

    default = Smtp()
    return Smtp(
        listen=_listen(level, default.listen),
        hostname=level.at("hostname").text("hostname", default.hostname),
        tls_certificate=file("tls_certificate"),
        tls_key=file("tls_key"),
        require_tls=level.at("require_tls").flag("require_tls"),
        proxy_protocol=level.at("proxy_protocol").flag("proxy_protocol"),
        **_counts(level, default),
    )


def _send(level: Level) -> Send:
    default = Send()
    texts = {
        one: level.at(one).text(one, getattr(default, one))
        for one in ("host", "tls", "username", "hostname", "dkim_selector", "dkim_domain")
    }
    counts = _counts(level, default, may_be_0=("undo_seconds",))
    if texts["tls"] not in ("starttls", "implicit", "none"):
        level.at("tls").wrong("tls", "starttls, implicit or none")
    local = texts["host"] in ("localhost", "127.0.0.1", "::1")
    if texts["tls"] == "none" and (texts["username"] or not local):
        expected = "starttls or implicit: only a smarthost on this machine, without password, does"
        level.at("tls").wrong("tls", f"{expected} without TLS")
    for one in ("host", "hostname"):
        if not re.fullmatch(r"[A-Za-z0-9.:_-]*", texts[one]):
            level.at(one).wrong(one, "the name or address of a host")
    if "dkim_key" in level.at("dkim_key") and not texts["dkim_selector"]:
        level.at("dkim_key").wrong("dkim_key", "given together with dkim_selector")
    files = {one: level.at(one).text(one) for one in ("tls_ca", "dkim_key")}
    paths = {one: Path(text) for one, text in files.items() if text}
    return replace(default, **texts, **counts, **paths)  # type: ignore[arg-type]


def _verify(level: Level) -> Verify:
    named = ("nameservers", "trusted_relays", "relay_networks", "trusted_sealers")
    lists = {one: level.at(one).texts(one) for one in named}
    flags = {
        one: level.at(one).flag(one, getattr(Verify(), one))
        for one in ("strict", "policies", "relayed_mailboxes")
    }
    made = replace(Verify(), **lists, **flags, **_counts(level, Verify()))  # type: ignore[arg-type]
    try:
        made.servers()
    except ValueError:
        level.at("nameservers").wrong("nameservers", "`system`, or addresses such as 127.0.0.1:53")
    try:
        tuple(map(ipaddress.ip_network, made.relay_networks))
    except ValueError:
        level.at("relay_networks").wrong("relay_networks", "networks such as 10.0.0.0/8")
    if made.trusted_relays and not (made.relay_networks or made.relayed_mailboxes):
        expected = "given with relay_networks or relayed_mailboxes: by whom mail came is seen there"
        level.at("trusted_relays").wrong("trusted_relays", expected)
    if made.seconds > 8:
        level.at("seconds").wrong("seconds", "at most 8: a mail has to be filed in time")
    return replace(
        made,
        trusted_relays=tuple(one.lower() for one in made.trusted_relays),
        trusted_sealers=tuple(one.lower() for one in made.trusted_sealers),
    )


def _imap(
    level: Level, folder: Path, environment: Mapping[str, str], mailboxes: tuple[Mailbox, ...]
) -> Imap:
    addresses = tuple(one.address for one in mailboxes)
    polled = read_polled(level.at("mailboxes"), folder, environment, addresses)
    made = Imap(mailboxes=polled, **_counts(level, Imap()))
    if made.poll_seconds > LONGEST_POLL:
        level.at("poll_seconds").wrong("poll_seconds", f"at most {LONGEST_POLL}")
    return made


def _web(level: Level) -> Web:
    default = Web()
    hosts = level.at("hosts").texts("hosts")
    proxies = level.at("trusted_proxies").texts("trusted_proxies")
    try:
        tuple(map(ipaddress.ip_network, proxies))
    except ValueError:
        level.at("trusted_proxies").wrong("trusted_proxies", "networks such as 10.0.0.5/32")
    return Web(
        listen=_listen(level, default.listen),
        hosts=hosts or default.hosts,
        trusted_proxies=proxies,
        **_counts(level, default),
    )


def _files(level: Level, defaults: Files) -> Files:
    given = {one.name: level.at(one.name).text(one.name) for one in fields(Files)}
    return replace(defaults, **{name: Path(text) for name, text in given.items() if text})
