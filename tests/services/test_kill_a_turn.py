"""kill -9 in the middle of a turn: what was shown as done is stored, a blink of streaming is lost, and it goes on."""

from __future__ import annotations

import ast
import asyncio
import random
from pathlib import Path

import other_process
import pytest
from services_kit import calls, config_text, session_of

from agent_workbench.engine.repair import sendable
from agent_workbench.services.shared import SharedContext, open_workbench
from fakes.mortal import left_in, started
from fakes.providers import check_sendable

READ = ("read_file", {"file_path": "a.txt"})
WORDS = "word " * 30
LATEST_S = 0.25 + 0.1
"""How old streamed words may be without being on the disk: 250 ms, and what a commit takes."""
AT_ONCE, PER_SESSION = 3, 30
"""Turns that run and die side by side, and kills after which new sessions are begun."""


def killed(bench: SharedContext, database: Path, session_id: str, after: float) -> list[tuple[float, str]]:
    """Run a turn in a process of its own, kill it some seconds after its first line, and return what it showed when."""
    running, pipe = started(other_process.say_into, database, bench.workspace, session_id, "go", 0.5)
    first = pipe.recv()
    running.join(after)
    running.kill()
    running.join()
    return [first, *left_in(pipe)]


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


def playing(delay: float) -> str:
    """Return a config whose model calls two tools and says much, so many seconds between two words."""
    script = [{**calls(READ, READ, text=WORDS[:50]), "delay": delay}, {"text": WORDS, "delay": delay}]
    return config_text(*script, loop=True)


async def rounds(bench: SharedContext, database: Path, count: int, *, delay: float, longest: float) -> None:
    """Kill turns of sessions that run at once, each at any moment of its turn."""
    (bench.workspace / "a.txt").write_text("content of a")
    chance = random.Random(11)
    for begun in range(0, count, AT_ONCE):
        if begun % PER_SESSION == 0:
            seen = dict.fromkeys([await session_of(bench, playing(delay)) for _ in range(AT_ONCE)], 0)
        work = [asyncio.to_thread(killed, bench, database, one, chance.uniform(0.0, longest)) for one in seen]
        for one, lines in zip(seen, await asyncio.gather(*work), strict=True):
            seen[one] = await check(bench, one, seen[one], lines)


async def test_the_words_of_a_killed_turn_are_stored_but_for_a_blink(bench: SharedContext, tmp_path: Path):
    await rounds(bench, tmp_path / "bench.db", AT_ONCE, delay=0.02, longest=1.1)


@pytest.mark.timeout(7200)
async def test_a_killed_turn_loses_nothing_that_was_shown_as_done(in_memory: Path, kills: int):
    workspace = in_memory / "work"
    workspace.mkdir()
    bench = open_workbench(in_memory / "bench.db", workspace=workspace, samples=False)
    await rounds(bench, in_memory / "bench.db", kills, delay=0.002, longest=0.3)
    assert bench.store.check()["integrity"] == "ok"
    await bench.close()
