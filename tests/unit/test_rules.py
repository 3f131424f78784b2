"""The pure rules as tables: monitor, disk, status, back-off, deletion guard, candidates, matching."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.domain import backoff, intents
from app.domain.acquiring import place_of, trailer_name
from app.domain.candidates import candidates_of, judged_hits, known_candidates, refused_of, search_query
from app.domain.deletion_guard import Delete, Hold, decide_deletions, may_delete_one
from app.domain.disk import DiskLook, DiskState, FolderState, KnownOnDisk, judge_disk
from app.domain.intents import Circumstances
from app.domain.monitoring import MonitorFacts, decide_monitor
from app.domain.policy import Policy, effective_policy, exclusion
from app.domain.records import Media, Rank
from app.domain.slugs import slug_of
from app.domain.status import explain
from app.domain.videos import SearchHit
from schemas.base import CandidateSource, FetchFailure, MonitorStatus, MonitorType, Reason
from schemas.connection import PolicyOverride
from schemas.policy import TrailerName
from tests.unit.titles import NOW, movie, series

S = MonitorStatus
CREATED = NOW
POLICY = Policy()


@pytest.mark.parametrize(
    ("monitor_type", "arr_monitored", "added", "pinned", "expected"),
    [
        (MonitorType.MISSING, False, None, None, True),
        (MonitorType.NONE, True, NOW, None, False),
        (MonitorType.SYNC, True, None, None, True),
        (MonitorType.SYNC, False, NOW, None, False),
        (MonitorType.NEW, True, CREATED - timedelta(minutes=4), None, True),
        (MonitorType.NEW, True, CREATED - timedelta(minutes=5), None, False),
        (MonitorType.NEW, True, None, None, False),
        (MonitorType.NONE, False, None, True, True),
        (MonitorType.MISSING, True, NOW, False, False),
    ],
)
def test_monitor(
    monitor_type: MonitorType, arr_monitored: bool, added: datetime | None, pinned: bool | None, expected: bool
) -> None:
    assert decide_monitor(MonitorFacts(monitor_type, CREATED, arr_monitored, added, pinned)) is expected


SEEN = DiskLook(FolderState.PRESENT, media_seen=True)
EMPTY = DiskLook(FolderState.PRESENT)
FOUND = DiskLook(FolderState.PRESENT, trailers=("Sintel-trailer.mp4",), media_seen=True)


@pytest.mark.parametrize(
    ("known", "look", "exists", "removed", "state"),
    [
        pytest.param((False, False, True, False), FOUND, True, False, DiskState.READY, id="found"),
        pytest.param((False, True, True, False), FOUND, True, False, DiskState.READY, id="put back by a person"),
        pytest.param((True, False, True, False), SEEN, False, False, DiskState.READY, id="gone, media seen"),
        pytest.param((True, False, True, False), EMPTY, True, False, DiskState.WAITING, id="empty mount keeps it"),
        pytest.param((False, False, True, False), EMPTY, False, False, DiskState.WAITING, id="media not visible yet"),
        pytest.param((False, False, False, False), EMPTY, False, False, DiskState.READY, id="arr has no file"),
        pytest.param(
            (True, False, True, False), DiskLook(FolderState.ABSENT), True, False, DiskState.WAITING, id="no folder"
        ),
        pytest.param(
            (True, False, True, True),
            DiskLook(FolderState.ROOT_ABSENT),
            True,
            False,
            DiskState.UNREACHABLE,
            id="mapped root away",
        ),
        pytest.param(
            (False, False, True, False),
            DiskLook(FolderState.ROOT_ABSENT),
            False,
            False,
            DiskState.UNMAPPED,
            id="never mapped",
        ),
        pytest.param(
            (True, False, True, False),
            DiskLook(FolderState.ROOT_EMPTY),
            True,
            False,
            DiskState.UNREACHABLE,
            id="empty mount point",
        ),
        pytest.param(
            (True, False, True, True),
            DiskLook(FolderState.UNREACHABLE),
            True,
            False,
            DiskState.UNREACHABLE,
            id="share away",
        ),
    ],
)
def test_disk(
    known: tuple[bool, bool, bool, bool], look: DiskLook, exists: bool, removed: bool, state: DiskState
) -> None:
    verdict = judge_disk(KnownOnDisk(*known), look)
    assert (verdict.trailer_exists, verdict.trailer_removed, verdict.state) == (exists, removed, state)


def test_ours_that_vanished_beside_its_movie_was_removed_by_a_person() -> None:
    known = KnownOnDisk(True, False, True, False, ours=frozenset({"Sintel-trailer.mp4"}))
    verdict = judge_disk(known, SEEN)
    assert (verdict.trailer_exists, verdict.trailer_removed) == (False, True)
    assert judge_disk(known, EMPTY).trailer_removed is False


def test_a_strangers_trailer_that_was_seen_and_vanished_was_removed_by_a_person_too() -> None:
    known = KnownOnDisk(True, False, True, False, seen_here=True)
    verdict = judge_disk(known, SEEN)
    assert (verdict.trailer_exists, verdict.trailer_removed) == (False, True)
    assert judge_disk(known, EMPTY).trailer_removed is False
    assert judge_disk(known, FOUND).trailer_removed is False


STATUS_CASES = [
    pytest.param(movie(), False, S.MONITORED, Reason.QUEUED, Rank.EVENT, id="wanted"),
    pytest.param(movie(), True, S.DOWNLOADING, Reason.DOWNLOADING, None, id="lease beats all"),
    pytest.param(movie(trailer_exists=True, monitor=False), False, S.DOWNLOADED, None, None, id="downloaded"),
    pytest.param(movie(monitor=False), False, S.MISSING, Reason.NOT_MONITORED, None, id="not monitored"),
    pytest.param(movie(missing_since=NOW), False, S.MONITORED, Reason.MISSING_IN_ARR, None, id="missing in arr"),
    pytest.param(movie(folder_path=None), False, S.MONITORED, Reason.PATH_UNMAPPED, None, id="no folder path"),
    pytest.param(movie(disk_state=DiskState.UNMAPPED), False, S.MONITORED, Reason.PATH_UNMAPPED, None, id="unmapped"),
    pytest.param(movie(trailer_removed=True), False, S.MONITORED, Reason.TRAILER_REMOVED, None, id="removed"),
    pytest.param(movie(media_exists=False), False, S.MONITORED, Reason.WAITING_FOR_MEDIA_FILE, None, id="no file"),
    pytest.param(
        movie(disk_state=DiskState.UNREACHABLE), False, S.MONITORED, Reason.STORAGE_UNREACHABLE, None, id="share away"
    ),
    pytest.param(
        movie(disk_state=DiskState.WAITING, disk_tries=1), False, S.MONITORED, Reason.WAITING_FOR_FOLDER, None, id="lag"
    ),
    pytest.param(
        movie(youtube_trailer_id=None, year=None), False, S.MONITORED, Reason.NO_CANDIDATE, None, id="nothing to try"
    ),
    pytest.param(series(), False, S.MONITORED, Reason.QUEUED, Rank.EVENT, id="series by search"),
]


@pytest.mark.parametrize(("title", "lease_live", "status", "reason", "rank"), STATUS_CASES)
def test_status(
    title: Media, lease_live: bool, status: MonitorStatus, reason: Reason | None, rank: Rank | None
) -> None:
    decided = intents.decided(title, Circumstances(POLICY, NOW, lease_live))
    assert (decided.status, decided.reason, decided.due_rank) == (status, reason, rank)
    assert (explain(decided.reason, decided.reason_detail) is None) is (status is S.DOWNLOADED)


def test_need_media_file_can_be_switched_off() -> None:
    policy = effective_policy(POLICY, PolicyOverride(need_media_file=False), {})
    decided = intents.decided(movie(media_exists=False, media_filename=None), Circumstances(policy, NOW))
    assert decided.reason is Reason.QUEUED


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (FetchFailure.DEAD, Reason.NO_CANDIDATE),
        (FetchFailure.NEEDS_COOKIES, Reason.NEEDS_COOKIES),
        (FetchFailure.STORAGE, Reason.STORAGE_NOT_WRITABLE),
        (FetchFailure.TRANSIENT, Reason.BACKING_OFF),
    ],
)
def test_a_failure_is_told_and_tried_again_later(failure: FetchFailure, reason: Reason) -> None:
    failed = intents.decided(intents.failed(movie(), failure, "Why.", NOW), Circumstances(POLICY, NOW))
    assert (failed.status, failed.reason, failed.due_rank) == (S.MONITORED, reason, Rank.RETRY)
    assert failed.next_try_at is not None
    assert failed.next_try_at > NOW
    assert "Why." in (explain(failed.reason, failed.reason_detail) or "")


def test_an_event_never_shortens_the_back_off_but_a_person_does() -> None:
    failed = intents.failed(movie(), FetchFailure.DEAD, "Why.", NOW)
    by_event = intents.decided(intents.wanted_by(failed, Rank.EVENT), Circumstances(POLICY, NOW))
    assert by_event.next_try_at == failed.retry_at
    by_person = intents.decided(intents.asked_for(failed), Circumstances(POLICY, NOW))
    assert (by_person.next_try_at, by_person.due_rank) == (None, Rank.PERSON)


def test_a_person_brings_a_removed_trailer_back() -> None:
    asked = intents.decided(intents.asked_for(movie(trailer_removed=True)), Circumstances(POLICY, NOW))
    assert asked.reason is Reason.QUEUED


def test_folders_are_looked_for_again_ever_more_slowly() -> None:
    waits = []
    title = movie()
    for _ in range(7):
        title = intents.decided(intents.looked(title, EMPTY, ()), Circumstances(POLICY, NOW))
        delay = intents.look_again_after(title)
        waits.append(None if delay is None else delay.total_seconds())
    assert waits == [2, 5, 15, 60, 300, 1800, None]
    assert intents.looked(title, SEEN, ()).disk_tries == 0


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 10), (2, 60), (3, 600), (4, 3600), (9, 3600), (10, None), (11, None)]
)
def test_an_item_that_fails_is_tried_ten_times(attempts: int, seconds: float | None) -> None:
    delay = backoff.sync_delay(attempts)
    assert (None if delay is None else delay.total_seconds()) == seconds


@pytest.mark.parametrize(("failures", "seconds"), [(1, 5), (2, 10), (3, 20), (6, 160), (7, 300), (1000, 300)])
def test_a_connection_is_probed_from_five_seconds_to_five_minutes(failures: int, seconds: float) -> None:
    assert backoff.probe_delay(failures).total_seconds() == seconds


@pytest.mark.parametrize(("streak", "seconds"), [(1, 3), (2, 15), (9, 15)])
def test_syncs_in_a_row_are_spaced(streak: int, seconds: float) -> None:
    assert backoff.sync_spacing(streak).total_seconds() == seconds


@pytest.mark.parametrize(
    ("failure", "tries", "wait"),
    [
        (FetchFailure.DEAD, 1, timedelta(days=1)),
        (FetchFailure.DEAD, 4, timedelta(days=30)),
        (FetchFailure.DEAD, 40, timedelta(days=30)),
        (FetchFailure.TRANSIENT, 1, timedelta(minutes=1)),
        (FetchFailure.TRANSIENT, 3, timedelta(hours=1)),
        (FetchFailure.TRANSIENT, 4, timedelta(days=1)),
        (FetchFailure.TRANSIENT, 40, timedelta(days=30)),
        (FetchFailure.UNKNOWN, 1, timedelta(hours=1)),
        (FetchFailure.UNKNOWN, 3, timedelta(hours=17)),
        (FetchFailure.UNKNOWN, 4, timedelta(days=1)),
        (FetchFailure.UNKNOWN, 40, timedelta(days=30)),
    ],
)
def test_acquiring_backs_off(failure: FetchFailure, tries: int, wait: timedelta) -> None:
    assert backoff.acquire_delay(failure, tries) == wait


def test_a_worker_that_died_once_delays_nothing_and_twice_running_does() -> None:
    once = intents.lost(movie(), "It died.", NOW)
    assert (once.tries, once.retry_at, once.last_failure) == (1, NOW, FetchFailure.LOST)
    decided = intents.decided(intents.wanted_by(once, Rank.EVENT), Circumstances(POLICY, NOW))
    assert (decided.reason, decided.due_rank, decided.next_try_at) == (Reason.BACKING_OFF, Rank.EVENT, NOW)
    assert intents.lost(once, "It died.", NOW).retry_at == NOW + timedelta(minutes=10)
    after_another = intents.failed(movie(), FetchFailure.TRANSIENT, "Busy.", NOW)
    assert intents.lost(after_another, "It died.", NOW).retry_at == NOW


def test_titles_of_a_shared_folder_have_places_of_their_own() -> None:
    title = movie(folder_path="/movies/flat", media_filename="Sintel (2010).mkv")
    assert place_of(title, POLICY, shared=False) == "/movies/flat"
    assert place_of(title, POLICY, shared=True) == "/movies/flat/Sintel (2010)"
    without_file = movie(folder_path="/movies/flat", media_filename=None)
    assert place_of(without_file, POLICY, shared=True) == place_of(replace(without_file, id=99), POLICY, shared=True)


@pytest.mark.parametrize(
    ("unlisted", "rows", "accepted", "held"),
    [
        (0, 0, 0, False),
        (3, 10, 0, False),
        (4, 10, 0, True),
        (20, 100, 0, False),
        (21, 100, 0, True),
        (21, 100, 21, False),
        (22, 100, 1, True),
        (1, 1, 0, True),
        (2, 2, 2, False),
    ],
)
def test_more_than_a_few_deletions_are_held(unlisted: int, rows: int, accepted: int, held: bool) -> None:
    decision = decide_deletions(range(unlisted), rows, 0.2, frozenset(range(accepted)))
    assert isinstance(decision, Hold if held else Delete)
    assert decision.media_ids == frozenset(range(unlisted))


@pytest.mark.parametrize(
    ("unannounced", "announced", "expected"), [(0, False, True), (2, False, True), (3, False, False), (99, True, True)]
)
def test_single_deletions_without_an_event_are_limited_by_the_hour(
    unannounced: int, announced: bool, expected: bool
) -> None:
    assert may_delete_one(10, 0.2, unannounced, announced=announced) is expected


def test_a_persons_choice_is_the_only_candidate() -> None:
    chosen = movie(trailer_url="https://vimeo.com/123456")
    (candidate,) = known_candidates(chosen)
    assert (candidate.source, candidate.video_id) == (CandidateSource.PERSON, "123456")
    assert search_query(chosen, POLICY) is None


def test_the_arrs_id_comes_before_the_search() -> None:
    (candidate,) = known_candidates(movie())
    assert (candidate.source, candidate.url) == (CandidateSource.ARR, "https://www.youtube.com/watch?v=eRsGyueVLvQ")
    assert search_query(movie(), POLICY) is not None
    assert search_query(movie(), replace(POLICY, search=False)) is None


def hit(title: str, seconds: float | None = 120, video_id: str = "abcdefghijk", live: bool = False) -> SearchHit:
    return SearchHit(video_id, title, "Some Channel", seconds, live)


def test_the_best_matching_hit_comes_first() -> None:
    hits = [hit("Sintel review 2010"), hit("Sintel 2010 Teaser", video_id="aaaaaaaaaaa"), hit("Sintel 2010 Trailer")]
    assert [one.video_id for one in candidates_of(judged_hits(movie(), POLICY, hits))] == ["abcdefghijk", "aaaaaaaaaaa"]


def test_the_policys_length_counts() -> None:
    judged = judged_hits(movie(), replace(POLICY, max_seconds=100), [hit("Sintel Trailer (2010)", seconds=101)])
    found = candidates_of(judged)
    assert len(refused_of(judged)) == 1
    assert found == ()


def test_one_download_at_a_time_per_folder_or_title_of_a_shared_folder() -> None:
    assert place_of(movie(), POLICY, shared=False) == "/media/movies/Sintel (2010)"
    assert place_of(movie(), POLICY, shared=True) == "/media/movies/Sintel (2010)/Sintel (2010) Bluray-1080p"


def test_the_trailer_is_named_for_every_media_server() -> None:
    assert trailer_name(movie(), POLICY, shared=False) == "Sintel (2010) Bluray-1080p-trailer.mp4"
    assert trailer_name(movie(media_filename=None), POLICY, shared=False) == "Sintel (2010)-trailer.mp4"
    assert trailer_name(series(), POLICY, shared=False) == "Trailers/Pioneer One (2010)-trailer.mp4"


def test_a_name_that_is_the_same_in_every_folder_is_given_only_where_the_folder_is_the_titles_own() -> None:
    policy = replace(POLICY, name=TrailerName.MOVIE_TRAILER)
    assert trailer_name(movie(), policy, shared=False) == "movie-trailer.mp4"
    assert trailer_name(movie(), policy, shared=True) == "Sintel (2010) Bluray-1080p-trailer.mp4"
    assert trailer_name(series(), policy, shared=False) == "Trailers/Pioneer One (2010)-trailer.mp4"


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        ({}, None),
        ({"only_tags": ("4K",)}, None),
        ({"only_tags": ("kids", "4k")}, None),
        ({"only_tags": ("kids",)}, "It has none of the tags kids."),
        ({"skip_tags": ("kids",)}, None),
        ({"skip_tags": ("No-Trailer",)}, "It has the tag No-Trailer."),
        ({"only_tags": ("4k",), "skip_tags": ("no-trailer",)}, "It has the tag no-trailer."),
        ({"only_genres": ("animation",)}, None),
        ({"only_genres": ("Drama", "Horror")}, "It is of none of the genres Drama, Horror."),
    ],
)
def test_tags_and_genres_leave_titles_out(chosen: dict[str, Any], why: str | None) -> None:
    policy = replace(POLICY, tag_labels={1: "4k", 2: "no-trailer", 3: "kids"}, **chosen)
    title = movie(tags=(1, 2, 99), genres=("Animation", "Short"))
    assert exclusion(policy, title.tags, title.genres) == why
    decided = intents.decided(title, Circumstances(policy, NOW))
    assert (decided.reason is Reason.EXCLUDED_BY_POLICY, decided.reason_detail) == (why is not None, why)
    assert (decided.due_rank is None) == (why is not None)
    by_person = intents.decided(intents.asked_for(title), Circumstances(policy, NOW))
    assert by_person.due_rank is Rank.PERSON


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Radarr", "radarr"),
        ("Radarr 4K", "radarr-4k"),
        ("  Café & Söhne ", "cafe-sohne"),
        ("映画", "radarr"),
        ("-", "radarr"),
    ],
)
def test_slugs(name: str, slug: str) -> None:
    assert slug_of(name, "radarr") == slug
