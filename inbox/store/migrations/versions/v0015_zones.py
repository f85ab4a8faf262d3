"""The time zone of a person.

Revision 0015, after 0014.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A zone, none to begin with: `teams.yaml` says it when it is next put in force."""
    op.add_column("people", sa.Column("zone", sa.String(60)))


def downgrade() -> None:
    """Days and times are UTC again."""
    with op.batch_alter_table("people") as batch:
        batch.drop_column("zone")
