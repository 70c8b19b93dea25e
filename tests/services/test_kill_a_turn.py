"""kill -9 in the middle of a turn: what was shown as done is stored, a blink of streaming is lost, and it goes on."""

from __future__ import annotations

import ast
import asyncio
import random
import sys
import time
from asyncio.subprocess import PIPE, Process
from contextlib import suppress
from pathlib import Path

import other_process
import pytest
from services_kit import calls, config_text, session_of

from agent_workbench.engine.repair import sendable
from agent_workbench.services.shared import SharedContext
from fakes.providers import check_sendable

READ = ("read_file", {"file_path": "a.txt"})
WORDS = "word " * 30
LATEST_S = 0.25 + 0.1
"""How old streamed words may be without being on the disk: 250 ms, and what a commit and two pipes take."""


async def killed(bench: SharedContext, database: Path, session_id: str, after: float) -> list[tuple[float, str]]:
    """Run a turn in a process of its own, kill it some seconds after its first line, and return what it showed when."""
    arguments = [str(database), str(bench.workspace), session_id, "go", "0.5"]
    running = await asyncio.create_subprocess_exec(sys.executable, other_process.__file__, *arguments, stdout=PIPE)
    assert running.stdout is not None
    lines: list[tuple[float, str]] = []
    while line := await running.stdout.readline():
        lines.append((time.monotonic(), line.decode()))
        if len(lines) == 1:
            asyncio.get_running_loop().call_later(after, end, running)
    await running.wait()
    assert lines, "the process never began"
    return lines


def end(running: Process) -> None:
    """Kill a process, unless it was done before."""
    with suppress(ProcessLookupError):
        running.kill()


async def check(bench: SharedContext, session_id: str, seen: int, lines: list[tuple[float, str]]) -> int:
    """Check that what a killed process showed is stored, take the session over, and return how many messages it has."""
    stored = (await bench.sessions.messages(session_id))[seen:]
    replies = [one.message.text for one in stored if one.message.role == "assistant"]
    shown = [ast.literal_eval(line.split("\t")[1]) for _, line in lines if line.startswith("reply\t")]
    assert replies[: len(shown)] == shown
    lease = bench.store.sessions.lease(session_id)
    partial = bench.store.sessions.partial(session_id)
    streamed = [(when, ast.literal_eval(line.split("\t")[1])) for when, line in lines if line.startswith("text\t")]
    last_reply = max((when for when, line in lines if line.startswith("reply\t")), default=0.0)
    end = lines[-1][0]
    old = "".join(text for when, text in streamed if last_reply < when < end - LATEST_S)
    if lease is not None and len(replies) == len(shown):
        assert (partial.text if partial else "").startswith(old)
    if lease is not None:
        bench.store.sessions.renew(lease, lease_s=-1)
    answer = await bench.sessions.send_message(session_id, "go on")
    assert answer["status"] == "completed"
    whole = [one.message for one in await bench.sessions.messages(session_id)]
    check_sendable(sendable(whole))
    finished = [line.rstrip("\n").split("\t") for _, line in lines if line.startswith("tool\t")]
    results = {result.call_id: result.content for message in whole for result in message.tool_results}
    assert all(results[call_id] == ast.literal_eval(content) for _, call_id, content in finished)
    assert [turn.state for turn in await bench.sessions.turns(session_id)].count("running") == 0
    return len(whole)


async def rounds(bench: SharedContext, tmp_path: Path, count: int) -> None:
    (bench.workspace / "a.txt").write_text("content of a")
    chance = random.Random(11)
    script = [{**calls(READ, READ, text=WORDS[:50]), "delay": 0.02}, {"text": WORDS, "delay": 0.02}]
    session_id = await session_of(bench, config_text(*script, loop=True))
    seen = 0
    for _ in range(count):
        lines = await killed(bench, tmp_path / "bench.db", session_id, chance.uniform(0.0, 1.1))
        seen = await check(bench, session_id, seen, lines)


async def test_a_killed_turn_loses_nothing_that_was_shown_as_done(bench: SharedContext, tmp_path: Path):
    await rounds(bench, tmp_path, 3)


@pytest.mark.slow
@pytest.mark.timeout(3600)
async def test_three_hundred_killed_turns_lose_nothing_that_was_shown_as_done(bench: SharedContext, tmp_path: Path):
    await rounds(bench, tmp_path, 300)
