"""kill -9 in the middle of writing: what was acknowledged is there, and the session goes on."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
import storage_workers

from agent_workbench.conversation.messages import user
from agent_workbench.storage.database import open_store
from fakes.mortal import left_in, started

#: Processes that write at once, and kills after which a new file is begun, so that looking at all of it stays cheap.
AT_ONCE, PER_FILE = 2, 60


def kill_round(path: Path, session_ids: list[str], chance: random.Random) -> dict[str, list[tuple[int, str]]]:
    """Let a process for each session write, kill each at some moment, and return what they acknowledged."""
    writers = {one: started(storage_workers.write_until_killed, path, one) for one in session_ids}
    acknowledged: dict[str, list[tuple[int, str]]] = {}
    for session_id, (writer, pipe) in writers.items():
        told = [pipe.recv() for _ in range(chance.randint(0, 3))]
        time.sleep(chance.uniform(0, 0.004))  # a few messages take as long: any point of them may be the last
        writer.kill()
        writer.join()
        acknowledged[session_id] = told + left_in(pipe)
    return acknowledged


def check_round(path: Path, acknowledged: dict[str, list[tuple[int, str]]]) -> None:
    store = open_store(path)
    assert store.check()["integrity"] == "ok"
    for session_id, promised in acknowledged.items():
        stored = {one.seq: one.message.text for one in store.sessions.messages(session_id)}
        assert sorted(stored) == list(range(1, len(stored) + 1))
        assert [(seq, stored.get(seq)) for seq, _ in promised] == promised
        found = store.sessions.get(session_id)
        assert found is not None
        assert found.message_count == len(stored)
        name = f"after {len(stored)} in {session_id}"
        lease = store.sessions.begin_turn(session_id, name, user("go on"), owner="t", config_revision=1, model="m")
        store.sessions.end_turn(lease, name, "completed")
        assert all(turn.state != "running" for turn in store.sessions.turns(session_id))
        assert store.sessions.partial(session_id) is None
    store.close()


@pytest.mark.timeout(7200)
def test_kill_loses_nothing_that_was_acknowledged(in_memory: Path, kills: int) -> None:
    chance = random.Random(20)
    for begun in range(0, kills, AT_ONCE):
        path = in_memory / f"{begun // PER_FILE}.db"
        if begun % PER_FILE == 0:
            store = open_store(path)
            config_id = store.configs.create("c", "a: 1").config_id
            sessions = [store.sessions.create(config_id).session_id for _ in range(AT_ONCE)]
            store.close()
        check_round(path, kill_round(path, sessions, chance))
