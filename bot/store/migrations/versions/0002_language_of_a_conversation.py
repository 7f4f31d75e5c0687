"""language of a conversation"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("chat_session") as batch_op:
        batch_op.add_column(
            sa.Column("language", sa.String(length=8), nullable=False, server_default="sv")
        )


def downgrade() -> None:
    with op.batch_alter_table("chat_session") as batch_op:
        batch_op.drop_column("language")
