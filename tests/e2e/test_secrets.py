"""Promise 5: a whole life of the real service, and no secret in any answer, log, error, process list or store."""

from __future__ import annotations

import re
import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from app.crypto import new_secret_key
from app.embedded.ffmpeg import find_ffmpeg
from app.embedded.postgres import EmbeddedPostgres
from app.embedded.valkey import EmbeddedValkey
from tests.e2e.leaks import Catch, forms_of
from tests.simulators import faults
from tests.simulators.arr import ArrSimulator
from tests.simulators.video_host import VideoHost
from tests.simulators.ytdlp_plugin import write_plugin
from tests.stack import Stack, wait_for

_CSRF = re.compile(r'name="csrf" value="([^"]+)"')
PAGES = (
    "/",
    "/activity",
    "/connections",
    "/connections/new",
    "/connections/1/edit",
    "/connections/1/delete",
    "/titles/1",
)
LISTS = (
    "status",
    "doctor",
    "connections",
    "connections/1",
    "media",
    "media/1",
    "events",
    "events/1",
    "settings",
    "runs",
)


@dataclass
class Life:
    """One installation with its Arrs, everything it says, and its secrets by name."""

    stack: Stack
    radarr: ArrSimulator
    sonarr: ArrSimulator
    host: VideoHost
    catch: Catch = field(default_factory=Catch)
    secrets: dict[str, str] = field(default_factory=dict)

    @contextmanager
    def client(self, **headers: str) -> Iterator[httpx.Client]:
        """Give a client whose every answer is kept."""
        hooks: dict[str, list[Callable[..., None]]] = {"response": [self.catch.answer]}
        base = self.stack.url
        with httpx.Client(base_url=base, headers=headers, event_hooks=hooks, trust_env=False, timeout=30) as opened:
            yield opened

    def command(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command and keep what it says."""
        done = self.stack.command(*arguments, stdin=stdin)
        self.catch.add(f"trailhook {arguments[0]}", done.stdout + done.stderr)
        return done

    def secret(self, name: str) -> str:
        """Make up a secret."""
        return self.secrets.setdefault(name, f"{name.replace(' ', '-')}-{secrets.token_hex(12)}")

    def keep_the_machine(self) -> None:
        """Keep the logs and what the stores hold; their own passwords are secrets too."""
        data_dir = self.stack.data_dir
        postgres, valkey = EmbeddedPostgres(data_dir).url, EmbeddedValkey(data_dir).url
        for name, url in (("database password", postgres), ("redis password", valkey)):
            self.secrets[name] = url.partition("://")[2].partition("@")[0].rpartition(":")[2]
        self.catch.stores(postgres, valkey)
        for log in (self.stack.log_file, *data_dir.rglob("*.log")):
            self.catch.add(f"log {log.name}", log.read_text(errors="replace"))


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    with (
        VideoHost(find_ffmpeg(None), tmp_path / "clips") as host,
        ArrSimulator("Radarr", tmp_path / "movies") as radarr,
        ArrSimulator("Sonarr", tmp_path / "tv") as sonarr,
    ):
        plugin = write_plugin(tmp_path / "plugin", host.url)
        yield Life(Stack(tmp_path / "service", plugin, LOG_LEVEL="debug", STOP_GRACE="6"), radarr, sonarr, host)


def test_no_secret_leaves_a_whole_life(life: Life) -> None:
    old, new = (life.secrets.setdefault(name, new_secret_key()) for name in ("secret key", "next secret key"))
    life.secrets |= {"Radarr's key": life.radarr.api_key, "Sonarr's key": life.sonarr.api_key}
    environment, data_dir = life.stack.environment, life.stack.data_dir
    data_dir.mkdir(mode=0o700)
    (data_dir / "secret-key").write_text(old)
    with life.catch.process_list():
        with life.stack:
            life.secrets["API key"] = (data_dir / "api-key").read_text().strip()
            connect(life)
            import_a_movie(life)
            look_at_everything(life)
            browse(life)
            go_wrong(life)
            life.keep_the_machine()
        (data_dir / "secret-key").write_text(f"{new},{old}")
        proxy = f"http://someone:{life.secret('proxy password')}@127.0.0.1:9"
        tmdb_key = life.secrets.setdefault("TMDB key", secrets.token_hex(16))
        environment |= {"TRAILHOOK_TMDB_API_KEY": tmdb_key, "TRAILHOOK_TMDB_URL": "http://127.0.0.1:9/3"}
        environment |= {"TRAILHOOK_LOG_FORMAT": "json", "TRAILHOOK_PROXY": proxy}
        with life.stack:
            rotate(life)
            life.keep_the_machine()
        (data_dir / "secret-key").write_text(old)
        refused = life.command("up")
        assert (refused.returncode, refused.stderr.count("error: ")) == (1, 1), refused
        assert "TRAILHOOK_SECRET_KEY is not the key" in refused.stderr
    must_be_kept_and_encrypted(life)
    assert life.catch.found(life.secrets) == []


def connect(life: Life) -> None:
    """Connect, also in vain; the one answer that may tell a webhook's password is taken out of what was caught."""
    radarr, sonarr = life.radarr, life.sonarr
    wrong = life.command("connect", "radarr", radarr.url, "--api-key-file", "-", stdin=life.secret("wrong Arr key"))
    assert (wrong.returncode, "API key" in wrong.stderr) == (1, True), wrong
    done = life.command("connect", "radarr", radarr.url, "--api-key-file", "-", stdin=radarr.api_key)
    assert done.returncode == 0, done
    (entry,) = radarr.notifications.values()
    life.secrets["Radarr's webhook password"] = next(
        one["value"] for one in entry["fields"] if one["name"] == "password"
    )
    with life.client(**{"X-Api-Key": life.secrets["API key"]}) as api:
        body = {"arr_type": "sonarr", "url": sonarr.url, "api_key": sonarr.api_key, "register_webhook": False}
        created = api.post("/api/v1/connections", json=body)
    password = life.secrets["Sonarr's webhook password"] = created.json()["webhook_password"]
    where, text = life.catch.texts.pop()
    assert text.count(password) == 1
    life.catch.add(where, text.replace(password, ""))


def import_a_movie(life: Life) -> None:
    life.host.add("sintel00001", "Sintel trailer")
    life.radarr.import_file(life.radarr.add("Sintel", 2010, youtube_trailer_id="sintel00001"))
    wait_for("the trailer", lambda: life.stack.titles().get("Sintel", {}).get("status") == "downloaded")
    hook = {"eventType": "Download", "series": {"id": 1}}
    with life.client() as arr:
        for slug, password, status in (
            ("sonarr", life.secrets["Sonarr's webhook password"], 202),
            ("sonarr", life.secret("wrong webhook password"), 401),
            ("nobody", life.secrets["Sonarr's webhook password"], 404),
        ):
            assert arr.post(f"/webhooks/{slug}", json=hook, auth=("trailhook", password)).status_code == status
        header = {"X-Webhook-Token": life.secrets["Sonarr's webhook password"]}
        assert arr.post("/webhooks/sonarr", content=b"no json", headers=header).status_code == 422


def look_at_everything(life: Life) -> None:
    with life.client(Authorization=f"Bearer {life.secrets['API key']}") as api:
        for name in LISTS:
            assert api.get(f"/api/v1/{name}").status_code == 200, name
        assert api.patch("/api/v1/settings", json={"reconcile_interval": "2h"}).is_success
        assert api.post("/api/v1/connections/1/test").json()["ok"]
        assert api.post("/api/v1/connections/1/webhook").is_success
        for path in ("/healthz", "/readyz", "/metrics"):
            assert api.get(path).status_code == 200
    assert life.command("status").returncode == 0


def browse(life: Life) -> None:
    """Sign in, open every page, and out again; only the login's cookie may hold the session."""
    with life.client() as browser:
        assert browser.post("/login", data={"api_key": life.secret("wrong login")}).status_code == 401
        browser.post("/login", data={"api_key": life.secrets["API key"]})
        life.secrets["session"] = browser.cookies["trailhook_session"]
        where, text = life.catch.texts.pop()
        assert text.count(life.secrets["session"]) == 1
        life.catch.add(where, text.replace(life.secrets["session"], ""))
        for page in (*PAGES, "/settings", "/health", "/connections/99/edit", "/nothing"):
            answer = browser.get(page, headers={"Accept": "text/html"})
            assert (answer.status_code == 200) is (page not in {"/connections/99/edit", "/nothing"}), page
        found = _CSRF.search(browser.get("/connections").text)
        assert found is not None
        form = {"csrf": found[1], "url": "radarr:7878", "api_key": life.secret("typed key"), "arr_type": "radarr"}
        assert browser.post("/connections/new", data=form).status_code == 422
        assert browser.post("/connections/1/test", data={"csrf": found[1]}).status_code == 303
        assert browser.get("/connections").status_code == 200
        assert browser.post("/logout", data={"csrf": "forged"}).status_code == 403
        assert browser.post("/logout", data={"csrf": found[1]}).status_code == 303


def go_wrong(life: Life) -> None:
    """Have every kind of error; too many wrong keys come last, for they shut the door until the restart."""
    with life.client(**{"X-Api-Key": life.secrets["API key"]}) as api:
        bad = {"arr_type": "radarr", "url": life.radarr.url, "api_key": f"{life.secret('broken key')}\nmore"}
        with_login = {**bad, "api_key": "x", "url": f"http://me:{life.secret('login in a URL')}@127.0.0.1"}
        for body in (bad, with_login, {**bad, "api_key": [life.secret("listed key")]}):
            assert api.post("/api/v1/connections", json=body).status_code == 422
        changed = api.patch("/api/v1/connections/1", json={"api_key": life.secret("changed key")})
        assert changed.status_code == 422
        for fault in (faults.unauthorized(), faults.server_error(), faults.login_page(), None):
            life.radarr.fault = fault
            assert api.post("/api/v1/connections/1/test").status_code == 200
        assert api.get("/api/v1/media/999").status_code == 404
        assert api.delete("/api/v1/status").status_code == 405
    with life.client() as nobody:
        assert nobody.get("/api/v1/status").status_code == 401
        for _ in range(50):
            answer = nobody.get("/api/v1/status", headers={"X-Api-Key": life.secret("guessed key")})
            if answer.status_code == 429:
                return
    raise AssertionError("guessing was never stopped")


def rotate(life: Life) -> None:
    """Move to the next secret key, and have a download fail by a proxy whose address holds a password."""
    done = life.command("key", "--reencrypt")
    assert (done.returncode, done.stdout[:10]) == (0, "4 secrets "), done
    life.host.add("charge00001", "Charge trailer")
    life.radarr.import_file(life.radarr.add("Charge", 2022, youtube_trailer_id="charge00001"))
    wait_for("the failure", lambda: "PROXY" in (life.stack.titles().get("Charge", {}).get("reason_text") or ""))
    life.command("media")
    life.command("doctor", "--json")
    with life.client(**{"X-Api-Key": life.secrets["API key"]}) as api:
        for name in (*LISTS, "media/2"):
            assert api.get(f"/api/v1/{name}").status_code == 200, name
        assert api.delete("/api/v1/connections/2?trailers=remove").status_code == 202


def must_be_kept_and_encrypted(life: Life) -> None:
    """Make sure that this test looks where it thinks: what may be seen was seen, in each kind of place."""
    seen = "\n".join(text for _, text in life.catch.texts)
    for word in (
        "gAAAAA",
        "sintel00001",
        "app.cli",
        "connection deleted",
        "Too many wrong API keys",
        "secret_key_finger",
    ):
        assert word in seen, word
    planted = Catch()
    planted.add("a header", f"Authorization: Basic {httpx.BasicAuth('trailhook', 's3cret-password')._auth_header}")
    assert planted.found({"planted": "s3cret-password"}) == ["planted in a header"]
    assert all(len(form) > 10 for secret in life.secrets.values() for form in forms_of(secret))
