"""The sections of the configuration, as values with their defaults; `config.py` reads them."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from inbox.listen import Listen

SMTP_LISTEN = Listen("127.0.0.1", 2525)
WEB_LISTEN = Listen("127.0.0.1", 8025)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address of ours that customers write to."""

    address: str
    name: str


@dataclass(frozen=True, slots=True)
class Smtp:
    """The SMTP ingress."""

    listen: Listen = SMTP_LISTEN
    hostname: str = "localhost"
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    require_tls: bool = False
    most_bytes: int = 40 * 1024 * 1024
    most_recipients: int = 100
    most_connections: int = 200
    most_connections_per_peer: int = 50
    mails_per_minute_per_sender: int = 600
    mails_per_minute_per_peer: int = 60_000
    mails_per_minute_per_mailbox: int = 60_000
    idle_seconds: int = 300
    transaction_seconds: int = 600
    proxy_protocol: bool = False


@dataclass(frozen=True, slots=True)
class Web:
    """The web inbox."""

    listen: Listen = WEB_LISTEN
    hosts: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")
    trusted_proxies: tuple[str, ...] = ()
    """Networks of the proxies that end TLS before it; what others say they forward is ignored."""
    idle_hours: int = 12
    """A session that is not used for so long ends."""
    session_days: int = 14
    """A session ends after so long, used or not."""

    @property
    def address(self) -> str:
        """Where people find it: at the proxy that ends TLS, or on this machine."""
        return f"https://{self.hosts[0]}" if self.trusted_proxies else f"http://{self.listen}"

    @property
    def idle(self) -> timedelta:
        """How long a session that is not used lasts."""
        return timedelta(hours=self.idle_hours)


@dataclass(frozen=True, slots=True)
class Filing:
    """How accepted mail is filed, and what one mail may cost."""

    workers: int = 2
    batch: int = 20
    most_attempts: int = 2
    cpu_seconds: int = 2
    wall_seconds: int = 10
    memory_mib: int = 256


@dataclass(frozen=True, slots=True)
class Floods:
    """How much mail is no flood: beyond it mail is filed after everybody else's. On each node."""

    sender_an_hour: int = 300
    domain_an_hour: int = 1_500
    mailbox_an_hour: int = 3_000
    automatic_an_hour: int = 6
    """Automatic mails of one address to one mailbox; beyond it nothing automatic goes there."""


@dataclass(frozen=True, slots=True)
class Send:
    """The smarthost through which mail leaves. Without `host` nothing leaves: items are held."""

    host: str = ""
    port: int = 587
    tls: str = "starttls"
    """`starttls`, `implicit`, or `none` where the smarthost is this very machine."""
    tls_ca: Path | None = None
    """Certificates (PEM) to trust instead of the system's."""
    username: str = ""
    hostname: str = "localhost"
    connections: int = 4
    mails_per_connection: int = 100
    reply_seconds: int = 300
    final_seconds: int = 600
    undo_seconds: int = 10
    notices_an_hour: int = 12
    """Mails an hour that tell one person of ours something; what is more comes as a digest."""
    automatic_hours: int = 24
    reply_days: int = 5
    dkim_selector: str = ""
    dkim_domain: str = ""
    dkim_key: Path | None = None


@dataclass(frozen=True, slots=True)
class Verify:
    """How the author of a mail is verified. Without name servers and relays nobody is."""

    nameservers: tuple[str, ...] = ()
    """`system`, or ADDRESS, ADDRESS:PORT, [ADDRESS]:PORT of each."""
    seconds: int = 5
    """How long one mail may wait for DNS."""
    lookups: int = 10
    signatures: int = 5
    strict: bool = False
    policies: bool = True
    trusted_relays: tuple[str, ...] = ()
    """authserv-ids and host names of our own relays."""
    relay_networks: tuple[str, ...] = ()
    trusted_sealers: tuple[str, ...] = ()
    """Domains whose ARC seals are believed."""
    relayed_mailboxes: bool = False

    def servers(self) -> tuple[tuple[str, int], ...]:
        """(address, port) of each name server; none for the system's. Raises `ValueError`."""
        if self.nameservers == ("system",):
            return ()
        return tuple(_server(one) for one in self.nameservers)


def _server(written: str) -> tuple[str, int]:
    address, colon, port = written.rpartition(":")
    if not colon or (":" in address and not address.endswith("]")):
        address, port = written, "53"
    number = int(port)
    if not 0 < number < 65536:
        raise ValueError(port)
    return str(ipaddress.ip_address(address.strip("[]"))), number


@dataclass(frozen=True, slots=True)
class Files:
    """Where the files that admins own are."""

    rules: Path = Path("rules")
    shadow_rules: Path | None = None
    """A second folder of rules that is only compared with the first."""
    teams: Path = Path("teams.yaml")
    sla: Path = Path("sla.yaml")
    stages: Path = Path("stages.yaml")
    followups: Path = Path("followups.yaml")
    """What goes out by itself; where the file is not there, nothing does."""
    macros: Path = Path("macros.yaml")
    """Texts of the composer with what they do; may be missing."""
    templates: Path = Path("templates")
