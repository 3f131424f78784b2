"""Fetching videos with the real yt-dlp, ffmpeg and PyAV, from a video host on loopback."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import av
import pytest
from pydantic import SecretStr

from app.context import FetchRequest
from app.domain.policy import Policy
from app.domain.videos import FetchedTrailer
from app.errors import FetchError, StorageError
from app.ytdlp.child import TimeLimits
from app.ytdlp.verify import (
    BrokenFile,
    NoAudioStream,
    NoVideoStream,
    TooHigh,
    TooLong,
    TooLow,
    TooShort,
    Verified,
    Wanted,
    verify,
)
from schemas.base import FetchFailure, StorageProblem
from schemas.policy import Prefer
from tests.simulators import youtube_says
from tests.studio import (
    SECONDS,
    Studio,
    clip,
    failure_of,
    fetch,
    names_in,
    names_of,
    processes_in,
    read_proc,
    run_ffmpeg,
    slow_ffmpeg,
    until,
)

WORKER = """
import asyncio, json, sys
from pathlib import Path
from app.context import FetchRequest
from app.domain.policy import Policy
from app.ytdlp.client import Tools, YtDlpVideos

ffmpeg, ffmpeg_dir, url, work_dir = sys.argv[1:]
videos = YtDlpVideos(Tools(ffmpeg=Path(ffmpeg), ffmpeg_dir=Path(ffmpeg_dir)))
asyncio.run(videos.fetch(FetchRequest(url, Path(work_dir), Policy()), lambda percent: None))
"""


# What works.


@pytest.mark.parametrize("kind", ["mp4", "hls", "dash"])
async def test_a_video_is_fetched_whole_and_as_h264(studio: Studio, work_dir: Path, kind: str) -> None:
    url = studio.add("Sintel - Official Trailer", kind=kind)
    told: list[float | None] = []
    fetched = await studio.videos().fetch(FetchRequest(url, work_dir, Policy()), told.append)
    assert fetched == FetchedTrailer(
        path=work_dir / "trailer.mp4",
        video_id=url[-11:],
        title="Sintel - Official Trailer",
        duration=fetched.duration,
        width=1280,
        height=720,
        video_codec="h264",
        audio_codec="aac",
        size=(work_dir / "trailer.mp4").stat().st_size,
    )
    assert abs(fetched.duration - SECONDS) < 0.5
    known = [percent for percent in told if percent is not None]
    assert known == sorted(known)
    assert all(0 <= percent <= 100 for percent in known)
    assert names_in(work_dir) == ["trailer.mp4"]
    assert names_in(work_dir.parent) == [".trailhook-1"]
    assert processes_in(work_dir) == []


async def test_progress_comes_while_it_loads(studio: Studio, work_dir: Path) -> None:
    told: list[float | None] = []
    url = studio.add(rate=500_000)
    await studio.videos().fetch(FetchRequest(url, work_dir, Policy()), told.append)
    known = [percent for percent in told if percent is not None]
    assert known == sorted(known)
    assert any(0 < percent < 100 for percent in known)


async def test_a_folder_whose_name_a_shell_would_read(studio: Studio, tmp_path: Path) -> None:
    odd = tmp_path / " ~$HOME %(id)s 'é\" " / ".trailhook-1"
    odd.mkdir(parents=True)
    assert (await fetch(studio.videos(), studio.add(), odd)).path == odd / "trailer.mp4"
    assert names_in(odd) == ["trailer.mp4"]


async def test_what_lies_in_the_work_dir_is_never_run(studio: Studio, work_dir: Path) -> None:
    for name in ("json.py", "yt_dlp.py", "app.py", "av.py"):
        (work_dir / name).write_text("raise SystemExit('taken from the work directory')")
    await fetch(studio.videos(), studio.add(kind="mp4"), work_dir)


async def test_the_search_gives_hits_in_order(studio: Studio) -> None:
    for number in range(3):
        studio.add(f"Tears of Steel part {number}", channel="Blender Studio", kind="audio", seconds=SECONDS)
    hits = await studio.videos().search("Tears  of\nSteel", 2)
    assert [hit.title for hit in hits] == ["Tears of Steel part 0", "Tears of Steel part 1"]
    assert {(hit.channel, hit.seconds, hit.is_live) for hit in hits} == {("Blender Studio", SECONDS, False)}
    assert all(len(hit.video_id) == 11 for hit in hits)
    assert await studio.videos().search("nothing-like-this", 5) == []


async def test_cookies_are_used_as_a_copy(studio: Studio, work_dir: Path, tmp_path: Path) -> None:
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t2147483647\tSID\tsecret\n")
    cookies.chmod(0o400)
    before = cookies.read_bytes(), mtime_of(cookies)
    await fetch(studio.videos(cookies_file=cookies), studio.add(kind="mp4"), work_dir)
    assert (cookies.read_bytes(), mtime_of(cookies)) == before
    assert "SID=secret" in studio.host.cookies
    assert names_in(work_dir) == ["trailer.mp4"]


def mtime_of(path: Path) -> int:
    return path.stat().st_mtime_ns


async def test_more_lines_come_first_only_where_asked(studio: Studio, work_dir: Path) -> None:
    """The video has 1080 lines in VP9 and AV1 only, which the host does not serve."""
    url = studio.add(kind="dash")
    assert (await fetch(studio.videos(), url, work_dir)).height == 720
    with pytest.raises(FetchError):
        await fetch(studio.videos(), url, work_dir, Policy(prefer=Prefer.QUALITY))
    assert (await fetch(studio.videos(), url, work_dir, Policy(prefer=Prefer.QUALITY, max_height=720))).height == 720


@pytest.mark.parametrize(
    ("policy", "words"), [(Policy(max_height=480), "more lines"), (Policy(min_height=2160), "fewer")]
)
async def test_lines_are_bounded(studio: Studio, work_dir: Path, policy: Policy, words: str) -> None:
    error = await failure_of(studio.videos(), studio.add(kind="dash"), work_dir, policy)
    assert error.failure is FetchFailure.NOT_A_TRAILER
    assert words in error.message


async def test_subtitles_are_put_into_the_file(studio: Studio, work_dir: Path) -> None:
    url = studio.add(subtitles=("en-GB", "de", "fr"))
    await fetch(studio.videos(), url, work_dir, Policy(subtitles=("en-gb", "de", "it")))
    assert sorted(languages_in(work_dir / "trailer.mp4")) == ["deu", "eng"]
    assert names_in(work_dir) == ["trailer.mp4"]


async def test_subtitles_that_cannot_be_had_cost_no_trailer(studio: Studio, work_dir: Path, tmp_path: Path) -> None:
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("127.0.0.1\tFALSE\t/\tFALSE\t2147483647\tSID\tkept\n")
    videos = studio.videos(cookies_file=cookies)
    await fetch(videos, studio.add(subtitles=("xx",)), work_dir, Policy(subtitles=("xx",)))
    assert "SID=kept" in studio.host.cookies
    assert languages_in(work_dir / "trailer.mp4") == []


def languages_in(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        return [stream.language or "" for stream in container.streams.subtitles]


async def test_ids_and_addresses_of_every_form(studio: Studio, work_dir: Path) -> None:
    studio.host.add("-dashFirst0", "A trailer", seconds=SECONDS, kind="mp4")
    for address in (
        "-dashFirst0",
        "https://www.youtube.com/shorts/-dashFirst0",
        "https://youtu.be/-dashFirst0?si=x",
        "https://www.youtube.com/watch?v=-dashFirst0&list=PLabc&index=3",
    ):
        assert (await fetch(studio.videos(), address, work_dir)).video_id == "-dashFirst0"


# What does not.


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        ({"error": "Sign in to confirm you\u2019re not a bot. Use --cookies"}, FetchFailure.SOURCE_BLOCKED),
        ({"error": "Sign in to confirm your age. It may be inappropriate"}, FetchFailure.NEEDS_COOKIES),
        ({"error": "Private video. Sign in if you've been granted access"}, FetchFailure.DEAD),
        ({"error": "The uploader has not made it available", "geo": True}, FetchFailure.GEO),
        ({"error": "Premieres in 5 hours"}, FetchFailure.NOT_YET),
        ({"live_status": "is_live"}, FetchFailure.NOT_A_TRAILER),
        ({"live_status": "is_upcoming"}, FetchFailure.NOT_YET),
        ({"error": "Something entirely new"}, FetchFailure.UNKNOWN),
        ({"status": 403}, FetchFailure.OUR_SETUP),
        ({"status": 404}, FetchFailure.DEAD),
        ({"status": 429}, FetchFailure.SOURCE_BLOCKED),
        ({"status": 503}, FetchFailure.TRANSIENT),
        ({"cut": True}, FetchFailure.TRANSIENT),
        ({"cut": True, "kind": "hls"}, FetchFailure.TRANSIENT),
        ({"kind": "audio"}, FetchFailure.NOT_A_TRAILER),
        ({"seconds": 5}, FetchFailure.NOT_A_TRAILER),
        ({"claimed_seconds": 700}, FetchFailure.NOT_A_TRAILER),
        ({"claimed_seconds": 60}, FetchFailure.TRANSIENT),
        ({"claimed_seconds": 21}, FetchFailure.TRANSIENT),
        ({"kind": "ts"}, FetchFailure.TRANSIENT),
    ],
    ids=lambda value: "-".join(map(str, value.values())) if isinstance(value, dict) else str(value),
)
async def test_each_failure_has_its_kind(
    studio: Studio, work_dir: Path, facts: dict[str, Any], kind: FetchFailure
) -> None:
    error = await failure_of(studio.videos(), studio.add(**facts), work_dir)
    assert error.failure is kind
    assert "\n" not in error.message


async def test_a_refusal_tells_where_and_when(studio: Studio, work_dir: Path) -> None:
    geo = await failure_of(studio.videos(), studio.add(error=youtube_says.NO_GEO, geo=True), work_dir)
    assert geo.countries == ("US",)
    announced = await failure_of(studio.videos(), studio.add(error=youtube_says.PREMIERE), work_dir)
    assert announced.retry_after == timedelta(hours=5)
    dated = studio.add(live_status="is_upcoming", release_timestamp=time.time() + 7200)
    left = (await failure_of(studio.videos(), dated, work_dir)).retry_after
    assert left is not None
    assert timedelta(hours=1, minutes=50) < left < timedelta(hours=2)


@pytest.mark.parametrize(
    ("facts", "kind", "certain"),
    [
        ({"error": youtube_says.PRIVATE}, FetchFailure.DEAD, True),
        ({"error": youtube_says.REMOVED}, FetchFailure.DEAD, True),
        ({"error": youtube_says.TERMINATED}, FetchFailure.DEAD, True),
        ({"error": youtube_says.COPYRIGHT}, FetchFailure.DEAD, True),
        ({"error": youtube_says.MEMBERS}, FetchFailure.DEAD, True),
        ({"refusal": "drm"}, FetchFailure.DEAD, True),
        ({"error": youtube_says.NOT_AVAILABLE}, FetchFailure.DEAD, False),
        ({"error": youtube_says.BOT_CHECK}, FetchFailure.SOURCE_BLOCKED, True),
        ({"error": youtube_says.RATE_LIMIT}, FetchFailure.SOURCE_BLOCKED, True),
        ({"error": youtube_says.CAPTCHA, "refusal": "captcha"}, FetchFailure.SOURCE_BLOCKED, True),
        ({"refusal": "ip"}, FetchFailure.SOURCE_BLOCKED, True),
        ({"page_status": 402}, FetchFailure.SOURCE_BLOCKED, True),
        ({"page_status": 429}, FetchFailure.SOURCE_BLOCKED, True),
        ({"error": youtube_says.UNAVAILABLE}, FetchFailure.SOURCE_BLOCKED, False),
        ({"error": youtube_says.AGE}, FetchFailure.NEEDS_COOKIES, True),
        ({"refusal": "login"}, FetchFailure.NEEDS_COOKIES, True),
        ({"error": youtube_says.NO_GEO, "geo": True}, FetchFailure.GEO, True),
        ({"error": youtube_says.PREMIERE}, FetchFailure.NOT_YET, True),
        ({"error": youtube_says.LIVE_SOON}, FetchFailure.NOT_YET, True),
        ({"kind": "images", "warning": youtube_says.NO_JS_RUNTIME}, FetchFailure.OUR_SETUP, True),
        ({"kind": "images", "warning": youtube_says.NO_SOLUTION}, FetchFailure.OUR_SETUP, False),
        ({"kind": "images"}, FetchFailure.OUR_SETUP, False),
        ({"refusal": "player"}, FetchFailure.OUR_SETUP, False),
        ({"refusal": "dns"}, FetchFailure.TRANSIENT, True),
    ],
    ids=lambda value: "-".join(map(str, value.values()))[:40] if isinstance(value, dict) else str(value),
)
async def test_youtubes_own_words(
    studio: Studio, work_dir: Path, facts: dict[str, Any], kind: FetchFailure, *, certain: bool
) -> None:
    """Each comes as yt-dlp itself raises it, through the child."""
    error = await failure_of(studio.videos(), studio.add(**facts), work_dir)
    assert (error.failure, error.certain) == (kind, certain), error.message


async def test_a_folder_that_goes_away_meanwhile(studio: Studio, work_dir: Path) -> None:
    url = studio.add(rate=100_000)
    fetching = asyncio.create_task(fetch(studio.videos(), url, work_dir))
    await until(lambda: studio.host.under_way[url[-11:]])
    shutil.rmtree(work_dir.parent)
    with pytest.raises(StorageError) as caught:
        await fetching
    assert caught.value.problem is StorageProblem.MISSING


async def test_a_video_that_is_gone(studio: Studio, work_dir: Path) -> None:
    gone = "https://www.youtube.com/watch?v=goneForEver"
    assert (await failure_of(studio.videos(), gone, work_dir)).failure is FetchFailure.DEAD


async def test_a_missing_segment_is_never_left_out(studio: Studio, work_dir: Path) -> None:
    url = studio.add(kind="hls", seconds=SECONDS + 1)
    await fetch(studio.videos(), url, work_dir)
    clips = sorted(studio.host._cache.glob(f"{SECONDS + 1}s/part*.ts"))
    clips[2].unlink()
    assert (await failure_of(studio.videos(), url, work_dir)).failure is FetchFailure.TRANSIENT


async def test_bytes_are_limited(studio: Studio, work_dir: Path) -> None:
    url = studio.add(kind="dash")
    video = clip(studio, "video.mp4")
    for max_bytes in (len(video) // 2, len(video) + 1000):
        error = await failure_of(studio.videos(max_bytes=max_bytes), url, work_dir)
        assert error.failure is FetchFailure.NOT_A_TRAILER
        assert "larger" in error.message


async def test_without_ffmpeg_it_says_so(studio: Studio, work_dir: Path) -> None:
    videos = studio.videos(ffmpeg=Path("/nowhere/ffmpeg"))
    error = await failure_of(videos, studio.add(kind="dash"), work_dir)
    assert error.failure is FetchFailure.OUR_SETUP
    assert "ffmpeg" in error.message


@pytest.mark.parametrize(
    "text", [None, "", "<html>log in</html>", '[{"name": "SID", "value": "secret"}]', "SID secret"]
)
async def test_bad_cookies_are_named(studio: Studio, work_dir: Path, tmp_path: Path, text: str | None) -> None:
    cookies = tmp_path / "cookies.txt"
    if text is not None:
        cookies.write_text(text)
    error = await failure_of(studio.videos(cookies_file=cookies), studio.add(), work_dir)
    assert (error.failure, error.certain) == (FetchFailure.OUR_SETUP, True)
    assert "COOKIES_FILE" in error.message
    assert ("cannot be read" in error.message) is (text is None)
    assert "secret" not in error.message


async def test_a_work_dir_that_is_gone_is_the_disks_fault(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught:
        await fetch(studio.videos(), studio.add(), tmp_path / "gone")
    assert caught.value.problem is StorageProblem.MISSING


@pytest.mark.parametrize(
    "proxy",
    [
        "http://someone:s3cret%21pw@127.0.0.1:1",
        "http://someone:s3cret-pw",
        "socks5h://someone:s3cret-pw@127.0.0.1:1",
        "gopher://someone:s3cret-pw@127.0.0.1:1",
    ],
)
async def test_the_proxys_password_is_never_told(studio: Studio, work_dir: Path, proxy: str) -> None:
    error = await failure_of(studio.videos(proxy=SecretStr(proxy)), studio.add(), work_dir)
    assert "s3cret" not in error.message
    assert "someone" not in error.message


# Verifying, without the checks that yt-dlp makes itself.

WANTED = Wanted(min_seconds=20, max_seconds=600, seconds=SECONDS, audio=True)


def check(tmp_path: Path, body: bytes, wanted: Wanted = WANTED) -> Verified:
    path = tmp_path / "trailer.mp4"
    path.write_bytes(body)
    return verify(path, wanted)


def test_a_whole_file_is_verified(studio: Studio, tmp_path: Path) -> None:
    found = check(tmp_path, clip(studio, "clip.mp4"))
    assert (found.video_codec, found.audio_codec, found.width, found.height) == ("h264", "aac", 1280, 720)
    silent = check(tmp_path, clip(studio, "video.mp4"), replace(WANTED, audio=False))
    assert silent.audio_codec is None


@pytest.mark.parametrize("share", [0.1, 0.5, 0.85])
def test_a_file_that_breaks_off_after_its_index_is_found_out(studio: Studio, tmp_path: Path, share: float) -> None:
    whole = clip(studio, "clip.mp4")
    with pytest.raises(BrokenFile, match="breaks off"):
        check(tmp_path, whole[: int(len(whole) * share)])


def test_an_end_that_cannot_be_decoded_is_found_out(studio: Studio, tmp_path: Path) -> None:
    whole = clip(studio, "clip.mp4")
    kept = int(len(whole) * 0.7)
    with pytest.raises(BrokenFile):
        check(tmp_path, whole[:kept] + bytes(len(whole) - kept))


@pytest.mark.parametrize("body", [b"", b"<html>not a video</html>", b"\0" * 100_000])
def test_what_is_no_video_is_found_out(tmp_path: Path, body: bytes) -> None:
    with pytest.raises(BrokenFile):
        check(tmp_path, body)


def test_other_containers_are_found_out(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(BrokenFile, match="no MP4"):
        check(tmp_path, clip(studio, "part000.ts"))


def test_what_else_makes_a_file_unusable(studio: Studio, tmp_path: Path) -> None:
    with pytest.raises(NoVideoStream):
        check(tmp_path, clip(studio, "audio.m4a"))
    with pytest.raises(NoAudioStream):
        check(tmp_path, clip(studio, "video.mp4"))
    with pytest.raises(TooShort):
        check(tmp_path, clip(studio, "clip.mp4"), replace(WANTED, min_seconds=SECONDS + 5))
    with pytest.raises(TooLong):
        check(tmp_path, clip(studio, "clip.mp4"), replace(WANTED, max_seconds=SECONDS - 5))
    with pytest.raises(BrokenFile, match="of 40 seconds"):
        check(tmp_path, clip(studio, "clip.mp4"), replace(WANTED, seconds=40))
    with pytest.raises(TooLow):
        check(tmp_path, clip(studio, "clip.mp4"), replace(WANTED, min_height=721))
    with pytest.raises(TooHigh):
        check(tmp_path, clip(studio, "clip.mp4"), replace(WANTED, max_height=719))


@pytest.mark.parametrize(("longer", "what"), [("audio.m4a", "picture"), ("video.mp4", "sound")])
def test_a_stream_that_ends_early_is_found_out(studio: Studio, tmp_path: Path, longer: str, what: str) -> None:
    """One stream lasts to the end, so that the file's length alone tells nothing."""
    clip(studio, "clip.mp4")
    shorter = {"audio.m4a": "video.mp4", "video.mp4": "audio.m4a"}[longer]
    clips, path = studio.host._cache / f"{SECONDS}s", tmp_path / "trailer.mp4"
    inputs = ["-i", str(clips / longer), "-t", "9", "-i", str(clips / shorter)]
    run_ffmpeg(studio, *inputs, "-map", "0", "-map", "1", "-c", "copy", str(path))
    if what == "picture":
        with pytest.raises(BrokenFile, match="picture breaks off after 9"):
            verify(path, WANTED)
    else:
        assert verify(path, WANTED).audio_codec == "aac"


# Ending.


async def test_a_download_that_hangs_is_given_up(studio: Studio, work_dir: Path) -> None:
    videos = studio.videos(limits=TimeLimits(total=60, stall=1.5, stop=3))
    begin = time.monotonic()
    error = await failure_of(videos, studio.add(hang=True), work_dir)
    assert error.failure is FetchFailure.TRANSIENT
    assert time.monotonic() - begin < 8


async def test_a_download_that_never_ends_is_given_up(studio: Studio, work_dir: Path) -> None:
    videos = studio.videos(limits=TimeLimits(total=2, stall=60, stop=3))
    error = await failure_of(videos, studio.add(rate=30_000), work_dir)
    assert error.failure is FetchFailure.TRANSIENT


async def test_a_killed_child_is_an_unknown_failure(studio: Studio, work_dir: Path) -> None:
    url = studio.add(rate=30_000)
    fetching = asyncio.create_task(fetch(studio.videos(), url, work_dir))
    await until(lambda: studio.host.under_way[url[-11:]])
    for process in processes_in(work_dir):
        assert f"Max file size {studio.tools.max_bytes} " in " ".join(read_proc(process, "limits").split())
        os.kill(process, signal.SIGKILL)
    with pytest.raises(FetchError) as caught:
        await fetching
    assert caught.value.failure is FetchFailure.UNKNOWN
    assert processes_in(work_dir) == []


@pytest.mark.parametrize("moment", ["starting", "loading", "merging"])
async def test_cancelling_leaves_no_process(studio: Studio, work_dir: Path, tmp_path: Path, moment: str) -> None:
    url = studio.add(rate=None if moment == "merging" else 30_000)
    videos = studio.videos(
        ffmpeg=slow_ffmpeg(tmp_path, studio.tools.ffmpeg) if moment == "merging" else studio.tools.ffmpeg
    )
    reached: dict[str, Callable[[], object]] = {
        "starting": lambda: processes_in(work_dir),
        "loading": lambda: studio.host.under_way[url[-11:]],
        "merging": lambda: any("sleep 600" in name for name in names_of(processes_in(work_dir))),
    }
    fetching = asyncio.create_task(fetch(videos, url, work_dir))
    await until(reached[moment])
    begin = time.monotonic()
    fetching.cancel()
    await asyncio.sleep(0)
    fetching.cancel()
    with pytest.raises(asyncio.CancelledError):
        await fetching
    assert time.monotonic() - begin < 5
    assert processes_in(work_dir) == []
    assert names_in(work_dir.parent) == [".trailhook-1"]


@pytest.mark.parametrize("moment", ["loading", "merging"])
async def test_the_child_dies_with_its_worker(studio: Studio, work_dir: Path, tmp_path: Path, moment: str) -> None:
    url = studio.add(rate=None if moment == "merging" else 30_000)
    ffmpeg = slow_ffmpeg(tmp_path, studio.tools.ffmpeg) if moment == "merging" else studio.tools.ffmpeg
    arguments = [str(ffmpeg), str(studio.tools.ffmpeg_dir), url, str(work_dir)]
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, *arguments, env=studio.environment, cwd=tmp_path
    )
    try:
        if moment == "loading":
            await until(lambda: studio.host.under_way[url[-11:]])
        else:
            await until(lambda: any("sleep 600" in name for name in names_of(processes_in(work_dir))))
    finally:
        worker.kill()
        await worker.wait()
    await until(lambda: not processes_in(work_dir), seconds=2)


async def test_the_child_gets_what_it_needs_and_no_secret(studio: Studio, work_dir: Path) -> None:
    url = studio.add(rate=30_000)
    videos = studio.videos(proxy=SecretStr(studio.host.url.replace("http://", "http://someone:s3cret-pw@")))
    fetching = asyncio.create_task(fetch(videos, url, work_dir))
    await until(lambda: processes_in(work_dir))
    (child,) = processes_in(work_dir)
    await until(lambda: studio.host.under_way[url[-11:]])
    told = read_proc(child, "cmdline") + read_proc(child, "environ")
    niceness, limits = os.getpriority(os.PRIO_PROCESS, child), " ".join(read_proc(child, "limits").split())
    assert os.getpgid(child) == os.getsid(child) == child
    fetching.cancel()
    await asyncio.gather(fetching, return_exceptions=True)
    assert "s3cret" not in told
    assert f"PATH={studio.tools.ffmpeg_dir}:" in told
    assert f"TMPDIR={work_dir}" in told
    assert niceness == os.getpriority(os.PRIO_PROCESS, 0) + 5
    assert "Max open files 1024 " in limits
    assert "Max core file size 0 " in limits


def test_the_child_starts_with_little() -> None:
    code = "import sys, app.ytdlp.fetch; print([name for name in sys.argv[1:] if name in sys.modules])"
    heavy = ["pydantic", "sqlalchemy", "httpx", "structlog", "av"]
    done = subprocess.run([sys.executable, "-c", code, *heavy], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
