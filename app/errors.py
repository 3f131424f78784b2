"""Every error that Trailhook raises on purpose, as one tree.

TrailhookError
├── SetupError            this process cannot start; a person has to change something
│   ├── EmbeddedError     the embedded Postgres, Valkey or ffmpeg
│   ├── SchemaTooNew      the database was written by a newer Trailhook
│   └── WrongSecretKey    the database was written with another SECRET_KEY
├── InvalidRequest        the caller's data is wrong; carries the fields
├── Unauthorized, TooMany, NotFound, Conflict, TooLarge, Unavailable
├── ArrError              Radarr or Sonarr
│   ├── ArrConnectionError   of the whole connection: pause it, charge no item
│   └── ArrItemError         of one item alone
│       └── ArrItemGone      the Arr's own clear word that the item is not there
├── StorageError          a folder or a file
├── FetchError            one video could not be fetched or is not usable
├── CatalogueError        TMDB could not be asked
└── ServerError           a media server: no trailer fails for it
    └── ServerKeyRefused, ServerAway, ServerBadAnswer

A message is one sentence for a person and says what to do. The cause is chained. Anything outside this tree is a bug.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import ClassVar

from schemas.base import FetchFailure, StorageProblem


class TrailhookError(Exception):
    """Base of all expected failures; `code` is the machine-readable name of the kind."""

    code: ClassVar[str] = "error"

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class SetupError(TrailhookError):
    """This process cannot start until a person changes something."""

    code = "setup"


class EmbeddedError(SetupError):
    """An embedded server or tool cannot be used here."""

    code = "embedded"


class SchemaTooNew(SetupError):
    """The database schema is newer than this program."""

    code = "schema_too_new"


class WrongSecretKey(SetupError):
    """The database was written with another SECRET_KEY."""

    code = "wrong_secret_key"


class InvalidRequest(TrailhookError):
    """The request is understood but its data is wrong; `fields` maps a field's path to its fault."""

    code = "validation"

    def __init__(self, message: str, fields: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.fields = dict(fields or {})


class Unauthorized(TrailhookError):
    """The credentials are missing or wrong."""

    code = "unauthorized"


class TooMany(TrailhookError):
    """Too many requests of one kind came from one client; the next may come after `retry_after` seconds."""

    code = "too_many"

    def __init__(self, message: str, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotFound(TrailhookError):
    """There is no such thing."""

    code = "not_found"


class Conflict(TrailhookError):
    """The request does not fit the present state; `reason` replaces the general code where one is named."""

    code = "conflict"

    def __init__(self, message: str, reason: str | None = None) -> None:
        super().__init__(message)
        self.reason = reason


class TooLarge(TrailhookError):
    """The body is larger than MAX_BODY_BYTES."""

    code = "too_large"


class Unavailable(TrailhookError):
    """A part that this needs is away for now: Postgres or Redis."""

    code = "unavailable"


class ArrError(TrailhookError):
    """Radarr or Sonarr did not do what was asked."""

    code = "upstream"


class ArrConnectionError(ArrError):
    """The connection as a whole does not work: nothing was learnt about any item."""


class ArrUnreachable(ArrConnectionError):
    """No connection to the Arr: DNS, refused, TLS or a broken one."""


class ArrTimeout(ArrConnectionError):
    """The Arr took the connection and did not answer in time."""


class ArrCaFileUnusable(ArrConnectionError):
    """The file of authorities that the connection names cannot be read or holds none."""


class ArrUnauthorized(ArrConnectionError):
    """The Arr refused the API key."""


class ArrRedirected(ArrConnectionError):
    """The Arr answered with a redirect, which is never followed."""


class ArrStartingUp(ArrConnectionError):
    """The Arr is starting up."""


class ArrNotAnArr(ArrConnectionError):
    """Something else than the expected Arr answered: a proxy's HTML, another app, no JSON."""


class ArrBadAnswer(ArrConnectionError):
    """The answer broke off or is not what the call promises."""


class ArrItemError(ArrError):
    """The Arr failed for this item alone."""


class ArrItemGone(ArrItemError):
    """The Arr says clearly that it has no such item: 404 with a JSON object."""


class ArrRejected(ArrError):
    """The Arr refused what was sent to it; the message carries its own words."""


class StorageError(TrailhookError):
    """A folder or file could not be read or written; `problem` says which kind."""

    code = "storage"

    def __init__(self, message: str, problem: StorageProblem) -> None:
        super().__init__(message)
        self.problem = problem


class FetchError(TrailhookError):
    """One video could not be fetched or is no usable trailer; `failure` says which kind.

    `certain`: the words can mean nothing else. Otherwise it takes several videos to tell a source that blocks or a
    set-up that is at fault, and a second try on another day to tell a video that is gone. `retry_after` is how long a
    video that is announced has still to wait, `countries` (two letters) are those that see one kept from others: None
    and empty where nobody said.
    """

    code = "fetch"

    def __init__(
        self,
        message: str,
        failure: FetchFailure,
        *,
        certain: bool = True,
        retry_after: timedelta | None = None,
        countries: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.failure = failure
        self.certain = certain
        self.retry_after = retry_after
        self.countries = countries


class CatalogueError(TrailhookError):
    """A catalogue of videos could not be asked; nothing was learnt about any title."""

    code = "catalogue"


class ServerError(TrailhookError):
    """A media server did not do what was asked."""

    code = "upstream"


class ServerKeyRefused(ServerError):
    """The media server refused the token."""


class ServerAway(ServerError):
    """The media server cannot be reached, or does not answer in time, or fails."""


class ServerBadAnswer(ServerError):
    """Something else than the expected media server answered."""


class LeaseLost(TrailhookError):
    """Another worker took this work over; nothing may be written any more."""

    code = "lease_lost"
