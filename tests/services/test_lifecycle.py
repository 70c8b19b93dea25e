"""What hooks are told of a session's life, over turns, forks and processes."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from agent_workbench import paths
from agent_workbench.conversation.events import TextDelta
from agent_workbench.services.shared import SharedContext, open_workbench

LOGGED = """\
bundle: {name: logged}
providers:
  - module: provider-mock
    config: {delay: DELAY, responses: [one two, three, four, five]}
hooks:
  - module: hooks-logging
"""


def heard(session_id: str) -> list[str]:
    """Return the names of the events of a session's life."""
    log = paths.log_dir() / "sessions" / f"{session_id}.jsonl"
    names = [json.loads(line)["event"] for line in log.read_text().splitlines()]
    return [name for name in names if name.startswith(("session:", "cancel:"))]


async def session_of(bench: SharedContext, delay: float = 0) -> str:
    config = await bench.configs.create_config("logged", LOGGED.replace("DELAY", str(delay)))
    return (await bench.sessions.create_session(config.config_id)).session_id


async def test_a_session_starts_once_whatever_it_says(bench: SharedContext):
    session_id = await session_of(bench)
    for words in ("a", "b", "c"):
        await bench.sessions.send_message(session_id, words)
    assert heard(session_id) == ["session:start"]


async def test_a_fork_is_told_as_such(bench: SharedContext):
    session_id = await session_of(bench)
    await bench.sessions.send_message(session_id, "a")
    fork = await bench.sessions.fork_session(session_id)
    await bench.sessions.send_message(fork.session_id, "b")
    await bench.sessions.send_message(fork.session_id, "c")
    assert heard(fork.session_id) == ["session:fork"]


async def test_the_next_process_resumes_what_the_last_one_ended(bench: SharedContext, tmp_path: Path):
    session_id = await session_of(bench)
    await bench.sessions.send_message(session_id, "a")
    await bench.sessions.close()
    other = open_workbench(tmp_path / "bench.db", workspace=tmp_path, samples=False)
    await other.sessions.send_message(session_id, "b")
    await other.close()
    assert heard(session_id) == ["session:start", "session:end", "session:resume", "session:end"]


async def test_a_stop_is_told_after_it_happened(bench: SharedContext):
    session_id = await session_of(bench, delay=30)
    events = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "a")
    async for event in events:
        if isinstance(event, TextDelta):
            break
    async with asyncio.timeout(30):
        assert await bench.sessions.cancel(session_id)
    assert heard(session_id) == ["session:start", "cancel:requested", "cancel:completed"]
