"""The media folders, on a real file system."""

from __future__ import annotations

import asyncio
import errno
import os
import stat
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from app.domain.disk import DiskLook, DiskQuestion, FolderState
from app.errors import StorageError
from app.files.library import DiskLibrary
from app.files.placing import Manner, Name, link_new, look_and_rename, rename_new
from app.files.problems import storage_error
from app.files.threads import GIVE_UP_AFTER, MAX_THREADS_PER_ROOT, DiskThreads
from schemas.base import MediaKind, StorageProblem
from tests.faulty_downloads import can_mount, small_disk

MOVIE, SERIES = MediaKind.MOVIE, MediaKind.SERIES
FILM = "Film (2009).mkv"


@pytest.fixture
def library() -> Iterator[DiskLibrary]:
    made = DiskLibrary(Manner(0o640), limit=5)
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "library" / "Title (2009)"
    made.mkdir(parents=True)
    return made


def write(path: Path, text: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def about(
    folder: Path, kind: MediaKind = MOVIE, media_filename: str | None = FILM, *, shared: bool = False
) -> DiskQuestion:
    return DiskQuestion(kind, str(folder), str(folder.parent), media_filename, shared)


async def problem_of(work: Awaitable[object]) -> StorageProblem:
    with pytest.raises(StorageError) as caught:
        await work
    return caught.value.problem


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def set_mode(path: Path, mode: int) -> None:
    path.chmod(mode)


def mode_and_owner(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid


# Looking.


async def test_a_movie_with_its_file_and_no_trailer(library: DiskLibrary, folder: Path) -> None:
    write(folder / FILM)
    assert await library.check_trailer_exists(about(folder)) == DiskLook(FolderState.PRESENT, (), media_seen=True)


async def test_a_movie_whose_file_is_not_there_yet(library: DiskLibrary, folder: Path) -> None:
    write(folder / "other.mkv")
    assert await library.check_trailer_exists(about(folder)) == DiskLook(FolderState.PRESENT, (), media_seen=False)


async def test_a_directory_named_like_the_movie_file_is_not_the_file(library: DiskLibrary, folder: Path) -> None:
    (folder / FILM).mkdir()
    assert not (await library.check_trailer_exists(about(folder))).media_seen


async def test_a_movie_without_a_file_shows_itself_by_its_folder(library: DiskLibrary, folder: Path) -> None:
    assert (await library.check_trailer_exists(about(folder, media_filename=None))).media_seen


async def test_all_trailers_of_a_movie_are_found(library: DiskLibrary, folder: Path) -> None:
    write(folder / "disc" / FILM)
    names = ("Film-trailer.mp4", "TRAILERS/any.mkv", "disc/Film (2009)-trailer.mp4", "disc/trailers/x.mp4")
    for name in names:
        write(folder / name)
    (folder / "dir-trailer.mp4").mkdir()
    (folder / "broken-trailer.mp4").symlink_to(folder / "nowhere")
    look = await library.check_trailer_exists(about(folder, media_filename=f"disc/{FILM}"))
    assert look == DiskLook(FolderState.PRESENT, tuple(sorted(names)), media_seen=True)


async def test_a_movie_file_that_is_named_like_a_trailer(library: DiskLibrary, folder: Path) -> None:
    write(folder / "Trailer.mkv")
    look = await library.check_trailer_exists(about(folder, media_filename="Trailer.mkv"))
    assert look == DiskLook(FolderState.PRESENT, (), media_seen=True)


async def test_in_a_shared_folder_only_the_own_trailer_counts(library: DiskLibrary, folder: Path) -> None:
    for name in ("Alien.mkv", "Alien 3.mkv", "Alien 3-trailer.mp4", "trailer.mp4"):
        write(folder / name)
    look = await library.check_trailer_exists(about(folder, media_filename="Alien.mkv", shared=True))
    assert look == DiskLook(FolderState.PRESENT, (), media_seen=True)
    look = await library.check_trailer_exists(about(folder, media_filename="Alien 3.mkv", shared=True))
    assert look.trailers == ("Alien 3-trailer.mp4",)


@pytest.mark.parametrize("name", ["../library/Title (2009)/Film (2009).mkv", "/etc/passwd", "a\\b.mkv", "x\ud800.mkv"])
async def test_a_media_name_that_leads_outside_is_not_seen(library: DiskLibrary, folder: Path, name: str) -> None:
    write(folder / FILM)
    look = await library.check_trailer_exists(about(folder, media_filename=name))
    assert look == DiskLook(FolderState.PRESENT, (), media_seen=False)


@pytest.mark.parametrize(
    ("names", "seen"),
    [
        (["Season 01/Show S01E01.mkv"], True),
        (["Show S01E01 The Trailer.mkv"], True),
        (["a/b/c/d.avi"], True),
        (["Trailers/x.mkv", "Show-trailer.mp4", ".hidden/e.mkv", "poster.jpg", "Season 01/notes.txt"], False),
        ([".S01E01.mkv"], False),
    ],
)
async def test_a_series_shows_itself_by_any_episode(
    library: DiskLibrary, folder: Path, names: list[str], seen: bool
) -> None:
    for name in names:
        write(folder / name)
    look = await library.check_trailer_exists(about(folder, SERIES, None))
    assert look.state is FolderState.PRESENT
    assert look.media_seen is seen


async def test_trailers_of_a_series(library: DiskLibrary, folder: Path) -> None:
    for name in ("trailers/x.mp4", "Show-trailer.mp4", "Season 01/S01-trailer.mp4", "Season 01/Trailers/y.mp4"):
        write(folder / name)
    look = await library.check_trailer_exists(about(folder, SERIES, None))
    assert look.trailers == ("Show-trailer.mp4", "trailers/x.mp4")


async def test_a_folder_behind_a_symbolic_link_is_looked_at(library: DiskLibrary, folder: Path) -> None:
    write(folder / FILM)
    link = folder.parent / "link"
    link.symlink_to(folder)
    assert (await library.check_trailer_exists(about(link))).media_seen


async def test_folder_states(library: DiskLibrary, folder: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    write(empty / ".keep")
    (empty / "lost+found").mkdir()
    loop = tmp_path / "loop"
    loop.symlink_to(loop)

    async def state(path: Path) -> FolderState:
        return (await library.check_trailer_exists(about(path))).state

    assert await state(folder.parent / "gone") is FolderState.ABSENT
    assert await state(write(folder.parent / "a file")) is FolderState.ABSENT
    assert await state(empty / "gone") is FolderState.ROOT_EMPTY
    assert await state(tmp_path / "no root" / "gone") is FolderState.ROOT_ABSENT
    assert await state(loop) is FolderState.UNREACHABLE
    assert await state(loop / "below") is FolderState.UNREACHABLE


async def test_a_trailers_folder_that_cannot_be_read_leaves_a_doubt(library: DiskLibrary, folder: Path) -> None:
    write(folder / FILM)
    write(folder / "target")
    (folder / "Trailers").symlink_to(folder / "Trailers")
    assert (await library.check_trailer_exists(about(folder))).state is FolderState.UNREACHABLE


# The work directory.


async def test_a_work_dir_is_private_and_removed_whole(library: DiskLibrary, folder: Path) -> None:
    work = await library.make_work_dir(folder, ".trailhook-7")
    assert work == folder / ".trailhook-7"
    assert stat.S_IMODE(work.stat().st_mode) == 0o700
    outside = write(folder.parent / "keep" / "file")
    write(work / "deep" / "x.part")
    (work / "link").symlink_to(outside.parent)
    await library.remove_work_dir(folder, ".trailhook-7")
    assert not work.exists()
    assert outside.exists()
    await library.remove_work_dir(folder, ".trailhook-7")
    await library.remove_work_dir(folder / "gone", ".trailhook-7")


async def test_a_work_dir_left_from_before_is_emptied(library: DiskLibrary, folder: Path) -> None:
    left = write(folder / ".trailhook-7" / "old.part")
    await library.make_work_dir(folder, ".trailhook-7")
    assert not left.exists()
    assert left.parent.is_dir()


async def test_a_link_in_place_of_the_work_dir_is_not_followed(library: DiskLibrary, folder: Path) -> None:
    precious = write(folder.parent / "precious" / "file")
    (folder / ".trailhook-7").symlink_to(precious.parent)
    assert await problem_of(library.make_work_dir(folder, ".trailhook-7")) is StorageProblem.NAME_TAKEN
    await library.remove_work_dir(folder, ".trailhook-7")
    assert precious.exists()


@pytest.mark.parametrize("name", ["work", ".trailhook-", ".trailhook-../x", ".trailhook-1/2", "../.trailhook-1", ""])
async def test_other_names_are_no_work_dir(library: DiskLibrary, folder: Path, name: str) -> None:
    (folder / "work").mkdir()
    assert await problem_of(library.make_work_dir(folder, name)) is StorageProblem.OUTSIDE
    assert await problem_of(library.remove_work_dir(folder, name)) is StorageProblem.OUTSIDE
    assert (folder / "work").exists()


async def test_where_no_work_dir_can_be_made(library: DiskLibrary, folder: Path) -> None:
    async def problem(path: Path) -> StorageProblem:
        return await problem_of(library.make_work_dir(path, ".trailhook-7"))

    assert await problem(folder / "gone") is StorageProblem.MISSING
    assert not (folder / "gone").exists()
    assert await problem(write(folder / "a file")) is StorageProblem.MISSING
    assert await problem(Path("/sys/kernel")) is StorageProblem.NOT_WRITABLE


async def test_a_read_only_file_system_is_told_from_one_folder_without_permission(
    library: DiskLibrary, folder: Path
) -> None:
    if not can_mount(folder):
        pytest.skip("nothing can be mounted here")
    with small_disk(folder, 64, read_only=True):
        assert await problem_of(library.make_work_dir(folder, ".trailhook-7")) is StorageProblem.READ_ONLY


# Placing.


def made(folder: Path, text: str = "a trailer", work: str = ".trailhook-7") -> Path:
    return write(folder / work / "trailer.mp4", text)


async def test_a_file_is_placed_with_mode_time_and_owner(library: DiskLibrary, folder: Path) -> None:
    if os.geteuid() == 0:
        os.chown(folder, 1234, 4321)
    source = made(folder)
    os.utime(source, ns=(1, 1_700_000_000_123_456_789))
    before = await library.describe(source)
    placed = await library.place(source, folder, "Film-trailer.mp4")
    assert before is not None
    assert (placed.size, placed.mtime_ns) == (before.size, before.mtime_ns)
    assert placed == await library.describe(folder / "Film-trailer.mp4")
    _, *owner = mode_and_owner(folder)
    assert mode_and_owner(folder / "Film-trailer.mp4") == (0o640, *owner)
    assert not source.exists()


async def test_without_a_configured_mode_the_umask_decides(folder: Path) -> None:
    library = DiskLibrary()
    await library.place(made(folder), folder, "Film-trailer.mp4")
    library.close()
    usual = write(folder / "usual")
    assert (folder / "Film-trailer.mp4").stat().st_mode == usual.stat().st_mode


async def test_nothing_is_replaced(library: DiskLibrary, folder: Path) -> None:
    other = write(folder / "Film-trailer.mp4", "foreign")
    assert await problem_of(library.place(made(folder), folder, "Film-trailer.mp4")) is (StorageProblem.NAME_TAKEN)
    assert other.read_text() == "foreign"
    (folder / "broken-trailer.mp4").symlink_to(folder / "nowhere")
    assert await problem_of(library.place(made(folder), folder, "broken-trailer.mp4")) is (StorageProblem.NAME_TAKEN)


async def test_of_many_placings_at_once_exactly_one_wins(library: DiskLibrary, folder: Path) -> None:
    sources = [made(folder, text=str(number), work=f".trailhook-{number}") for number in range(8)]
    results = await asyncio.gather(
        *(library.place(source, folder, "Trailers/Show-trailer.mp4") for source in sources), return_exceptions=True
    )
    won = [number for number, result in enumerate(results) if not isinstance(result, BaseException)]
    assert len(won) == 1
    assert (folder / "Trailers/Show-trailer.mp4").read_text() == str(won[0])
    lost = [result.problem for result in results if isinstance(result, StorageError)]
    assert lost == [StorageProblem.NAME_TAKEN] * 7


async def test_the_trailers_directory_is_made_like_its_folder(library: DiskLibrary, folder: Path) -> None:
    set_mode(folder, 0o2775)
    await library.place(made(folder), folder, "Trailers/Show-trailer.mp4")
    assert stat.S_IMODE((folder / "Trailers").stat().st_mode) == 0o2775
    await library.place(made(folder), folder, "Trailers/Second-trailer.mp4")
    assert names_in(folder / "Trailers") == ["Second-trailer.mp4", "Show-trailer.mp4"]


async def test_owner_and_modes_are_those_that_are_set(folder: Path) -> None:
    library = DiskLibrary(Manner(0o664, 0o2770, owner=1234, group=4321))
    await library.place(made(folder), folder, "Trailers/Show-trailer.mp4")
    library.close()
    owner = (1234, 4321) if os.geteuid() == 0 else mode_and_owner(folder)[1:]
    assert mode_and_owner(folder / "Trailers/Show-trailer.mp4") == (0o664, *owner)
    assert mode_and_owner(folder / "Trailers") == (0o2770, *owner)


async def test_a_trailers_directory_in_another_case_is_taken(library: DiskLibrary, folder: Path) -> None:
    assert await library.fit(folder, "Trailers/Show-trailer.mp4") == "Trailers/Show-trailer.mp4"
    await asyncio.to_thread((folder / "trailers").mkdir)
    rel_path = await library.fit(folder, "Trailers/Show-trailer.mp4")
    assert rel_path == "trailers/Show-trailer.mp4"
    await library.place(made(folder), folder, rel_path)
    assert names_in(folder) == [".trailhook-7", "trailers"]
    assert await library.fit(folder, "Film-trailer.mp4") == "Film-trailer.mp4"


async def test_no_other_directory_is_made(library: DiskLibrary, folder: Path) -> None:
    source = made(folder)
    for rel_path in ("disc/Film-trailer.mp4", "Trailers/more/x-trailer.mp4"):
        assert await problem_of(library.place(source, folder, rel_path)) is StorageProblem.MISSING
    assert await problem_of(library.place(source, folder / "gone", "x-trailer.mp4")) is StorageProblem.MISSING
    assert names_in(folder) == [".trailhook-7"]
    assert source.exists()


async def test_a_file_beside_a_movie_in_a_sub_folder(library: DiskLibrary, folder: Path) -> None:
    (folder / "disc").mkdir()
    placed = await library.place(made(folder), folder, "disc/Film-trailer.mp4")
    assert placed.path == folder / "disc/Film-trailer.mp4"
    assert placed.path.exists()


@pytest.mark.parametrize(
    "rel_path", ["../x-trailer.mp4", "/x-trailer.mp4", "a/../../x", "a\\x", "a\0x", "", "Trailers/"]
)
async def test_a_path_that_leaves_the_folder_is_refused(library: DiskLibrary, folder: Path, rel_path: str) -> None:
    assert await problem_of(library.place(made(folder), folder, rel_path)) is StorageProblem.OUTSIDE


async def test_a_linked_trailers_directory_leads_nowhere(library: DiskLibrary, folder: Path) -> None:
    outside = folder.parent / "outside"
    outside.mkdir()
    (folder / "Trailers").symlink_to(outside)
    source = made(folder)
    assert await problem_of(library.place(source, folder, "Trailers/x-trailer.mp4")) is StorageProblem.OUTSIDE
    assert names_in(outside) == []
    assert source.exists()


async def test_a_file_named_trailers_is_in_the_way(library: DiskLibrary, folder: Path) -> None:
    write(folder / "Trailers")
    assert await problem_of(library.place(made(folder), folder, "Trailers/x-trailer.mp4")) is (
        StorageProblem.NAME_TAKEN
    )


async def test_a_link_in_place_of_the_fetched_file_is_not_placed(library: DiskLibrary, folder: Path) -> None:
    secret = write(folder.parent / "secret")
    (folder / ".trailhook-7").mkdir()
    source = folder / ".trailhook-7" / "trailer.mp4"
    source.symlink_to(secret)
    assert await problem_of(library.place(source, folder, "x-trailer.mp4")) is StorageProblem.OUTSIDE
    assert not (folder / "x-trailer.mp4").exists()


async def test_a_name_of_255_bytes_is_placed(library: DiskLibrary, folder: Path) -> None:
    name = "é" * 121 + "a-trailer.mp4"
    assert len(name.encode()) == 255
    assert (await library.place(made(folder), folder, name)).path.exists()
    assert await problem_of(library.place(made(folder), folder, f"a{name}")) is StorageProblem.NOT_WRITABLE


@pytest.mark.parametrize("give_name", [link_new, rename_new, look_and_rename])
def test_each_way_to_place_never_replaces(folder: Path, give_name: Callable[[Name, Name], None]) -> None:
    source = write(folder / "source", "new")
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        give_name(Name(fd, "source"), Name(fd, "placed é"))
        assert (folder / "placed é").read_text() == "new"
        assert not source.exists()
        write(source, "newer")
        with pytest.raises(FileExistsError):
            give_name(Name(fd, "source"), Name(fd, "placed é"))
        assert (folder / "placed é").read_text() == "new"
        assert source.read_text() == "newer"
    finally:
        os.close(fd)


def is_elsewhere(source: Path, folder: Path) -> bool:
    return source.parent.is_dir() and source.parent.stat().st_dev != folder.stat().st_dev


async def test_a_file_from_another_file_system_is_not_placed(library: DiskLibrary, folder: Path) -> None:
    source = Path("/dev/shm") / f"trailhook-test-{os.getpid()}.mp4"
    if not is_elsewhere(source, folder):
        pytest.skip("there is one file system only")
    write(source)
    try:
        assert await problem_of(library.place(source, folder, "x.mp4")) is StorageProblem.UNREACHABLE
    finally:
        source.unlink()
    assert names_in(folder) == []


async def test_describe(library: DiskLibrary, folder: Path) -> None:
    file = write(folder / "a file", "four")
    found = await library.describe(file)
    assert found is not None
    assert (found.size, found.mtime_ns) == (4, file.stat().st_mtime_ns)
    (folder / "link").symlink_to(file)
    for path in (folder, folder / "gone", file / "below", folder / "link"):
        assert await library.describe(path) is None
    loop = folder / "loop"
    loop.symlink_to(loop)
    assert await problem_of(library.describe(loop / "below")) is StorageProblem.UNREACHABLE


# Errors and disks that hang.


@pytest.mark.parametrize(
    ("number", "problem"),
    [
        (errno.ENOSPC, StorageProblem.FULL),
        (errno.EDQUOT, StorageProblem.FULL),
        (errno.EROFS, StorageProblem.READ_ONLY),
        (errno.EACCES, StorageProblem.NOT_WRITABLE),
        (errno.ENOENT, StorageProblem.MISSING),
        (errno.EEXIST, StorageProblem.NAME_TAKEN),
        (errno.ESTALE, StorageProblem.UNREACHABLE),
        (errno.EIO, StorageProblem.UNREACHABLE),
        (errno.ENOTCONN, StorageProblem.UNREACHABLE),
        (None, StorageProblem.UNREACHABLE),
    ],
)
def test_every_error_becomes_a_sentence(number: int | None, problem: StorageProblem) -> None:
    error = OSError() if number is None else OSError(number, "text")
    told = storage_error(error, Path("/media/F\udcffilm"))
    assert told.problem is problem
    assert "/media/F" in told.message
    assert told.message.encode()


async def test_a_disk_that_hangs_ends_in_time_and_holds_up_no_other(tmp_path: Path) -> None:
    threads, disk_is_back = DiskThreads(limit=0.5), threading.Event()
    sick, well = tmp_path / "sick" / "a", tmp_path / "well" / "a"
    try:
        hanging = [threads.run(sick, disk_is_back.wait) for _ in range(12)]
        results = await asyncio.gather(*hanging, return_exceptions=True)
        assert [type(result) for result in results] == [StorageError] * 12
        assert await threads.run(well, lambda: "answer") == "answer"
        begin = time.monotonic()
        assert await problem_of(threads.run(sick, lambda: "answer")) is StorageProblem.UNREACHABLE
        assert time.monotonic() - begin < 0.4
        assert threading.active_count() < 12
        disk_is_back.set()
        await answers_again(threads, sick)
    finally:
        disk_is_back.set()
        threads.close()


async def answers_again(threads: DiskThreads, folder: Path) -> None:
    async with asyncio.timeout(5):
        while True:
            try:
                assert await threads.run(folder, lambda: "answer") == "answer"
            except StorageError:
                await asyncio.sleep(0.01)
            else:
                return


async def test_a_few_calls_that_hang_do_not_stop_a_disk_yet(tmp_path: Path) -> None:
    threads, disk_is_back = DiskThreads(limit=0.1), threading.Event()
    try:
        hanging = [threads.run(tmp_path / "a", disk_is_back.wait) for _ in range(GIVE_UP_AFTER - 1)]
        await asyncio.gather(*hanging, return_exceptions=True)
        assert await threads.run(tmp_path / "b", lambda: "answer") == "answer"
    finally:
        disk_is_back.set()
        threads.close()


async def test_a_call_may_have_a_shorter_limit_than_others(tmp_path: Path) -> None:
    threads, disk_is_back = DiskThreads(limit=30), threading.Event()
    try:
        assert await problem_of(threads.run(tmp_path / "a", disk_is_back.wait, 0.05)) is StorageProblem.UNREACHABLE
    finally:
        disk_is_back.set()
        threads.close()


async def test_a_cancelled_caller_waits_until_the_disk_call_has_ended(tmp_path: Path) -> None:
    threads, begun, go_on, ended = DiskThreads(limit=5), asyncio.Event(), threading.Event(), threading.Event()
    loop = asyncio.get_running_loop()

    def work() -> None:
        loop.call_soon_threadsafe(begun.set)
        go_on.wait()
        ended.set()

    caller = asyncio.create_task(threads.run(tmp_path, work))
    await begun.wait()
    caller.cancel()
    loop.call_later(0.05, go_on.set)
    with pytest.raises(asyncio.CancelledError):
        await caller
    has_ended = ended.is_set()
    go_on.set()
    threads.close()
    assert has_ended


async def test_of_many_folders_only_the_one_that_hangs_is_in_doubt(tmp_path: Path) -> None:
    threads, disk_is_back = DiskThreads(limit=0.5), threading.Event()
    folders = [f"{tmp_path}/{number % 2}/{number}" for number in range(200)]

    def work(number: int) -> str:
        if number == 50:
            disk_is_back.wait()
        return "seen"

    try:
        results = await threads.run_each(folders, work, "in doubt")
        assert [number for number, result in enumerate(results) if result != "seen"] == [50]
    finally:
        disk_is_back.set()
        threads.close()


async def test_a_dead_disk_is_given_up_soon_and_another_is_not(tmp_path: Path) -> None:
    threads, disk_is_back = DiskThreads(limit=0.3), threading.Event()
    folders = [f"{tmp_path}/{'dead' if number % 2 else 'well'}/{number}" for number in range(200)]

    def work(number: int) -> bool:
        if number % 2:
            disk_is_back.wait()
        return True

    try:
        began = time.monotonic()
        results = await threads.run_each(folders, work, otherwise=False)
        assert results == [number % 2 == 0 for number in range(200)]
        assert time.monotonic() - began < 10
    finally:
        disk_is_back.set()
        threads.close()


async def test_slow_folders_are_shared_among_a_few_threads(tmp_path: Path) -> None:
    threads, at_once, most, lock = DiskThreads(limit=30), 0, 0, threading.Lock()

    def work(number: int) -> int:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.02)
        with lock:
            at_once -= 1
        return number

    try:
        results = await threads.run_each([f"{tmp_path}/{number}" for number in range(60)], work, -1)
        assert results == list(range(60))
        assert most == MAX_THREADS_PER_ROOT
    finally:
        threads.close()
