"""Show, or with --once check, that webhooks of both apps become verified trailers on disk, and nothing else does."""

from __future__ import annotations

import argparse
import fcntl
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av

from app.embedded.ffmpeg import find_ffmpeg
from tests.simulators.arr import ArrSimulator
from tests.simulators.video_host import VideoHost
from tests.simulators.ytdlp_plugin import write_plugin
from tests.stack import Stack, wait_for

HOME = Path("build/demo")
LOCK = Path("build/demo.lock")
PORT = 7979
CLIP_SECONDS = 30
DOWNLOADS_TAKE = 4.0  # s between adding a title and importing it, as a download client would need
PATIENCE = 120.0  # s for all trailers
MOVIES = {
    "Big Buck Bunny": (2008, "YE7VzlLtp-4", "mp4"),
    "Sintel": (2010, "eRsGyueVLvQ", "hls"),
    "Tears of Steel": (2012, "R6MlUcmOul8", "dash"),
}
FOUND_BY_SEARCH = ("Pioneer One", 2010, "pioneerone1")
CHOSEN_BY_A_PERSON = ("Caminandes", 2013, "caminandes3")


def main() -> int:
    """Run the demo; gives the exit code."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--once", action="store_true", help="check, stop and exit")
    once = parser.parse_args().once
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    LOCK.parent.mkdir(exist_ok=True)
    with (
        only_one(LOCK),
        fresh(HOME) as home,
        VideoHost(find_ffmpeg(None), home / "clips") as host,
        ArrSimulator("Radarr", home / "library/movies") as radarr,
        ArrSimulator("Sonarr", home / "library/tv") as sonarr,
    ):
        fill(host)
        plugin = write_plugin(home / "plugin", host.url)
        say("Starting Postgres, Valkey, the API and a worker ...")
        began = time.monotonic()
        with Stack(home / "service", plugin, PORT) as stack:
            say(f"Up after {time.monotonic() - began:.1f} s at {stack.url}\n")
            good = Demo(stack, radarr, sonarr).run()
            if not once:
                stay(stack)
    return 0 if good else 1


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Keep a second demo from taking the first one's files away."""
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            sys.exit("error: another demo is running here; stop it first.")
        yield


@contextmanager
def fresh(directory: Path) -> Iterator[Path]:
    """Give an empty directory; what a former demo left is removed."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    yield directory.resolve()


def fill(host: VideoHost) -> None:
    """Put the trailers, and videos that are none, on the video host."""
    for title, (year, video_id, kind) in MOVIES.items():
        host.add(video_id, f"{title} - Trailer ({year})", kind=kind, seconds=CLIP_SECONDS)
    for title, year, video_id in (FOUND_BY_SEARCH, CHOSEN_BY_A_PERSON):
        host.add(video_id, f"{title} - Official Trailer ({year})", seconds=CLIP_SECONDS)
    host.add("reaction001", "Pioneer One trailer reaction (2010)", seconds=CLIP_SECONDS)


class Demo:
    """One run, from connecting to the check."""

    def __init__(self, stack: Stack, radarr: ArrSimulator, sonarr: ArrSimulator) -> None:
        self._stack = stack
        self._arrs = {"radarr": radarr, "sonarr": sonarr}
        self._sent: dict[str, float] = {}
        self._seen_events = 0
        self._shown: dict[str, str] = {}

    def run(self) -> bool:
        """Show everything; says whether all of it came out right."""
        for app, arr in self._arrs.items():
            say(f"$ trailhook connect {app} {arr.url} --api-key-file -")
            say(indent(self._stack.connect(app, arr.url, arr.api_key)))
        self._add_titles()
        time.sleep(DOWNLOADS_TAKE)
        self._import_titles()
        try:
            wait_for("all trailers on disk", self._all_downloaded, PATIENCE)
        except TimeoutError as error:
            say(f"\nFAILED: {error}")
            say(self._stack.command("media").stdout)
            return False
        return self._report()

    def _add_titles(self) -> None:
        say("Radarr and Sonarr add titles; nothing is imported yet:")
        radarr, sonarr = self._arrs["radarr"], self._arrs["sonarr"]
        for title, (year, video_id, _) in MOVIES.items():
            radarr.add(title, year, youtube_trailer_id=video_id)
        for title, year, _ in (FOUND_BY_SEARCH, CHOSEN_BY_A_PERSON):
            sonarr.add(title, year)
        wait_for("the titles in Trailhook", lambda: len(self._stack.titles()) == len(MOVIES) + 2)
        self._show_events()
        name, _, video_id = CHOSEN_BY_A_PERSON
        chosen = self._stack.titles()[name]
        self._stack.api("PATCH", f"/media/{chosen['id']}", json={"trailer_url": f"https://youtu.be/{video_id}"})
        say(f"  PATCH /api/v1/media/{chosen['id']}: a person chose the trailer of {name}\n")

    def _import_titles(self) -> None:
        say("Radarr and Sonarr import their files:")
        for arr in self._arrs.values():
            for item_id, item in list(arr.items.items()):
                self._sent[item["title"]] = time.time()
                arr.import_file(item_id)
        refused = [one for arr in self._arrs.values() for one in arr.deliveries if not one.ok]
        for one in refused:
            say(f"  REFUSED {one}")
        self._show_events()

    def _all_downloaded(self) -> bool:
        self._show_events()
        downloads = {one["title"]: one["percent"] for one in self._stack.api("GET", "/status")["downloads"]["active"]}
        for title, item in self._stack.titles().items():
            percent = downloads.get(title)
            done = "" if percent is None else f" {percent:.0f} %"
            text = f"{item['status']}{done}" + (f": {item['reason_text']}" if item["reason"] else "")
            if self._shown.get(title) != text:
                self._shown[title] = text
                say(f"  {title:<16} {text}")
        return all(item["status"] == "downloaded" for item in self._stack.titles().values())

    def _show_events(self) -> None:
        events = sorted(self._stack.api("GET", "/events?limit=500")["items"], key=lambda event: int(event["id"]))
        for event in events[self._seen_events :]:
            asks = f"asks for item {event['arr_id']}" if event["arr_id"] else "asks for nothing"
            say(f"  event {event['id']:>2} {event['event_type']:<12} {asks}")
        self._seen_events = len(events)

    def _report(self) -> bool:
        say("\nTrailers:")
        expected: set[Path] = set()
        good = True
        for title, item in sorted(self._stack.titles().items()):
            trailer = self._stack.api("GET", f"/media/{item['id']}")["trailer"]
            path = Path(trailer["path"])
            expected.add(path)
            seconds = path.stat().st_ctime - self._sent[title]
            facts = f"{trailer['video_codec']}/{trailer['audio_codec']} {trailer['width']}x{trailer['height']}"
            say(f"  {title:<16} {facts}, {trailer['duration']:.1f} s, {seconds:.1f} s after its webhook\n    {path}")
            good &= verify(path)
        return good and self._nothing_else(expected)

    def _nothing_else(self, expected: set[Path]) -> bool:
        roots = [arr.root for arr in self._arrs.values()]
        written = {path for root in roots for path in root.rglob("*") if path.is_file() and path.suffix != ".mkv"}
        for path in sorted(written - expected):
            say(f"  UNEXPECTED FILE {path}")
        leftovers = [path for root in roots for path in root.rglob(".*")]
        for path in leftovers:
            say(f"  LEFTOVER {path}")
        if written == expected and not leftovers:
            say(f"\nAll {len(expected)} trailers are in place and verified; no other file was written.")
            return True
        return False


def verify(path: Path) -> bool:
    """Look into the file with a decoder of our own: whole, H.264 and AAC, as long as the source."""
    with av.open(path) as container:
        kinds: Any = {stream.type: stream.codec_context.name for stream in container.streams}
        last = max(float(packet.pts * packet.time_base) for packet in container.demux() if packet.pts is not None)
    good = kinds == {"video": "h264", "audio": "aac"} and last > CLIP_SECONDS - 1
    if not good:
        say(f"  WRONG FILE {path}: {kinds}, last packet at {last:.1f} s")
    return good


def stay(stack: Stack) -> None:
    """Leave the service up until Ctrl-C."""
    key = (stack.data_dir / "api-key").read_text().strip()
    say(f"\nThe page: {stack.url}/   (API key: {key})\nCtrl-C stops everything.")
    try:
        threading.Event().wait()
    except KeyboardInterrupt:
        say("")


def indent(text: str) -> str:
    """Set a command's output apart."""
    return "".join(f"  {line}\n" for line in text.splitlines())


def say(text: str) -> None:
    """Print at once."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
