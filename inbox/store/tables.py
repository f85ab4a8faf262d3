"""Every table, index and constraint, on one page. SQLite and PostgreSQL read the same definitions.

Full text is made in `search.py`; other tables are in `*_tables.py` and `shadow.py`.

Reading order is a mail's way: raw mail and ledger (commit 1); account, thread, message, assignment
and event (commit 2). What a person would want the history of is in `events` and `assignments`.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from inbox.store.columns import NO_CLOCK, Key, UtcDateTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[Any]:
    return Column("id", Key, primary_key=True, autoincrement=True)


def _ref(name: str, target: str, *, null: bool = False, index: bool = False) -> Column[Any]:
    return Column(name, Key, ForeignKey(f"{target}.id"), nullable=null, index=index)


def _secret() -> Column[Any]:  # who may see it is in `seers.py`
    return Column("confidential", Boolean, nullable=False, server_default=false())


def _one_of(column: str, *values: str) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=column)


def _index_where(name: str, *columns: str, where: str, unique: bool = False) -> Index:
    """An index over some rows only."""
    rows = text(where)
    return Index(name, *columns, unique=unique, sqlite_where=rows, postgresql_where=rows)


# --- Commit 1: accepted mail -----------------------------------------------------------------

raw_mail = Table(
    "raw_mail",
    metadata,
    _id(),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("size", Integer, nullable=False),
    Column("packing", String(8), nullable=False),  # zlib | plain
    Column("content", LargeBinary, nullable=False),
    Column("stored_at", UtcDateTime, nullable=False),
)

LEDGER_STATES = ("pending", "filed", "duplicate", "quarantined")

ledger = Table(
    "ledger",
    metadata,
    _id(),
    _ref("raw_id", "raw_mail", index=True),
    Column("source", String(8), nullable=False),
    Column("origin", String(400), unique=True),  # (mailbox, UIDVALIDITY, UID) and the like
    Column("node", String(80), nullable=False),
    Column("reverse_path", Text),  # null: not known; empty: the null reverse-path
    Column("forward_paths", JSON, nullable=False),
    Column("peer", String(200), nullable=False),
    Column("sent", Boolean, nullable=False),  # imported history in which our own mail is outgoing
    Column("dated", Boolean, nullable=False),  # history: received when its Date says, not now
    Column("arrived_at", UtcDateTime),  # when the server that it was fetched from took it
    Column("opens_as", String(10)),  # archive: the status that its thread has afterwards
    Column("accepted_at", UtcDateTime, nullable=False),
    Column("state", String(12), nullable=False),
    Column("settled_at", UtcDateTime),
    _ref("message_id", "messages", null=True, index=True),
    Column("cause", String(60)),
    Column("detail", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("lane", SmallInteger, nullable=False, server_default="0"),  # `intake.LIVE` and on
    Column("run_after", UtcDateTime, nullable=False),
    Column("leased_by", String(80)),
    Column("leased_until", UtcDateTime),
    Column("fence", Integer, nullable=False, server_default="0"),
    _one_of("state", *LEDGER_STATES),
    _one_of("source", "smtp", "imap", "file"),
    CheckConstraint("state <> 'quarantined' OR cause IS NOT NULL", name="cause"),
    CheckConstraint(
        "state NOT IN ('filed', 'duplicate') OR message_id IS NOT NULL", name="message"
    ),
    # Work is found through the pending rows alone, however long the ledger has grown.
    _index_where("ix_ledger_pending", "lane", "run_after", "id", where="state = 'pending'"),
    _index_where("ix_ledger_quarantined", "id", where="state = 'quarantined'"),
    sqlite_autoincrement=True,  # a ledger number is never given twice
)

# The second entry of the double-entry ledger: how many mails each node accepted from each source,
# counted in the accepting transaction. A ledger row that vanishes leaves this number behind.
tallies = Table(
    "tallies",
    metadata,
    Column("node", String(80), primary_key=True),
    Column("source", String(8), primary_key=True),
    Column("accepted", BigInteger, nullable=False),
)

# --- People and teams (owned by teams.yaml; the database adds credentials and absences) ------

people = Table(
    "people",
    metadata,
    _id(),
    Column("handle", String(80), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("address", String(320), nullable=False, index=True),  # may change hands
    Column("role", String(8), nullable=False),
    Column("active", Boolean, nullable=False),
    Column("zone", String(60)),  # in which days and times are theirs, as far as the file says it
    Column("withheld", JSON),  # confidential fields of accounts and contacts they do not see
    _one_of("role", "viewer", "agent", "lead", "admin"),
)

teams = Table(
    "teams",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("title", String(120), nullable=False),
    _ref("duty_id", "people"),
    Column("active", Boolean, nullable=False),
)

team_members = Table(
    "team_members",
    metadata,
    Column("team", String(40), ForeignKey("teams.name"), primary_key=True),
    Column("person_id", Key, ForeignKey("people.id"), primary_key=True),
    Column("given_at", UtcDateTime),  # when they were last given a thread, for turns
)

# --- Accounts --------------------------------------------------------------------------------

accounts = Table(
    "accounts",
    metadata,
    _id(),
    Column("kind", String(10), nullable=False),  # customer | internal (our own people's mail)
    Column("name", String(300), nullable=False),
    Column("tier", String(60)),
    Column("stage", String(60)),
    Column("tags", JSON, nullable=False),
    Column("provisional", Boolean, nullable=False),
    _ref("merged_into_id", "accounts", null=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_event_at", UtcDateTime, nullable=False, index=True),
    _one_of("kind", "customer", "internal"),
    _index_where(
        "ix_accounts_merged_into_id", "merged_into_id", where="merged_into_id IS NOT NULL"
    ),
    _index_where("uq_accounts_internal", "kind", where="kind = 'internal'", unique=True),
)

account_domains = Table(
    "account_domains",
    metadata,
    Column("domain", String(255), primary_key=True),
    _ref("account_id", "accounts", index=True),
)

account_owners = Table(
    "account_owners",
    metadata,
    Column("account_id", Key, ForeignKey("accounts.id"), primary_key=True),
    Column("team", String(40), ForeignKey("teams.name"), primary_key=True),
    _ref("person_id", "people"),
)

contacts = Table(
    "contacts",
    metadata,
    _id(),
    _ref("account_id", "accounts", index=True),
    Column("name", String(300), nullable=False),
    Column("role", String(60)),
    Column("created_at", UtcDateTime, nullable=False),
)

contact_addresses = Table(
    "contact_addresses",
    metadata,
    Column("address", String(520), primary_key=True),
    _ref("contact_id", "contacts", index=True),
    Column("bounced_at", UtcDateTime),  # mail to it came back for good
    Column("bounce_status", String(12)),
)

# --- Threads and messages --------------------------------------------------------------------

threads = Table(
    "threads",
    metadata,
    _id(),
    _ref("account_id", "accounts"),
    Column("subject", Text, nullable=False),
    Column("status", String(10), nullable=False),
    Column("team", String(40), ForeignKey("teams.name"), nullable=False),
    _ref("accountable_id", "people"),  # never empty: somebody answers for every thread
    Column("claimed_at", UtcDateTime),
    Column("snoozed_until", UtcDateTime),
    Column("decided_by", String(12), nullable=False),
    Column("priority", String(8), nullable=False),
    Column("policy", String(60)),
    Column("tags", JSON, nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    Column("last_message_at", UtcDateTime, nullable=False),
    Column("last_in_at", UtcDateTime),
    Column("last_out_at", UtcDateTime),
    Column("messages", Integer, nullable=False),
    _ref("merged_into_id", "threads", null=True),
    Column("version", Integer, nullable=False, server_default="1"),
    _secret(),
    Column("due_at", UtcDateTime, default=NO_CLOCK),  # kept by store/urgency.py
    Column("at_risk", Boolean, default=False),
    _one_of("status", "open", "waiting", "snoozed", "closed"),
    _one_of("priority", "low", "normal", "high", "urgent"),
    _one_of("decided_by", "rule", "classifier", "fallback", "person"),
    Index("ix_threads_account_id_last_message_at", "account_id", "last_message_at"),
    Index("ix_threads_last_message_at", "last_message_at", "id"),
    Index("ix_threads_team_last_message_at", "team", "last_message_at"),
    # A team's closed threads are many and its snoozed ones few: each status has its own order.
    Index("ix_threads_team_status_last_message_at", "team", "status", "last_message_at", "id"),
    _index_where("ix_threads_unclosed", "accountable_id", "team", where="status <> 'closed'"),
    _index_where("ix_threads_snoozed", "snoozed_until", where="snoozed_until IS NOT NULL"),
    # The counts beside every list are read from here alone.
    _index_where(
        "ix_threads_counts", "team", "status", "confidential", where="merged_into_id IS NULL"
    ),
    Index(  # few are: what somebody does not see is found here
        "ix_threads_confidential",
        "team",
        "accountable_id",
        "id",
        sqlite_where=text("confidential = 1"),
        postgresql_where=text("confidential"),
    ),
)

# Every id of every References and In-Reply-To, seen or not, under the account it was used in:
# joining is one look-up, in any order of arrival, and never crosses an account.
thread_ids = Table(
    "thread_ids",
    metadata,
    Column("account_id", Key, ForeignKey("accounts.id"), primary_key=True),
    Column("mail_id", String(1000), primary_key=True),
    _ref("thread_id", "threads", index=True),
    Index("ix_thread_ids_mail_id", "mail_id"),
)

thread_links = Table(
    "thread_links",
    metadata,
    Column("thread_id", Key, ForeignKey("threads.id"), primary_key=True),
    Column("other_id", Key, ForeignKey("threads.id"), primary_key=True, index=True),
    Column("why", String(40), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

messages = Table(
    "messages",
    metadata,
    _id(),
    _ref("thread_id", "threads"),
    _ref("account_id", "accounts"),
    _ref("contact_id", "contacts", null=True, index=True),
    _ref("raw_id", "raw_mail"),
    Column("direction", String(3), nullable=False),
    Column("mail_id", String(1000)),  # Message-ID without brackets
    Column("content_hash", String(64), nullable=False),
    Column("parents", JSON, nullable=False),  # References and In-Reply-To, for the tree
    Column("subject", Text, nullable=False),
    Column("from_name", Text, nullable=False),
    Column("from_address", String(520), nullable=False, index=True),
    Column("recipients", JSON, nullable=False),  # {"to": [[name, address]], "cc": [...], ...}
    Column("sent_at", UtcDateTime),  # the Date field, which the sender may set to anything
    Column("received_at", UtcDateTime, nullable=False),
    Column("size", Integer, nullable=False),
    Column("text", Text, nullable=False),
    Column("visible_text", Text, nullable=False),
    Column("has_html", Boolean, nullable=False),
    Column("language", String(8)),
    Column("automatic", String(16), nullable=False),
    Column("may_answer", Boolean, nullable=False),
    Column("verified", String(12), nullable=False),  # unknown until mail is authenticated
    Column("extras", JSON, nullable=False),  # bounce, calendar, forwarded, return_on
    Column("defects", JSON, nullable=False),
    _one_of("direction", "in", "out"),
    UniqueConstraint("raw_id"),
    # The same mail by two ways is one message; two workers cannot both file it.
    UniqueConstraint("mail_id", "content_hash"),
    Index("ix_messages_thread_id_received_at", "thread_id", "received_at"),
)

# To whom we wrote in a thread: their answer belongs to it although they are no contact yet.
thread_participants = Table(
    "thread_participants",
    metadata,
    Column("thread_id", Key, ForeignKey("threads.id"), primary_key=True),
    Column("address", String(520), primary_key=True, index=True),
)

attachments = Table(
    "attachments",
    metadata,
    _id(),
    _ref("message_id", "messages", index=True),
    Column("path", String(200), nullable=False),
    Column("name", Text, nullable=False),
    Column("content_type", String(200), nullable=False),
    Column("size", Integer, nullable=False),
    Column("sha256", String(64), nullable=False, index=True),
    Column("inline", Boolean, nullable=False),
    Column("content_id", Text),
    _secret(),
)

# --- Decisions and the timeline --------------------------------------------------------------

assignments = Table(
    "assignments",
    metadata,
    _id(),
    _ref("thread_id", "threads", index=True),
    _ref("message_id", "messages", null=True, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("decided_by", String(12), nullable=False),
    Column("team", String(40), ForeignKey("teams.name"), nullable=False),
    _ref("accountable_id", "people"),
    _ref("by_id", "people", null=True),
    Column("rule", String(120)),
    Column("ruleset", String(64)),
    Column("model", String(64)),
    Column("score", Float),
    Column("decision", JSON, nullable=False),
    Column("facts", JSON, nullable=False),
    _one_of("decided_by", "rule", "classifier", "fallback", "thread", "person"),
)

# Which rule acted on which message: run policies and coverage look here.
rule_hits = Table(
    "rule_hits",
    metadata,
    _id(),
    Column("rule", String(120), nullable=False),
    _ref("thread_id", "threads", index=True),
    _ref("message_id", "messages"),
    Column("at", UtcDateTime, nullable=False),
    Column("decided", Boolean, nullable=False),  # did this rule name the team
    Index("ix_rule_hits_rule_at", "rule", "at"),
)

events = Table(
    "events",
    metadata,
    _id(),
    _ref("account_id", "accounts"),
    _ref("thread_id", "threads", null=True),
    _ref("message_id", "messages", null=True, index=True),
    Column("at", UtcDateTime, nullable=False),
    Column("kind", String(40), nullable=False),
    Column("actor", String(540), nullable=False),
    Column("data", JSON, nullable=False),
    Index("ix_events_account_id_at", "account_id", "at", "id"),
    Index("ix_events_thread_id_at", "thread_id", "at", "id"),
)
