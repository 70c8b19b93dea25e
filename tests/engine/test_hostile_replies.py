"""Replies that are made to hurt: endless, bottomless, or with thousands of calls. The turn ends soon, and says why."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

import pytest

from agent_workbench.conversation.events import TextDelta, ToolCallDelta, ToolFinished
from agent_workbench.conversation.messages import Message, Text, ToolCall
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine.calls import MAX_CALLS
from agent_workbench.engine.loop import MAX_REPLY
from agent_workbench.engine.ports import (
    ReplyDone,
    ReplyItem,
    ReplyText,
    ReplyThinking,
    ReplyToolCall,
    Request,
    ToolContext,
    ToolOutcome,
)
from agent_workbench.engine.providers.draft import Draft
from agent_workbench.engine.running import AT_ONCE
from engine.engine_kit import Echo, of, played, session

Stream = Callable[[], AsyncGenerator[ReplyItem, None]]


class Hostile:
    """A provider whose replies are written by hand."""

    id, default_model = "hostile", "m"

    def __init__(self, *replies: Message | Stream) -> None:
        self.replies = list(replies)

    async def stream(self, request: Request) -> AsyncGenerator[ReplyItem, None]:
        reply = self.replies.pop(0)
        if isinstance(reply, Message):
            yield ReplyDone(reply, Usage(), "")
            return
        async with aclosing(reply()) as items:
            async for item in items:
                yield item


DONE = Message("assistant", (Text("done"),))


def calling(*calls: ToolCall) -> Message:
    return Message("assistant", calls, stop_reason="tool_calls")


def nested(depth: int) -> Mapping[str, Any]:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return {"a": value}


@pytest.mark.parametrize("depth", [250, 500, 950, 5_000])
async def test_arguments_without_a_bottom_are_not_run_and_the_turn_goes_on(depth: int) -> None:
    tool = Echo()
    calls = [calling(ToolCall(f"c{n}", "echo", nested(depth if n < 3 else 3))) for n in range(4)]
    events = await played(session(Hostile(*calls, DONE), tool))
    assert [event.result.is_error for event in of(events, ToolFinished)] == [True, True, True, False]
    assert "nested deeper" in of(events, ToolFinished)[0].result.content
    assert (events[-1].status, len(tool.ran)) == ("completed", 1)


@pytest.mark.parametrize("depth", [250, 600, 5_000])
def test_arguments_without_a_bottom_are_kept_as_they_were_written(depth: int) -> None:
    draft = Draft("test")
    text = '{"a": ' + "[" * depth + "]" * depth + "}"
    list(draft.call(0, "c1", "echo"))
    list(draft.arguments(0, text))
    (call,) = draft.message("m", "tool_calls").tool_calls
    assert (call.raw, dict(call.arguments)) == (text, {})


async def test_of_thousands_of_calls_a_few_run_at_once_and_the_rest_is_not_run() -> None:
    running, most = 0, 0

    async def body(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return ToolOutcome("ran")

    calls = calling(*(ToolCall(f"c{n}", "echo", {"n": n}) for n in range(10_000)))
    began = time.process_time()
    tool = Echo("echo", body)
    events = await played(session(Hostile(calls, DONE), tool))
    results = [event.result.content for event in of(events, ToolFinished)]
    assert (len(results), len(tool.ran), most) == (10_000, MAX_CALLS, AT_ONCE)
    assert sum("Not run: a reply may call" in text for text in results) == 10_000 - MAX_CALLS
    assert time.process_time() - began < 10


ENDLESS: dict[str, ReplyItem] = {
    "text": ReplyText("x" * 1_000_000),
    "thoughts": ReplyThinking("x" * 1_000_000),
    "arguments": ReplyToolCall("c1", "echo", "x" * 1_000_000),
}


@pytest.mark.parametrize("item", ENDLESS.values(), ids=ENDLESS.keys())
async def test_a_reply_without_an_end_is_ended(item: ReplyItem) -> None:
    closed = asyncio.Event()

    async def endless() -> AsyncGenerator[ReplyItem, None]:
        try:
            while True:
                yield item
        finally:
            closed.set()

    events = await played(session(Hostile(endless)))
    end = events[-1]
    assert (end.status, f"more than {MAX_REPLY:,} characters" in end.error) == ("failed", True)
    assert closed.is_set()
    shown = sum(len(event.text) for event in of(events, TextDelta))
    assert shown + sum(len(event.arguments) for event in of(events, ToolCallDelta)) <= MAX_REPLY
