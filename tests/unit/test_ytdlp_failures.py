"""What yt-dlp's errors mean."""

from __future__ import annotations

import errno
from datetime import timedelta
from typing import Any

import pytest

from app.ytdlp.failures import RawFailure, clean_detail, meaning_of
from schemas.base import FetchFailure, StorageProblem


def raw(
    text: str,
    *names: str,
    warnings: tuple[str, ...] = (),
    error_number: int | None = None,
    http_status: int | None = None,
    expected: bool | None = True,
    free_bytes: int | None = 1 << 30,
    **more: Any,
) -> RawFailure:
    return RawFailure(frozenset(names), text, warnings, error_number, http_status, expected, free_bytes, **more)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Sign in to confirm you\u2019re not a bot. Use --cookies", FetchFailure.SOURCE_BLOCKED),
        (
            "This content isn't available, try again later. The session has been rate-limited by YouTube for an hour.",
            FetchFailure.SOURCE_BLOCKED,
        ),
        ("Unable to download API page: HTTP Error 429: Too Many Requests", FetchFailure.SOURCE_BLOCKED),
        ("Sign in to confirm your age. This video may be inappropriate", FetchFailure.NEEDS_COOKIES),
        ("Private video. Sign in if you've been granted access", FetchFailure.DEAD),
        ("Video unavailable. This video has been removed by the uploader", FetchFailure.DEAD),
        ("Video unavailable", FetchFailure.DEAD),
        ("Join this channel to get access to members-only content", FetchFailure.DEAD),
        ("This video is DRM protected", FetchFailure.DEAD),
        ("The uploader has not made this video available in your country", FetchFailure.GEO),
        ("Premieres in 3 hours", FetchFailure.NOT_YET),
        ("This live event will begin in 2 days.", FetchFailure.NOT_YET),
        ("This live event will begin in a few moments.", FetchFailure.NOT_YET),
        ("This live event has ended.", FetchFailure.NOT_A_TRAILER),
        ("This live stream recording is not available.", FetchFailure.NOT_A_TRAILER),
        ("Unable to download API page: HTTP Error 402: Payment Required", FetchFailure.SOURCE_BLOCKED),
        ("Your IP is likely being blocked by Youtube", FetchFailure.SOURCE_BLOCKED),
        ("Solve the captcha challenge first", FetchFailure.SOURCE_BLOCKED),
        ("Video unavailable. This content isn\u2019t available.", FetchFailure.SOURCE_BLOCKED),
        ("This video may be age-restricted", FetchFailure.NEEDS_COOKIES),
        ("Login details are needed to download this content", FetchFailure.NEEDS_COOKIES),
        ("This video is only available for registered users", FetchFailure.NEEDS_COOKIES),
        ("The YouTube account associated with this video has been terminated.", FetchFailure.DEAD),
        ("This video is no longer available due to a copyright claim by Somebody", FetchFailure.DEAD),
        ("This video has been removed for violating YouTube\u2019s Terms of Service", FetchFailure.DEAD),
        ("Incomplete YouTube ID abc. URL looks truncated.", FetchFailure.DEAD),
        ("No suitable extractor (Youtube) found for URL", FetchFailure.DEAD),
        ("Video unavailable. This video is not available", FetchFailure.DEAD),
        ("Failed to extract any player response; please report this", FetchFailure.OUR_SETUP),
        ("Unable to download webpage: Unable to connect to proxy", FetchFailure.OUR_SETUP),
        ("Unsupported proxy type: gopher", FetchFailure.OUR_SETUP),
        ("Requested format is not available. Use --list-formats", FetchFailure.DEAD),
        ("unable to download video data: HTTP Error 403: Forbidden", FetchFailure.OUR_SETUP),
        (
            "You have requested merging of multiple formats but ffmpeg is not installed. Aborting",
            FetchFailure.OUR_SETUP,
        ),
        ("Got error: 100 bytes read, 900 more expected. Giving up after 3 retries", FetchFailure.TRANSIENT),
        ("fragment 3 not found, unable to continue", FetchFailure.TRANSIENT),
        ("The downloaded file is empty", FetchFailure.TRANSIENT),
        ("unable to download video data: HTTP Error 503: Service Unavailable", FetchFailure.TRANSIENT),
        ("Unable to download webpage: The read operation timed out", FetchFailure.TRANSIENT),
        ("something that nobody has seen before", FetchFailure.UNKNOWN),
    ],
)
def test_texts(text: str, kind: FetchFailure) -> None:
    meaning = meaning_of(raw(f"ERROR: [youtube] abcdefghijk: {text}", "DownloadError"))
    assert meaning.failure is kind
    assert meaning.problem is None
    assert meaning.message.strip()


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("GeoRestrictedError", FetchFailure.GEO),
        ("UnsupportedError", FetchFailure.DEAD),
        ("CookieLoadError", FetchFailure.OUR_SETUP),
        ("CookiesUnreadable", FetchFailure.OUR_SETUP),
        ("CookiesUseless", FetchFailure.OUR_SETUP),
        ("ProxyError", FetchFailure.OUR_SETUP),
        ("CertificateVerifyError", FetchFailure.OUR_SETUP),
        ("TransportError", FetchFailure.TRANSIENT),
        ("VideoTooShort", FetchFailure.NOT_A_TRAILER),
        ("VideoTooLong", FetchFailure.NOT_A_TRAILER),
        ("VideoIsLive", FetchFailure.NOT_A_TRAILER),
        ("VideoTooLarge", FetchFailure.NOT_A_TRAILER),
        ("VideoTooLow", FetchFailure.NOT_A_TRAILER),
        ("VideoTooHigh", FetchFailure.NOT_A_TRAILER),
        ("TooLow", FetchFailure.NOT_A_TRAILER),
        ("TooHigh", FetchFailure.NOT_A_TRAILER),
        ("VideoIsAnnounced", FetchFailure.NOT_YET),
        ("ConversionFailed", FetchFailure.NOT_A_TRAILER),
        ("TooShort", FetchFailure.NOT_A_TRAILER),
        ("TooLong", FetchFailure.NOT_A_TRAILER),
        ("NoVideoStream", FetchFailure.NOT_A_TRAILER),
        ("PostProcessingError", FetchFailure.NOT_A_TRAILER),
        ("BrokenFile", FetchFailure.TRANSIENT),
        ("NoAudioStream", FetchFailure.TRANSIENT),
        ("NoFile", FetchFailure.TRANSIENT),
    ],
)
def test_class_names(name: str, kind: FetchFailure) -> None:
    assert meaning_of(raw("text", name)).failure is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, FetchFailure.DEAD),
        (410, FetchFailure.DEAD),
        (429, FetchFailure.SOURCE_BLOCKED),
        (402, FetchFailure.SOURCE_BLOCKED),
        (500, FetchFailure.TRANSIENT),
        (403, FetchFailure.UNKNOWN),
    ],
)
def test_http_statuses(status: int, kind: FetchFailure) -> None:
    assert meaning_of(raw("Unable to download webpage", "HTTPError", http_status=status)).failure is kind


def test_a_missing_js_runtime_shows_only_in_a_warning() -> None:
    warning = "No supported JavaScript runtime could be found. Only deno is enabled by default"
    meaning = meaning_of(raw("Requested format is not available", "ExtractorError", warnings=(warning,)))
    assert meaning.failure is FetchFailure.OUR_SETUP
    assert meaning_of(raw("Private video", "ExtractorError", warnings=(warning,))).failure is FetchFailure.DEAD


@pytest.mark.parametrize(
    ("failure", "certain"),
    [
        (raw("Sign in to confirm you're not a bot"), True),
        (raw("HTTP Error 429"), True),
        (raw("ffmpeg is not installed"), True),
        (raw("Requested format is not available", warnings=("No supported JavaScript runtime could be found",)), True),
        (raw("Requested format is not available", warnings=("n challenge solving failed: Some formats",)), False),
        (raw("Requested format is not available", warnings=("Only images are available for download",)), False),
        (raw("Video unavailable. This content isn't available"), False),
        (raw("unable to download video data: HTTP Error 403: Forbidden"), False),
        (raw("KeyError('streamingData')", expected=False), False),
        (raw("Unable to download webpage: Unable to connect to proxy", "ProxyError", "TransportError"), False),
        (raw("Tunnel connection failed: 407 Proxy Authentication Required"), False),
        (raw("certificate verify failed", "CertificateVerifyError", "TransportError"), False),
        (raw("HTTP Error 402: Payment Required", "HTTPError", http_status=402), True),
        (raw("The session has been rate-limited by YouTube"), True),
        (raw("Private video"), True),
        (raw("gone", "HTTPError", http_status=404), True),
        (raw("Video unavailable. This video is not available"), False),
        (raw("something that nobody has seen before"), False),
    ],
)
def test_only_clear_words_are_certain(failure: RawFailure, certain: bool) -> None:
    assert meaning_of(failure).certain is certain


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Premieres in 5 hours", timedelta(hours=5)),
        ("Premieres in 1 minute", timedelta(minutes=1)),
        ("Premieres in an hour", timedelta(hours=1)),
        ("This live event will begin in 2 days.", timedelta(days=2)),
        ("This live event will begin in 3 weeks.", timedelta(weeks=3)),
        ("This live event will begin in a few moments.", None),
        ("Premieres in 99999999999999 days", timedelta(days=999_999)),
    ],
)
def test_an_announced_video_says_how_long_it_waits(text: str, left: timedelta | None) -> None:
    assert meaning_of(raw(text, "ExtractorError")).retry_after == left


def test_the_page_knows_better_when_a_premiere_begins() -> None:
    meaning = meaning_of(raw("Premieres in 5 hours", "VideoIsAnnounced", seconds_left=100.0))
    assert meaning.retry_after == timedelta(seconds=100)
    assert meaning_of(raw("", "VideoIsAnnounced", seconds_left=-5.0)).retry_after == timedelta()
    assert meaning_of(raw("Private video", seconds_left=100.0)).retry_after is None


def test_the_countries_that_see_it_are_kept() -> None:
    assert meaning_of(raw("x", "GeoRestrictedError", countries=("US", "CA"))).countries == ("US", "CA")


def test_what_ytdlp_did_not_expect_means_that_it_is_out_of_date() -> None:
    assert meaning_of(raw("KeyError('streamingData')", "ExtractorError", expected=False)).failure is (
        FetchFailure.OUR_SETUP
    )


@pytest.mark.parametrize(
    ("failure", "problem"),
    [
        (raw("unable to write data: [Errno 28] No space left on device", "DownloadError"), StorageProblem.FULL),
        (raw("x", "OSError", error_number=errno.EDQUOT), StorageProblem.FULL),
        (raw("Conversion failed!", "PostProcessingError", free_bytes=100), StorageProblem.FULL),
        (raw("x", "OSError", error_number=errno.EROFS), StorageProblem.READ_ONLY),
        (raw("x", "OSError", error_number=errno.EPERM), StorageProblem.NOT_WRITABLE),
        (
            raw("unable to open for writing: [Errno 30] Read-only file system", "DownloadError"),
            StorageProblem.READ_ONLY,
        ),
        (raw("unable to open for writing", "DownloadError", folder_gone=True), StorageProblem.MISSING),
        (
            raw("No such file or directory: 'trailer.f136.mp4.part'", "FileNotFoundError", error_number=errno.ENOENT),
            StorageProblem.MISSING,
        ),
        (raw("unable to open for writing", "PermissionError", error_number=errno.EACCES), StorageProblem.NOT_WRITABLE),
        (raw("x", "OSError", error_number=errno.ESTALE), StorageProblem.UNREACHABLE),
    ],
)
def test_failures_of_the_disk(failure: RawFailure, problem: StorageProblem) -> None:
    meaning = meaning_of(failure)
    assert (meaning.failure, meaning.problem) == (FetchFailure.STORAGE, problem)


def test_a_missing_program_is_not_the_disks_fault() -> None:
    gone = raw("No such file or directory: '/usr/bin/ffmpeg'", "FileNotFoundError", error_number=errno.ENOENT)
    assert meaning_of(gone).failure is FetchFailure.UNKNOWN


def test_a_refused_connection_is_not_the_disks_fault() -> None:
    refused = raw("Permission denied", "TransportError", "OSError", error_number=errno.EACCES)
    assert meaning_of(refused).failure is FetchFailure.TRANSIENT


def test_the_shown_text_is_one_line_without_parameters_and_advice() -> None:
    text = (
        "\x1b[0;31mERROR:\x1b[0m [youtube] abcdefghijk: Unable to read https://host.example/video?sig=SECRET "
        "now. Use --cookies for it. See  https://example.org\nmore"
    )
    assert clean_detail(text) == "Unable to read https://host.example/video now"
    assert len(clean_detail("x" * 5000)) <= 300
    assert clean_detail("a\x00b\x07") == "a b"
