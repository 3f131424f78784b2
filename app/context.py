"""What the pipelines need of the outside world: one Protocol for each thing, and the one frozen bundle of them."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from pydantic import SecretStr
from sqlalchemy.ext.asyncio import AsyncConnection

from app.domain.catalogue import CatalogueAnswer
from app.domain.disk import DiskLook, DiskQuestion, MarkedFolder, MarkedLook
from app.domain.doctor import PathFacts, Program, RedisFacts
from app.domain.policy import Policy
from app.domain.servers import ServerTitle
from app.domain.videos import FetchedTrailer, SearchHit
from app.domain.ytdlp_release import YtDlpVersions
from app.settings import Settings
from schemas.arr.common import HealthIssue, Notification, RootFolder, SystemStatus
from schemas.base import ArrType, MediaKind
from schemas.live import LiveEvent, Topic
from schemas.media import MediaCreate
from schemas.server import RefreshOutcome, ServerKind


class RawItem(NamedTuple):
    """One item as its Arr sent it: a JSON object, and the ids and the title in it, of whatever kind these are."""

    text: bytes
    id: object
    title: object
    tmdb_id: object
    tvdb_id: object


@dataclass(frozen=True, slots=True)
class ArrTarget:
    """Where an Arr is and the key that opens it; `url` has no trailing slash and includes the URL base.

    Its certificate is checked against the system's authorities and those in `ca_file`, or not at all.
    """

    arr_type: ArrType
    url: str
    api_key: SecretStr
    ca_file: str | None = None
    verify_tls: bool = True


@dataclass(frozen=True, slots=True)
class WebhookEntry:
    """Our own entry in the Arr's Connect list, as it shall be."""

    name: str
    url: str
    user: str
    password: SecretStr


class Transactions(Protocol):
    """The database; leaving `transaction()` without an error commits, and so does a standing connection's statement."""

    def transaction(self) -> AbstractAsyncContextManager[AsyncConnection]:
        """Open one transaction. Raises Unavailable where Postgres cannot be reached or cannot commit."""
        ...

    def standing(self) -> Statements:
        """Give a connection of the caller's own, opened when first used."""
        ...


class Statements(Protocol):
    """One kept connection on which each statement commits by itself; for one user at a time."""

    async def fetch(self, statement: str, *values: object) -> Sequence[Mapping[str, Any]]:
        """Run a statement; where the connection broke it is run on a new one, and so may take effect twice.

        Raises Unavailable, and `app.db.engine.StatementFailed` where Postgres refuses it.
        """
        ...

    async def aclose(self) -> None:
        """End the connection."""
        ...


class ArrManagerProtocol(Protocol):
    """One Radarr or Sonarr. Every call may raise ArrConnectionError: then nothing was learnt about any item."""

    async def get_system_status(self) -> SystemStatus:
        """Ask who answers there. Raises ArrNotAnArr unless it is the app that the target names."""
        ...

    def get_all_media(self) -> AsyncGenerator[RawItem, None]:
        """Stream the whole list, item by item, as it arrives.

        Ends without an error only if the answer was complete (200, the JSON array closed, every element an object).
        Raises ArrBadAnswer otherwise, possibly after some items. Who stops early closes the generator.
        """
        ...

    async def get_media(self, arr_id: int) -> RawItem:
        """Get one item.

        Raises ArrItemGone for a 404 whose body is a JSON object (any other 404 is an ArrConnectionError), ArrItemError
        for 500 or another 4xx.
        """
        ...

    async def get_root_folders(self) -> list[RootFolder]:
        """List the folders below which the app keeps its items."""
        ...

    async def get_tags(self) -> dict[int, str]:
        """Give the names of the tags that its items carry as ids."""
        ...

    async def get_webhooks(self) -> list[Notification]:
        """List the Connect entries of the kind Webhook."""
        ...

    async def save_webhook(self, entry: WebhookEntry, notification_id: int | None) -> int:
        """Create our Connect entry, or give the one with this id our address, password and events, and give its id.

        Its name, tags and headers stay. The Arr sends its Test to us inside this call where that changes anything.
        Raises ArrRejected with the Arr's own words.
        """
        ...

    async def test_webhook(self, notification_id: int) -> None:
        """Let the Arr send its Test through a stored entry, which also ends a block after failures.

        Raises ArrRejected with the Arr's own words.
        """
        ...

    async def get_health(self) -> list[HealthIssue]:
        """List what the app itself finds wrong."""
        ...

    async def delete_webhook(self, notification_id: int) -> None:
        """Remove a Connect entry; one that is gone already is fine."""
        ...


class Arrs(Protocol):
    """Makes managers, and knows how each app's items are read."""

    def radarr(self, target: ArrTarget) -> ArrManagerProtocol:
        """Give a manager for a Radarr; nothing is asked yet."""
        ...

    def sonarr(self, target: ArrTarget) -> ArrManagerProtocol:
        """Give a manager for a Sonarr; nothing is asked yet."""
        ...

    def parse_movie(self, raw: RawItem) -> MediaCreate:
        """Read Radarr's movie. Raises ArrItemError that names the field at fault."""
        ...

    def parse_series(self, raw: RawItem) -> MediaCreate:
        """Read Sonarr's series. Raises ArrItemError that names the field at fault."""
        ...


class Library(Protocol):
    """The media folders on disk. No call blocks the event loop; a disk that hangs gives StorageError(UNREACHABLE)."""

    async def check_trailer_exists(self, question: DiskQuestion) -> DiskLook:
        """Look at a title's folder: whether it is there, shows the title's own media, and which trailers are in it."""
        ...

    async def check_trailers(self, questions: Sequence[DiskQuestion]) -> Sequence[MarkedLook]:
        """Look at many folders, with a mark for each by which `are_as_marked` tells later whether it is the same."""
        ...

    async def are_as_marked(self, folders: Sequence[MarkedFolder]) -> Sequence[bool]:
        """Say for each folder whether a look at it would answer as the look that gave the mark; False if in doubt."""
        ...

    async def make_work_dir(self, folder: Path, name: str) -> Path:
        """Make a private hidden directory in an existing title folder, so on its file system.

        Raises StorageError: MISSING (the folder is not there; it is never created), NOT_WRITABLE, FULL, UNREACHABLE.
        """
        ...

    async def remove_work_dir(self, folder: Path, name: str) -> None:
        """Remove a directory that make_work_dir made, with what is in it; one that is gone is fine."""
        ...

    async def describe(self, path: Path) -> PlacedFile | None:
        """Give size and time of a regular file; None where there is none. Raises StorageError(UNREACHABLE)."""
        ...

    async def place(self, source: Path, folder: Path, rel_path: str) -> PlacedFile:
        """Give a finished file its final name in one step, with the configured mode, and never replace anything.

        Makes at most the one directory `Trailers` below the folder. Raises StorageError: NAME_TAKEN, OUTSIDE (the
        path leaves the folder), NOT_WRITABLE, FULL, MISSING, UNREACHABLE.
        """
        ...

    async def fit(self, folder: Path, rel_path: str) -> str:
        """Give the path with the name that a directory `Trailers` has in the folder already, whatever its case.

        Raises StorageError.
        """
        ...

    async def rename_own(self, file: OwnFile, rel_path: str) -> bool:
        """Give a trailer of ours another name in its folder.

        Does nothing and gives False where it is not there, somebody changed it, or the name is taken. Raises
        StorageError as `place` does, but for NAME_TAKEN.
        """
        ...

    async def look_for_media(self, folder: Path) -> DiskLook:
        """Say whether any video that is no trailer is anywhere below a folder; a doubt counts as one."""
        ...

    async def remove_own(self, file: OwnFile) -> Removal:
        """Remove a trailer of ours if nobody changed it since, with a `Trailers` that is empty then.

        Raises StorageError: MISSING (the title's folder is not there), NOT_WRITABLE, OUTSIDE, UNREACHABLE (within
        seconds).
        """
        ...


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A trailer of ours as it was placed; it is ours only while size and time are these."""

    folder: Path
    rel_path: str
    size: int
    mtime_ns: int


class Removal(Enum):
    """What became of a file that was to be removed; GONE: its folder is there and it is not."""

    REMOVED = auto()
    GONE = auto()
    CHANGED = auto()


@dataclass(frozen=True, slots=True)
class PlacedFile:
    """A file under its final name; `mtime_ns` and `size` are what tells later whether anybody changed it."""

    path: Path
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class FetchRequest:
    """One video to fetch: `url` is canonical (schemas.media.canonical_trailer_url)."""

    url: str
    work_dir: Path
    policy: Policy


class Videos(Protocol):
    """YouTube and Vimeo through yt-dlp, in a child process that dies with this one."""

    async def fetch(self, request: FetchRequest, progress: Callable[[float | None], None]) -> FetchedTrailer:
        """Download into the work directory and verify there; progress is percent, None while unknown.

        Cancelling ends the child and all its processes within seconds. Raises FetchError, StorageError.
        """
        ...

    async def search(self, query: str, limit: int) -> list[SearchHit]:
        """Search YouTube; hits come in YouTube's order. Raises FetchError."""
        ...

    def versions(self) -> YtDlpVersions:
        """Say which yt-dlp the next job uses; `app.domain.ytdlp_release.age_of` says how old that is."""
        ...


@dataclass(frozen=True, slots=True)
class CatalogueQuestion:
    """Which title's videos are asked for: by the first id that is known; `languages` are two-letter codes."""

    kind: MediaKind
    tmdb_id: int | None
    tvdb_id: int | None
    imdb_id: str | None
    languages: tuple[str, ...]


class VideoCatalogue(Protocol):
    """A catalogue of videos, such as TMDB."""

    async def videos_of(self, question: CatalogueQuestion) -> CatalogueAnswer:
        """Give a title's videos in these languages and without one; none for a title that it does not have.

        Raises CatalogueError.
        """
        ...

    async def check(self) -> None:
        """Ask whether it answers and takes the key. Raises CatalogueError."""
        ...


@dataclass(frozen=True, slots=True)
class ServerTarget:
    """Where a media server is and the token that opens it; certificates as in ArrTarget."""

    kind: ServerKind
    url: str
    token: SecretStr
    ca_file: str | None = None
    verify_tls: bool = True


class MediaServer(Protocol):
    """One Plex, Jellyfin or Emby. Every call raises ServerError and nothing else, within its time limits."""

    async def describe(self) -> str:
        """Say which program and version answers, to see whether address, kind and token are right."""
        ...

    async def refresh(self, title: ServerTitle) -> RefreshOutcome:
        """Have a title looked at again, by its folder and ids; one that is not there yet is looked for by its folder.

        Takes several calls, of at most 30 s each.
        """
        ...


class MediaServers(Protocol):
    """Makes the adapter of a media server."""

    def open(self, target: ServerTarget) -> MediaServer:
        """Give the adapter; nothing is asked yet."""
        ...


class Wakeups(Protocol):
    """The job queue; it carries wake-ups only, so no call ever fails: what is lost is found by the sweep."""

    async def wake_syncs(self, connection_ids: Collection[int]) -> bool:
        """Ask workers to sync the due items of connections, in one round trip; False where Redis is away."""
        ...

    async def wake_acquire(self, media_id: int) -> bool:
        """Ask a worker to fetch the best due trailer; False where Redis is away."""
        ...

    async def wake_refresh(self, run_id: int) -> bool:
        """Ask a worker to reconcile; False where Redis is away."""
        ...

    async def depths(self) -> dict[str, int] | None:
        """Count the jobs per queue; None where Redis is away."""
        ...


class Live(Protocol):
    """Progress and signs of life, kept for 30 s; no call ever fails."""

    async def beat(self, worker: str, at: datetime) -> None:
        """Say that a worker is alive."""
        ...

    async def workers(self) -> dict[str, datetime] | None:
        """Give the workers seen within 30 s; None where Redis is away."""
        ...

    async def download_progress(self, media_id: int, percent: float | None) -> None:
        """Say how far a download is."""
        ...

    def changed(self, *topics: Topic) -> None:
        """Tell who listens that something changed; costs next to nothing, however often it is called."""
        ...

    def listen(self) -> AsyncGenerator[LiveEvent | None, None]:
        """Give what is told from now on, None after a while without anything.

        Raises Unavailable, also later, where Redis is away.
        """
        ...

    async def downloads(self) -> dict[int, float | None]:
        """Give the progress of the downloads under way; empty where Redis is away."""
        ...

    async def server(self) -> RedisFacts | None:
        """Say which Redis it is and how it is set up; None where it is away."""
        ...


class Machine(Protocol):
    """This machine, as `doctor` looks at it; no call raises, changes anything or takes longer than a few seconds."""

    async def ffmpeg(self) -> Program | str:
        """Find the ffmpeg that is used and ask its version; a text says why there is none."""
        ...

    async def js_runtimes(self) -> list[Program]:
        """Find what yt-dlp can run YouTube's scripts with, the one that it prefers first, and ask their versions."""
        ...

    async def look_at(self, path: str) -> PathFacts:
        """Look at a file or folder."""
        ...


class Vault(Protocol):
    """Secrets at rest, under SECRET_KEY."""

    def encrypt(self, secret: str) -> str:
        """Encrypt with the first key."""
        ...

    def decrypt(self, token: str) -> SecretStr:
        """Decrypt with any key. Raises WrongSecretKey."""
        ...

    def renew(self, token: str) -> str | None:
        """Encrypt anew with the first key; None where it is encrypted with that one. Raises WrongSecretKey."""
        ...

    @property
    def fingerprint(self) -> str:
        """Name the first key without telling it."""
        ...

    def knows(self, fingerprint: str) -> bool:
        """Say whether one of the keys has this fingerprint."""
        ...


@dataclass(frozen=True, slots=True)
class Deps:
    """Everything a pipeline may touch; bootstrap makes the one of each process."""

    db: Transactions
    arr: Arrs
    library: Library
    videos: Videos
    catalogue: VideoCatalogue | None
    servers: MediaServers
    wakeups: Wakeups
    live: Live
    vault: Vault
    machine: Machine
    settings: Settings
    now: Callable[[], datetime]
