"""Two real processes on one database: what one does, the other sees; what one is told meanwhile, the other says."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from pathlib import Path

import other_process
import pytest
from services_kit import calls, config_text, session_of, texts, until

from agent_workbench.conversation.events import (
    Notice,
    ReplyFinished,
    TextDelta,
    TurnFinished,
    TurnStarted,
    UserSaid,
)
from agent_workbench.conversation.messages import user
from agent_workbench.services.shared import SharedContext, open_workbench


async def process(bench: SharedContext, tmp_path: Path, session_id: str, text: str, lease_s: float = 30) -> Process:
    arguments = [str(tmp_path / "bench.db"), str(bench.workspace), session_id, text, str(lease_s)]
    return await asyncio.create_subprocess_exec(sys.executable, other_process.__file__, *arguments, stdout=PIPE)


async def printed(running: Process, wanted: str) -> None:
    """Wait until a process has shown something."""
    assert running.stdout is not None
    async with asyncio.timeout(30):
        while line := (await running.stdout.readline()).decode():
            if line.startswith(wanted):
                return
    raise AssertionError(f"the process never showed {wanted}")


@pytest.fixture
async def beside(bench: SharedContext, tmp_path: Path) -> AsyncIterator[SharedContext]:
    """Another workbench on the same file, as in another process."""
    other = open_workbench(tmp_path / "bench.db", workspace=bench.workspace, samples=False, lease_s=1.0)
    yield other
    await other.close()


async def test_a_message_left_for_a_session_that_another_process_runs_is_said_by_its_owner(
    bench: SharedContext, tmp_path: Path
):
    script = config_text({"text": "one two three four five six", "delay": 0.2}, "to the second")
    session_id = await session_of(bench, script)
    owner = await process(bench, tmp_path, session_id, "first")
    await printed(owner, "text")
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "second")
    assert "waits" in (await until(following, Notice)).text
    assert [message.text for message in bench.sessions.waiting(session_id)] == ["second"]
    assert await asyncio.wait_for(owner.wait(), 30) == 0
    said = [text for _, text in await texts(bench, session_id)]
    assert said == ["first", "one two three four five six", "second", "to the second"]
    async with asyncio.timeout(30):
        while bench.sessions.is_running(session_id):  # noqa: ASYNC110  what is waited for is the other process
            await asyncio.sleep(0.05)
    assert bench.store.sessions.left(session_id) == []


async def test_what_was_left_for_an_owner_that_died_is_said_by_who_left_it(bench: SharedContext, tmp_path: Path):
    session_id = await session_of(bench, config_text({"text": "one two", "delay": 60}, "taken over"))
    owner = await process(bench, tmp_path, session_id, "first", lease_s=1.5)
    await printed(owner, "text")
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "second")
    await until(following, Notice)
    owner.kill()
    await owner.wait()
    while (await until(following, ReplyFinished)).message.text != "taken over":
        pass
    await until(following, TurnFinished)
    said = [text for _, text in await texts(bench, session_id)]
    assert said == ["first", "one ", "second", "taken over"]
    assert [turn.state for turn in await bench.sessions.turns(session_id)] == ["failed", "completed"]


async def test_a_message_that_waits_for_another_process_can_be_taken_back(bench: SharedContext, beside: SharedContext):
    session_id = await session_of(bench, config_text({"text": "one two", "delay": 30}))
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "first")
    await until(following, TextDelta)
    waiting = beside.sessions.follow(session_id)
    beside.sessions.start(session_id, "second")
    await until(waiting, Notice)
    assert await beside.sessions.cancel(session_id)
    await bench.sessions.cancel(session_id)
    session = await bench.sessions.get_session(session_id)
    assert session is not None
    assert session.draft == "second"
    assert [text for _, text in await texts(bench, session_id)] == ["first", "one "]


async def test_a_follower_sees_what_another_process_says_and_does(bench: SharedContext, beside: SharedContext):
    (bench.workspace / "a.txt").write_text("content of a")
    read = calls(("read_file", {"file_path": "a.txt"}), text="let me see")
    session_id = await session_of(bench, config_text(read, {"text": "it says a b c", "delay": 0.3}))
    following = beside.sessions.follow(session_id)
    mine = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "what is in a?")
    seen = []
    async with asyncio.timeout(20):
        async for event in following:
            seen.append(event)
            if isinstance(event, TurnFinished):
                break
    kinds = [type(event).__name__ for event in seen if not isinstance(event, TextDelta)]
    assert kinds == [
        "TurnStarted", "UserSaid", "ReplyFinished", "ToolStarted", "ToolFinished", "ResultsReady", "ReplyFinished",
        "TurnFinished",
    ]  # fmt: skip
    replies = [event.message.text for event in seen if isinstance(event, ReplyFinished)]
    assert replies == ["let me see", "it says a b c"]
    streamed = "".join(event.text for event in seen if isinstance(event, TextDelta))
    assert streamed
    assert "it says a b c".startswith(streamed)
    assert await until(mine, TurnFinished)
    again = bench.sessions.follow(session_id)
    answer = await beside.sessions.send_message(session_id, "more")
    heard = [await until(again, TurnStarted), await until(again, UserSaid), await until(again, ReplyFinished)]
    assert heard[2].message.text == answer["response"]  # type: ignore[union-attr]
    await until(again, TurnFinished)


async def test_a_follower_sees_a_question_that_waits_elsewhere(bench: SharedContext, beside: SharedContext):
    session_id = await session_of(bench, config_text(calls(("write_file", {"file_path": "b", "content": "x"}))))
    following = beside.sessions.follow(session_id)
    bench.sessions.start(session_id, "write")
    assert "write_file" in (await until(following, Notice)).text
    (listed,), _ = await beside.sessions.list_sessions()
    assert (listed.state, listed.needs_you) == ("running", True)
    await bench.sessions.cancel(session_id)
    assert (await until(following, TurnFinished)).status == "cancelled"


async def test_lists_hear_which_sessions_and_configs_another_process_changed(
    bench: SharedContext, beside: SharedContext
):
    session_id = await session_of(bench, config_text("hi"))
    watching = beside.watch()
    news = asyncio.ensure_future(anext(watching))
    await asyncio.sleep(0.1)
    config = await bench.configs.create_config("new", config_text("x"))
    assert (await asyncio.wait_for(news, 30)).configs == {config.config_id}
    await bench.sessions.update_session(session_id, title="named")
    async with asyncio.timeout(30):
        assert (await anext(watching)).sessions == {session_id}
    await bench.sessions.delete_session(session_id)
    async with asyncio.timeout(30):
        changed = await anext(watching)
    assert session_id in changed.sessions
    await watching.aclose()


async def test_nothing_looks_while_nobody_listens(bench: SharedContext):
    session_id = await session_of(bench, config_text("hi"))
    following = bench.sessions.follow(session_id)
    watcher = bench.sessions._watcher
    assert watcher._task is not None
    await following.aclose()
    async with asyncio.timeout(30):
        await asyncio.wait([watcher._task])


async def test_what_this_process_does_besides_turns_is_not_told_a_second_time(bench: SharedContext):
    script = config_text("hi", tools=("tool-bash",))
    session_id = await session_of(bench, script)
    following = bench.sessions.follow(session_id)
    with bench.sessions.own(session_id):
        begin = bench.store.sessions.begin_turn
        lease = begin(session_id, "own", None, owner="o", config_revision=1, model="")
        bench.store.sessions.append(lease, "own", [user("I ran it")])
        await bench.sessions._watcher._look()
        bench.store.sessions.end_turn(lease, "own", "completed")
    await bench.sessions._watcher._look()
    assert following.pending == 0
    assert (await bench.sessions.send_message(session_id, "go"))["response"] == "hi"
    assert isinstance(await anext(following), TurnStarted)
