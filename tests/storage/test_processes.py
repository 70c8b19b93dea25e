"""Several processes on one file. They meet at barriers, so nothing here waits for a clock."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import storage_workers

from agent_workbench.conversation.messages import user
from agent_workbench.errors import SessionBusy
from agent_workbench.storage import schema
from agent_workbench.storage.database import SQLiteStore, open_store
from agent_workbench.storage.records import Config, Session

SPAWN = multiprocessing.get_context("spawn")


def run_together(count: int, work: Callable[..., None], *arguments: Any) -> list[str]:
    """Run the work in processes that start it at one moment; return what each sent."""
    barrier = SPAWN.Barrier(count)
    pipes = [SPAWN.Pipe() for _ in range(count)]
    processes = [
        SPAWN.Process(target=work, args=(*arguments, f"p{number}", barrier, pipe[1]))
        for number, pipe in enumerate(pipes)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * count
    return sorted(pipe[0].recv() for pipe in pipes)


def test_four_processes_append_at_once_and_no_message_is_lost(path: Path, store: SQLiteStore, config: Config) -> None:
    sessions = [store.sessions.create(config.config_id).session_id for _ in range(4)]
    barrier = SPAWN.Barrier(4)
    processes = [
        SPAWN.Process(target=storage_workers.append_many, args=(path, session_id, 200, barrier))
        for session_id in sessions
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4
    for session_id in sessions:
        stored = store.sessions.messages(session_id)
        assert [(one.seq, one.message.text) for one in stored] == [(n + 1, f"message {n}") for n in range(200)]
    assert store.check()["integrity"] == "ok"


def test_eight_first_starts_at_once_make_one_database(path: Path) -> None:
    assert run_together(8, storage_workers.start_first, path) == ["ok"] * 8
    store = open_store(path)
    assert sorted(config.name for config in store.configs.list_configs()[0]) == [f"p{number}" for number in range(8)]
    assert store.check()["schema"] == schema.version()
    store.close()
    assert not list(path.parent.glob("*.bak"))


def test_every_kind_of_write_in_three_processes_waits_for_its_turn(path: Path, store: SQLiteStore) -> None:
    assert run_together(3, storage_workers.write_everything, path) == ["ok"] * 3
    assert store.check()["integrity"] == "ok"
    assert store.sessions.list_sessions()[1] == 3 * 10
    assert len(store.board.read("w")) == 3 * 15


def test_of_four_editors_one_wins_and_the_others_are_told(path: Path, store: SQLiteStore, config: Config) -> None:
    outcome = run_together(4, storage_workers.update_together, path, config.config_id)
    assert outcome == ["conflict with 2"] * 3 + ["saved"]
    assert len(store.configs.revisions(config.config_id)) == 2


def test_of_four_processes_one_runs_the_turn(path: Path, store: SQLiteStore, session: Session) -> None:
    assert run_together(4, storage_workers.begin_together, path, session.session_id) == ["began"] + ["busy"] * 3
    assert len(store.sessions.messages(session.session_id)) == 1


def test_a_zombie_in_another_process_writes_nothing(path: Path, store: SQLiteStore, session: Session) -> None:
    zombie = store.sessions.begin_turn(
        session.session_id, "dead", user("a"), owner="zombie", config_revision=1, model="m", lease_s=0
    )
    assert run_together(2, storage_workers.begin_together, path, session.session_id) == ["began", "busy"]
    with pytest.raises(SessionBusy):
        store.sessions.append(zombie, "dead", [user("too late")])
    assert "too late" not in [one.message.text for one in store.sessions.messages(session.session_id)]


def test_the_data_version_shows_what_others_wrote(path: Path, store: SQLiteStore) -> None:
    here, there = SPAWN.Pipe()
    process = SPAWN.Process(target=storage_workers.answer_when_told, args=(path, there))
    process.start()
    assert here.recv() == "ready"
    seen = store.data_version()
    assert store.data_version() == seen
    for value in ("one", "two"):
        here.send(value)
        assert here.recv() == "written"
        assert store.data_version() != seen
        seen = store.data_version()
        assert store.setting("told") == value
    store.remember("mine", 1)
    assert store.data_version() != seen
    here.send(None)
    process.join(30)
    assert process.exitcode == 0


def test_eight_threads_share_one_store(store: SQLiteStore, config: Config) -> None:
    barrier = threading.Barrier(8)

    def work(number: int) -> None:
        barrier.wait()
        session_id = store.sessions.create(config.config_id, title=str(number)).session_id
        lease = store.sessions.begin_turn(session_id, str(number), None, owner="t", config_revision=1, model="")
        for step in range(20):
            store.sessions.append(lease, str(number), [user(str(step))])
            assert len(store.sessions.messages(session_id)) == step + 1

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.message_count for one in store.sessions.list_sessions()[0]] == [20] * 8
