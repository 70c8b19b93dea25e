"""Sessions as a person handles them, on the offline provider and a real file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agent_workbench.conversation.events import (
    Answer,
    ApprovalRequired,
    Event,
    Notice,
    TextDelta,
    ToolFinished,
    TurnFinished,
    TurnStarted,
    UserSaid,
)
from agent_workbench.errors import InvalidBundle, NotFound, SessionBusy, UsageError
from agent_workbench.services.shared import SharedContext, open_workbench

SCRIPTED = """\
# answers from a script
bundle:
  name: scripted

providers:
  - module: provider-mock
    config:
      responses:
        - first answer  # comments stay
        - second answer
        - third answer
"""

WRITER = """\
bundle: {name: writer}
providers:
  - module: provider-mock
    config:
      responses:
        - tool_calls: [{name: write_file, arguments: {file_path: a.txt, content: hello}}]
        - it is written
        - tool_calls: [{name: write_file, arguments: {file_path: a.txt, content: again}}]
        - done again
tools:
  - module: tool-filesystem
"""

SLOW = """\
bundle: {name: slow}
providers:
  - module: provider-mock
    config:
      delay: 30
      responses: [one two three four]
"""


async def session_of(bench: SharedContext, text: str = SCRIPTED) -> str:
    config = await bench.configs.create_config("c", text)
    return (await bench.sessions.create_session(config.config_id)).session_id


async def collect(bench: SharedContext, session_id: str, text: str) -> list[Event]:
    return [event async for event in bench.sessions.stream_message(session_id, text)]


async def until(events: AsyncIterator[Event], kind: type[Event]) -> Event:
    async for event in events:
        if isinstance(event, kind):
            return event
    raise AssertionError(f"no {kind.__name__} came")


async def test_a_message_is_answered_and_both_are_stored(bench: SharedContext):
    session_id = await session_of(bench)
    answer = await bench.sessions.send_message(session_id, "hi")
    assert (answer["response"], answer["status"]) == ("first answer", "completed")
    assert [one.message.text for one in await bench.sessions.messages(session_id)] == ["hi", "first answer"]
    session = await bench.sessions.get_session(session_id)
    assert session is not None
    assert (session.message_count, session.title, session.state) == (2, "hi", "idle")
    assert [item["role"] for item in await bench.sessions.transcript(session_id)] == ["user", "assistant"]


async def test_a_stream_starts_with_the_message_and_ends_with_one_finish(bench: SharedContext):
    events = await collect(bench, await session_of(bench), "hi")
    assert isinstance(events[0], TurnStarted)
    assert isinstance(events[1], UserSaid)
    assert [type(event) for event in events].count(TurnFinished) == 1
    assert isinstance(events[-1], TurnFinished)
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "first answer"


async def test_a_session_goes_on_in_another_process(bench: SharedContext, tmp_path: Path):
    session_id = await session_of(bench)
    await bench.sessions.send_message(session_id, "hi")
    other = open_workbench(tmp_path / "bench.db", workspace=bench.workspace, samples=False)
    assert await other.sessions.resume_session(session_id) is not None
    assert (await other.sessions.send_message(session_id, "and?"))["response"] == "second answer"
    await other.close()
    assert [m.message.text for m in await bench.sessions.messages(session_id)][-1] == "second answer"


async def test_two_sessions_of_one_config_share_its_agent_and_run_at_once(bench: SharedContext):
    config = await bench.configs.create_config("c", SCRIPTED)
    one = await bench.sessions.create_session(config.config_id)
    two = await bench.sessions.create_session(config.config_id)
    answers = await asyncio.gather(
        bench.sessions.send_message(one.session_id, "a"), bench.sessions.send_message(two.session_id, "b")
    )
    assert [answer["response"] for answer in answers] == ["first answer", "first answer"]
    first = await bench.agents.of(config.config_id, None, bench.workspace)
    second = await bench.agents.of(config.config_id, None, bench.workspace)
    assert first[0] is second[0]


@pytest.mark.parametrize("empty", ["", "  \n"])
async def test_an_empty_message_is_refused(bench: SharedContext, empty: str):
    with pytest.raises(UsageError):
        await bench.sessions.send_message(await session_of(bench), empty)


async def test_a_session_of_nothing_is_refused(bench: SharedContext):
    with pytest.raises(NotFound):
        await bench.sessions.create_session("none")
    with pytest.raises(NotFound):
        await bench.sessions.send_message("none", "hi")
    assert await bench.sessions.resume_session("none") is None
    assert await bench.sessions.get_session("none") is None
    assert not await bench.sessions.delete_session("none")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("bundle: {name: x}\n", "no provider"),
        ("bundle: {name: x}\nproviders:\n  - module: provider-mok\n", "provider-mok"),
        ("bundle: {name: x}\nincludes:\n  - bundle: ./gone.yaml\nproviders:\n  - module: provider-mock\n", "gone.yaml"),
        (
            "bundle: {name: x}\nproviders:\n  - module: provider-openai\n    config: {api_key: '${AWB_TEST_UNSET}'}\n",
            "AWB_TEST_UNSET",
        ),
    ],
    ids=["no provider", "unknown provider", "missing include", "unset variable"],
)
async def test_a_config_that_cannot_run_starts_no_session_and_says_why(bench: SharedContext, text: str, says: str):
    config = await bench.configs.create_config("x", text)
    with pytest.raises(InvalidBundle) as caught:
        await bench.sessions.create_session(config.config_id)
    assert says in " ".join(str(problem) for problem in caught.value.problems)
    assert (await bench.sessions.list_sessions())[1] == 0


async def test_a_write_asks_runs_after_the_answer_and_is_remembered_for_the_session(bench: SharedContext):
    session_id = await session_of(bench, WRITER)
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "write it")
    asked = await until(following, ApprovalRequired)
    assert isinstance(asked, ApprovalRequired)
    waiting = await bench.sessions.get_session(session_id)
    assert waiting is not None
    assert (waiting.needs_you, waiting.state) == (True, "running")
    assert not (bench.workspace / "a.txt").exists()
    assert [question.call.name for question in bench.sessions.questions(session_id)] == ["write_file"]
    assert bench.sessions.answer(session_id, asked.question.id, Answer("allow_session"))
    await until(following, TurnFinished)
    assert (bench.workspace / "a.txt").read_text() == "hello"
    await asyncio.wait_for(bench.sessions.send_message(session_id, "again"), 30)
    assert (bench.workspace / "a.txt").read_text() == "again"
    done = await bench.sessions.get_session(session_id)
    assert done is not None
    assert not done.needs_you


async def test_a_refusal_reaches_the_model_with_its_reason(bench: SharedContext):
    session_id = await session_of(bench, WRITER)
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "write it")
    asked = await until(following, ApprovalRequired)
    assert isinstance(asked, ApprovalRequired)
    bench.sessions.answer(session_id, asked.question.id, Answer("deny", "not today"))
    finished = await until(following, ToolFinished)
    assert isinstance(finished, ToolFinished)
    assert finished.result.is_error
    assert "not today" in finished.result.content
    await until(following, TurnFinished)
    assert not (bench.workspace / "a.txt").exists()


async def test_a_second_turn_in_a_busy_session_is_refused_and_a_queued_one_follows(bench: SharedContext):
    session_id = await session_of(bench, WRITER)
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "write it")
    asked = await until(following, ApprovalRequired)
    assert isinstance(asked, ApprovalRequired)
    with pytest.raises(SessionBusy):
        bench.sessions.start(session_id, "me too")
    bench.sessions.queue(session_id, "me later")
    assert [message.text for message in bench.sessions.waiting(session_id)] == ["me later"]
    bench.sessions.answer(session_id, asked.question.id, Answer("allow_session"))
    await until(following, TurnFinished)
    await until(following, TurnFinished)
    assert (bench.workspace / "a.txt").read_text() == "again"


async def test_stopping_keeps_what_was_said_and_the_session_stays_usable(bench: SharedContext):
    session_id = await session_of(bench, WRITER)
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "write it")
    await until(following, ApprovalRequired)
    assert await bench.sessions.cancel(session_id)
    finished = await until(following, TurnFinished)
    assert isinstance(finished, TurnFinished)
    assert finished.status == "cancelled"
    roles = [one.message.role for one in await bench.sessions.messages(session_id)]
    assert roles == ["user", "assistant", "tool"]
    assert [turn.state for turn in await bench.sessions.turns(session_id)] == ["cancelled"]
    assert (await bench.sessions.send_message(session_id, "go on"))["response"] == "it is written"


async def test_closing_a_stream_cancels_its_turn(bench: SharedContext):
    session_id = await session_of(bench, SLOW)
    stream = bench.sessions.stream_message(session_id, "hi")
    await anext(stream)
    await stream.aclose()
    assert not bench.sessions.is_running(session_id)
    assert [turn.state for turn in await bench.sessions.turns(session_id)] == ["cancelled"]


async def test_stopping_one_of_two_leaves_the_other_running(bench: SharedContext):
    one, two = await session_of(bench, SLOW), await session_of(bench)
    bench.sessions.start(one, "a")
    following = bench.sessions.follow(two)
    bench.sessions.start(two, "b")
    await bench.sessions.cancel(one)
    finished = await until(following, TurnFinished)
    assert isinstance(finished, TurnFinished)
    assert finished.status == "completed"


async def test_a_saved_change_takes_effect_at_the_next_turn_and_says_so(bench: SharedContext):
    config = await bench.configs.create_config("c", SCRIPTED)
    session_id = (await bench.sessions.create_session(config.config_id)).session_id
    await bench.sessions.send_message(session_id, "hi")
    await bench.configs.update_config(
        config.config_id, yaml_content=SCRIPTED.replace("second answer", "changed answer")
    )
    events = await collect(bench, session_id, "and?")
    assert any(isinstance(event, Notice) and "revision 1 → 2" in event.text for event in events)
    assert "changed answer" in "".join(event.text for event in events if isinstance(event, TextDelta))


async def test_a_pinned_session_keeps_its_revision(bench: SharedContext):
    config = await bench.configs.create_config("c", SCRIPTED)
    pinned = await bench.sessions.create_session(config.config_id, pinned_revision=1)
    await bench.configs.update_config(config.config_id, yaml_content=SCRIPTED.replace("first", "other"))
    assert (await bench.sessions.send_message(pinned.session_id, "hi"))["response"] == "first answer"


async def test_a_fork_goes_its_own_way(bench: SharedContext):
    session_id = await session_of(bench)
    await bench.sessions.send_message(session_id, "hi")
    fork = await bench.sessions.fork_session(session_id)
    assert fork.parent_session_id == session_id
    assert (await bench.sessions.send_message(fork.session_id, "and?"))["response"] == "second answer"
    assert len(await bench.sessions.messages(session_id)) == 2
    short = await bench.sessions.fork_session(session_id, up_to=1)
    assert [one.message.text for one in await bench.sessions.messages(short.session_id)] == ["hi"]


async def test_a_steered_message_lands_between_two_steps(bench: SharedContext):
    session_id = await session_of(bench, WRITER)
    following = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "write it")
    asked = await until(following, ApprovalRequired)
    assert isinstance(asked, ApprovalRequired)
    bench.sessions.steer(session_id, "and be brief")
    bench.sessions.answer(session_id, asked.question.id, Answer("allow"))
    await until(following, TurnFinished)
    roles = [one.message.role for one in await bench.sessions.messages(session_id)]
    assert roles == ["user", "assistant", "tool", "user", "assistant"]


async def test_last_is_the_newest_session_that_no_agent_started(bench: SharedContext):
    text = SCRIPTED
    first = await session_of(bench, text)
    config = (await bench.configs.list_configs(1))[0][0].config_id
    for number in range(60):
        bench.store.sessions.create(
            config, title=f"child {number}", workspace=str(bench.workspace), parent_session_id=first,
            settings={"agent": "helper"}, tags={"call": f"c{number}"},
        )  # fmt: skip
    assert (await bench.sessions.find_session("last")).session_id == first
    child = await bench.sessions.child_of(first, "c7")
    assert child is not None
    assert child.title == "child 7"
    assert await bench.sessions.child_of(first, "c99") is None


async def test_a_follower_knows_the_place_of_the_message_that_an_event_tells_of(bench: SharedContext):
    id = await session_of(bench, SCRIPTED)
    following = bench.sessions.follow(id)
    await bench.sessions.send_message(id, "hello")
    places = []
    async for event in following:
        places.append((type(event).__name__, following.seq))
        if isinstance(event, TurnFinished):
            break
    told = {name: seq for name, seq in places if seq}
    assert told == {"UserSaid": 1, "ReplyFinished": 2}
