"""Intake ledger, accounts, threads, messages, decisions and the timeline.

Revision 0001, the first.
"""

import sqlalchemy as sa
from alembic import op

from inbox.store import columns

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# As they were at this version; `search.py` has them as they are now.
CREATE_SQLITE = (
    "CREATE VIRTUAL TABLE search_index USING fts5"
    "(words, content='', columnsize=0, tokenize=\"unicode61 remove_diacritics 0\")",
)
CREATE_POSTGRESQL = (
    "CREATE TABLE search_index (message_id bigint NOT NULL, piece integer NOT NULL,"
    " words tsvector NOT NULL, PRIMARY KEY (message_id, piece))",
    "CREATE INDEX ix_search_index_words ON search_index USING gin (words)",
    "CREATE INDEX ix_search_index_long ON search_index (message_id) WHERE piece = 1",
)
DROP = ("DROP TABLE search_index",)


def upgrade() -> None:
    sqlite = op.get_bind().dialect.name == "sqlite"
    for statement in CREATE_SQLITE if sqlite else CREATE_POSTGRESQL:
        op.execute(statement)
    op.create_table(
        "accounts",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("tier", sa.String(length=60), nullable=True),
        sa.Column("stage", sa.String(length=60), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("merged_into_id", columns.Key, nullable=True),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.Column("last_event_at", columns.UtcDateTime(), nullable=False),
        sa.CheckConstraint("kind IN ('customer', 'internal')", name=op.f("ck_accounts_kind")),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["accounts.id"], name=op.f("fk_accounts_merged_into_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
    )
    op.create_index(op.f("ix_accounts_last_event_at"), "accounts", ["last_event_at"], unique=False)
    op.create_index(
        op.f("ix_accounts_merged_into_id"), "accounts", ["merged_into_id"], unique=False
    )
    op.create_index(
        "uq_accounts_internal",
        "accounts",
        ["kind"],
        unique=True,
        sqlite_where=sa.text("kind = 'internal'"),
        postgresql_where=sa.text("kind = 'internal'"),
    )
    op.create_table(
        "active_sets",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("activated_at", columns.UtcDateTime(), nullable=False),
        sa.Column("problems", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("kind", name=op.f("pk_active_sets")),
    )
    op.create_table(
        "config_sets",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("files", sa.JSON(), nullable=False),
        sa.Column("first_active_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("hash", "kind", name=op.f("pk_config_sets")),
    )
    op.create_table(
        "people",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("handle", sa.String(length=80), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("address", sa.String(length=320), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.CheckConstraint("role IN ('agent', 'lead', 'admin')", name=op.f("ck_people_role")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("handle", name=op.f("uq_people_handle")),
    )
    op.create_index(op.f("ix_people_address"), "people", ["address"], unique=False)
    op.create_table(
        "raw_mail",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("packing", sa.String(length=8), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("stored_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_raw_mail")),
        sa.UniqueConstraint("sha256", name=op.f("uq_raw_mail_sha256")),
    )
    op.create_table(
        "tallies",
        sa.Column("node", sa.String(length=80), nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("accepted", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("node", "source", name=op.f("pk_tallies")),
    )
    op.create_table(
        "account_domains",
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("account_id", columns.Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_account_domains_account_id")
        ),
        sa.PrimaryKeyConstraint("domain", name=op.f("pk_account_domains")),
    )
    op.create_index(
        op.f("ix_account_domains_account_id"), "account_domains", ["account_id"], unique=False
    )
    op.create_table(
        "contacts",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("account_id", columns.Key, nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("role", sa.String(length=60), nullable=True),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_contacts_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
    )
    op.create_index(op.f("ix_contacts_account_id"), "contacts", ["account_id"], unique=False)
    op.create_table(
        "teams",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("duty_id", columns.Key, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["duty_id"], ["people.id"], name=op.f("fk_teams_duty_id")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_teams")),
    )
    op.create_table(
        "account_owners",
        sa.Column("account_id", columns.Key, nullable=False),
        sa.Column("team", sa.String(length=40), nullable=False),
        sa.Column("person_id", columns.Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_account_owners_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_account_owners_person_id")
        ),
        sa.ForeignKeyConstraint(["team"], ["teams.name"], name=op.f("fk_account_owners_team")),
        sa.PrimaryKeyConstraint("account_id", "team", name=op.f("pk_account_owners")),
    )
    op.create_table(
        "contact_addresses",
        sa.Column("address", sa.String(length=520), nullable=False),
        sa.Column("contact_id", columns.Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_contact_addresses_contact_id")
        ),
        sa.PrimaryKeyConstraint("address", name=op.f("pk_contact_addresses")),
    )
    op.create_index(
        op.f("ix_contact_addresses_contact_id"), "contact_addresses", ["contact_id"], unique=False
    )
    op.create_table(
        "team_members",
        sa.Column("team", sa.String(length=40), nullable=False),
        sa.Column("person_id", columns.Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.id"], name=op.f("fk_team_members_person_id")
        ),
        sa.ForeignKeyConstraint(["team"], ["teams.name"], name=op.f("fk_team_members_team")),
        sa.PrimaryKeyConstraint("team", "person_id", name=op.f("pk_team_members")),
    )
    op.create_table(
        "threads",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("account_id", columns.Key, nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("team", sa.String(length=40), nullable=False),
        sa.Column("accountable_id", columns.Key, nullable=False),
        sa.Column("claimed_at", columns.UtcDateTime(), nullable=True),
        sa.Column("decided_by", sa.String(length=12), nullable=False),
        sa.Column("priority", sa.String(length=8), nullable=False),
        sa.Column("policy", sa.String(length=60), nullable=True),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("opened_at", columns.UtcDateTime(), nullable=False),
        sa.Column("last_message_at", columns.UtcDateTime(), nullable=False),
        sa.Column("last_in_at", columns.UtcDateTime(), nullable=True),
        sa.Column("last_out_at", columns.UtcDateTime(), nullable=True),
        sa.Column("messages", sa.Integer(), nullable=False),
        sa.Column("merged_into_id", columns.Key, nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "decided_by IN ('rule', 'classifier', 'fallback', 'person')",
            name=op.f("ck_threads_decided_by"),
        ),
        sa.CheckConstraint(
            "priority IN ('low', 'normal', 'high', 'urgent')", name=op.f("ck_threads_priority")
        ),
        sa.CheckConstraint(
            "status IN ('open', 'waiting', 'snoozed', 'closed')", name=op.f("ck_threads_status")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_threads_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["accountable_id"], ["people.id"], name=op.f("fk_threads_accountable_id")
        ),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["threads.id"], name=op.f("fk_threads_merged_into_id")
        ),
        sa.ForeignKeyConstraint(["team"], ["teams.name"], name=op.f("fk_threads_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_threads")),
    )
    op.create_index(
        "ix_threads_account_id_last_message_at",
        "threads",
        ["account_id", "last_message_at"],
        unique=False,
    )
    op.create_index(
        "ix_threads_last_message_at", "threads", ["last_message_at", "id"], unique=False
    )
    op.create_index(op.f("ix_threads_merged_into_id"), "threads", ["merged_into_id"], unique=False)
    op.create_index(
        "ix_threads_counts",
        "threads",
        ["team", "status"],
        unique=False,
        sqlite_where=sa.text("merged_into_id IS NULL"),
        postgresql_where=sa.text("merged_into_id IS NULL"),
    )
    op.create_index(
        "ix_threads_team_last_message_at", "threads", ["team", "last_message_at"], unique=False
    )
    op.create_table(
        "messages",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("thread_id", columns.Key, nullable=False),
        sa.Column("account_id", columns.Key, nullable=False),
        sa.Column("contact_id", columns.Key, nullable=True),
        sa.Column("raw_id", columns.Key, nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("mail_id", sa.String(length=1000), nullable=True),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("parents", sa.JSON(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("from_name", sa.Text(), nullable=False),
        sa.Column("from_address", sa.String(length=520), nullable=False),
        sa.Column("recipients", sa.JSON(), nullable=False),
        sa.Column("sent_at", columns.UtcDateTime(), nullable=True),
        sa.Column("received_at", columns.UtcDateTime(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("visible_text", sa.Text(), nullable=False),
        sa.Column("has_html", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=True),
        sa.Column("automatic", sa.String(length=16), nullable=False),
        sa.Column("may_answer", sa.Boolean(), nullable=False),
        sa.Column("verified", sa.String(length=12), nullable=False),
        sa.Column("extras", sa.JSON(), nullable=False),
        sa.Column("defects", sa.JSON(), nullable=False),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_messages_direction")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_messages_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_messages_contact_id")
        ),
        sa.ForeignKeyConstraint(["raw_id"], ["raw_mail.id"], name=op.f("fk_messages_raw_id")),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name=op.f("fk_messages_thread_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint(
            "mail_id", "content_hash", name=op.f("uq_messages_mail_id_content_hash")
        ),
        sa.UniqueConstraint("raw_id", name=op.f("uq_messages_raw_id")),
    )
    op.create_index(op.f("ix_messages_contact_id"), "messages", ["contact_id"], unique=False)
    op.create_index(op.f("ix_messages_from_address"), "messages", ["from_address"], unique=False)
    op.create_index(
        "ix_messages_thread_id_received_at", "messages", ["thread_id", "received_at"], unique=False
    )
    op.create_table(
        "thread_ids",
        sa.Column("account_id", columns.Key, nullable=False),
        sa.Column("mail_id", sa.String(length=1000), nullable=False),
        sa.Column("thread_id", columns.Key, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_thread_ids_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["threads.id"], name=op.f("fk_thread_ids_thread_id")
        ),
        sa.PrimaryKeyConstraint("account_id", "mail_id", name=op.f("pk_thread_ids")),
    )
    op.create_index("ix_thread_ids_mail_id", "thread_ids", ["mail_id"], unique=False)
    op.create_index(op.f("ix_thread_ids_thread_id"), "thread_ids", ["thread_id"], unique=False)
    op.create_table(
        "thread_links",
        sa.Column("thread_id", columns.Key, nullable=False),
        sa.Column("other_id", columns.Key, nullable=False),
        sa.Column("why", sa.String(length=40), nullable=False),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["other_id"], ["threads.id"], name=op.f("fk_thread_links_other_id")
        ),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["threads.id"], name=op.f("fk_thread_links_thread_id")
        ),
        sa.PrimaryKeyConstraint("thread_id", "other_id", name=op.f("pk_thread_links")),
    )
    op.create_index(op.f("ix_thread_links_other_id"), "thread_links", ["other_id"], unique=False)
    op.create_table(
        "thread_participants",
        sa.Column("thread_id", columns.Key, nullable=False),
        sa.Column("address", sa.String(length=520), nullable=False),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["threads.id"], name=op.f("fk_thread_participants_thread_id")
        ),
        sa.PrimaryKeyConstraint("thread_id", "address", name=op.f("pk_thread_participants")),
    )
    op.create_index(
        op.f("ix_thread_participants_address"), "thread_participants", ["address"], unique=False
    )
    op.create_table(
        "assignments",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("thread_id", columns.Key, nullable=False),
        sa.Column("message_id", columns.Key, nullable=True),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.Column("decided_by", sa.String(length=12), nullable=False),
        sa.Column("team", sa.String(length=40), nullable=False),
        sa.Column("accountable_id", columns.Key, nullable=False),
        sa.Column("by_id", columns.Key, nullable=True),
        sa.Column("rule", sa.String(length=120), nullable=True),
        sa.Column("ruleset", sa.String(length=64), nullable=True),
        sa.Column("model", sa.String(length=64), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("decision", sa.JSON(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.CheckConstraint(
            "decided_by IN ('rule', 'classifier', 'fallback', 'thread', 'person')",
            name=op.f("ck_assignments_decided_by"),
        ),
        sa.ForeignKeyConstraint(
            ["accountable_id"], ["people.id"], name=op.f("fk_assignments_accountable_id")
        ),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name=op.f("fk_assignments_by_id")),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_assignments_message_id")
        ),
        sa.ForeignKeyConstraint(["team"], ["teams.name"], name=op.f("fk_assignments_team")),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["threads.id"], name=op.f("fk_assignments_thread_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignments")),
    )
    op.create_index(op.f("ix_assignments_message_id"), "assignments", ["message_id"], unique=False)
    op.create_index(op.f("ix_assignments_thread_id"), "assignments", ["thread_id"], unique=False)
    op.create_table(
        "attachments",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("message_id", columns.Key, nullable=False),
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.String(length=200), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("inline", sa.Boolean(), nullable=False),
        sa.Column("content_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_attachments_message_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
    )
    op.create_index(op.f("ix_attachments_message_id"), "attachments", ["message_id"], unique=False)
    op.create_index(op.f("ix_attachments_sha256"), "attachments", ["sha256"], unique=False)
    op.create_table(
        "events",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("account_id", columns.Key, nullable=False),
        sa.Column("thread_id", columns.Key, nullable=True),
        sa.Column("message_id", columns.Key, nullable=True),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("actor", sa.String(length=540), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_events_account_id")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_events_message_id")),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name=op.f("fk_events_thread_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
    )
    op.create_index("ix_events_account_id_at", "events", ["account_id", "at", "id"], unique=False)
    op.create_index(op.f("ix_events_message_id"), "events", ["message_id"], unique=False)
    op.create_index("ix_events_thread_id_at", "events", ["thread_id", "at", "id"], unique=False)
    op.create_table(
        "ledger",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("raw_id", columns.Key, nullable=False),
        sa.Column("source", sa.String(length=8), nullable=False),
        sa.Column("origin", sa.String(length=400), nullable=True),
        sa.Column("node", sa.String(length=80), nullable=False),
        sa.Column("reverse_path", sa.Text(), nullable=True),
        sa.Column("forward_paths", sa.JSON(), nullable=False),
        sa.Column("peer", sa.String(length=200), nullable=False),
        sa.Column("sent", sa.Boolean(), nullable=False),
        sa.Column("dated", sa.Boolean(), nullable=False),
        sa.Column("accepted_at", columns.UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("settled_at", columns.UtcDateTime(), nullable=True),
        sa.Column("message_id", columns.Key, nullable=True),
        sa.Column("cause", sa.String(length=60), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("run_after", columns.UtcDateTime(), nullable=False),
        sa.Column("leased_by", sa.String(length=80), nullable=True),
        sa.Column("leased_until", columns.UtcDateTime(), nullable=True),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("source IN ('smtp', 'imap', 'file')", name=op.f("ck_ledger_source")),
        sa.CheckConstraint(
            "state <> 'quarantined' OR cause IS NOT NULL", name=op.f("ck_ledger_cause")
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'filed', 'duplicate', 'quarantined')",
            name=op.f("ck_ledger_state"),
        ),
        sa.CheckConstraint(
            "state NOT IN ('filed', 'duplicate') OR message_id IS NOT NULL",
            name=op.f("ck_ledger_message"),
        ),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_ledger_message_id")),
        sa.ForeignKeyConstraint(["raw_id"], ["raw_mail.id"], name=op.f("fk_ledger_raw_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger")),
        sa.UniqueConstraint("origin", name=op.f("uq_ledger_origin")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_ledger_message_id"), "ledger", ["message_id"], unique=False)
    op.create_index(
        "ix_ledger_pending",
        "ledger",
        ["run_after", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_ledger_quarantined",
        "ledger",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'quarantined'"),
        postgresql_where=sa.text("state = 'quarantined'"),
    )
    op.create_index(op.f("ix_ledger_raw_id"), "ledger", ["raw_id"], unique=False)
    op.create_table(
        "rule_hits",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("rule", sa.String(length=120), nullable=False),
        sa.Column("thread_id", columns.Key, nullable=False),
        sa.Column("message_id", columns.Key, nullable=False),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.Column("decided", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["messages.id"], name=op.f("fk_rule_hits_message_id")
        ),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name=op.f("fk_rule_hits_thread_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_hits")),
    )
    op.create_index("ix_rule_hits_rule_at", "rule_hits", ["rule", "at"], unique=False)
    op.create_index(op.f("ix_rule_hits_thread_id"), "rule_hits", ["thread_id"], unique=False)


def downgrade() -> None:
    for statement in DROP:
        op.execute(statement)
    op.drop_index(op.f("ix_rule_hits_thread_id"), table_name="rule_hits")
    op.drop_index("ix_rule_hits_rule_at", table_name="rule_hits")
    op.drop_table("rule_hits")
    op.drop_index(op.f("ix_ledger_raw_id"), table_name="ledger")
    op.drop_index(
        "ix_ledger_quarantined",
        table_name="ledger",
        sqlite_where=sa.text("state = 'quarantined'"),
        postgresql_where=sa.text("state = 'quarantined'"),
    )
    op.drop_index(
        "ix_ledger_pending",
        table_name="ledger",
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_index(op.f("ix_ledger_message_id"), table_name="ledger")
    op.drop_table("ledger")
    op.drop_index("ix_events_thread_id_at", table_name="events")
    op.drop_index(op.f("ix_events_message_id"), table_name="events")
    op.drop_index("ix_events_account_id_at", table_name="events")
    op.drop_table("events")
    op.drop_index(op.f("ix_attachments_sha256"), table_name="attachments")
    op.drop_index(op.f("ix_attachments_message_id"), table_name="attachments")
    op.drop_table("attachments")
    op.drop_index(op.f("ix_assignments_thread_id"), table_name="assignments")
    op.drop_index(op.f("ix_assignments_message_id"), table_name="assignments")
    op.drop_table("assignments")
    op.drop_index(op.f("ix_thread_participants_address"), table_name="thread_participants")
    op.drop_table("thread_participants")
    op.drop_index(op.f("ix_thread_links_other_id"), table_name="thread_links")
    op.drop_table("thread_links")
    op.drop_index(op.f("ix_thread_ids_thread_id"), table_name="thread_ids")
    op.drop_index("ix_thread_ids_mail_id", table_name="thread_ids")
    op.drop_table("thread_ids")
    op.drop_index("ix_messages_thread_id_received_at", table_name="messages")
    op.drop_index(op.f("ix_messages_from_address"), table_name="messages")
    op.drop_index(op.f("ix_messages_contact_id"), table_name="messages")
    op.drop_table("messages")
    op.drop_index("ix_threads_team_last_message_at", table_name="threads")
    op.drop_index(op.f("ix_threads_merged_into_id"), table_name="threads")
    op.drop_index("ix_threads_last_message_at", table_name="threads")
    op.drop_index("ix_threads_account_id_last_message_at", table_name="threads")
    op.drop_index("ix_threads_counts", table_name="threads")
    op.drop_table("threads")
    op.drop_table("team_members")
    op.drop_index(op.f("ix_contact_addresses_contact_id"), table_name="contact_addresses")
    op.drop_table("contact_addresses")
    op.drop_table("account_owners")
    op.drop_table("teams")
    op.drop_index(op.f("ix_contacts_account_id"), table_name="contacts")
    op.drop_table("contacts")
    op.drop_index(op.f("ix_account_domains_account_id"), table_name="account_domains")
    op.drop_table("account_domains")
    op.drop_table("tallies")
    op.drop_table("raw_mail")
    op.drop_table("people")
    op.drop_table("config_sets")
    op.drop_table("active_sets")
    op.drop_index(op.f("ix_accounts_merged_into_id"), table_name="accounts")
    op.drop_index(op.f("ix_accounts_last_event_at"), table_name="accounts")
    op.drop_table("accounts")
