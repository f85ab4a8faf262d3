"""Clocks, ownership and sending: targets, handoffs, absences, outbox, planned follow-ups.

Revision 0004, after 0003.
"""

import sqlalchemy as sa
from alembic import op

from inbox.store import columns

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _threads_and_contacts()
    _signing_keys()
    _absences()
    _targets()
    _target_steps()
    _handoffs()
    _outbox()
    _outbox_recipients()
    _sequences()
    _planned()


def _threads_and_contacts() -> None:
    op.add_column(
        "contact_addresses", sa.Column("bounced_at", columns.UtcDateTime(), nullable=True)
    )
    op.add_column(
        "contact_addresses", sa.Column("bounce_status", sa.String(length=12), nullable=True)
    )
    op.add_column("threads", sa.Column("snoozed_until", columns.UtcDateTime(), nullable=True))
    op.create_index(
        "ix_threads_snoozed",
        "threads",
        ["snoozed_until"],
        unique=False,
        sqlite_where=sa.text("snoozed_until IS NOT NULL"),
        postgresql_where=sa.text("snoozed_until IS NOT NULL"),
    )
    op.add_column("team_members", sa.Column("given_at", columns.UtcDateTime(), nullable=True))
    op.create_index(
        "ix_threads_unclosed",
        "threads",
        ["accountable_id", "team"],
        unique=False,
        sqlite_where=sa.text("status <> 'closed'"),
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.create_index(
        "ix_threads_team_status_last_message_at",
        "threads",
        ["team", "status", "last_message_at", "id"],
        unique=False,
    )


def _signing_keys() -> None:
    op.create_table(
        "signing_keys",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signing_keys")),
    )


def _absences() -> None:
    op.create_table(
        "absences",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("person_id", columns.Key, nullable=False),
        sa.Column("from_at", columns.UtcDateTime(), nullable=False),
        sa.Column("until_at", columns.UtcDateTime(), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.CheckConstraint(
            "until_at IS NULL OR until_at > from_at", name=op.f("ck_absences_order")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_absences_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
    )
    op.create_index(op.f("ix_absences_person_id"), "absences", ["person_id"], unique=False)


def _targets() -> None:
    op.create_table(
        "targets",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("thread_id", columns.Key, nullable=False),
        sa.Column("metric", sa.String(length=20), nullable=False),
        sa.Column("cycle", columns.Key, nullable=False),
        sa.Column("policy", sa.String(length=60), nullable=False),
        sa.Column("policy_set", sa.String(length=64), nullable=False),
        sa.Column("team", sa.String(length=40), nullable=False),
        sa.Column("opened_at", columns.UtcDateTime(), nullable=False),
        sa.Column("due_at", columns.UtcDateTime(), nullable=True),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("breached_at", columns.UtcDateTime(), nullable=True),
        sa.Column("paused_at", columns.UtcDateTime(), nullable=True),
        sa.Column("used_seconds", sa.Integer(), nullable=False),
        sa.Column("resumed_at", columns.UtcDateTime(), nullable=False),
        sa.Column("settled_at", columns.UtcDateTime(), nullable=True),
        sa.Column("next_at", columns.UtcDateTime(), nullable=True),
        sa.Column("next_step", sa.String(length=80), nullable=True),
        sa.CheckConstraint(
            "(state IN ('met', 'stopped')) = (settled_at IS NOT NULL)",
            name=op.f("ck_targets_settled"),
        ),
        sa.CheckConstraint(
            "metric IN ('first_response', 'next_response', 'resolution',"
            " 'handoff_acceptance', 'untouched')",
            name=op.f("ck_targets_metric"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'paused', 'met', 'stopped')", name=op.f("ck_targets_state")
        ),
        sa.ForeignKeyConstraint(["cycle"], ["events.id"], name=op.f("fk_targets_cycle")),
        sa.ForeignKeyConstraint(["team"], ["teams.name"], name=op.f("fk_targets_team")),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name=op.f("fk_targets_thread_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_targets")),
        sa.UniqueConstraint(
            "thread_id", "metric", "cycle", name=op.f("uq_targets_thread_id_metric_cycle")
        ),
    )
    op.create_index(
        "ix_targets_due",
        "targets",
        ["next_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'open' AND next_at IS NOT NULL"),
        postgresql_where=sa.text("state = 'open' AND next_at IS NOT NULL"),
    )


def _target_steps() -> None:
    op.create_table(
        "target_steps",
        sa.Column("target_id", columns.Key, nullable=False),
        sa.Column("step", sa.String(length=80), nullable=False),
        sa.Column("due_at", columns.UtcDateTime(), nullable=False),
        sa.Column("fired_at", columns.UtcDateTime(), nullable=False),
        sa.Column("node", sa.String(length=80), nullable=False),
        sa.Column("skipped", sa.String(length=40), nullable=True),
        sa.ForeignKeyConstraint(
            ["target_id"], ["targets.id"], name=op.f("fk_target_steps_target_id")
        ),
        sa.PrimaryKeyConstraint("target_id", "step", name=op.f("pk_target_steps")),
    )


def _handoffs() -> None:
    op.create_table(
        "handoffs",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("thread_id", columns.Key, nullable=False),
        sa.Column("from_team", sa.String(length=40), nullable=False),
        sa.Column("to_team", sa.String(length=40), nullable=False),
        sa.Column("by_id", columns.Key, nullable=False),
        sa.Column("giver_id", columns.Key, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("asks", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("offered_at", columns.UtcDateTime(), nullable=False),
        sa.Column("settled_at", columns.UtcDateTime(), nullable=True),
        sa.Column("settled_by_id", columns.Key, nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('offered', 'accepted', 'declined', 'returned', 'withdrawn')",
            name=op.f("ck_handoffs_state"),
        ),
        sa.CheckConstraint("from_team <> to_team", name=op.f("ck_handoffs_teams")),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name=op.f("fk_handoffs_by_id")),
        sa.ForeignKeyConstraint(["from_team"], ["teams.name"], name=op.f("fk_handoffs_from_team")),
        sa.ForeignKeyConstraint(["giver_id"], ["people.id"], name=op.f("fk_handoffs_giver_id")),
        sa.ForeignKeyConstraint(
            ["settled_by_id"], ["people.id"], name=op.f("fk_handoffs_settled_by_id")
        ),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name=op.f("fk_handoffs_thread_id")),
        sa.ForeignKeyConstraint(["to_team"], ["teams.name"], name=op.f("fk_handoffs_to_team")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handoffs")),
    )
    op.create_index(op.f("ix_handoffs_thread_id"), "handoffs", ["thread_id"], unique=False)
    op.create_index(
        "uq_handoffs_offered",
        "handoffs",
        ["thread_id"],
        unique=True,
        sqlite_where=sa.text("state = 'offered'"),
        postgresql_where=sa.text("state = 'offered'"),
    )


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("key", sa.String(length=400), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("template", sa.String(length=80), nullable=True),
        sa.Column("thread_id", columns.Key, nullable=True),
        sa.Column("account_id", columns.Key, nullable=True),
        sa.Column("by_id", columns.Key, nullable=True),
        sa.Column("answers_id", columns.Key, nullable=True),
        sa.Column("message_id", columns.Key, nullable=True),
        sa.Column("raw_id", columns.Key, nullable=False),
        sa.Column("mail_id", sa.String(length=1000), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("reverse_path", sa.String(length=520), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("phase", sa.String(length=10), nullable=True),
        sa.Column("cancel_if_answered", sa.Boolean(), nullable=False),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.Column("run_after", columns.UtcDateTime(), nullable=False),
        sa.Column("expires_at", columns.UtcDateTime(), nullable=False),
        sa.Column("settled_at", columns.UtcDateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("leased_by", sa.String(length=80), nullable=True),
        sa.Column("leased_until", columns.UtcDateTime(), nullable=True),
        sa.Column("fence", sa.Integer(), server_default="0", nullable=False),
        sa.Column("cause", sa.String(length=60), nullable=True),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('automatic', 'reply', 'notice')", name=op.f("ck_outbox_kind")),
        sa.CheckConstraint(
            "phase IN ('connect', 'envelope', 'data', 'dot')", name=op.f("ck_outbox_phase")
        ),
        sa.CheckConstraint(
            "state IN ('held', 'queued', 'sending', 'sent', 'failed', 'uncertain',"
            " 'cancelled', 'expired')",
            name=op.f("ck_outbox_state"),
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_outbox_account_id")),
        sa.ForeignKeyConstraint(["answers_id"], ["messages.id"], name=op.f("fk_outbox_answers_id")),
        sa.ForeignKeyConstraint(["by_id"], ["people.id"], name=op.f("fk_outbox_by_id")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_outbox_message_id")),
        sa.ForeignKeyConstraint(["raw_id"], ["raw_mail.id"], name=op.f("fk_outbox_raw_id")),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name=op.f("fk_outbox_thread_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("key", name=op.f("uq_outbox_key")),
        sa.UniqueConstraint("mail_id", name=op.f("uq_outbox_mail_id")),
    )
    op.create_index(op.f("ix_outbox_account_id"), "outbox", ["account_id"], unique=False)
    op.create_index(
        "ix_outbox_due",
        "outbox",
        ["run_after", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'sending')"),
        postgresql_where=sa.text("state IN ('queued', 'sending')"),
    )
    op.create_index(op.f("ix_outbox_message_id"), "outbox", ["message_id"], unique=False)
    op.create_index(
        "ix_outbox_open",
        "outbox",
        ["state", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('held', 'failed', 'uncertain')"),
        postgresql_where=sa.text("state IN ('held', 'failed', 'uncertain')"),
    )
    op.create_index(op.f("ix_outbox_raw_id"), "outbox", ["raw_id"], unique=False)
    op.create_index(op.f("ix_outbox_thread_id"), "outbox", ["thread_id"], unique=False)


def _outbox_recipients() -> None:
    op.create_table(
        "outbox_recipients",
        sa.Column("item_id", columns.Key, nullable=False),
        sa.Column("address", sa.String(length=520), nullable=False),
        sa.Column("field", sa.String(length=3), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("code", sa.Integer(), nullable=True),
        sa.Column("status", sa.String(length=12), nullable=True),
        sa.Column("reply", sa.Text(), nullable=True),
        sa.Column("at", columns.UtcDateTime(), nullable=True),
        sa.CheckConstraint("field IN ('to', 'cc', 'bcc')", name=op.f("ck_outbox_recipients_field")),
        sa.CheckConstraint(
            "state IN ('pending', 'accepted', 'refused', 'bounced')",
            name=op.f("ck_outbox_recipients_state"),
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["outbox.id"], name=op.f("fk_outbox_recipients_item_id")
        ),
        sa.PrimaryKeyConstraint("item_id", "address", name=op.f("pk_outbox_recipients")),
    )
    op.create_index(
        op.f("ix_outbox_recipients_address"), "outbox_recipients", ["address"], unique=False
    )


def _sequences() -> None:
    op.create_table(
        "sequences",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("account_id", columns.Key, nullable=False),
        sa.Column("thread_id", columns.Key, nullable=True),
        sa.Column("cycle", columns.Key, nullable=False),
        sa.Column("recipient", sa.String(length=520), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("started_at", columns.UtcDateTime(), nullable=False),
        sa.Column("ended_at", columns.UtcDateTime(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('running', 'paused', 'cancelled', 'done')", name=op.f("ck_sequences_state")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name=op.f("fk_sequences_account_id")
        ),
        sa.ForeignKeyConstraint(["cycle"], ["events.id"], name=op.f("fk_sequences_cycle")),
        sa.ForeignKeyConstraint(["thread_id"], ["threads.id"], name=op.f("fk_sequences_thread_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sequences")),
        sa.UniqueConstraint(
            "name", "cycle", "recipient", name=op.f("uq_sequences_name_cycle_recipient")
        ),
    )
    op.create_index(op.f("ix_sequences_account_id"), "sequences", ["account_id"], unique=False)
    op.create_index(op.f("ix_sequences_thread_id"), "sequences", ["thread_id"], unique=False)


def _planned() -> None:
    op.create_table(
        "planned",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("sequence_id", columns.Key, nullable=False),
        sa.Column("step", sa.String(length=80), nullable=False),
        sa.Column("template", sa.String(length=80), nullable=False),
        sa.Column("asks", sa.Boolean(), nullable=False),
        sa.Column("due_at", columns.UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("edited", sa.JSON(), nullable=True),
        sa.Column("item_id", columns.Key, nullable=True),
        sa.Column("settled_at", columns.UtcDateTime(), nullable=True),
        sa.Column("why", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('planned', 'paused', 'queued', 'cancelled', 'skipped')",
            name=op.f("ck_planned_state"),
        ),
        sa.ForeignKeyConstraint(["item_id"], ["outbox.id"], name=op.f("fk_planned_item_id")),
        sa.ForeignKeyConstraint(
            ["sequence_id"], ["sequences.id"], name=op.f("fk_planned_sequence_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_planned")),
        sa.UniqueConstraint("sequence_id", "step", name=op.f("uq_planned_sequence_id_step")),
    )
    op.create_index(
        "ix_planned_due",
        "planned",
        ["due_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'planned'"),
        postgresql_where=sa.text("state = 'planned'"),
    )


def downgrade() -> None:
    op.drop_table("planned")
    op.drop_table("sequences")
    op.drop_table("outbox_recipients")
    op.drop_table("outbox")
    op.drop_table("handoffs")
    op.drop_table("target_steps")
    op.drop_table("targets")
    op.drop_table("absences")
    op.drop_table("signing_keys")
    op.drop_index("ix_threads_team_status_last_message_at", table_name="threads")
    op.drop_index(
        "ix_threads_unclosed",
        table_name="threads",
        sqlite_where=sa.text("status <> 'closed'"),
        postgresql_where=sa.text("status <> 'closed'"),
    )
    op.drop_index(
        "ix_threads_snoozed",
        table_name="threads",
        sqlite_where=sa.text("snoozed_until IS NOT NULL"),
        postgresql_where=sa.text("snoozed_until IS NOT NULL"),
    )
    op.drop_column("team_members", "given_at")
    op.drop_column("threads", "snoozed_until")
    op.drop_column("contact_addresses", "bounce_status")
    op.drop_column("contact_addresses", "bounced_at")
