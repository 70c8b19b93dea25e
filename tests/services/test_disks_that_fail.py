"""A disk that is full, read-only or locked, a file that is gone: the turn waits before it acts, says so, and goes on.

All of it happens to the real file, in the middle of a turn whose consumer holds it still meanwhile.
"""

from __future__ import annotations

import resource
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock
from services_kit import calls, config_text, session_of, texts

from agent_workbench.conversation.events import Event, Notice, TurnFinished, UserSaid
from agent_workbench.engine.repair import sendable
from agent_workbench.services import recorder as recording
from agent_workbench.services.recorder import Recorder
from agent_workbench.services.shared import SharedContext
from fakes.providers import check_sendable

LONG = "Writing. " * 3000
"""A reply that needs pages of its own."""
WRITE = ("write_file", {"file_path": "b.txt", "content": "x"})


@contextmanager
def pragma(bench: SharedContext, broken: str, whole: str) -> Iterator[None]:
    database = bench.store.database  # type: ignore[attr-defined]
    with database.exclusive() as writer:
        writer.execute(broken)
    try:
        yield
    finally:
        with database.exclusive() as writer:
            writer.execute(whole)


def full(bench: SharedContext, path: Path) -> Any:
    """Let the file grow by nothing."""
    return pragma(bench, "PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1000000")


def read_only(bench: SharedContext, path: Path) -> Any:
    return pragma(bench, "PRAGMA query_only = ON", "PRAGMA query_only = OFF")


@contextmanager
def no_larger(bench: SharedContext, path: Path) -> Iterator[None]:
    """Let the system refuse every byte that makes the log longer, as a full disk or a quota does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.with_name(f"{path.name}-wal").stat().st_size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def locked(bench: SharedContext, path: Path) -> Iterator[None]:
    """Let another program hold the file for longer than a write waits for it."""
    other = sqlite3.connect(path, isolation_level=None)
    with FileLock(f"{path}.lock"):
        other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def deleted(bench: SharedContext, path: Path) -> Iterator[None]:
    """Take the file away, and put it back."""
    aside = path.with_name("aside.db")
    path.rename(aside)
    try:
        yield
    finally:
        aside.replace(path)


#: By name: how the disk is broken, and words of the line that says it.
DISKS: dict[str, tuple[Callable[[SharedContext, Path], Any], str]] = {
    "full": (full, "disk is full"),
    "a file that may not grow": (no_larger, "disk"),
    "read-only": (read_only, "read-only"),
    "locked": (locked, "locked"),
    "deleted": (deleted, "was deleted"),
}


@pytest.fixture
async def impatient(bench: SharedContext, monkeypatch: pytest.MonkeyPatch) -> SharedContext:
    """Wait for disks and locks in hundredths of what a person's would be waited for."""
    made = Recorder.__init__
    scaled = {"retry_s": recording.RETRY_S / 100, "patience_s": recording.PATIENCE_S / 100}
    monkeypatch.setattr(Recorder, "__init__", lambda self, *a, **k: made(self, *a, **k, **scaled))
    monkeypatch.setattr(bench.store.database, "timeout_s", 0.05)  # type: ignore[attr-defined]
    with bench.store.database.exclusive() as writer:  # type: ignore[attr-defined]
        writer.execute("PRAGMA busy_timeout = 50")
    return bench


async def session_with_a_tool(bench: SharedContext) -> str:
    session_id = await session_of(bench, config_text(calls(WRITE, text=LONG), "Written."))
    await bench.sessions.change_settings(session_id, fast_edit=True)
    return session_id


async def whole(bench: SharedContext, session_id: str) -> None:
    """Check that a session is idle, sendable, and counted."""
    stored = await bench.sessions.messages(session_id)
    check_sendable(sendable([one.message for one in stored]))
    session = await bench.sessions.get_session(session_id)
    assert session is not None
    assert (session.state, session.message_count) == ("idle", len(stored))
    assert bench.store.check()["integrity"] == "ok"


@pytest.mark.parametrize("name", DISKS)
async def test_a_turn_waits_for_its_disk_before_it_acts_and_then_goes_on(
    impatient: SharedContext, tmp_path: Path, name: str
):
    bench, (breaks, words) = impatient, DISKS[name]
    session_id, told = await session_with_a_tool(bench), list[str]()
    broken: Any = None
    async for event in bench.sessions.stream_message(session_id, "go"):
        if isinstance(event, UserSaid):
            broken = breaks(bench, tmp_path / "bench.db")
            broken.__enter__()
        elif isinstance(event, Notice):
            told.append(event.text)
            if broken is not None:
                assert not (bench.workspace / "b.txt").exists()
                broken.__exit__(None, None, None)
                broken = None
                assert [role for role, _ in await texts(bench, session_id)] == ["user"]
    assert isinstance(event, TurnFinished)
    assert (event.status, len(told)) == ("completed", 2)
    assert told[0].startswith("Nothing can be saved, so the turn waits. ")
    assert words in told[0]
    assert told[1] == "Saving works again; the turn goes on."
    assert (bench.workspace / "b.txt").exists()
    assert [role for role, _ in await texts(bench, session_id)] == ["user", "assistant", "tool", "assistant"]
    await whole(bench, session_id)


@pytest.mark.parametrize("name", DISKS)
async def test_a_disk_that_stays_broken_ends_the_turn_without_claiming_anything(
    impatient: SharedContext, tmp_path: Path, name: str
):
    bench, (breaks, words) = impatient, DISKS[name]
    session_id = await session_with_a_tool(bench)
    broken: Any = None
    events: list[Event] = []
    async for event in bench.sessions.stream_message(session_id, "go"):
        events.append(event)
        if isinstance(event, UserSaid):
            broken = breaks(bench, tmp_path / "bench.db")
            broken.__enter__()
    broken.__exit__(None, None, None)
    end = events[-1]
    assert isinstance(end, TurnFinished)
    assert end.status == "failed"
    assert "could not be saved" in end.error
    assert words in end.error
    assert not (bench.workspace / "b.txt").exists()
    answer = await bench.sessions.send_message(session_id, "again")
    assert (answer["status"], answer["response"]) == ("completed", "Written.")
    said = await texts(bench, session_id)
    assert [role for role, _ in said] == ["user", "assistant", "user", "assistant"]
    assert said[1] == ("assistant", LONG)
    assert [turn.state for turn in await bench.sessions.turns(session_id)] == ["failed", "completed"]
    await whole(bench, session_id)
