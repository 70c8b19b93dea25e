"""A session under every order of sending, stopping, dying, answering, compacting, forking and switching models.

Whatever happened before, the next request is one that both APIs accept, nothing that was stored changes, and no task
is left behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from agent_workbench.conversation.events import (
    Answer,
    Question,
    ReplyFinished,
    ResultsReady,
    ToolFinished,
    TurnFinished,
    UserSaid,
)
from agent_workbench.conversation.messages import Message, ToolResult, user
from agent_workbench.engine.context import ContextConfig, Window
from agent_workbench.engine.loop import run_turn
from agent_workbench.engine.ports import Intent, ToolContext, ToolOutcome
from agent_workbench.engine.repair import interrupted
from engine.engine_kit import Echo, calling, scripted, session

REPLIES: Sequence[object] = (
    "just words",
    calling(("quick", {})),
    calling(("quick", {}), ("asks", {}), ("fails", {})),
    calling(("nope", {}), ("quick", "{broken")),
    {**calling(("quick", {})), "stop_reason": "max_tokens"},
    {"text": "half", "fault": "interrupted"},
    {"text": "", "fault": "server"},
    {"tool_calls": [{"name": "quick", "id": "same"}, {"name": "quick", "id": "same"}]},
    {"thinking": "hm", "text": ""},
    {"text": "wait", "stop_reason": "pause"},
)


def check(messages: Sequence[Message]) -> None:
    """Refuse what the stricter of the two APIs refuses."""
    assert messages, "a request needs a message"
    assert messages[0].role == "user"
    seen: set[str] = set()
    for index, message in enumerate(messages):
        assert message.parts
        for call in message.tool_calls:
            assert call.call_id not in seen
            seen.add(call.call_id)
        if message.tool_calls:
            results = messages[index + 1].tool_results
            assert [result.call_id for result in results] == [call.call_id for call in message.tool_calls]
        if message.role == "tool":
            assert messages[index - 1].tool_calls


class Checking:
    """A model that checks every request before it answers with the next of its replies."""

    default_model = "m"

    def __init__(self, name: str, replies: Sequence[object]) -> None:
        self.id = name
        self.replies = list(replies)

    async def stream(self, request):
        check(request.messages)
        reply = self.replies.pop(0) if self.replies else "done"
        async with aclosing(scripted(reply, loop=True).stream(request)) as items:
            async for item in items:
                yield item


async def fails(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
    raise RuntimeError("as it does")


TOOLS = (Echo("quick"), Echo("fails", fails), Echo("asks", intent=Intent("execute", "ls")))


class Person:
    def __init__(self, decision: str) -> None:
        self.decision = decision

    async def ask(self, question: Question) -> Answer:
        return Answer(self.decision)  # type: ignore[arg-type]


class AnySession(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.stored: list[Message] = []
        self.before: list[Message] = []
        self.forks: list[list[Message]] = [[]]

    @rule(
        replies=st.lists(st.sampled_from(REPLIES), max_size=3),
        stop_after=st.one_of(st.none(), st.integers(0, 25)),
        dies=st.booleans(),
        decision=st.sampled_from(["allow", "deny", "nonsense"]),
        provider=st.sampled_from(["one", "two"]),
        window=st.sampled_from([200, 200_000]),
    )
    def send(self, replies, stop_after, dies, decision, provider, window):
        asyncio.run(self.turn(replies, stop_after, dies, decision, provider, window))

    async def turn(self, replies, stop_after, dies, decision, provider, window):
        policy = Window(ContextConfig(max_tokens=window))
        config = session(Checking(provider, replies), *TOOLS, history_policy=policy)
        self.stored.append(user("go on"))
        results: list[ToolResult] = []
        finished = 0
        async with aclosing(run_turn(self.stored, config, Person(decision))) as events:
            async for event in events:
                match event:
                    case ReplyFinished() | ResultsReady() | UserSaid():
                        self.stored.append(event.message)
                        results.clear()
                    case ToolFinished():
                        results.append(event.result)
                    case TurnFinished():
                        finished += 1
                if stop_after is not None and stop_after <= 0:
                    break
                stop_after = None if stop_after is None else stop_after - 1
        if not dies:
            self.stored.extend(interrupted(self.stored, results))
        assert finished <= 1
        assert asyncio.all_tasks() == {asyncio.current_task()}

    @rule(place=st.integers(0, 30))
    def fork(self, place):
        self.forks.append(list(self.stored))
        self.stored = self.stored[:place]
        self.before = list(self.stored)

    @rule(index=st.integers(0, 5))
    def resume_another(self, index):
        self.stored = list(self.forks[index % len(self.forks)])
        self.before = list(self.stored)

    @invariant()
    def what_was_stored_never_changes(self):
        assert self.stored[: len(self.before)] == self.before
        self.before = list(self.stored)


AnySession.TestCase.settings = settings(max_examples=60, stateful_step_count=12, deadline=None)
TestAnyOrderOfEvents = AnySession.TestCase
