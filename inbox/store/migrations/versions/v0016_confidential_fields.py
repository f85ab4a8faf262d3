"""The confidential fields of accounts and contacts that a person does not see.

Revision 0016, after 0015.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nothing is withheld to begin with: `teams.yaml` says it when it is next put in force."""
    op.add_column("people", sa.Column("withheld", sa.JSON()))


def downgrade() -> None:
    """Everybody sees every field again."""
    with op.batch_alter_table("people") as batch:
        batch.drop_column("withheld")
