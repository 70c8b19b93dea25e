"""Every way that a turn can end: stopped at any point, its lease lost, its disk full, its process gone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import pytest
from services_kit import calls, config_text, left_tasks, session_of, texts, until

from agent_workbench.conversation.events import (
    Answer,
    ApprovalRequired,
    Event,
    Notice,
    Question,
    ReplyFinished,
    ResultsReady,
    Retrying,
    TextDelta,
    ToolFinished,
    ToolStarted,
    TurnFinished,
    TurnStarted,
    UserSaid,
)
from agent_workbench.conversation.messages import Message, Text, user
from agent_workbench.errors import InvalidBundle, StorageError, UsageError
from agent_workbench.services import recorder as recording
from agent_workbench.services.recorder import Recorder
from agent_workbench.services.shared import SharedContext, open_workbench
from agent_workbench.storage.leftovers import NOT_RUN, UNKNOWN
from agent_workbench.storage.ports import SessionStore

READ = ("read_file", {"file_path": "a.txt"})
WRITE = ("write_file", {"file_path": "b.txt", "content": "x"})
SLEEP = ("bash", {"command": "sleep 60"})


async def ended(bench: SharedContext, session_id: str) -> None:
    """Check that nothing is left of a turn."""
    assert not bench.sessions.is_running(session_id)
    assert bench.sessions.questions(session_id) == ()
    session = await bench.sessions.get_session(session_id)
    assert session is not None
    assert (session.state, session.needs_you) == ("idle", False)
    assert session.message_count == len(await bench.sessions.messages(session_id))
    assert [task for task in left_tasks() if "turn in" in task.get_name() or "keeps" in task.get_name()] == []


# --- stopping


STOPS: dict[str, tuple[Any, type[Event] | None, list[str]]] = {
    "before it began": (["hi"], None, ["user"]),
    "as it starts": (["hi"], TurnStarted, ["user"]),
    "in text": ([{"text": "one two", "delay": 30}], TextDelta, ["user", "assistant"]),
    "at a question": ([calls(WRITE)], ApprovalRequired, ["user", "assistant", "tool"]),
    "in a tool": ([calls(SLEEP)], ToolStarted, ["user", "assistant", "tool"]),
    "in a retry's wait": ([{"fault": "server", "retryable": True}], Retrying, ["user"]),
    "between two steps": ([calls(READ), "one"], ResultsReady, ["user", "assistant", "tool"]),
}


@pytest.mark.parametrize("name", STOPS)
@pytest.mark.parametrize("how", ["once", "twice", "and close"])
async def test_a_stopped_turn_is_idle_whole_and_usable(bench: SharedContext, name: str, how: str):
    script, at, roles = STOPS[name]
    tools = ("tool-filesystem", "tool-bash")
    session_id = await session_of(bench, config_text(*script, "after", tools=tools), settings={"grants": []})
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "go")
    if at is ToolStarted:
        asked = await until(following, ApprovalRequired)
        bench.sessions.answer(session_id, asked.question.id, Answer("allow"))
    if at is not None:
        await until(following, at)
    async with asyncio.timeout(30):
        if how == "twice":
            await asyncio.gather(bench.sessions.cancel(session_id), bench.sessions.cancel(session_id))
        elif how == "and close":
            await asyncio.gather(bench.sessions.cancel(session_id), bench.sessions.close())
        else:
            assert await bench.sessions.cancel(session_id)
    finished = await until(following, TurnFinished)
    assert finished.status == "cancelled"
    assert [role for role, _ in await texts(bench, session_id)][: len(roles)] == roles
    assert [turn.state for turn in await bench.sessions.turns(session_id)] == ["cancelled"]
    await ended(bench, session_id)
    if how != "and close" and "assistant" in roles:
        assert (await bench.sessions.send_message(session_id, "and?"))["status"] == "completed"


async def test_a_turn_that_somebody_runs_in_the_foreground_can_be_stopped_by_somebody_else(bench: SharedContext):
    session_id = await session_of(bench, config_text({"text": "one two", "delay": 30}))
    seen: list[Event] = []
    async with aclosing(bench.sessions.stream_message(session_id, "go")) as events:
        async for event in events:
            seen.append(event)
            if isinstance(event, TextDelta):
                stopping = asyncio.create_task(bench.sessions.cancel(session_id))
    assert await stopping
    assert isinstance(seen[-1], TurnFinished)
    assert seen[-1].status == "cancelled"
    assert await texts(bench, session_id) == [("user", "go"), ("assistant", "one ")]
    await ended(bench, session_id)


async def test_who_stops_waiting_before_the_first_event_stops_the_turn(bench: SharedContext):
    session_id = await session_of(bench, config_text({"text": "one two", "delay": 30}))
    events = bench.sessions.stream_message(session_id, "go")
    waiting = asyncio.create_task(anext(events))
    await asyncio.sleep(0)
    assert bench.sessions.is_running(session_id)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not bench.sessions.is_running(session_id)


async def test_a_foreground_turn_waits_until_each_event_was_taken(bench: SharedContext):
    order: list[str] = []

    class Person:
        async def ask(self, question: Question) -> Answer:
            order.append("asked")
            return Answer("deny")

    session_id = await session_of(bench, config_text(calls(WRITE), "so be it"))
    async with aclosing(bench.sessions.stream_message(session_id, "go", frontend=Person())) as events:
        async for event in events:
            await asyncio.sleep(0)
            if isinstance(event, ApprovalRequired):
                order.append("shown")
    assert order == ["shown", "asked"]


async def test_what_a_front_end_raises_reaches_its_caller_and_the_turn_is_closed(bench: SharedContext):
    class Gone(Exception):
        pass

    class Terminal:
        async def ask(self, question: Question) -> Answer:
            raise Gone

    session_id = await session_of(bench, config_text(calls(WRITE), "fine"))
    following = bench.sessions.follow(session_id)
    with pytest.raises(Gone):
        await bench.sessions.send_message(session_id, "go", frontend=Terminal())
    assert (await until(following, TurnFinished)).status == "failed"
    await ended(bench, session_id)
    assert (await bench.sessions.send_message(session_id, "go on"))["response"] == "fine"


async def test_results_that_were_there_when_a_turn_was_stopped_are_kept(bench: SharedContext):
    (bench.workspace / "a.txt").write_text("content of a")
    script = config_text(calls(READ, SLEEP), "after", tools=("tool-filesystem", "tool-bash"))
    session_id = await session_of(bench, script)
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "go")
    asked = await until(following, ApprovalRequired)
    bench.sessions.answer(session_id, asked.question.id, Answer("allow"))
    while (await until(following, ToolFinished)).call.name != "read_file":
        pass
    await bench.sessions.cancel(session_id)
    results = (await bench.sessions.messages(session_id))[-1].message.tool_results
    assert "content of a" in results[0].content
    assert results[1].is_error
    assert "may or may not have had an effect" in results[1].content


async def test_what_was_queued_behind_a_stopped_turn_is_the_draft(bench: SharedContext):
    session_id = await session_of(bench, config_text({"text": "one two", "delay": 30}))
    await bench.sessions.update_session(session_id, draft="half a thought")
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "go")
    await until(following, TextDelta)
    bench.sessions.queue(session_id, "then this")
    bench.sessions.steer(session_id, "and that")
    await bench.sessions.cancel(session_id)
    notice = await until(following, Notice)
    assert notice.data["unsent"] == ["and that", "then this"]
    session = await bench.sessions.get_session(session_id)
    assert session is not None
    assert session.draft == "half a thought\n\nand that\n\nthen this"


async def test_nothing_is_sent_once_the_workbench_closes(bench: SharedContext):
    session_id = await session_of(bench, config_text("hi"))
    await bench.sessions.close()
    with pytest.raises(UsageError):
        bench.sessions.start(session_id, "go")


# --- before it begins


async def test_a_turn_that_cannot_begin_is_stored_and_seen_with_its_reason(bench: SharedContext):
    session_id = await session_of(bench, config_text("hi"))
    session = await bench.sessions.get_session(session_id)
    assert session is not None
    await bench.configs.update_config(session.config_id, yaml_content="bundle: {name: broken}\n")
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "go")
    finished = await until(following, TurnFinished)
    assert (finished.status, "no provider" in finished.error) == ("failed", True)
    assert await texts(bench, session_id) == [("user", "go")]
    (turn,) = await bench.sessions.turns(session_id)
    assert (turn.state, "no provider" in turn.error) == ("failed", True)
    with pytest.raises(InvalidBundle):
        await bench.sessions.send_message(session_id, "go")
    assert (await until(following, TurnFinished)).status == "failed"
    assert len(await bench.sessions.messages(session_id)) == 1
    await ended(bench, session_id)


async def test_a_session_that_is_gone_fails_visibly(bench: SharedContext):
    following = bench.sessions.follow("none")
    bench.sessions.start("none", "go")
    assert "no session" in (await until(following, TurnFinished)).error
    assert not bench.sessions.is_running("none")


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ("one\ntwo\t\x1b[31mthree", "one two ␛[31mthree"),
        ("x" * 100, "x" * 59 + "…"),
    ],
)
async def test_a_title_is_one_plain_line(bench: SharedContext, said: str, title: str):
    session_id = await session_of(bench, config_text("hi"))
    await bench.sessions.send_message(session_id, said, context={"file": "a"})
    session = await bench.sessions.get_session(session_id)
    assert session is not None
    assert session.title == title


# --- the lease, the disk, the process


async def test_a_turn_whose_lease_is_lost_stops_its_tool_and_writes_nothing_more(tmp_path: Path):
    folder = tmp_path / "work"
    folder.mkdir()
    bench = open_workbench(tmp_path / "b.db", workspace=folder, samples=False, lease_s=0.3)
    other = open_workbench(tmp_path / "b.db", workspace=folder, samples=False)
    session_id = await session_of(bench, config_text(calls(SLEEP), "mine", "theirs", tools=("tool-bash",)))
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "go")
    asked = await until(following, ApprovalRequired)
    bench.sessions.answer(session_id, asked.question.id, Answer("allow"))
    await until(following, ToolStarted)
    lease = bench.store.sessions.lease(session_id)
    assert lease is not None
    bench.store.sessions.renew(lease, lease_s=-1)
    taken = other.store.sessions.begin_turn(session_id, "t", user("me"), owner="o", config_revision=1, model="m")
    finished = await until(following, TurnFinished)
    assert (finished.status, finished.error) == ("failed", recording.LOST)
    other.store.sessions.end_turn(taken, "t", "completed")
    assert [one[0] for one in await texts(other, session_id)] == ["user", "assistant", "tool", "user"]
    assert (await texts(other, session_id))[2][1] == UNKNOWN
    assert not bench.sessions.is_running(session_id)
    await bench.close()
    await other.close()


class Sick:
    """What keeps sessions, whose calls fail while `broken` says so."""

    def __init__(self, store: SessionStore, monkeypatch: pytest.MonkeyPatch) -> None:
        self.broken: set[str] = set()
        self.tried: list[str] = []
        for name in (one for one in dir(SessionStore) if not one.startswith("_")):
            monkeypatch.setattr(store, name, self._guarded(name, getattr(store, name)))

    def _guarded(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def guarded(*args: Any, **more: Any) -> Any:
            self.tried.append(name)
            if name in self.broken:
                raise StorageError("the disk is full")
            return call(*args, **more)

        return guarded


@pytest.fixture
def sick(bench: SharedContext, monkeypatch: pytest.MonkeyPatch) -> Sick:
    made = Recorder.__init__
    monkeypatch.setattr(Recorder, "__init__", lambda self, *a, **k: made(self, *a, **k, retry_s=0.01, patience_s=0.2))
    return Sick(bench.store.sessions, monkeypatch)


async def test_a_full_disk_pauses_the_turn_before_it_acts_and_is_said(bench: SharedContext, sick: Sick):
    session_id = await session_of(bench, config_text(calls(READ), "after"))
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "go")
    await until(following, UserSaid)
    sick.broken = {"record", "append"}
    notice = await until(following, Notice)
    assert "disk is full" in notice.text
    assert [role for role, _ in await texts(bench, session_id)] == ["user"]
    sick.broken = set()
    assert "works again" in (await until(following, Notice)).text
    assert (await until(following, TurnFinished)).status == "completed"
    await ended(bench, session_id)


async def test_a_disk_that_stays_full_ends_the_turn_and_the_next_one_closes_it(bench: SharedContext, sick: Sick):
    session_id = await session_of(bench, config_text("first", "second"))
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "go")
    await until(following, UserSaid)
    sick.broken = {"append", "end_turn"}
    finished = await until(following, TurnFinished)
    assert (finished.status, "could not be saved" in finished.error) == ("failed", True)
    sick.broken = set()
    assert (await bench.sessions.send_message(session_id, "again"))["response"] == "second"
    assert [text for _, text in await texts(bench, session_id)] == ["go", "first", "again", "second"]
    await ended(bench, session_id)


async def test_a_turn_that_waits_for_the_disk_can_be_stopped(bench: SharedContext, sick: Sick):
    session_id = await session_of(bench, config_text("first", "second"))
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "go")
    await until(following, UserSaid)
    sick.broken = {"append"}
    await until(following, Notice)
    async with asyncio.timeout(2):
        await bench.sessions.cancel(session_id)
    assert (await until(following, TurnFinished)).status == "failed"


async def test_streamed_words_are_on_the_disk_though_nothing_follows_them(bench: SharedContext):
    session_id = await session_of(bench, config_text("one two", delay=30))
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "go")
    await until(following, TextDelta)
    async with asyncio.timeout(30):
        while (partial := await asyncio.to_thread(bench.store.sessions.partial, session_id)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert partial == Message("assistant", (Text("one "),), "mock", "interrupted")


async def dead_turn(bench: SharedContext, *events: Any) -> str:
    """Leave a session as a process leaves it that dies while two tools are called."""
    from agent_workbench.conversation.codec import event_to_json
    from agent_workbench.conversation.messages import ToolCall
    from agent_workbench.conversation.usage import Usage

    session_id = await session_of(bench, config_text("x", "after"))
    store = bench.store.sessions
    asked = (ToolCall("1", "read_file", {"file_path": "a"}), ToolCall("2", "bash", {"command": "make"}))
    calls = (*asked, ToolCall("3", "todo"))
    lease = store.begin_turn(session_id, "dead", user("go"), owner="d", config_revision=1, model="m", lease_s=-1)
    reply = ReplyFinished(Message("assistant", calls, "m", "tool_calls"), Usage(10, 5))
    store.append(lease, "dead", [reply.message], event=("reply", event_to_json(ReplyFinished(user(""), reply.usage))))
    from agent_workbench.conversation.messages import ToolResult

    happened = [
        ToolStarted(calls[0]),
        ToolStarted(calls[1]),
        ToolFinished(calls[0], ToolResult("1", "content of a")),
        ApprovalRequired(Question(calls[2], "why")),
    ]
    for event in happened:
        data = event_to_json(event)
        store.record(lease, "dead", data["type"], data, needs_you=isinstance(event, ApprovalRequired))
    return session_id


async def test_after_a_crash_each_call_says_what_is_known_of_it_and_nothing_is_run_again(bench: SharedContext):
    session_id = await dead_turn(bench)
    following = bench.sessions.follow(session_id)
    assert (await bench.sessions.send_message(session_id, "go on"))["response"] == "after"
    said = [one.message for one in await bench.sessions.messages(session_id)]
    assert [message.role for message in said] == ["user", "assistant", "tool", "user", "assistant"]
    assert [result.content for result in said[2].tool_results] == ["content of a", UNKNOWN, NOT_RUN]
    assert "cut off" in (await until(following, Notice)).text
    dead = (await bench.sessions.turns(session_id))[0]
    assert (dead.state, dead.usage.input_tokens, dead.steps) == ("failed", 10, 1)
    await ended(bench, session_id)


async def test_usage_of_a_stopped_turn_is_counted(bench: SharedContext):
    first = {**calls(WRITE), "usage": {"input_tokens": 7, "output_tokens": 3}}
    session_id = await session_of(bench, config_text(first, "x"))
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "go")
    await until(following, ApprovalRequired)
    await bench.sessions.cancel(session_id)
    assert (await bench.sessions.usage(session_id=session_id)).input_tokens == 7


async def test_a_follower_hears_all_from_the_moment_it_asked_and_a_slow_one_keeps_little(bench: SharedContext):
    session_id = await session_of(bench, config_text("word " * 3000))
    slow, gone = bench.sessions.follow(session_id), bench.sessions.follow(session_id)
    await gone.aclose()
    await bench.sessions.send_message(session_id, "go")
    assert slow.pending < 30
    heard = []
    with suppress(TimeoutError):
        async with asyncio.timeout(0.5):
            async for event in slow:
                heard.append(event)
    assert isinstance(heard[0], TurnStarted)
    assert isinstance(heard[-1], TurnFinished)
    assert "".join(event.text for event in heard if isinstance(event, TextDelta)).split() == ["word"] * 3000
    assert [event async for event in gone] == []


async def test_an_agent_keeps_its_connections_while_a_turn_runs_with_it(bench: SharedContext, monkeypatch: Any):
    closed: list[str] = []

    async def close(self: Any) -> None:
        closed.append(self.id)

    monkeypatch.setattr("agent_workbench.engine.providers.mock.MockProvider.close", close)
    bench.agents.keep_s = 0.0
    session_id = await session_of(bench, config_text({"text": "one two", "delay": 30}))
    other = await session_of(bench, config_text("other"))
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "go")
    await until(following, TextDelta)
    closed.clear()
    await bench.sessions.send_message(other, "hi")
    assert closed == []
    await bench.sessions.cancel(session_id)
    await bench.sessions.send_message(other, "hi")
    assert closed == ["provider-mock"]


@pytest.mark.parametrize("second", ["b.txt", "a.txt"], ids=["another file", "the very same call"])
async def test_a_late_answer_never_counts_for_the_next_question_of_a_call_with_the_same_id(
    bench: SharedContext, second: str
):
    def writes(name: str) -> dict[str, Any]:
        arguments = {"file_path": name, "content": "x"}
        return {"tool_calls": [{"name": "write_file", "arguments": arguments, "id": "call_1"}]}

    session_id = await session_of(bench, config_text(writes("a.txt"), writes(second), "done"))
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "go")
    first = (await until(following, ApprovalRequired)).question
    assert bench.sessions.answer(session_id, first.id, Answer("deny"))
    later = (await until(following, ApprovalRequired)).question
    assert later.call.call_id == first.call.call_id == "call_1"
    assert not bench.sessions.answer(session_id, first.id, Answer("allow"))
    assert bench.sessions.questions(session_id) == (later,)
    assert bench.sessions.answer(session_id, later.id, Answer("deny"))
    await until(following, TurnFinished)
    assert list(bench.workspace.iterdir()) == []
