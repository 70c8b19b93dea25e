"""One file: locks, failures, copies, and disks that are not safe."""

from __future__ import annotations

import os
import sqlite3
import threading
from pathlib import Path

import pytest
from filelock import FileLock

from agent_workbench.errors import NotFound, StorageBusy, StorageError
from agent_workbench.storage import connection as connection_module
from agent_workbench.storage.connection import WAL_FIXED, Database
from agent_workbench.storage.database import SQLiteStore, open_store
from agent_workbench.storage.filesystems import network_filesystem


def journal_mode(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])
    finally:
        connection.close()


def test_check_says_what_doctor_shows(path: Path, store: SQLiteStore) -> None:
    facts = store.check()
    fixed = sqlite3.sqlite_version_info >= WAL_FIXED
    assert facts["path"] == str(path)
    assert (facts["journal_mode"], facts["integrity"], facts["wal_race_fixed"]) == ("wal", "ok", fixed)
    assert facts["locking"] == ("SQLite's own" if fixed else "one file lock for all writes")
    assert facts["size"] > 0


def test_the_file_belongs_to_the_person_alone(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "workbench.db"
    store = open_store(path)
    store.remember("a", 1)
    modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
    store.close()
    assert set(modes.values()) == {0o600}
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_what_is_remembered_comes_back(path: Path, store: SQLiteStore) -> None:
    assert store.setting("layout") is None
    assert store.setting("layout", {"panes": 1}) == {"panes": 1}
    store.remember("layout", {"panes": [1, 2], "theme": None})
    store.remember("off", False)
    store.close()
    again = open_store(path)
    assert (again.setting("layout"), again.setting("off", True)) == ({"panes": [1, 2], "theme": None}, False)
    again.close()


def test_what_the_body_raises_undoes_the_transaction(store: SQLiteStore) -> None:
    def write_half() -> None:
        with store.database.write() as connection:
            connection.execute("INSERT INTO settings VALUES ('a', '1', '')")
            raise NotFound("half way")

    with pytest.raises(NotFound):
        write_half()
    assert store.setting("a") is None


def test_a_reader_sees_one_state_and_cannot_write(store: SQLiteStore) -> None:
    store.remember("a", 1)
    with store.database.read() as reader:
        first = reader.execute("SELECT value FROM settings").fetchone()[0]
        store.remember("a", 2)
        assert reader.execute("SELECT value FROM settings").fetchone()[0] == first
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            reader.execute("DELETE FROM settings")
    assert store.setting("a") == 2


def test_another_writer_that_holds_on_is_named_busy_within_the_timeout(path: Path, store: SQLiteStore) -> None:
    impatient = open_store(path, timeout_s=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageBusy):
        impatient.remember("a", 1)
    assert impatient.setting("a") is None
    other.execute("ROLLBACK")
    other.close()
    impatient.remember("a", 1)
    impatient.close()


def test_a_held_file_lock_is_busy_too(path: Path) -> None:
    open_store(path).close()
    database = Database(path, timeout_s=0.05, file_lock=True)
    with FileLock(f"{path}.lock"), pytest.raises(StorageBusy), database.write():
        raise AssertionError("never reached")
    database.close()


def test_another_thread_that_holds_on_is_busy_too(path: Path, store: SQLiteStore) -> None:
    database = Database(path, timeout_s=0.05)
    caught: list[Exception] = []

    def write() -> None:
        try:
            with database.write():
                pass
        except StorageBusy as error:
            caught.append(error)

    with database.write():
        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    database.close()
    assert len(caught) == 1


def test_without_the_file_lock_sqlites_own_locks_do(path: Path) -> None:
    open_store(path).close()
    database = Database(path, file_lock=False)
    store = SQLiteStore(database)
    with FileLock(f"{path}.lock"):
        store.remember("a", 1)
    assert store.setting("a") == 1
    store.close()


def test_a_deleted_file_is_not_written_to(path: Path, store: SQLiteStore) -> None:
    store.remember("a", 1)
    aside = path.with_name("aside.db")
    path.rename(aside)
    with pytest.raises(StorageError, match="was deleted"):
        store.remember("a", 2)
    path.write_bytes(b"")
    with pytest.raises(StorageError, match="was replaced"):
        store.remember("a", 2)
    aside.replace(path)
    store.remember("a", 3)
    assert store.setting("a") == 3


@pytest.mark.parametrize("gone", [("-wal",), ("-shm",), ("-wal", "-shm")])
def test_a_log_that_was_deleted_is_not_written_to(path: Path, store: SQLiteStore, gone: tuple[str, ...]) -> None:
    store.remember("before", 1)
    for tail in gone:
        path.with_name(path.name + tail).unlink()
    with pytest.raises(StorageError, match="was deleted or replaced"):
        store.remember("after", 1)
    assert store.setting("before") == 1
    store.close()
    assert open_store(path).setting("before") == 1


def test_a_link_to_the_file_has_the_same_lock(path: Path, store: SQLiteStore) -> None:
    link = path.with_name("link.db")
    link.symlink_to(path)
    other = Database(link, timeout_s=0.1, file_lock=True)
    held = Database(path, file_lock=True)
    with held.exclusive(), pytest.raises(StorageBusy), other.exclusive():
        pass
    assert sorted(one.name for one in path.parent.glob("*.lock")) == [f"{path.name}.lock"]
    held.close()
    other.close()


@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_what_is_no_file_is_refused_and_gets_no_lock(tmp_path: Path, kind: str) -> None:
    there = tmp_path / "there"
    if kind == "device":
        there.symlink_to("/dev/null")
    else:
        there.mkdir() if kind == "folder" else os.mkfifo(there)
    with pytest.raises(StorageError, match="is no file"):
        open_store(there)
    assert list(tmp_path.iterdir()) == [there]
    assert not Path("/dev/null.lock").exists()


def test_a_full_disk_is_said_and_the_store_recovers(store: SQLiteStore) -> None:
    with store.database.exclusive() as writer:
        pages = writer.execute("PRAGMA page_count").fetchone()[0]
        writer.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="disk is full"):
        store.configs.create("big", "x" * 1_000_000)
    assert store.configs.list_configs()[1] == 0
    with store.database.exclusive() as writer:
        writer.execute("PRAGMA max_page_count = 1000000")
    store.configs.create("big", "x" * 1_000_000)


def test_a_read_only_database_is_said(store: SQLiteStore) -> None:
    with store.database.exclusive() as writer:
        writer.execute("PRAGMA query_only = ON")
    with pytest.raises(StorageError, match="read-only"):
        store.remember("a", 1)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param(b"these are my notes\n" * 100, "is not a database", id="a text"),
        pytest.param(b"SQLite format 3\0" + b"\xff" * 4000, "is not a database|is damaged", id="a broken header"),
    ],
)
def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path, content: bytes, says: str) -> None:
    path.write_bytes(content)
    with pytest.raises(StorageError, match=says):
        open_store(path)
    assert path.read_bytes() == content


def test_after_closing_nothing_works_and_nothing_breaks(store: SQLiteStore) -> None:
    store.close()
    store.close()
    for call in (store.data_version, lambda: store.remember("a", 1), lambda: store.setting("a")):
        with pytest.raises(StorageError, match="was closed"):
            call()


def test_a_copy_is_whole_while_others_write(path: Path, store: SQLiteStore) -> None:
    store.configs.create("one", "a: 1")
    copy = store.backup(path.with_name("copy.db"))
    store.configs.create("two", "b: 1")
    other = open_store(copy)
    assert [config.name for config in other.configs.list_configs(q="one")[0]] == ["one"]
    assert other.configs.list_configs(q="a: 1")[1] == 1
    other.close()
    assert sorted(os.listdir(path.parent))[0] == "copy.db"
    assert not list(path.parent.glob("*.part"))


def test_a_copy_that_fails_leaves_nothing_behind(path: Path, store: SQLiteStore) -> None:
    (path.parent / "copy.db").mkdir()
    with pytest.raises(StorageError):
        store.backup(path.parent / "copy.db")
    with pytest.raises(StorageError, match="cannot be used"):
        store.backup(path.parent / "nowhere" / "copy.db")
    assert not list(path.parent.rglob("*.part"))


def test_more_readers_than_the_pool_keeps_all_get_an_answer(store: SQLiteStore) -> None:
    barrier = threading.Barrier(connection_module.MAX_READERS + 4)
    seen: list[int] = []

    def read() -> None:
        with store.database.read() as connection:
            barrier.wait()
            seen.append(connection.execute("SELECT 1").fetchone()[0])

    threads = [threading.Thread(target=read) for _ in range(barrier.parties)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [1] * barrier.parties
    assert store.database.idle == connection_module.MAX_READERS


# --- network file systems -----------------------------------------------------------------------------------------


MOUNTS = """\
/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
tmpfs /home/me/local tmpfs rw 0 0
//box/share /mnt/my\\040share cifs rw 0 0
broken line
"""


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/var/lib", ""),
        ("/home/me", "nfs4"),
        ("/home/me/local/x", ""),
        ("/homes", ""),
        ("/mnt/my share/deep", "cifs"),
    ],
)
def test_the_longest_mount_point_decides(tmp_path: Path, folder: str, kind: str) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert network_filesystem(Path(folder), mounts) == kind
    assert network_filesystem(Path(folder), tmp_path / "absent") == ""


def test_on_a_network_disk_a_new_file_has_no_write_ahead_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_module, "network_filesystem", lambda folder: "nfs4")
    store = open_store(path)
    store.configs.create("a", "b: 1")
    assert store.check()["journal_mode"] == "delete"
    store.close()
    monkeypatch.undo()
    again = open_store(path)
    again.configs.create("c", "d: 1")
    assert again.configs.list_configs()[1] == 2
    again.close()
    assert journal_mode(path) == "delete"


def test_a_file_with_a_log_is_refused_on_a_network_disk(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(path).close()
    monkeypatch.setattr(connection_module, "network_filesystem", lambda folder: "nfs4")
    with pytest.raises(StorageError, match="nfs4"):
        open_store(path)
    assert journal_mode(path) == "wal"


def test_closing_lets_a_read_that_is_under_way_end(store: SQLiteStore) -> None:
    store.remember("a", 1)
    with store.database.read() as connection:
        store.close()
        assert connection.execute("SELECT value FROM settings").fetchone()[0] == "1"
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        connection.execute("SELECT 1")


def test_numbers_of_more_than_64_bits_are_harmless(store: SQLiteStore) -> None:
    huge = 10**40
    assert store.configs.revision("x", huge) is None
    assert store.configs.revisions("x", limit=huge, offset=huge) == []
    assert store.sessions.messages("x", after=huge, limit=huge) == []
    assert store.sessions.events("x", after=-huge) == []


def test_checking_without_reading_the_whole_file(store: SQLiteStore) -> None:
    assert store.check(integrity=False)["integrity"] == "not checked"
