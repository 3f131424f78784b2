"""The base models and the enums that every layer shares."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel


class Model(BaseModel):
    """Our own JSON: unknown fields are refused, instances do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class ArrModel(BaseModel):
    """Radarr's and Sonarr's JSON: camelCase, unknown fields ignored, new ones may come with any version."""

    model_config = ConfigDict(extra="ignore", frozen=True, alias_generator=to_camel, populate_by_name=True)


class ArrType(StrEnum):
    """Which app a connection leads to."""

    RADARR = "radarr"
    SONARR = "sonarr"

    @property
    def app_name(self) -> str:
        """The name as `/system/status` gives it."""
        return self.value.capitalize()

    @property
    def item_word(self) -> str:
        """The key under which webhooks carry the item, and the REST path of one."""
        return "movie" if self is ArrType.RADARR else "series"

    @property
    def external_name(self) -> str:
        """What the id is called that every installation gives an item."""
        return "TMDB id" if self is ArrType.RADARR else "TVDB id"


class MediaKind(StrEnum):
    """What a title is."""

    MOVIE = "movie"
    SERIES = "series"


class MonitorType(StrEnum):
    """Which titles of a connection get a trailer."""

    MISSING = "missing"
    NEW = "new"
    NONE = "none"
    SYNC = "sync"


class MonitorStatus(StrEnum):
    """Where a title stands."""

    DOWNLOADING = "downloading"
    DOWNLOADED = "downloaded"
    MONITORED = "monitored"
    MISSING = "missing"


class Reason(StrEnum):
    """Why a title has no trailer yet; `app.domain.status.explain` has the sentences."""

    QUEUED = "queued"
    DOWNLOADING = "downloading"
    WAITING_FOR_MEDIA_FILE = "waiting_for_media_file"
    WAITING_FOR_FOLDER = "waiting_for_folder"
    STORAGE_UNREACHABLE = "storage_unreachable"
    STORAGE_NOT_WRITABLE = "storage_not_writable"
    PATH_UNMAPPED = "path_unmapped"
    NO_CANDIDATE = "no_candidate"
    BACKING_OFF = "backing_off"
    NEEDS_COOKIES = "needs_cookies"
    SOURCE_PAUSED = "source_paused"
    TRAILER_REMOVED = "trailer_removed"
    EXCLUDED_BY_POLICY = "excluded_by_policy"
    NOT_MONITORED = "not_monitored"
    MISSING_IN_ARR = "missing_in_arr"


class EventState(StrEnum):
    """What became of a stored event."""

    PENDING = "pending"
    PROCESSED = "processed"
    IGNORED = "ignored"
    FAILED = "failed"


class EventAction(StrEnum):
    """What an event makes us do."""

    SYNC = "sync"
    TEST = "test"
    IGNORED = "ignored"


class RunTrigger(StrEnum):
    """Who asked for a reconciliation."""

    CONNECT = "connect"
    STARTUP = "startup"
    SCHEDULE = "schedule"
    MANUAL = "manual"
    RECOVERY = "recovery"


class RunOutcome(StrEnum):
    """How a reconciliation ended."""

    COMPLETED = "completed"
    HELD = "held"
    FAILED = "failed"


class WebhookState(StrEnum):
    """What we know of our entry in the Arr's Connect list."""

    REGISTERED = "registered"
    MANUAL = "manual"
    MISSING = "missing"
    BLOCKED = "blocked"
    NEVER_CALLED = "never_called"


class CandidateSource(StrEnum):
    """Where a candidate video comes from."""

    PERSON = "person"
    TMDB = "tmdb"
    ARR = "arr"
    SEARCH = "search"


class CandidateFate(StrEnum):
    """What became of a video that was considered."""

    TAKEN = "taken"
    UNTRIED = "untried"
    FAILED = "failed"
    UNAVAILABLE = "unavailable"
    GONE = "gone"
    REFUSED = "refused"
    REJECTED = "rejected"


class StorageProblem(StrEnum):
    """What is wrong with a folder or a file."""

    UNREACHABLE = "unreachable"
    MISSING = "missing"
    NOT_WRITABLE = "not_writable"
    READ_ONLY = "read_only"
    FULL = "full"
    NAME_TAKEN = "name_taken"
    OUTSIDE = "outside"


class FetchFailure(StrEnum):
    """Why a video could not be fetched; trailer policy acts on the kind."""

    DEAD = "dead"
    GEO = "geo"
    NEEDS_COOKIES = "needs_cookies"
    NOT_A_TRAILER = "not_a_trailer"
    NOT_YET = "not_yet"
    NOTHING_FOUND = "nothing_found"
    TRANSIENT = "transient"
    SOURCE_BLOCKED = "source_blocked"
    OUR_SETUP = "our_setup"
    STORAGE = "storage"
    LOST = "lost"
    UNKNOWN = "unknown"
