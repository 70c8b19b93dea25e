"""Memory, board, shared files and saved permissions."""

from __future__ import annotations

from pathlib import Path

import pytest

from agent_workbench.errors import RevisionConflict, UsageError
from agent_workbench.storage.database import SQLiteStore, open_store


def test_memory_counts_its_changes_and_keeps_scopes_apart(store: SQLiteStore) -> None:
    first = store.memory.put("/w", "plan", {"step": 1}, author="planner")
    second = store.memory.put("/w", "plan", ["two"], expected_revision=1)
    assert (first.revision, first.value, first.author) == (1, {"step": 1}, "planner")
    assert store.memory.get("/w", "plan") == second
    assert (second.revision, store.memory.get("/other", "plan")) == (2, None)
    assert store.memory.delete("/w", "plan") is True
    assert store.memory.delete("/w", "plan") is False


def test_of_two_agents_that_remember_at_once_the_second_is_told(path: Path, store: SQLiteStore) -> None:
    other = open_store(path)
    other.memory.put("", "count", 1, expected_revision=0)
    with pytest.raises(RevisionConflict) as caught:
        store.memory.put("", "count", 1, expected_revision=0)
    other.close()
    assert (caught.value.expected, caught.value.actual) == (0, 1)


def test_keys_are_listed_by_prefix_and_signs_mean_themselves(store: SQLiteStore) -> None:
    for key in ("a_b", "a%b", "axb", "b"):
        store.memory.put("", key, key)
    assert [one.key for one in store.memory.list_keys("")] == ["a%b", "a_b", "axb", "b"]
    assert [one.key for one in store.memory.list_keys("", prefix="a_")] == ["a_b"]
    assert [one.key for one in store.memory.list_keys("", prefix="a", limit=2)] == ["a%b", "a_b"]


def test_the_board_is_read_from_where_one_left_off(store: SQLiteStore) -> None:
    first = store.board.post("/w", "tests are red", topic="ci", author="watcher")
    second = store.board.post("/w", "lunch")
    third = store.board.post("/w", "tests are green", topic="ci")
    store.board.post("/other", "not here")
    assert store.board.read("/w") == [first, second, third]
    assert store.board.read("/w", topic="ci") == [first, third]
    assert store.board.read("/w", after=first.post_id, limit=1) == [second]


def test_shared_files_hold_any_bytes(store: SQLiteStore) -> None:
    content = bytes(range(256))
    made = store.shared_files.write("/w", "data/all.bin", content, author="a", expected_revision=0)
    again = store.shared_files.write("/w", "data/all.bin", b"", expected_revision=1)
    assert (made.size, made.revision, again.size, again.revision) == (256, 1, 0, 2)
    assert store.shared_files.read("/w", "data/all.bin") == b""
    assert store.shared_files.read("/w", "none") is None
    assert store.shared_files.list_files("/w", prefix="data/") == [again]
    with pytest.raises(RevisionConflict):
        store.shared_files.write("/w", "data/all.bin", b"x", expected_revision=1)
    assert store.shared_files.delete("/w", "data/all.bin") is True
    assert store.shared_files.delete("/w", "data/all.bin") is False


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../up", "a/../b", "a//b", "./a", "a\\b", "a\0b", "a/"])
def test_paths_that_leave_their_scope_are_refused(store: SQLiteStore, name: str) -> None:
    with pytest.raises(UsageError):
        store.shared_files.write("/w", name, b"x")


def test_a_file_over_the_limit_is_refused(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agent_workbench.storage.resources.MAX_FILE", 3)
    store.shared_files.write("", "a", b"abc")
    with pytest.raises(UsageError, match="4 bytes"):
        store.shared_files.write("", "a", b"abcd")


def test_grants_are_saved_once_and_taken_back(store: SQLiteStore) -> None:
    mine = store.grants.add("bash(git log *)", "allow")
    assert store.grants.add("bash(git log *)", "allow") == mine
    other = store.grants.add("edit_file(src/**)", "deny", scope="session", scope_id="s")
    assert store.grants.list_grants() == [mine]
    assert store.grants.list_grants(scope="session", scope_id="s") == [other]
    assert store.grants.remove(mine.grant_id) is True
    assert store.grants.remove(mine.grant_id) is False
    assert store.grants.list_grants() == []
