"""What nobody looks at any more goes; what somebody may still need stays."""

from __future__ import annotations

from app.pipeline import housekeeping
from tests.fakes import FakeArr, movie_item
from tests.integration.conftest import Bench

OLD = "now() - interval '31 days'"


async def test_the_past_is_forgotten_after_its_time(bench: Bench) -> None:
    connection = await bench.connect(FakeArr(items={7: movie_item(7, bench.root)}))
    await bench.sync(connection, 7)
    for statement in (
        "UPDATE run SET outcome = 'failed', started_at = now(), finished_at = now() RETURNING 1",
        f"""INSERT INTO run (connection_id, trigger, outcome, started_at, finished_at)
            SELECT {connection}, 'schedule', 'completed', t, t FROM unnest(ARRAY[{OLD}, {OLD}, now()]) t RETURNING 1""",
        f"""INSERT INTO attempt (media_id, place, folder_path, rank, finished_at)
            SELECT m.id, 'p', 'p', 3, {OLD} FROM media m, generate_series(1, 3) RETURNING 1""",
        f"""INSERT INTO event (connection_id, event_type, arr_id, item_seq, payload, state, processed_at) VALUES
            ({connection}, 'Download', 8, 1, '', 'failed', {OLD}), ({connection}, 'Download', 9, 1, '', 'failed', now())
            RETURNING 1""",
        f"""INSERT INTO item_sync (connection_id, arr_id, requested_seq, synced_seq, failed, ended_at)
            SELECT {connection}, n, 1, 0, true, {OLD} FROM generate_series(8, 10) n RETURNING 1""",
        f"UPDATE item_sync SET ended_at = {OLD}, look_again_at = NULL WHERE arr_id = 7 RETURNING 1",
        """INSERT INTO media_seen (media_id, version, digest)
           SELECT n, 1, '\\x00' FROM (SELECT id FROM media UNION SELECT 99) AS known(n) RETURNING 1""",
    ):
        await bench.rows(statement)
    await housekeeping.prune_the_past(bench.deps)
    assert await bench.rows("SELECT count(*) FROM run") == [(2,)]
    assert await bench.rows("SELECT count(*) FROM attempt") == [(1,)]
    assert await bench.rows("SELECT arr_id FROM event WHERE state = 'failed'") == [(9,)]
    assert await bench.rows("SELECT arr_id FROM item_sync ORDER BY 1") == [(7,), (9,)]
    assert await bench.rows("SELECT count(*) FROM media_seen") == [(1,)]
    await housekeeping.prune_the_past(bench.deps)
    assert await bench.rows("SELECT count(*) FROM run") == [(2,)]


async def test_the_last_run_of_a_connection_stays(bench: Bench) -> None:
    connection = await bench.connect(FakeArr())
    await bench.refresh(connection)
    await bench.rows(f"UPDATE run SET finished_at = {OLD} RETURNING 1")
    await housekeeping.prune_the_past(bench.deps)
    assert await bench.rows("SELECT count(*) FROM run") == [(1,)]
