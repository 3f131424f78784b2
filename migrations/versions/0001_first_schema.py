"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "connection",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slug", sa.Text(), nullable=False),
        sa.Column("arr_type", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("api_key", sa.Text(), nullable=False),
        sa.Column("ca_file", sa.Text(), nullable=True),
        sa.Column("verify_tls", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("monitor_type", sa.Text(), nullable=False),
        sa.Column("path_mappings", postgresql.JSONB(), nullable=False),
        sa.Column("policy", postgresql.JSONB(), nullable=False),
        sa.Column("tag_labels", postgresql.JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("webhook_password", sa.Text(), nullable=False),
        sa.Column("webhook_password_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("notification_id", sa.Integer(), nullable=True),
        sa.Column("manual_webhook", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("webhook_error", sa.Text(), nullable=True),
        sa.Column("webhook_notice", sa.Text(), nullable=True),
        sa.Column("webhook_blocked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("webhook_refused", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("webhook_checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("down_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probe_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failures", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_ok_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("arr_version", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("remove_trailers", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_connection")),
    )
    op.create_index(
        "uq_connection_name", "connection", ["name"], unique=True, postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.create_index(
        "uq_connection_slug", "connection", ["slug"], unique=True, postgresql_where=sa.text("deleted_at IS NULL")
    )
    op.create_table(
        "ended_session",
        sa.Column("session_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("session_sha256", name=op.f("pk_ended_session")),
    )
    op.create_table(
        "media_server",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("path_mappings", postgresql.JSONB(), nullable=False),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("ca_file", sa.Text(), nullable=True),
        sa.Column("verify_tls", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("last_ok_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media_server")),
        sa.UniqueConstraint("name", name=op.f("uq_media_server_name")),
    )
    op.create_table(
        "setting",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", postgresql.JSONB(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_setting")),
    )
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=True),
        sa.Column("arr_id", sa.Integer(), nullable=True),
        sa.Column("item_seq", sa.BigInteger(), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_event_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_connection", "event", ["connection_id", "received_at"], unique=False)
    op.create_index("ix_event_item", "event", ["connection_id", "arr_id", "id"], unique=False)
    op.create_index(
        "ix_event_open",
        "event",
        ["connection_id", "arr_id", "item_seq"],
        unique=False,
        postgresql_where=sa.text("state IN ('pending', 'failed')"),
    )
    op.create_index(
        "ix_event_processed_at",
        "event",
        ["processed_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('processed', 'ignored')"),
    )
    op.create_index("ix_event_state", "event", ["state", "id"], unique=False)
    op.create_table(
        "item_sync",
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("arr_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("requested_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("claimed_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("synced_seq", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_token", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("look_again_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("streak", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("failed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_item_sync_connection_id")),
        sa.PrimaryKeyConstraint("connection_id", "arr_id", name=op.f("pk_item_sync")),
        postgresql_with={"fillfactor": "70", "autovacuum_vacuum_scale_factor": "0.02"},
    )
    op.create_index(
        "ix_item_sync_due",
        "item_sync",
        ["connection_id", "next_at"],
        unique=False,
        postgresql_where=sa.text("synced_seq < requested_seq AND NOT failed"),
    )
    op.create_index(
        "ix_item_sync_look",
        "item_sync",
        ["look_again_at"],
        unique=False,
        postgresql_where=sa.text("look_again_at IS NOT NULL"),
    )
    op.create_table(
        "media",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("arr_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("original_title", sa.Text(), nullable=True),
        sa.Column("alternative_titles", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("clean_title", sa.Text(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("overview", sa.Text(), nullable=True),
        sa.Column("runtime", sa.Integer(), nullable=True),
        sa.Column("studio", sa.Text(), nullable=True),
        sa.Column("imdb_id", sa.Text(), nullable=True),
        sa.Column("tmdb_id", sa.Integer(), nullable=True),
        sa.Column("tvdb_id", sa.Integer(), nullable=True),
        sa.Column("youtube_trailer_id", sa.Text(), nullable=True),
        sa.Column("title_slug", sa.Text(), nullable=True),
        sa.Column("poster_url", sa.Text(), nullable=True),
        sa.Column("fanart_url", sa.Text(), nullable=True),
        sa.Column("arr_path", sa.Text(), nullable=False),
        sa.Column("path_mapped", sa.Boolean(), nullable=False),
        sa.Column("folder_path", sa.Text(), nullable=True),
        sa.Column("root_path", sa.Text(), nullable=True),
        sa.Column("media_exists", sa.Boolean(), nullable=False),
        sa.Column("media_filename", sa.Text(), nullable=True),
        sa.Column("season_count", sa.Integer(), nullable=True),
        sa.Column("tags", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("genres", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("arr_monitored", sa.Boolean(), nullable=False),
        sa.Column("arr_added_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("monitor", sa.Boolean(), nullable=False),
        sa.Column("monitor_pinned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("trailer_url", sa.Text(), nullable=True),
        sa.Column("disk_state", sa.Text(), server_default=sa.text("'unknown'"), nullable=False),
        sa.Column("disk_tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("trailer_exists", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("trailer_removed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("missing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wanted_rank", sa.SmallInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_failure", sa.Text(), nullable=True),
        sa.Column("failure_text", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), server_default=sa.text("'missing'"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("reason_detail", sa.Text(), nullable=True),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_rank", sa.SmallInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("downloaded_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_media_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media")),
        sa.UniqueConstraint("connection_id", "arr_id", name=op.f("uq_media_connection_id_arr_id")),
    )
    op.create_index(
        "ix_media_due",
        "media",
        ["due_rank", "next_try_at", "id"],
        unique=False,
        postgresql_where=sa.text("due_rank IS NOT NULL"),
    )
    op.create_index("ix_media_folder", "media", ["folder_path"], unique=False)
    op.create_index("ix_media_status", "media", ["status", "id"], unique=False)
    op.create_index(
        "uq_media_movie", "media", ["connection_id", "tmdb_id"], unique=True, postgresql_where=sa.text("kind = 'movie'")
    )
    op.create_index(
        "uq_media_series",
        "media",
        ["connection_id", "tvdb_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'series'"),
    )
    op.create_table(
        "media_seen",
        sa.Column("media_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("mark", sa.Text(), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("media_id", name=op.f("pk_media_seen")),
        prefixes=["UNLOGGED"],
    )
    op.create_table(
        "run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("accepted_ids", postgresql.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("lost", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("fetched", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("created", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("updated", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("unchanged", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("deleted", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("held_ids", postgresql.ARRAY(sa.BigInteger()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column("skipped_items", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connection.id"], name=op.f("fk_run_connection_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index("ix_run_connection", "run", ["connection_id", "id"], unique=False)
    op.create_index(
        "uq_run_running",
        "run",
        ["connection_id"],
        unique=True,
        postgresql_where=sa.text("started_at IS NOT NULL AND finished_at IS NULL"),
    )
    op.create_index(
        "uq_run_waiting", "run", ["connection_id"], unique=True, postgresql_where=sa.text("started_at IS NULL")
    )
    op.create_table(
        "unannounced_deletion",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("connection_id", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["connection_id"], ["connection.id"], name=op.f("fk_unannounced_deletion_connection_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unannounced_deletion")),
    )
    op.create_index("ix_unannounced_deletion", "unannounced_deletion", ["connection_id", "deleted_at"], unique=False)
    op.create_table(
        "attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("media_id", sa.BigInteger(), nullable=True),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("folder_path", sa.Text(), nullable=False),
        sa.Column("rank", sa.SmallInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("video_id", sa.Text(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("final_path", sa.Text(), nullable=True),
        sa.Column("intended", postgresql.JSONB(), nullable=True),
        sa.Column("candidates", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("work_dir_left", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name=op.f("fk_attempt_media_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    op.create_index("ix_attempt_media_id", "attempt", ["media_id", "id"], unique=False)
    op.create_index(
        "ix_attempt_work_dir_left", "attempt", ["id"], unique=False, postgresql_where=sa.text("work_dir_left")
    )
    op.create_index(
        "uq_attempt_place", "attempt", ["place"], unique=True, postgresql_where=sa.text("finished_at IS NULL")
    )
    op.create_table(
        "trailer",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("folder_path", sa.Text(), nullable=False),
        sa.Column("rel_path", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("video_id", sa.Text(), nullable=False),
        sa.Column("duration", sa.Double(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("video_codec", sa.Text(), nullable=False),
        sa.Column("audio_codec", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("mtime_ns", sa.BigInteger(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("media_id", sa.BigInteger(), nullable=True),
        sa.Column("connection_id", sa.BigInteger(), nullable=True),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column("named_for", sa.Text(), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name=op.f("fk_trailer_media_id"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trailer")),
        sa.UniqueConstraint("folder_path", "rel_path", name=op.f("uq_trailer_folder_path_rel_path")),
    )
    op.create_index("ix_trailer_media_id", "trailer", ["media_id"], unique=False)
    op.create_index(
        "ix_trailer_check_at", "trailer", ["check_at"], unique=False, postgresql_where=sa.text("check_at IS NOT NULL")
    )
    op.create_table(
        "rejected_video",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("video_id", sa.Text(), nullable=False),
        sa.Column("rejected_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("kind", "external_id", "video_id", name=op.f("pk_rejected_video")),
    )
    op.create_table(
        "source",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("is_open", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("level", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("probe_attempt_id", sa.BigInteger(), nullable=True),
        sa.Column("suspects", postgresql.JSONB(), server_default=sa.text("'[]'"), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_source")),
    )
