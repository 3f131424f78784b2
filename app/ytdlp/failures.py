"""What a failure of the child means: its kind, and one sentence for people (pure)."""

from __future__ import annotations

import errno
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from app.ytdlp.options import FILE_STEM
from schemas.base import FetchFailure, StorageProblem

_MOST_DETAIL = 300
_MOST_SECONDS = 10 * 365 * 86_400
_FULL_BELOW_BYTES = 1 << 20
_OWN_FILE = f"'{FILE_STEM}."
_FFMPEG = frozenset({"PostProcessingError", "ConversionFailed"})
_NO_FORMATS = ("requested format is not available",)
_UPDATE = "run `trailhook update-yt-dlp`"
_JS_RUNTIME = "YouTube's formats need a JavaScript runtime and a current yt-dlp: see `trailhook doctor`."
_ANNOUNCED = "The video is announced but not out yet."
_UNITS = {
    "minute": timedelta(minutes=1),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
    "week": timedelta(weeks=1),
    "month": timedelta(days=30),
}


@dataclass(frozen=True, slots=True)
class RawFailure:
    """What the child says: class names of the error and its causes, its text, and what may explain it.

    `seconds_left` is how long the video's page says that it has to wait, `folder_gone` that the work directory is.
    """

    names: frozenset[str]
    text: str
    warnings: tuple[str, ...] = ()
    error_number: int | None = None
    http_status: int | None = None
    expected: bool | None = None
    free_bytes: int | None = None
    folder_gone: bool = False
    countries: tuple[str, ...] = ()
    seconds_left: float | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """The kind of a failure; `problem` is set where it is the disk's, the rest is as in FetchError."""

    failure: FetchFailure
    message: str
    problem: StorageProblem | None = None
    certain: bool = True
    retry_after: timedelta | None = None
    countries: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Rule:
    """Fits where a class name, an HTTP status or a text fits; texts are lower case with straight apostrophes."""

    failure: FetchFailure
    sentence: str
    names: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()
    texts: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    certain: bool = True

    def fits(self, raw: RawFailure, text: str, warnings: str) -> bool:
        if self.warnings and not _any_in(self.warnings, warnings):
            return False
        return bool(self.names & raw.names) or raw.http_status in self.statuses or _any_in(self.texts, text)


def _any_in(parts: Sequence[str], text: str) -> bool:
    return any(part in text for part in parts)


_OURS = (
    _Rule(
        FetchFailure.OUR_SETUP,
        "The cookies file cannot be read: correct COOKIES_FILE and let this user read it.",
        names=frozenset({"CookiesUnreadable"}),
    ),
    _Rule(
        FetchFailure.OUR_SETUP,
        "The cookies file holds no cookies: export it again in Netscape format and check COOKIES_FILE.",
        names=frozenset({"CookieLoadError", "CookiesUseless"}),
    ),
    _Rule(
        FetchFailure.NOT_A_TRAILER,
        "The video is shorter than a trailer may be.",
        names=frozenset({"VideoTooShort", "TooShort"}),
    ),
    _Rule(
        FetchFailure.NOT_A_TRAILER,
        "The video is longer than a trailer may be.",
        names=frozenset({"VideoTooLong", "TooLong"}),
    ),
    _Rule(FetchFailure.NOT_A_TRAILER, "It is a live stream, not a video.", names=frozenset({"VideoIsLive"})),
    _Rule(FetchFailure.NOT_YET, _ANNOUNCED, names=frozenset({"VideoIsAnnounced"})),
    _Rule(
        FetchFailure.NOT_A_TRAILER,
        "The video has fewer lines than a trailer must have.",
        names=frozenset({"VideoTooLow", "TooLow"}),
    ),
    _Rule(
        FetchFailure.NOT_A_TRAILER,
        "The video has more lines than a trailer may have.",
        names=frozenset({"VideoTooHigh", "TooHigh"}),
    ),
    _Rule(
        FetchFailure.NOT_A_TRAILER,
        "The video is larger than a trailer may be.",
        names=frozenset({"VideoTooLarge"}),
        texts=("file too large",),
    ),
    _Rule(FetchFailure.NOT_A_TRAILER, "The video has no picture.", names=frozenset({"NoVideoStream"})),
    _Rule(
        FetchFailure.TRANSIENT,
        "The fetched file is not complete; it is tried again.",
        names=frozenset({"BrokenFile", "NoAudioStream"}),
    ),
)

_THEIRS = (
    _Rule(
        FetchFailure.SOURCE_BLOCKED,
        "YouTube wants to see that we are no bot: wait, slow down, or set COOKIES_FILE.",
        statuses=frozenset({402, 429}),
        texts=(
            "confirm you're not a bot",
            "rate-limited by youtube",
            "http error 429",
            "http error 402",
            "ip is likely being blocked",
            "captcha challenge",
        ),
    ),
    _Rule(
        FetchFailure.SOURCE_BLOCKED,
        "YouTube says that the video is not available, which it also says to those who ask too much.",
        texts=("this content isn't available",),
        certain=False,
    ),
    _Rule(
        FetchFailure.OUR_SETUP,
        _JS_RUNTIME,
        texts=_NO_FORMATS,
        warnings=("no supported javascript runtime",),
    ),
    _Rule(
        FetchFailure.OUR_SETUP,
        _JS_RUNTIME,
        texts=_NO_FORMATS,
        warnings=("challenge solving failed", "signature solving failed", "only images are available"),
        certain=False,
    ),
    _Rule(
        FetchFailure.NEEDS_COOKIES,
        "The video wants a signed-in viewer: set COOKIES_FILE to watch it.",
        texts=("confirm your age", "age-restricted", "login details are needed", "registered users", "logged-in"),
    ),
    _Rule(
        FetchFailure.GEO,
        "The video is not shown in this country: a PROXY in another one would help.",
        names=frozenset({"GeoRestrictedError"}),
        texts=("in your country", "from your location"),
    ),
    _Rule(
        FetchFailure.NOT_YET,
        _ANNOUNCED,
        texts=("premieres in", "premiere will begin", "live event will begin"),
    ),
    _Rule(
        FetchFailure.NOT_A_TRAILER,
        "It is a live stream, not a video.",
        texts=("is offline", "live stream recording is not available", "live event has ended"),
    ),
    _Rule(
        FetchFailure.DEAD,
        "The video is not there any more.",
        names=frozenset({"UnsupportedError"}),
        texts=(
            "private video",
            "video is private",
            "removed by the uploader",
            "has been removed",
            "account associated with this video",
            "copyright",
            "violating youtube's",
            "members-only",
            "join this channel",
            "channel's members",
            "premium members",
            "drm protected",
            "protected by a password",
            "incomplete youtube id",
            "no suitable extractor",
        ),
    ),
    _Rule(
        FetchFailure.DEAD,
        "The video is not available.",
        texts=("video is not available", "video unavailable"),
        certain=False,
    ),
    _Rule(
        FetchFailure.DEAD,
        "The video offers nothing that can be fetched.",
        texts=(*_NO_FORMATS, "no video formats found"),
    ),
    _Rule(
        FetchFailure.OUR_SETUP,
        "ffmpeg cannot be used: install it, or set FFMPEG to its path.",
        texts=("ffmpeg is not installed", "ffmpeg not found"),
    ),
    _Rule(
        FetchFailure.OUR_SETUP,
        "The proxy refused: check PROXY.",
        names=frozenset({"ProxyError"}),
        texts=("unable to connect to proxy", "tunnel connection failed", "unsupported proxy", "proxy authentication"),
        certain=False,
    ),
    _Rule(
        FetchFailure.OUR_SETUP,
        "The source's certificate is not trusted here: check the clock and the certificates of this machine.",
        names=frozenset({"CertificateVerifyError", "SSLCertVerificationError"}),
        certain=False,
    ),
    _Rule(
        FetchFailure.OUR_SETUP,
        f"YouTube does not give the video to this yt-dlp: {_UPDATE}.",
        texts=("unable to download video data: http error 403", "failed to extract any player response"),
        certain=False,
    ),
    _Rule(
        FetchFailure.TRANSIENT,
        "The download broke off; it is tried again.",
        names=frozenset({"IncompleteRead", "ContentTooShortError", "NoFile"}),
        texts=(
            "more expected",
            "content too short",
            "downloaded file is empty",
            "unable to continue",
            "giving up after",
        ),
    ),
    _Rule(FetchFailure.DEAD, "The video is not there any more.", statuses=frozenset({404, 410})),
    _Rule(
        FetchFailure.NOT_A_TRAILER,
        "The video cannot be made into an MP4 file that plays.",
        names=_FFMPEG,
    ),
    _Rule(
        FetchFailure.TRANSIENT,
        "The source does not answer; it is tried again.",
        names=frozenset({"TransportError", "TimeoutError", "ConnectionError", "gaierror", "SSLError"}),
        statuses=frozenset({408, 500, 502, 503, 504}),
        texts=("timed out", "http error 5", "connection reset", "name resolution"),
    ),
)
_NETWORK = frozenset({"TransportError", "HTTPError", "ConnectionError", "TimeoutError", "gaierror"})
_OUT_OF_DATE = _Rule(FetchFailure.OUR_SETUP, f"yt-dlp does not understand the page: {_UPDATE}.", certain=False)
_UNKNOWN = _Rule(FetchFailure.UNKNOWN, "The video could not be fetched.", certain=False)
_STORAGE = {
    errno.ENOSPC: StorageProblem.FULL,
    errno.EDQUOT: StorageProblem.FULL,
    errno.EROFS: StorageProblem.READ_ONLY,
    errno.EACCES: StorageProblem.NOT_WRITABLE,
    errno.EPERM: StorageProblem.NOT_WRITABLE,
    errno.EIO: StorageProblem.UNREACHABLE,
    errno.ESTALE: StorageProblem.UNREACHABLE,
    errno.ENOTCONN: StorageProblem.UNREACHABLE,
}
_STORAGE_TEXTS = {
    "no space left on device": StorageProblem.FULL,
    "disk quota exceeded": StorageProblem.FULL,
    "read-only file system": StorageProblem.READ_ONLY,
    "stale file handle": StorageProblem.UNREACHABLE,
    "input/output error": StorageProblem.UNREACHABLE,
}
_STORAGE_SENTENCES = {
    StorageProblem.MISSING: "The title's folder went away meanwhile: check that the library is still mounted.",
    StorageProblem.FULL: "There is no space left in the title's folder: free some, or raise the quota.",
    StorageProblem.NOT_WRITABLE: "The title's folder does not take files: check its permissions and mount options.",
    StorageProblem.READ_ONLY: "The title's folder is on a read-only file system: mount it writable.",
    StorageProblem.UNREACHABLE: "The disk of the title's folder fails: check the disk or the network mount.",
}


def meaning_of(raw: RawFailure) -> Meaning:
    """Give kind and sentence; the first rule that fits holds, and a bug of yt-dlp means that it is out of date."""
    rule = _first_fitting(_OURS, raw)
    problem = _storage_problem(raw) if rule is None else None
    if problem is not None:
        return _of_storage(problem)
    rule = rule or _first_fitting(_THEIRS, raw)
    if rule is None and raw.expected is False:
        rule = _OUT_OF_DATE
    return _of(rule or _UNKNOWN, raw)


def time_left(text: str) -> timedelta | None:
    """Read how long an announced video has still to wait; None where the text does not say."""
    found = re.search(r"\bin (\d+|an?) (minute|hour|day|week|month)s?\b", text.lower())
    if found is None:
        return None
    number = int(found[1][:6]) if found[1].isdigit() else 1
    return number * _UNITS[found[2]]


def clean_detail(text: str) -> str:
    """Make a program's own words fit to show: one line, no address parameters, no advice for its command line."""
    line = re.sub(r"\x1b\[[0-9;]*m", "", text).strip().split("\n", 1)[0].removeprefix("ERROR: ")
    for advice in ("; please report", " Use --", " (caused by", " See  http", " Set --"):
        line = line.split(advice, 1)[0]
    line = re.sub(r"^\[[^\]]+\] (?:\S+: )?", "", line)
    line = re.sub(r"(https?://[^\s?#]+)[?#]\S*", r"\1", line)
    return "".join(char if char.isprintable() else " " for char in line)[:_MOST_DETAIL].strip(" .")


def _first_fitting(rules: Sequence[_Rule], raw: RawFailure) -> _Rule | None:
    text, warnings = _comparable(raw.text), _comparable("\n".join(raw.warnings))
    return next((rule for rule in rules if rule.fits(raw, text, warnings)), None)


def _of(rule: _Rule, raw: RawFailure) -> Meaning:
    meaning = Meaning(rule.failure, _with_detail(rule.sentence, raw.text), certain=rule.certain)
    match rule.failure:
        case FetchFailure.GEO:
            return replace(meaning, countries=raw.countries)
        case FetchFailure.NOT_YET if raw.seconds_left is not None:
            return replace(meaning, retry_after=timedelta(seconds=min(max(raw.seconds_left, 0), _MOST_SECONDS)))
        case FetchFailure.NOT_YET:
            return replace(meaning, retry_after=time_left(raw.text))
    return meaning


def _of_storage(problem: StorageProblem) -> Meaning:
    return Meaning(FetchFailure.STORAGE, _STORAGE_SENTENCES[problem], problem)


def _storage_problem(raw: RawFailure) -> StorageProblem | None:
    if raw.names & _NETWORK:
        return None
    if raw.folder_gone:
        return StorageProblem.MISSING
    if raw.names & _FFMPEG and raw.free_bytes is not None and raw.free_bytes < _FULL_BELOW_BYTES:
        return StorageProblem.FULL  # ffmpeg often does not say why it failed
    if raw.error_number == errno.ENOENT and _OWN_FILE in raw.text:
        return StorageProblem.MISSING
    if raw.error_number in _STORAGE:
        return _STORAGE[raw.error_number]
    return next((problem for part, problem in _STORAGE_TEXTS.items() if part in _comparable(raw.text)), None)


def _comparable(text: str) -> str:
    return text.lower().replace("\u2019", "'")


def _with_detail(sentence: str, text: str) -> str:
    detail = clean_detail(text)
    return f"{sentence} ({detail})" if detail else sentence
