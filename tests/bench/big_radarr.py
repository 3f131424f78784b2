"""A Radarr with a large library as a process of its own: `python -m tests.bench.big_radarr ROOT COUNT`.

It streams its list in bounded memory, from a file that it composes at its start, and prints its address.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

from tests.bench import big_library

_PIECE = 64 * 1024
_STATUS = {"appName": "Radarr", "version": "6.0.4.10291", "urlBase": ""}


class BigRadarr(ThreadingHTTPServer):
    """Serves the list in `listed`; notes when it was asked for which item."""

    daemon_threads = True

    def __init__(self, root: Path, listed: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.root, self.listed = root, listed
        self.asked: list[tuple[int, float]] = []


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: BigRadarr

    def do_GET(self) -> None:
        resource = self.path.partition("?")[0].removeprefix("/api/v3")
        if resource == "/movie":
            with self.server.listed.open("rb") as listed:
                self._stream(listed)
        elif resource.startswith("/movie/"):
            number = int(resource.rpartition("/")[2])
            self.server.asked.append((number, time.time()))
            self._send(big_library.movie(self.server.root, number))
        elif resource == "/_asked":
            self._send(self.server.asked)
        else:
            self._send(_STATUS if resource == "/system/status" else [])

    def log_message(self, *_: object) -> None:
        pass

    def _send(self, answer: Any) -> None:
        body = json.dumps(answer).encode()
        self._begin("Content-Length", str(len(body)))
        self.wfile.write(body)

    def _stream(self, listed: IO[bytes]) -> None:
        self._begin("Transfer-Encoding", "chunked")
        while piece := listed.read(_PIECE):
            self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def _begin(self, name: str, value: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header(name, value)
        self.end_headers()


def main() -> None:
    """Serve until the process is ended."""
    root, count = Path(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory() as place:
        listed = Path(place) / "movies.json"
        with listed.open("wb") as written:
            written.writelines(big_library.list_in_pieces(root, count))
        server = BigRadarr(root, listed)
        sys.stdout.write(f"http://127.0.0.1:{server.server_address[1]}\n")
        sys.stdout.flush()
        server.serve_forever()


if __name__ == "__main__":
    main()
