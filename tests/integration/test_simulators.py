"""The simulators behave as the documented real ones, so that the other tests prove something."""

from __future__ import annotations

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import imageio_ffmpeg
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from tests.simulators import faults, youtube_says
from tests.simulators.arr import MASK, ArrSimulator
from tests.simulators.clips import ffmpeg_here
from tests.simulators.server import ThreadedServer
from tests.simulators.video_host import VideoHost
from tests.simulators.ytdlp_plugin import write_plugin

JSON = dict[str, Any]
RADARR_FLAGS = [
    "onGrab",
    "onDownload",
    "onUpgrade",
    "onRename",
    "onMovieAdded",
    "onMovieDelete",
    "onMovieFileDelete",
    "onMovieFileDeleteForUpgrade",
    "onHealthIssue",
    "includeHealthWarnings",
    "onHealthRestored",
    "onApplicationUpdate",
    "onManualInteractionRequired",
]


class Receiver:
    """Takes webhooks and answers with `status`."""

    def __init__(self) -> None:
        self.status = 202
        self.received: list[tuple[Any, dict[str, str]]] = []
        self.raw: list[bytes] = []
        self.methods: list[str] = []
        self.server = ThreadedServer(Starlette(routes=[Route("/hook", self._take, methods=["POST", "PUT"])]))
        self.url = f"{self.server.url}/hook"

    @property
    def bodies(self) -> list[JSON]:
        return [body for body, _ in self.received]

    @property
    def kinds(self) -> list[str]:
        return [body["eventType"] for body in self.bodies]

    async def _take(self, request: Request) -> Response:
        self.raw.append(await request.body())
        self.methods.append(request.method)
        self.received.append((json.loads(self.raw[-1]), dict(request.headers)))
        return Response(None, self.status, {"Location": "/elsewhere"})


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    taking = Receiver()
    taking.server.start()
    yield taking
    taking.server.stop()


@pytest.fixture
def radarr(tmp_path: Path) -> Iterator[ArrSimulator]:
    with ArrSimulator("Radarr", tmp_path / "movies") as simulator:
        yield simulator


@pytest.fixture
def client(radarr: ArrSimulator) -> Iterator[httpx.Client]:
    with client_of(radarr) as opened:
        yield opened


def client_of(arr: ArrSimulator, timeout: float = 5) -> httpx.Client:
    headers = {"X-Api-Key": arr.api_key}
    return httpx.Client(base_url=f"{arr.url}/api/v3", headers=headers, trust_env=False, timeout=timeout)


def entry(url: str, *flags: str, **more: Any) -> JSON:
    fields = {"url": url, "method": 1, "username": "trailhook", "password": "geheim"}
    return {
        "name": "Trailhook",
        "implementation": "Webhook",
        "configContract": "WebhookSettings",
        "fields": [{"name": name, "value": value} for name, value in fields.items()],
        **dict.fromkeys(flags or ("onDownload", "onMovieAdded"), True),
        **more,
    }


def fields_of(shown: JSON) -> JSON:
    return {field["name"]: field.get("value") for field in shown["fields"]}


# Access.


def test_the_key_is_needed_and_a_wrong_one_gets_an_empty_401(radarr: ArrSimulator, client: httpx.Client) -> None:
    answer = client.get("/movie", headers={"X-Api-Key": "wrong"})
    assert (answer.status_code, answer.content) == (401, b"")
    assert client.get("/system/status").json()["appName"] == "Radarr"
    assert client.get("/movie").headers["X-Application-Version"] == radarr.version


def test_the_key_may_stand_in_three_places_and_a_wrong_query_beats_a_right_header(radarr: ArrSimulator) -> None:
    url, key = f"{radarr.url}/api/v3/movie", radarr.api_key
    with httpx.Client(trust_env=False) as anybody:
        assert anybody.get(url).status_code == 401
        assert anybody.get(f"{radarr.url}/ping").json() == {"status": "OK"}
        assert anybody.get(url, headers={"Authorization": f"Bearer {key}"}).status_code == 200
        assert anybody.get(url, params={"apikey": key}).status_code == 200
        assert anybody.get(url, params={"apikey": "wrong"}, headers={"X-Api-Key": key}).status_code == 401


def test_errors_have_the_documented_shapes(client: httpx.Client) -> None:
    missing = client.get("/movie/99")
    assert (missing.status_code, missing.json()["title"], missing.json()["status"]) == (404, "Not Found", 404)
    assert (client.get("/nothing").status_code, client.get("/nothing").content) == (404, b"")
    assert client.post("/notification", content=b"{}", headers={"Content-Type": "text/plain"}).status_code == 415
    assert client.post("/notification", content=b"{", headers={"Content-Type": "application/json"}).status_code == 400
    assert client.post("/notification", json={"fields": []}).json()[0]["propertyName"] == "Name"
    assert client.get("/movie", headers={"Accept": "text/html"}).status_code == 406
    assert client.get("/movie/").status_code == 200


def test_a_url_base_is_a_307(tmp_path: Path) -> None:
    with ArrSimulator("Radarr", tmp_path / "movies", url_base="/radarr") as radarr:
        without = httpx.get(radarr.url.removesuffix("/radarr") + "/api/v3/movie?tmdbId=1", trust_env=False)
        assert (without.status_code, without.headers["location"]) == (307, "/radarr/api/v3/movie?tmdbId=1")
        with client_of(radarr) as client:
            assert client.get("/system/status").json()["urlBase"] == "/radarr"


# Connect.


def test_the_test_runs_inside_the_call_and_the_password_is_masked(client: httpx.Client, receiver: Receiver) -> None:
    answer = client.post("/notification", json=entry(receiver.url))
    assert answer.status_code == 201
    ((body, headers),) = receiver.received
    assert (body["eventType"], body["movie"]["id"]) == ("Test", 1)
    assert headers["authorization"].startswith("Basic ")
    assert headers["content-type"] == "application/json"
    assert headers["user-agent"].startswith("Radarr/")
    assert fields_of(client.get("/notification").json()[0])["password"] == MASK
    taken = client.post("/notification", json=entry(receiver.url, name="TRAILHOOK"))
    assert (taken.status_code, taken.json()[0]["errorMessage"]) == (400, "Should be unique")


def test_a_refused_test_is_told_in_the_real_shapes(client: httpx.Client, receiver: Receiver) -> None:
    receiver.status = 401
    refused = client.post("/notification", json=entry(receiver.url))
    assert (refused.status_code, refused.json()[0]["propertyName"]) == (400, "Url")
    assert f"[401:Unauthorized] [POST] at [{receiver.url}]" in refused.json()[0]["errorMessage"]
    unreachable = client.post("/notification", json=entry("http://127.0.0.1:9/hook"))
    assert unreachable.status_code == 500
    assert unreachable.json()["message"] == "Connection refused (127.0.0.1:9)"
    silent = client.post("/notification", json=entry("http://127.0.0.1:9/hook", onDownload=False, onMovieAdded=False))
    assert silent.status_code == 201
    broken = entry(receiver.url, name="Null")
    broken["fields"].append({"name": "headers", "value": None})
    assert client.post("/notification", json=broken).status_code == 500


def test_the_mask_keeps_the_password_and_only_changes_are_tested(client: httpx.Client, receiver: Receiver) -> None:
    shown = client.post("/notification", json=entry(receiver.url)).json()
    unchanged = client.put(f"/notification/{shown['id']}", json=shown)
    assert (unchanged.status_code, receiver.kinds) == (202, ["Test"])
    client.put(f"/notification/{shown['id']}", json={**shown, "onRename": True})
    sent = [headers["authorization"] for _, headers in receiver.received]
    assert sent == ["Basic " + base64.b64encode(b"trailhook:geheim").decode()] * 2
    receiver.status = 500
    assert client.put(f"/notification/{shown['id']}", json=shown).status_code == 400
    assert client.put(f"/notification/{shown['id']}", json=shown, params={"forceSave": "true"}).status_code == 202
    assert client.put("/notification/77", json=shown).status_code == 404
    assert client.delete(f"/notification/{shown['id']}").json() == {}
    assert client.get(f"/notification/{shown['id']}").status_code == 404


def test_an_old_version_ignores_what_it_does_not_know(tmp_path: Path, receiver: Receiver) -> None:
    with ArrSimulator("Radarr", tmp_path / "movies", version="4.1.0.6175") as old, client_of(old) as client:
        wished = entry(receiver.url, *RADARR_FLAGS)
        wished["fields"].append({"name": "headers", "value": [{"key": "X-Webhook-Token", "value": "geheim"}]})
        shown = client.post("/notification", json=wished).json()
        old.add("Sintel", 2010)
    assert "headers" not in fields_of(shown)
    assert "onMovieAdded" not in shown
    assert receiver.kinds == ["Test"]


def test_a_blocked_entry_gets_nothing_until_its_test_succeeds(
    radarr: ArrSimulator, client: httpx.Client, receiver: Receiver
) -> None:
    shown = client.post("/notification", json=entry(receiver.url)).json()
    radarr.block(shown["id"])
    radarr.add("Sintel", 2010)
    assert client.get("/health").json()[0]["source"] == "NotificationStatusCheck"
    assert client.post("/notification/test", json=shown).json() == {}
    assert client.get("/health").json() == []
    radarr.add("Spring", 2019)
    assert receiver.kinds == ["Test", "Test", "MovieAdded"]
    assert client.post("/notification/testall").status_code == 200


# Webhooks.


def test_a_webhook_is_sent_as_the_apps_send_it(radarr: ArrSimulator, client: httpx.Client, receiver: Receiver) -> None:
    wished = entry(f"{receiver.url}?a=1")
    wished["fields"][1]["value"] = 2
    client.post("/notification", json=wished)
    receiver.status = 302
    radarr.add("Les Rêves", 2006)
    assert receiver.raw[-1].startswith('{\n  "movie": {\n    "id": 1,\n    "title": "Les Rêves",'.encode())
    assert receiver.methods == ["PUT", "PUT"]
    _, headers = receiver.received[-1]
    assert (headers["connection"], headers["accept"]) == ("close", "application/json")
    assert (radarr.deliveries[-1].status, radarr.deliveries[-1].ok) == (302, True)
    receiver.status = 503
    radarr.add("Spring", 2019)
    assert (radarr.deliveries[-1].status, len(receiver.received)) == (503, 3)


def test_a_receiver_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/hook"
        with ArrSimulator("Radarr", tmp_path / "movies", timeout=0.2) as radarr:
            radarr.notifications[1] = {**entry(url), "id": 1}
            radarr.add("Sintel", 2010)
            assert radarr.deliveries[0].error == "Http request timed out"


def test_an_import_is_on_disk_and_in_the_answer_before_its_event(
    radarr: ArrSimulator, client: httpx.Client, receiver: Receiver
) -> None:
    client.post("/notification", json=entry(receiver.url))
    item = radarr.add("Sintel: The Film", 2010)
    assert not Path(client.get(f"/movie/{item}").json()["path"]).exists()
    assert "addOptions" in client.get(f"/movie/{item}").json()
    folder = radarr.import_file(item)
    movie = client.get(f"/movie/{item}").json()
    assert (folder.name, movie["hasFile"], "addOptions" in movie) == ("Sintel The Film (2010)", True, False)
    assert (folder / movie["movieFile"]["relativePath"]).exists()
    assert receiver.kinds == ["Test", "MovieAdded", "Download"]
    radarr.delete(item)
    assert client.get(f"/movie/{item}").json()["title"] == "Not Found"
    assert folder.exists()


def test_an_upgrade_is_a_delete_and_then_a_download(radarr: ArrSimulator, receiver: Receiver) -> None:
    radarr.notifications[1] = {**entry(receiver.url, *RADARR_FLAGS), "id": 1}
    item = radarr.add("Sintel", 2010, tags=["open", "4k"])
    folder = radarr.import_file(item)
    old = radarr.items[item]["movieFile"]
    radarr.upgrade(item)
    new = radarr.items[item]["movieFile"]
    radarr.rename(item)
    radarr.delete_file(item, "missingFromDisk")
    radarr.delete(item, files=True)
    deleted, upgraded, renamed, gone, removed = receiver.bodies[2:]
    assert (deleted["deleteReason"], deleted["movieFile"]["id"]) == ("upgrade", old["id"])
    assert (upgraded["isUpgrade"], [file["id"] for file in upgraded["deletedFiles"]]) == (True, [old["id"]])
    assert upgraded["movieFile"]["id"] == new["id"] != old["id"]
    assert renamed["renamedMovieFiles"][0]["previousRelativePath"] == new["relativePath"]
    assert (gone["deleteReason"], removed["deletedFiles"]) == ("missingFromDisk", True)
    assert {tuple(body["movie"]["tags"]) for body in receiver.bodies} == {("4k", "open")}
    assert not folder.exists()


def test_only_wanted_events_are_sent(tmp_path: Path, receiver: Receiver) -> None:
    with ArrSimulator("Sonarr", tmp_path / "tv") as sonarr:
        sonarr.notifications[1] = {**entry(receiver.url, "onDownload", "onImportComplete"), "id": 1}
        sonarr.notifications[2] = {**entry(receiver.url, "onSeriesAdd", tags=[9]), "id": 2}
        item = sonarr.add("Pioneer One", 2010)
        sonarr.import_season(item, 3)
        assert sonarr.items[item]["statistics"]["episodeFileCount"] == 3
        before = len(receiver.received)
        sonarr.upgrade(item)
        sonarr.health("Indexers are unavailable")
        sonarr.notifications = {3: {**entry(receiver.url, "onDownload"), "id": 3}}
        sonarr.import_file(item)
    kinds = [("episodeFiles" in body, len(body["episodes"])) for body in receiver.bodies[:before]]
    assert kinds == [(False, 1), (False, 1), (False, 1), (True, 3)]
    assert ["episodeFiles" in body for body in receiver.bodies[before:]] == [True, False]


def test_a_folder_has_another_name_in_the_eyes_of_the_app(tmp_path: Path, receiver: Receiver) -> None:
    with ArrSimulator("Radarr", tmp_path / "movies", called="D:\\Films") as radarr, client_of(radarr) as client:
        radarr.notifications[1] = {**entry(receiver.url), "id": 1}
        radarr.import_file(radarr.add("Sintel", 2010, path="D:\\Films\\Sintel (2010)\\"))
        assert client.get("/rootfolder").json()[0]["path"] == "D:\\Films"
        assert client.get("/movie", params={"tmdbId": 5}).json() == []
        with pytest.raises(ValueError, match="outside"):
            radarr.import_file(radarr.add("Spring", 2019, path="E:\\Spring (2019)"))
    download = next(body for body in receiver.bodies if body["eventType"] == "Download")
    assert download["movie"]["folderPath"] == "D:\\Films\\Sintel (2010)\\"
    assert download["movieFile"]["path"] == "D:\\Films\\Sintel (2010)\\Sintel (2010) Bluray-1080p.mkv"
    assert (tmp_path / "movies/Sintel (2010)/Sintel (2010) Bluray-1080p.mkv").exists()


# Faults.


def test_faults_replace_the_truth(radarr: ArrSimulator, client: httpx.Client) -> None:
    radarr.fault = faults.starting_up("Radarr")
    answer = client.get("/movie")
    assert (answer.status_code, "starting up" in answer.json()["errorMessage"]) == (503, True)
    radarr.fault = faults.proxy_page()
    assert client.get("/movie").headers["content-type"].startswith("text/html")
    radarr.fault = (faults.not_found("gone", "text/plain", path="/movie/1"), faults.other_app("Whisparr"))
    assert client.get("/movie/1").text == "gone"
    assert client.get("/movie/12").json()["title"] == "Not Found"
    assert client.get("/system/status").json()["appName"] == "Whisparr"
    radarr.fault = faults.only_for("POST", faults.redirect("/login", 302))
    assert client.post("/notification/testall").headers["location"] == "/login"
    assert client.get("/movie").json() == []
    assert radarr.requests["/movie"] == 3


@pytest.mark.parametrize("chunked", [False, True])
def test_an_answer_is_cut_off(radarr: ArrSimulator, client: httpx.Client, chunked: bool) -> None:
    radarr.add("Sintel", 2010)
    radarr.fault = faults.cut("/movie", chunked=chunked)
    with pytest.raises(httpx.RemoteProtocolError):
        client.get("/movie")
    assert client.get("/system/status").status_code == 200


def test_a_hang_ends_with_its_fault(radarr: ArrSimulator, client: httpx.Client) -> None:
    radarr.fault = faults.hang()
    with client_of(radarr, timeout=0.2) as hasty, pytest.raises(httpx.ReadTimeout):
        hasty.get("/movie")
    release = threading.Timer(0.1, setattr, (radarr, "fault", None))
    release.start()
    assert client.get("/movie").json() == []
    release.join()


# Processes.


@pytest.mark.parametrize("app", ["radarr", "sonarr"])
def test_an_app_runs_as_a_process(tmp_path: Path, receiver: Receiver, app: str) -> None:
    key_file = tmp_path / "key"
    arguments = ["--app", app, "--root", str(tmp_path / "library"), "--api-key-file", str(key_file)]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.simulators.arr", *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split(" at ")[1].strip()
            key = key_file.read_text().strip()
            assert key_file.stat().st_mode & 0o077 == 0
            with httpx.Client(base_url=url, headers={"X-Api-Key": key}, trust_env=False) as client:
                client.post("/api/v3/notification", json=entry(receiver.url)).raise_for_status()
                added = client.post("/_sim/add", json={"title": "Pioneer One", "year": 2010}).json()["result"]
                client.post("/_sim/import", json={"item_id": added}).raise_for_status()
                assert client.post("/_sim/import", json={"item_id": 99}).status_code == 400
                state = client.get("/_sim/state").json()
            assert receiver.kinds[-1] == "Download"
            assert [delivery["status"] for delivery in state["deliveries"]] == [202] * len(receiver.kinds)
            assert Path(state["items"][0]["path"]).is_dir()
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 0


# Videos, with the real yt-dlp and the allow-list of production code in its plainest form.

YTDLP = """
import json, sys
import yt_dlp

class Silent:
    debug = info = warning = error = lambda self, text: None

told, options = [], json.loads(sys.argv[2])
for address in json.loads(sys.argv[1]):
    flat = {"extract_flat": address.startswith("ytsearch")}
    with yt_dlp.YoutubeDL({**options, **flat, "logger": Silent()}) as ydl:
        try:
            found = ydl.extract_info(address)
            hits = [hit["id"] for hit in found.get("entries", [])]
            told.append([found["extractor"], hits or found["format_id"]])
        except yt_dlp.utils.DownloadError as error:
            told.append([type(error.exc_info[1]).__name__, str(error)])
print(json.dumps(told))
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VideoHost]:
    with VideoHost(ffmpeg_here(), tmp_path_factory.mktemp("clips")) as serving:
        yield serving


def ytdlp(host: VideoHost, place: Path, *addresses: str) -> list[tuple[str, Any]]:
    """Give for each address the extractor and what was fetched, or the class and the text of its error."""
    options = {
        "allowed_extractors": ["youtube", "youtube:search", "vimeo"],
        "ffmpeg_location": imageio_ffmpeg.get_ffmpeg_exe(),
        "format_sort": ["vcodec:h264", "res:1080", "acodec:aac"],
        "outtmpl": "%(id)s.%(ext)s",
        "retries": 0,
        "fragment_retries": 0,
        "socket_timeout": 1,
    }
    done = subprocess.run(
        [sys.executable, "-c", YTDLP, json.dumps(addresses), json.dumps(options)],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(write_plugin(place / "plugin", host.url))},
        check=True,
        capture_output=True,
        text=True,
    )
    return [(kind, text) for kind, text in json.loads(done.stdout)]


def watch(video_id: str) -> str:
    return f"https://www.youtube.com/watch?v={video_id}"


def test_ytdlp_fetches_every_kind_under_its_own_extractors_names(host: VideoHost, tmp_path: Path) -> None:
    for kind in ("mp4", "hls", "dash"):
        host.add(f"kind-{kind:_<6}", kind, kind=kind)
    host.add("76979871", "On Vimeo", kind="mp4")
    addresses = [watch("kind-mp4___"), watch("kind-hls___"), watch("kind-dash__"), "https://vimeo.com/76979871"]
    told = ytdlp(host, tmp_path, *addresses, "https://example.org/clip.mp4")
    assert told[:4] == [("youtube", "22"), ("youtube", "hls-400"), ("youtube", "136+140"), ("vimeo", "22")]
    assert "No suitable extractor" in told[4][1]
    files = sorted(tmp_path.glob("*.mp4"))
    assert [path.stem for path in files] == ["76979871", "kind-dash__", "kind-hls___", "kind-mp4___"]
    for path in files:
        with av.open(path) as container:
            assert {stream.type: stream.codec_context.name for stream in container.streams} == {
                "video": "h264",
                "audio": "aac",
            }
            assert container.duration is not None
            assert container.duration / av.time_base == pytest.approx(30, abs=0.5)
    assert [host.downloads[path.stem] for path in files] == [1, 1, 1, 1]


def test_a_search_finds_titles_or_what_was_set(host: VideoHost, tmp_path: Path) -> None:
    for number in range(4):
        host.add(f"search{number:05}", f"Charge film {number}")
    host.set_search("wing it", "search00003", "search00001")
    assert ytdlp(host, tmp_path, "ytsearch3:Charge film 2022 trailer", "ytsearch5:Wing It 2023") == [
        ("youtube:search", ["search00000", "search00001", "search00002"]),
        ("youtube:search", ["search00003", "search00001"]),
    ]
    assert host.searches[-1] == "wing it 2023"


def test_each_failure_of_a_video_is_the_real_one(host: VideoHost, tmp_path: Path) -> None:
    faulty: dict[str, tuple[JSON, str, str]] = {
        "private____": ({"error": youtube_says.PRIVATE}, "ExtractorError", "Private video. Sign in if"),
        "bot-check__": ({"error": youtube_says.BOT_CHECK}, "ExtractorError", "not a bot. Use --cookies"),
        "age________": ({"error": youtube_says.AGE}, "ExtractorError", "confirm your age"),
        "rate-limit_": ({"error": youtube_says.RATE_LIMIT}, "ExtractorError", "has been rate-limited by YouTube"),
        "premiere___": ({"error": youtube_says.PREMIERE}, "ExtractorError", "Premieres in"),
        "geo________": ({"error": youtube_says.NO_GEO, "geo": True}, "GeoRestrictedError", "United States"),
        "forbidden__": ({"status": 403}, "HTTPError", "HTTP Error 403"),
        "too-many___": ({"status": 429}, "HTTPError", "HTTP Error 429"),
        "cut________": ({"cut": True}, "NoneType", "more expected"),
        "silent_____": ({"silent": "media"}, "NoneType", "timed out"),
        "silent-page": ({"silent": "page"}, "TransportError", "timed out"),
    }
    for video_id, (facts, _, _) in faulty.items():
        host.add(video_id, "Broken", kind="mp4", **facts)
    told = ytdlp(host, tmp_path, *map(watch, faulty), watch("never-added"))
    assert "removed by the uploader" in told.pop()[1]
    assert [kind for kind, _ in told] == [kind for _, kind, _ in faulty.values()]
    for (_, text), (_, _, words) in zip(told, faulty.values(), strict=True):
        assert words in text.replace("\u2019", "'")


def test_the_host_counts_what_is_under_way_and_gives_ranges(host: VideoHost) -> None:
    host.add("slow_______", "Slow", kind="mp4", rate=400_000)
    url = f"{host.url}/media/slow_______/clip.mp4"
    with httpx.Client(trust_env=False) as client, httpx.Client(trust_env=False) as other:
        part = client.get(url, headers={"Range": "bytes=10-19"})
        assert (part.status_code, len(part.content)) == (206, 10)
        assert client.get(url, headers={"Range": "bytes=99999999-"}).status_code == 416
        with client.stream("GET", url), other.stream("GET", url):
            assert host.under_way["slow_______"] == 2
    assert (host.most_at_once["slow_______"], host.downloads["slow_______"]) == (2, 2)


def test_the_host_runs_as_a_process(tmp_path: Path) -> None:
    catalogue = tmp_path / "catalogue.json"
    catalogue.write_text(json.dumps([{"video_id": "eRsGyueVLvQ", "title": "Sintel", "seconds": 1}]))
    places = ["--cache", str(tmp_path / "clips"), "--plugin-dir", str(tmp_path / "plugin")]
    arguments = [*places, "--catalogue", str(catalogue)]
    with subprocess.Popen(
        [sys.executable, "-m", "tests.simulators.video_host", *arguments], stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().split(" at ")[1].strip()
            found = httpx.get(f"{url}/api/video/eRsGyueVLvQ", trust_env=False).json()
            assert (found["title"], len(found["formats"])) == ("Sintel", 5)
            assert url in next((tmp_path / "plugin").rglob("*.py")).read_text()
        finally:
            process.send_signal(signal.SIGTERM)
    assert process.returncode == 0
