"""kill -9 in the middle of writing: what was acknowledged is there, and the session goes on."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import pytest
import storage_workers

from agent_workbench.conversation.messages import user
from agent_workbench.storage.database import SQLiteStore, open_store


def kill_round(path: Path, session_ids: list[str], chance: random.Random) -> dict[str, list[tuple[int, str]]]:
    """Let a process for each session write, kill each after some messages, and return what they acknowledged."""
    command = [sys.executable, storage_workers.__file__, str(path)]
    writers = {one: subprocess.Popen([*command, one], stdout=subprocess.PIPE, text=True) for one in session_ids}
    acknowledged: dict[str, list[tuple[int, str]]] = {}
    for session_id, writer in writers.items():
        assert writer.stdout is not None
        lines = [writer.stdout.readline() for _ in range(chance.randint(1, 12))]
        writer.kill()
        lines += writer.stdout.readlines()
        writer.stdout.close()
        writer.wait()
        whole = (line.rstrip("\n").split("\t") for line in lines if line.endswith("\n"))
        acknowledged[session_id] = [(int(seq), text) for seq, text in whole]
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


def run_rounds(store: SQLiteStore, path: Path, rounds: int) -> None:
    chance = random.Random(20)
    config_id = store.configs.create("c", "a: 1").config_id
    store_sessions = [store.sessions.create(config_id).session_id for _ in range(2)]
    store.close()
    for _ in range(rounds):
        check_round(path, kill_round(path, store_sessions, chance))


def test_kill_loses_nothing_that_was_acknowledged(store: SQLiteStore, path: Path) -> None:
    run_rounds(store, path, 10)


@pytest.mark.slow
def test_three_hundred_kills_lose_nothing_that_was_acknowledged(store: SQLiteStore, path: Path) -> None:
    run_rounds(store, path, 300)
