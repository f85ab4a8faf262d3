"""Sign-in and who may see what.

Revision 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

from inbox.store import columns

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

OLD_ROLES = "role IN ('agent', 'lead', 'admin')"
NEW_ROLES = "role IN ('viewer', 'agent', 'lead', 'admin')"
COUNTED = sa.text("merged_into_id IS NULL")


def upgrade() -> None:
    _roles(OLD_ROLES, NEW_ROLES)
    for table in ("threads", "attachments"):
        op.add_column(
            table,
            sa.Column("confidential", sa.Boolean(), server_default=sa.false(), nullable=False),
        )
    op.drop_index("ix_threads_counts", table_name="threads")
    op.create_index(
        "ix_threads_counts",
        "threads",
        ["team", "status", "confidential"],
        sqlite_where=COUNTED,
        postgresql_where=COUNTED,
    )
    op.create_index(
        "ix_threads_confidential",
        "threads",
        ["team", "accountable_id", "id"],
        sqlite_where=sa.text("confidential = 1"),
        postgresql_where=sa.text("confidential"),
    )
    _credentials()
    _one_time_tokens()
    _sessions()
    _sign_in_failures()
    _audit_log()


def _roles(old: str, new: str) -> None:
    """Let the check of `people.role` say `new`. SQLite cannot alter a constraint, and a table that
    others refer to cannot be made anew within a transaction: its text is changed, as
    https://www.sqlite.org/lang_altertable.html describes for checks."""
    conn = op.get_bind()
    if conn.dialect.name != "sqlite":
        op.drop_constraint(op.f("ck_people_role"), "people", type_="check")
        op.create_check_constraint(op.f("ck_people_role"), "people", new)
        return
    op.execute("PRAGMA writable_schema = ON")
    conn.execute(
        sa.text(
            "UPDATE sqlite_master SET sql = replace(sql, :old, :new)"
            " WHERE type = 'table' AND name = 'people'"
        ),
        {"old": old, "new": new},
    )
    op.execute("PRAGMA writable_schema = RESET")


def _credentials() -> None:
    op.create_table(
        "credentials",
        sa.Column("person_id", columns.Key, nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("changed_at", columns.UtcDateTime(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_credentials_person_id"),
        sa.PrimaryKeyConstraint("person_id", name="pk_credentials"),
    )


def _one_time_tokens() -> None:
    op.create_table(
        "one_time_tokens",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", columns.Key, nullable=False),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.Column("expires_at", columns.UtcDateTime(), nullable=False),
        sa.Column("used_at", columns.UtcDateTime(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_one_time_tokens_person_id"),
        sa.PrimaryKeyConstraint("hash", name="pk_one_time_tokens"),
    )
    op.create_index("ix_one_time_tokens_person_id", "one_time_tokens", ["person_id"])


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", columns.Key, nullable=False),
        sa.Column("how", sa.String(length=8), nullable=False),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.Column("seen_at", columns.UtcDateTime(), nullable=False),
        sa.Column("expires_at", columns.UtcDateTime(), nullable=False),
        sa.Column("ended_at", columns.UtcDateTime(), nullable=True),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("agent", sa.String(length=200), nullable=False),
        sa.CheckConstraint("how IN ('password', 'token', 'demo')", name=op.f("ck_sessions_how")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_sessions_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("hash", name="uq_sessions_hash"),
    )
    op.create_index("ix_sessions_person_id", "sessions", ["person_id"])


def _sign_in_failures() -> None:
    op.create_table(
        "sign_in_failures",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("last_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_sign_in_failures"),
    )
    op.create_index("ix_sign_in_failures_last_at", "sign_in_failures", ["last_at"])


def _audit_log() -> None:
    op.create_table(
        "audit_log",
        sa.Column("id", columns.Key, autoincrement=True, nullable=False),
        sa.Column("at", columns.UtcDateTime(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("person_id", columns.Key, nullable=True),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("subject", sa.String(length=400), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name="fk_audit_log_person_id"),
        sa.PrimaryKeyConstraint("id", name="pk_audit_log"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_log_at", "audit_log", ["at", "id"])
    op.create_index("ix_audit_log_person_id", "audit_log", ["person_id", "id"])
    op.create_index("ix_audit_log_kind", "audit_log", ["kind", "id"])


def downgrade() -> None:
    for table in ("audit_log", "sign_in_failures", "sessions", "one_time_tokens", "credentials"):
        op.drop_table(table)
    op.drop_index("ix_threads_confidential", table_name="threads")
    op.drop_index("ix_threads_counts", table_name="threads")
    op.create_index(
        "ix_threads_counts",
        "threads",
        ["team", "status"],
        sqlite_where=COUNTED,
        postgresql_where=COUNTED,
    )
    for name in ("threads", "attachments"):
        op.drop_column(name, "confidential")
    # Who could only read may do as an agent does, rather than be gone: signing in went first.
    op.execute("UPDATE people SET role = 'agent' WHERE role = 'viewer'")
    _roles(NEW_ROLES, OLD_ROLES)
