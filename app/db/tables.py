"""The tables (design section 4); they never leave `app.db`, which gives records from `app.domain.records`."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_NOW = text("now()")
_FALSE = text("false")
_TRUE = text("true")
_ZERO = text("0")
_EMPTY_LIST = text("'[]'")
_EMPTY_OBJECT = text("'{}'")
_NO_TITLES = text("'{}'")


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(), primary_key=True)


def _time(name: str, *, default: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=not default, server_default=_NOW if default else None)


setting = Table(
    "setting",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", JSONB, nullable=False),
)

ended_session = Table(
    "ended_session",
    metadata,
    Column("session_sha256", LargeBinary, primary_key=True),
    _time("ended_at", default=True),
)

connection = Table(
    "connection",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("slug", Text, nullable=False),
    Column("arr_type", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("api_key", Text, nullable=False),
    Column("ca_file", Text),
    Column("verify_tls", Boolean, nullable=False, server_default=_TRUE),
    Column("monitor_type", Text, nullable=False),
    Column("path_mappings", JSONB, nullable=False),
    Column("policy", JSONB, nullable=False),
    Column("tag_labels", JSONB, nullable=False, server_default=_EMPTY_OBJECT),
    Column("enabled", Boolean, nullable=False, server_default=_TRUE),
    Column("webhook_password", Text, nullable=False),
    Column("webhook_password_sha256", LargeBinary, nullable=False),
    Column("notification_id", Integer),
    Column("manual_webhook", Boolean, nullable=False, server_default=_FALSE),
    Column("webhook_error", Text),
    Column("webhook_notice", Text),
    Column("webhook_blocked", Boolean, nullable=False, server_default=_FALSE),
    Column("webhook_refused", Boolean, nullable=False, server_default=_FALSE),
    _time("webhook_checked_at"),
    _time("down_since"),
    _time("probe_at"),
    Column("failures", Integer, nullable=False, server_default=_ZERO),
    _time("last_ok_at"),
    Column("last_error", Text),
    Column("arr_version", Text),
    _time("created_at", default=True),
    _time("deleted_at"),
    Column("remove_trailers", Boolean, nullable=False, server_default=_FALSE),
    Index("uq_connection_name", "name", unique=True, postgresql_where=text("deleted_at IS NULL")),
    Index("uq_connection_slug", "slug", unique=True, postgresql_where=text("deleted_at IS NULL")),
)

event = Table(
    "event",
    metadata,
    _id(),
    Column("connection_id", ForeignKey("connection.id"), nullable=False),
    Column("event_type", Text),
    Column("arr_id", Integer),
    Column("item_seq", BigInteger),
    Column("payload", LargeBinary, nullable=False),
    _time("received_at", default=True),
    Column("state", Text, nullable=False),
    Column("error", Text),
    _time("processed_at"),
    Index(
        "ix_event_open", "connection_id", "arr_id", "item_seq", postgresql_where=text("state IN ('pending', 'failed')")
    ),
    Index("ix_event_state", "state", "id"),
    Index("ix_event_processed_at", "processed_at", postgresql_where=text("state IN ('processed', 'ignored')")),
    Index("ix_event_connection", "connection_id", "received_at"),
    Index("ix_event_item", "connection_id", "arr_id", "id"),
)

item_sync = Table(
    "item_sync",
    metadata,
    Column("connection_id", ForeignKey("connection.id"), primary_key=True),
    Column("arr_id", Integer, primary_key=True, autoincrement=False),
    Column("requested_seq", BigInteger, nullable=False, server_default=_ZERO),
    Column("claimed_seq", BigInteger, nullable=False, server_default=_ZERO),
    Column("synced_seq", BigInteger, nullable=False, server_default=_ZERO),
    Column("lease_token", BigInteger, nullable=False, server_default=_ZERO),
    _time("lease_until"),
    Column("attempts", Integer, nullable=False, server_default=_ZERO),
    _time("next_at", default=True),
    _time("ended_at"),
    _time("look_again_at"),
    Column("streak", Integer, nullable=False, server_default=_ZERO),
    Column("failed", Boolean, nullable=False, server_default=_FALSE),
    Column("error", Text),
    Index(
        "ix_item_sync_due",
        "connection_id",
        "next_at",
        postgresql_where=text("synced_seq < requested_seq AND NOT failed"),
    ),
    Index("ix_item_sync_look", "look_again_at", postgresql_where=text("look_again_at IS NOT NULL")),
    postgresql_with={"fillfactor": "70", "autovacuum_vacuum_scale_factor": "0.02"},
)

media = Table(
    "media",
    metadata,
    _id(),
    Column("connection_id", ForeignKey("connection.id"), nullable=False),
    Column("arr_id", Integer),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("original_title", Text),
    Column("alternative_titles", ARRAY(Text), nullable=False, server_default=_NO_TITLES),
    Column("clean_title", Text),
    Column("year", Integer),
    Column("language", Text),
    Column("overview", Text),
    Column("runtime", Integer),
    Column("studio", Text),
    Column("imdb_id", Text),
    Column("tmdb_id", Integer),
    Column("tvdb_id", Integer),
    Column("youtube_trailer_id", Text),
    Column("title_slug", Text),
    Column("poster_url", Text),
    Column("fanart_url", Text),
    Column("arr_path", Text, nullable=False),
    Column("path_mapped", Boolean, nullable=False),
    Column("folder_path", Text),
    Column("root_path", Text),
    Column("media_exists", Boolean, nullable=False),
    Column("media_filename", Text),
    Column("season_count", Integer),
    Column("tags", ARRAY(Integer), nullable=False),
    Column("genres", ARRAY(Text), nullable=False),
    Column("arr_monitored", Boolean, nullable=False),
    _time("arr_added_at"),
    Column("monitor", Boolean, nullable=False),
    Column("monitor_pinned", Boolean, nullable=False, server_default=_FALSE),
    Column("trailer_url", Text),
    Column("disk_state", Text, nullable=False, server_default=text("'unknown'")),
    Column("disk_tries", Integer, nullable=False, server_default=_ZERO),
    Column("trailer_exists", Boolean, nullable=False, server_default=_FALSE),
    Column("trailer_removed", Boolean, nullable=False, server_default=_FALSE),
    _time("missing_since"),
    Column("wanted_rank", SmallInteger, nullable=False),
    Column("tries", Integer, nullable=False, server_default=_ZERO),
    _time("retry_at"),
    Column("last_failure", Text),
    Column("failure_text", Text),
    Column("status", Text, nullable=False, server_default=text("'missing'")),
    Column("reason", Text),
    Column("reason_detail", Text),
    _time("next_try_at"),
    Column("due_rank", SmallInteger),
    Column("version", BigInteger, nullable=False, server_default=text("1")),
    _time("read_at", default=True),
    _time("added_at", default=True),
    _time("updated_at", default=True),
    _time("downloaded_at"),
    UniqueConstraint("connection_id", "arr_id"),
    Index("uq_media_movie", "connection_id", "tmdb_id", unique=True, postgresql_where=text("kind = 'movie'")),
    Index("uq_media_series", "connection_id", "tvdb_id", unique=True, postgresql_where=text("kind = 'series'")),
    Index("ix_media_due", "due_rank", "next_try_at", "id", postgresql_where=text("due_rank IS NOT NULL")),
    Index("ix_media_status", "status", "id"),
    Index("ix_media_folder", "folder_path"),
)

media_seen = Table(
    "media_seen",
    metadata,
    Column("media_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", BigInteger, nullable=False),
    Column("digest", LargeBinary, nullable=False),
    Column("mark", Text),
    _time("looked_at", default=True),
    prefixes=["UNLOGGED"],
)

trailer = Table(
    "trailer",
    metadata,
    _id(),
    Column("folder_path", Text, nullable=False),
    Column("rel_path", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("video_id", Text, nullable=False),
    Column("duration", Double, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("video_codec", Text, nullable=False),
    Column("audio_codec", Text),
    Column("size", BigInteger, nullable=False),
    Column("mtime_ns", BigInteger, nullable=False),
    _time("placed_at", default=True),
    Column("media_id", ForeignKey("media.id", ondelete="SET NULL")),
    Column("connection_id", BigInteger),
    Column("identity", Text),
    Column("named_for", Text),
    _time("left_at"),
    _time("check_at"),
    UniqueConstraint("folder_path", "rel_path"),
    Index("ix_trailer_media_id", "media_id"),
    Index("ix_trailer_check_at", "check_at", postgresql_where=text("check_at IS NOT NULL")),
)

attempt = Table(
    "attempt",
    metadata,
    _id(),
    Column("media_id", ForeignKey("media.id", ondelete="SET NULL")),
    Column("place", Text, nullable=False),
    Column("folder_path", Text, nullable=False),
    Column("rank", SmallInteger, nullable=False),
    Column("source", Text),
    Column("video_id", Text),
    _time("started_at", default=True),
    _time("finished_at"),
    Column("outcome", Text),
    Column("failure", Text),
    Column("text", Text),
    Column("final_path", Text),
    Column("intended", JSONB),
    Column("candidates", JSONB, nullable=False, server_default=_EMPTY_LIST),
    _time("lease_until"),
    Column("lease_token", BigInteger, nullable=False, server_default=text("1")),
    Column("work_dir_left", Boolean, nullable=False, server_default=_FALSE),
    Index("ix_attempt_work_dir_left", "id", postgresql_where=text("work_dir_left")),
    Index("uq_attempt_place", "place", unique=True, postgresql_where=text("finished_at IS NULL")),
    Index("ix_attempt_media_id", "media_id", "id"),
)

rejected_video = Table(
    "rejected_video",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("external_id", Text, primary_key=True),
    Column("video_id", Text, primary_key=True),
    _time("rejected_at", default=True),
)

source = Table(
    "source",
    metadata,
    Column("name", Text, primary_key=True),
    Column("is_open", Boolean, nullable=False, server_default=_FALSE),
    Column("level", Integer, nullable=False, server_default=_ZERO),
    Column("reason", Text),
    _time("paused_until"),
    Column("probe_attempt_id", BigInteger),
    Column("suspects", JSONB, nullable=False, server_default=_EMPTY_LIST),
)

media_server = Table(
    "media_server",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("url", Text, nullable=False),
    Column("token", Text, nullable=False),
    Column("path_mappings", JSONB, nullable=False),
    Column("enabled", Boolean, nullable=False, server_default=_TRUE),
    Column("ca_file", Text),
    Column("verify_tls", Boolean, nullable=False, server_default=_TRUE),
    _time("last_ok_at"),
    Column("last_error", Text),
    _time("created_at", default=True),
    UniqueConstraint("name"),
)

unannounced_deletion = Table(
    "unannounced_deletion",
    metadata,
    _id(),
    Column("connection_id", ForeignKey("connection.id"), nullable=False),
    _time("deleted_at", default=True),
    Index("ix_unannounced_deletion", "connection_id", "deleted_at"),
)

run = Table(
    "run",
    metadata,
    _id(),
    Column("connection_id", ForeignKey("connection.id"), nullable=False),
    Column("trigger", Text, nullable=False),
    Column("accepted_ids", ARRAY(BigInteger), nullable=False, server_default=text("'{}'")),
    Column("lost", Boolean, nullable=False, server_default=_FALSE),
    Column("outcome", Text),
    Column("fetched", Integer, nullable=False, server_default=_ZERO),
    Column("created", Integer, nullable=False, server_default=_ZERO),
    Column("updated", Integer, nullable=False, server_default=_ZERO),
    Column("unchanged", Integer, nullable=False, server_default=_ZERO),
    Column("deleted", Integer, nullable=False, server_default=_ZERO),
    Column("held_ids", ARRAY(BigInteger), nullable=False, server_default=text("'{}'")),
    Column("skipped_items", JSONB, nullable=False, server_default=text("'[]'")),
    Column("error", Text),
    _time("requested_at", default=True),
    _time("started_at"),
    _time("finished_at"),
    _time("lease_until"),
    Column("lease_token", BigInteger, nullable=False, server_default=_ZERO),
    Index("uq_run_waiting", "connection_id", unique=True, postgresql_where=text("started_at IS NULL")),
    Index(
        "uq_run_running",
        "connection_id",
        unique=True,
        postgresql_where=text("started_at IS NOT NULL AND finished_at IS NULL"),
    ),
    Index("ix_run_connection", "connection_id", "id"),
)
