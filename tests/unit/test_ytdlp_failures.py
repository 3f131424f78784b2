"""What yt-dlp's errors mean."""

from __future__ import annotations

import errno

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
) -> RawFailure:
    return RawFailure(frozenset(names), text, warnings, error_number, http_status, expected, free_bytes)


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
        ("Premieres in 3 hours", FetchFailure.NOT_A_TRAILER),
        ("This live event will begin in 2 days.", FetchFailure.NOT_A_TRAILER),
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
        ("ProxyError", FetchFailure.OUR_SETUP),
        ("CertificateVerifyError", FetchFailure.OUR_SETUP),
        ("TransportError", FetchFailure.TRANSIENT),
        ("VideoTooShort", FetchFailure.NOT_A_TRAILER),
        ("VideoTooLong", FetchFailure.NOT_A_TRAILER),
        ("VideoIsLive", FetchFailure.NOT_A_TRAILER),
        ("VideoTooLarge", FetchFailure.NOT_A_TRAILER),
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
        (raw("x", "OSError", error_number=errno.EROFS), StorageProblem.NOT_WRITABLE),
        (raw("unable to open for writing", "PermissionError", error_number=errno.EACCES), StorageProblem.NOT_WRITABLE),
        (raw("x", "OSError", error_number=errno.ESTALE), StorageProblem.UNREACHABLE),
    ],
)
def test_failures_of_the_disk(failure: RawFailure, problem: StorageProblem) -> None:
    meaning = meaning_of(failure)
    assert (meaning.failure, meaning.problem) == (FetchFailure.STORAGE, problem)


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
