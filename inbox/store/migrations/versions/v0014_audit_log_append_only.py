"""The audit log is only added to.

Revision 0014, after 0013.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

SAID = "rows of the audit log are only added"
SQLITE = {
    "update": "BEFORE UPDATE ON audit_log",
    "delete": "BEFORE DELETE ON audit_log",
    "replace": "BEFORE INSERT ON audit_log WHEN EXISTS (SELECT 1 FROM audit_log WHERE id = NEW.id)",
}


def upgrade() -> None:
    """Triggers that refuse anything else."""
    if op.get_bind().dialect.name == "sqlite":
        for name, when in SQLITE.items():
            op.execute(
                sa.text(
                    f"CREATE TRIGGER audit_log_no_{name} {when}"
                    f" BEGIN SELECT RAISE(ABORT, '{SAID}'); END"
                )
            )
        return
    op.execute(
        sa.text(
            "CREATE OR REPLACE FUNCTION audit_log_append_only() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN RAISE EXCEPTION '{SAID}' USING ERRCODE = 'restrict_violation'; END $$"
        )
    )
    for name, deeds, each in (
        ("append_only", "UPDATE OR DELETE", "ROW"),
        ("no_truncate", "TRUNCATE", "STATEMENT"),
    ):
        op.execute(
            sa.text(
                f"CREATE TRIGGER audit_log_{name} BEFORE {deeds} ON audit_log"
                f" FOR EACH {each} EXECUTE FUNCTION audit_log_append_only()"
            )
        )


def downgrade() -> None:
    """It is a table like any other."""
    if op.get_bind().dialect.name == "sqlite":
        for name in SQLITE:
            op.execute(sa.text(f"DROP TRIGGER audit_log_no_{name}"))
        return
    for name in ("append_only", "no_truncate"):
        op.execute(sa.text(f"DROP TRIGGER audit_log_{name} ON audit_log"))
    op.execute(sa.text("DROP FUNCTION audit_log_append_only"))
