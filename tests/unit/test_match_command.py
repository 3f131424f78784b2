"""`trailhook match` answers line by line, without a service and without settings."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

RIGHT = {
    "video_id": "right000000",
    "title": "Sintel - Official Trailer (2010)",
    "duration": 52,
    "upload_date": "20100801",
}
WRONG = {"video_id": "wrong000000", "title": "Sintel review (2010)", "channel": None, "is_live": None}
SINTEL = {"id": "sintel", "kind": "movie", "title": "Sintel", "year": 2010, "hits": [WRONG, RIGHT], "unknown": 1}


def match(argument: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "app.cli", "match", argument]
    return subprocess.run(command, input=given, capture_output=True, timeout=60, check=False)


def test_every_hit_is_told_with_its_reason(tmp_path: Path) -> None:
    file = tmp_path / "titles.jsonl"
    file.write_text(f"{json.dumps(SINTEL)}\n\n{json.dumps({**SINTEL, 'id': 7, 'hits': None})}\n", "utf-8")
    done = match(str(file))
    assert (done.returncode, done.stderr) == (0, b"")
    first, second = [json.loads(line) for line in done.stdout.splitlines()]
    assert (first["id"], first["chosen"]) == ("sintel", "right000000")
    assert [one["verdict"] for one in first["reasons"]] == ["not_a_trailer", "match"]
    assert set(first["reasons"][0]) == {"video_id", "verdict", "score", "reason"}
    assert second == {"id": 7, "chosen": None, "reasons": []}


def test_a_bad_line_is_named_and_the_rest_goes_on() -> None:
    lines = [b"{", b'{"id": 1}', b"\xff\xfe", json.dumps(SINTEL).encode()]
    done = match("-", b"\n".join(lines))
    assert done.returncode == 1
    assert json.loads(done.stdout)["chosen"] == "right000000"
    told = done.stderr.decode().splitlines()
    assert [line.split(" is ")[0] for line in told] == ["error: Line 1", "error: Line 2", "error: Line 3"]
