"""What bounds and steers a turn in real sessions: limits, repetition, cut replies, words between, other providers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import yaml

from agent_workbench.configs.modules import Catalog
from agent_workbench.conversation.events import (
    Answer,
    ApprovalRequired,
    Event,
    Notice,
    Question,
    TextDelta,
    ToolFinished,
    TurnFinished,
    UserSaid,
)
from agent_workbench.conversation.messages import Thinking, ToolCall
from agent_workbench.engine import repair
from agent_workbench.plugins import load_catalog
from agent_workbench.services.shared import SharedContext
from fakes.providers import KINDS, check_sendable
from fakes.turns import Lookup, lookup_module
from fakes.wire import WireServer, says

LIST = {"tool_calls": [{"name": "todo", "arguments": {"action": "list"}}]}


class Person:
    """Answers every question in one way, and remembers the questions."""

    def __init__(self, decision: Any) -> None:
        self.decision, self.asked = decision, list[Question]()

    async def ask(self, question: Question) -> Answer:
        self.asked.append(question)
        return Answer(self.decision)


async def session_of(bench: SharedContext, *responses: Any, loop: dict[str, Any] | None = None, **mock: Any) -> str:
    """Start a session of a scripted agent with a to-do list."""
    text = yaml.safe_dump({
        "bundle": {"name": "busy"},
        "session": {"orchestrator": {"module": "loop-streaming", "config": loop or {}}},
        "providers": [{"module": "provider-mock", "config": {"delay": 0, "responses": list(responses), **mock}}],
        "tools": [{"module": "tool-todo"}],
    })  # fmt: skip
    config = await bench.configs.create_config("busy", text)
    return (await bench.sessions.create_session(config.config_id)).session_id


async def said(bench: SharedContext, session_id: str, words: str = "go", person: Person | None = None) -> list[Event]:
    return [event async for event in bench.sessions.stream_message(session_id, words, frontend=person)]


def end_of(events: list[Event]) -> TurnFinished:
    assert isinstance(events[-1], TurnFinished)
    return events[-1]


@pytest.mark.parametrize(("decision", "ran"), [("allow", 3), ("deny", 2)])
async def test_the_same_call_three_times_in_a_row_asks(bench: SharedContext, decision: str, ran: int):
    person = Person(decision)
    events = await said(bench, await session_of(bench, LIST, LIST, LIST, "done"), person=person)
    assert [question.reason for question in person.asked] == ["the same call 3 times in a row"]
    results = [event.result for event in events if isinstance(event, ToolFinished)]
    assert [result.is_error for result in results].count(False) == ran
    assert end_of(events).status == "completed"


@pytest.mark.parametrize(
    ("loop", "why"),
    [
        ({"max_iterations": 2}, "used its 2 steps; tell it to continue, or raise max_steps"),
        ({"max_tokens": 150}, "of its 150 tokens; tell it to continue, or raise max_tokens"),
        ({"max_seconds": 0}, "of its 0 seconds; tell it to continue, or raise max_seconds"),
    ],
    ids=("steps", "tokens", "time"),
)
async def test_a_limit_stops_before_the_request_and_the_next_message_goes_on(
    bench: SharedContext, loop: dict[str, Any], why: str
):
    reply = {**LIST, "usage": {"input_tokens": 90, "output_tokens": 10}}
    session_id = await session_of(bench, reply, reply, reply, "done", loop=loop)
    events = await said(bench, session_id)
    end = end_of(events)
    assert (end.status, end.error_kind) == ("limited", "limit")
    assert why in end.error
    assert end.steps <= 2
    check_sendable(repair.sendable([one.message for one in await bench.sessions.messages(session_id)]))
    await bench.sessions.change_settings(session_id, max_steps=9, max_tokens=9000, max_seconds=60)
    assert end_of(await said(bench, session_id, "continue", Person("allow"))).status == "completed"


async def test_a_reply_that_was_cut_is_gone_on_with(bench: SharedContext):
    session_id = await session_of(bench, {"text": "Once upon", "stop_reason": "max_tokens"}, " a time.")
    events = await said(bench, session_id)
    assert [event.text for event in events if isinstance(event, Notice)] == [
        "the reply was cut off by its token limit; tell it to continue"
    ]
    assert end_of(events).status == "completed"
    answer = await bench.sessions.send_message(session_id, "continue")
    assert answer["response"] == " a time."
    stored = [one.message for one in await bench.sessions.messages(session_id)]
    assert [message.stop_reason for message in stored] == [None, "max_tokens", None, "end"]


async def test_steering_is_heard_in_the_turn_and_queueing_after_it(bench: SharedContext):
    session_id = await session_of(bench, {**LIST, "text": "one two"}, "three", "four", delay=0.05)
    heard: list[str] = []
    events = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "go")
    ends = 0
    async with asyncio.timeout(20):
        async for event in events:
            match event:
                case TextDelta("one "):
                    bench.sessions.queue(session_id, "after")
                    bench.sessions.steer(session_id, "between")
                case UserSaid(message):
                    heard.append(message.text)
                case TurnFinished():
                    heard.append("|")
                    ends += 1
                    if ends == 2:
                        break
                case _:
                    pass
    assert heard == ["go", "between", "|", "after", "|"]
    roles = [one.message.role for one in await bench.sessions.messages(session_id)]
    assert roles == ["user", "assistant", "tool", "user", "assistant", "user", "assistant"]


async def test_a_session_moves_between_all_providers_and_none_refuses_its_history(bench: SharedContext):
    tool = Lookup()
    module = lookup_module(tool)
    known = Catalog({**load_catalog().modules, module.id: module})
    bench.bundles.catalog = known
    async with WireServer() as server:
        entries = [
            {"module": kind.module, "config": {
                "base_url": server.url + ("" if kind.module == "provider-anthropic" else "/v1"),
                "api_key": "k", "default_model": "gpt-6-fake", "max_retries": 0,
            }}
            for kind in KINDS
        ]  # fmt: skip
        text = yaml.safe_dump({"bundle": {"name": "many"}, "providers": entries, "tools": [{"module": "tool-lookup"}]})
        config = await bench.configs.create_config("many", text)
        session_id = (await bench.sessions.create_session(config.config_id)).session_id
        for number, kind in enumerate((*KINDS, *reversed(KINDS), KINDS[0])):
            call = ToolCall(f"call {number}!", "lookup", {"key": f"k{number}"})
            server.script[:] = [says(Thinking(f"Hm {number}."), "Looking.", call), says(f"It is {number}.")]
            await bench.sessions.change_settings(session_id, provider=kind.module)
            answer = await bench.sessions.send_message(session_id, f"and {number}?")
            assert (answer["status"], answer["response"]) == ("completed", f"It is {number}."), answer["metadata"]
    assert server.refused == []
    assert len(tool.asked) == 7


async def test_a_question_without_an_answer_waits_and_is_not_lost(bench: SharedContext):
    session_id = await session_of(bench, LIST, LIST, LIST, "done")
    events = bench.sessions.follow(session_id)
    bench.sessions.start(session_id, "go")
    async with asyncio.timeout(10):
        async for event in events:
            if isinstance(event, ApprovalRequired):
                (waiting,) = bench.sessions.questions(session_id)
                assert waiting == event.question
                assert bench.sessions.answer(session_id, waiting.id, Answer("allow"))
            if isinstance(event, TurnFinished):
                break
    assert end_of([event]).status == "completed"
