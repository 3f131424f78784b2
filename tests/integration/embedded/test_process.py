"""How a child process is started, and how what is left of one is collected."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from app.embedded import launch, process
from app.embedded.process import Command, StopStep
from tests.integration.embedded.conftest import ROOT, alive, as_root, eventually

_REAPER = """
import os, subprocess, sys
from pathlib import Path
from app.embedded.process import adopt_orphans, reap_orphans
from tests.integration.embedded.conftest import alive, eventually

adopt_orphans()
ours = subprocess.Popen(["sh", "-c", "sleep 0.1 & echo $!; exit 7"], start_new_session=True, stdout=subprocess.PIPE)
orphan = int(ours.stdout.readline())
eventually(lambda: not alive(orphan) and not alive(ours.pid), "both have ended")
reap_orphans({ours.pid})
assert ours.wait() == 7, "whom we wait for was taken"
tool = subprocess.Popen(["sh", "-c", "exit 5"])
eventually(lambda: not alive(tool.pid), "the tool has ended")
reap_orphans(set())
assert tool.wait() == 5, "the tool's status was taken"
reap_orphans(set())
assert not Path(f"/proc/{orphan}").exists(), "the orphan is still a zombie"
ours.stdout.close()
"""


def test_orphans_are_collected_and_nobody_else() -> None:
    done = subprocess.run([sys.executable, "-c", _REAPER], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_program_that_cannot_be_started_is_told_in_one_line(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    done = process.run(Command((str(missing),), {}, signal.SIGKILL), "")
    assert done.returncode == launch.CANNOT_START
    assert done.stderr == f"cannot start {missing}: No such file or directory\n"


def test_a_child_whose_parent_has_ended_does_not_start(tmp_path: Path) -> None:
    started = tmp_path / "started"
    launcher = Command(("/usr/bin/touch", str(started)), {}, signal.SIGKILL).launcher()
    launcher[launcher.index(str(os.getpid()))] = "1"
    assert subprocess.run(launcher, check=False).returncode == launch.CANNOT_START
    assert not started.exists()


@as_root
def test_another_account_has_no_group_of_ours() -> None:
    script = "import os, signal, sys; from app.embedded.process import Command, run; "
    script += "from app.embedded.account import Account; os.setgroups([4242]); "
    script += "print(run(Command(('/usr/bin/id', '-G'), {}, signal.SIGKILL, Account('x', 12345, 12346)), '').stdout)"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["12346"]


def test_the_configuration_comes_by_standard_input_and_the_outputs_go_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "log"
    child = process.spawn(Command(("/bin/cat",), {}, signal.SIGKILL, stdin=b"hello\n", log=log))
    assert child.wait(5) == 0
    assert log.read_bytes() == b"hello\n"
    assert log.stat().st_mode & 0o777 == 0o600


def test_leftovers_are_ended_and_bystanders_are_not(tmp_path: Path) -> None:
    with (
        subprocess.Popen(["/bin/sleep", "60"], cwd=tmp_path) as leftover,
        subprocess.Popen(["/bin/cat"], cwd=tmp_path, stdin=subprocess.PIPE) as bystander,
    ):
        eventually(lambda: Path(f"/proc/{leftover.pid}/comm").read_text() == "sleep\n", "it has started")
        assert process.end_leftovers(tmp_path, "sleep", StopStep(signal.SIGTERM, 5)) == []
        eventually(lambda: not alive(leftover.pid), "it has ended", 1)
        assert alive(bystander.pid)
        bystander.kill()


def test_the_end_of_a_session_is_the_end_of_its_process_groups() -> None:
    script = "sleep 60 & echo $!; set -m; sleep 60 & echo $!; exit"
    with subprocess.Popen(["/bin/sh", "-c", script], start_new_session=True, stdout=subprocess.PIPE) as leader:
        assert leader.stdout is not None
        members = [int(leader.stdout.readline()) for _ in range(2)]
        leader.wait(5)
        assert all(alive(pid) for pid in members)
        process.end_session(leader.pid)
        eventually(lambda: not any(alive(pid) for pid in members), "all have ended")
