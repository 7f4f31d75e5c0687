"""transcripts and their review"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
_LEARN = (
    "INSERT INTO transcript_search (rowid, turn_id, stems) "
    "VALUES (new.search_id, new.id, new.stems);"
)
_FORGET = "DELETE FROM transcript_search WHERE rowid = old.search_id;"


def upgrade() -> None:
    op.create_table(
        "content_change",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("path", sa.String(length=120), nullable=False),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("content_change", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_content_change_path"), ["path"], unique=False)

    op.create_table(
        "entry_shown",
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("entry", sa.String(length=60), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("helpful", sa.Integer(), nullable=False),
        sa.Column("unhelpful", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("day", "entry"),
    )
    op.create_table(
        "erased_conversation",
        sa.Column("conversation", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("conversation"),
    )
    with op.batch_alter_table("erased_conversation", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_erased_conversation_at"), ["at"], unique=False)

    op.create_table(
        "ingested_event",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("conversation", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    with op.batch_alter_table("ingested_event", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_ingested_event_at"), ["at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_ingested_event_conversation"), ["conversation"], unique=False
        )

    op.create_table(
        "proposal",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("turn_id", sa.String(length=36), nullable=True),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.String(length=60), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "text", "label"),
    )
    with op.batch_alter_table("proposal", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_proposal_kind"), ["kind"], unique=False)
        batch_op.create_index(batch_op.f("ix_proposal_state"), ["state"], unique=False)

    op.create_table(
        "saved_view",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("owner", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("owner", "name"),
    )
    with op.batch_alter_table("saved_view", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_saved_view_owner"), ["owner"], unique=False)

    op.create_table(
        "training",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("step", sa.String(length=60), nullable=False),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("model_before", sa.String(length=80), nullable=False),
        sa.Column("model_after", sa.String(length=80), nullable=False),
        sa.Column("report", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("training", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_training_state"), ["state"], unique=False)

    op.create_table(
        "transcript",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("session_id", sa.String(length=64), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("turns", sa.Integer(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("feedback", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_by", sa.String(length=60), nullable=True),
        sa.Column("assigned", sa.String(length=60), nullable=True),
        sa.Column("held_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_by", sa.String(length=60), nullable=True),
        sa.Column("held_why", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("transcript", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_transcript_assigned"), ["assigned"], unique=False)
        batch_op.create_index(batch_op.f("ix_transcript_confidence"), ["confidence"], unique=False)
        batch_op.create_index(batch_op.f("ix_transcript_last_at"), ["last_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_transcript_session_id"), ["session_id"], unique=False)

    op.create_table(
        "turn_measure",
        sa.Column("turn_id", sa.String(length=36), nullable=False),
        sa.Column("conversation", sa.String(length=40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("latency_ms", sa.Integer(), nullable=False),
        sa.Column("degraded", sa.Boolean(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("messages", sa.JSON(), nullable=False),
        sa.Column("feedback", sa.Integer(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("turn_id"),
    )
    with op.batch_alter_table("turn_measure", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_turn_measure_at"), ["at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_turn_measure_conversation"), ["conversation"], unique=False
        )

    op.create_table(
        "transcript_flag",
        sa.Column("transcript_id", sa.String(length=40), nullable=False),
        sa.Column("flag", sa.String(length=20), nullable=False),
        sa.ForeignKeyConstraint(["transcript_id"], ["transcript.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("transcript_id", "flag"),
    )
    with op.batch_alter_table("transcript_flag", schema=None) as batch_op:
        batch_op.create_index("transcript_flag_flag", ["flag", "transcript_id"], unique=False)

    op.create_table(
        "transcript_note",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("transcript_id", sa.String(length=40), nullable=False),
        sa.Column("author", sa.String(length=60), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["transcript_id"], ["transcript.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("transcript_note", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_transcript_note_transcript_id"), ["transcript_id"], unique=False
        )

    op.create_table(
        "transcript_turn",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("transcript_id", sa.String(length=40), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("pressed", sa.Boolean(), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("intent", sa.String(length=60), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("ranking", sa.JSON(), nullable=False),
        sa.Column("entities", sa.JSON(), nullable=False),
        sa.Column("topic", sa.String(length=60), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("buttons", sa.JSON(), nullable=False),
        sa.Column("latency_ms", sa.Integer(), nullable=True),
        sa.Column("model", sa.String(length=40), nullable=False),
        sa.Column("feedback", sa.Integer(), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("stems", sa.Text(), nullable=False),
        sa.Column("search_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["transcript_id"], ["transcript.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("transcript_turn", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_transcript_turn_outcome"), ["outcome"], unique=False)
        batch_op.create_index("transcript_turn_place", ["transcript_id", "number"], unique=False)
        batch_op.create_index("transcript_turn_search", ["search_id", "transcript_id"], unique=True)
        batch_op.create_index("transcript_turn_topic", ["topic", "at"], unique=False)
        batch_op.create_index(
            "transcript_turn_figures",
            ["at", "outcome", "topic", "feedback", "latency_ms"],
            unique=False,
        )

    op.create_table(
        "verdict",
        sa.Column("turn_id", sa.String(length=36), nullable=False),
        sa.Column("verdict", sa.String(length=20), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=True),
        sa.Column("by", sa.String(length=60), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["turn_id"], ["transcript_turn.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("turn_id"),
    )
    with op.batch_alter_table("verdict", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_verdict_verdict"), ["verdict"], unique=False)

    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("digest", sa.String(length=64), server_default="", nullable=False)
        )

    with op.batch_alter_table("staff_user", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column("role", sa.String(length=16), server_default="admin", nullable=False)
        )
        batch_op.add_column(sa.Column("totp", sa.Text(), nullable=True))
        batch_op.add_column(sa.Column("totp_step", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("subject", sa.String(length=255), nullable=True))
        batch_op.add_column(
            sa.Column("lent", sa.Boolean(), server_default=sa.false(), nullable=False)
        )
        batch_op.create_unique_constraint("staff_user_subject", ["subject"])

    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("anchor", sa.String(length=64), nullable=False),
        sa.Column("anchor_id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute(
        "INSERT INTO audit_head (id, digest, anchor, anchor_id) "
        "SELECT 1, '', '', COALESCE(MAX(id), 0) FROM audit"
    )

    # words are stemmed by bot/transcripts/search.py, so both databases look for them as they stand
    if op.get_bind().dialect.name == "sqlite":
        op.execute(
            "CREATE VIRTUAL TABLE transcript_search USING fts5("
            "turn_id UNINDEXED, stems, tokenize = 'unicode61 remove_diacritics 0')"
        )
        # triggers, so that no way of storing or erasing a turn can forget the index
        for when, work in (
            ("INSERT", (_LEARN,)),
            ("UPDATE OF stems", (_FORGET, _LEARN)),
            ("DELETE", (_FORGET,)),
        ):
            op.execute(
                f"CREATE TRIGGER transcript_search_{when.split()[0].lower()} AFTER {when} "
                f"ON transcript_turn BEGIN {' '.join(work)} END"
            )
    else:
        op.execute(
            "ALTER TABLE transcript_turn ADD COLUMN stem_vector tsvector "
            "GENERATED ALWAYS AS (to_tsvector('simple'::regconfig, stems)) STORED"
        )
        op.execute("CREATE INDEX transcript_turn_stems ON transcript_turn USING gin (stem_vector)")


def downgrade() -> None:
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TABLE transcript_search")
    for table in (
        "audit_head",
        "verdict",
        "transcript_turn",
        "transcript_note",
        "transcript_flag",
        "turn_measure",
        "transcript",
        "training",
        "saved_view",
        "proposal",
        "ingested_event",
        "erased_conversation",
        "entry_shown",
        "content_change",
    ):
        op.drop_table(table)  # its indexes go with it
    with op.batch_alter_table("staff_user") as batch_op:
        batch_op.drop_constraint("staff_user_subject", type_="unique")
        for column in ("lent", "subject", "totp_step", "totp", "role"):
            batch_op.drop_column(column)
    with op.batch_alter_table("audit") as batch_op:
        batch_op.drop_column("digest")
