"""A tool that ends in the instant in which its turn is stopped: what it did is known, and what it used is counted."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent_workbench.conversation.events import ToolFinished, ToolStarted
from agent_workbench.conversation.messages import user
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine.loop import run_turn
from agent_workbench.engine.ports import Hook, HookAnswer, HookEvent, Nobody, Tool, ToolContext, ToolOutcome
from engine.engine_kit import Echo, calling, forever, scripted, session


@dataclass
class Redacts:
    """A guarding hook that takes its time over a result."""

    id: str = "redacts"
    events: frozenset[str] = frozenset({"tool:post"})
    guards: bool = True
    priority: int = 0
    looking: asyncio.Event = field(default_factory=asyncio.Event)
    go: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle(self, event: HookEvent) -> HookAnswer:
        self.looking.set()
        await self.go.wait()
        return HookAnswer("modify", data={**event.data, "result": "***"})


async def stopped(tool: Tool, *, once: asyncio.Event, hooks: tuple[Hook, ...] = ()) -> tuple[list[ToolFinished], Usage]:
    """Run a turn that calls a tool and one that hangs, stop it once something happened while nobody took its events,
    and return what was handed over and what was spent besides."""
    late: list[ToolFinished] = []
    spent: list[Usage] = []
    script = scripted(calling((tool.spec.name, {}), ("hangs", {})))
    config = session(script, tool, Echo("hangs", forever), hooks=hooks)
    turn = run_turn([user("go")], config, Nobody(), late=late.append, spend=spent.append)
    async for event in turn:
        if isinstance(event, ToolStarted) and event.call.name == "hangs":
            break
    async with asyncio.timeout(10):
        await once.wait()
    await turn.aclose()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    return late, sum(spent, Usage())


def ends(event: asyncio.Event) -> Any:
    async def body(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        context.spend(Usage(1000, 10))
        event.set()
        return ToolOutcome("secret")

    return body


async def test_the_result_of_a_tool_that_ended_just_then_is_handed_over():
    ended = asyncio.Event()
    late, spent = await stopped(Echo("ends", ends(ended)), once=ended)
    (finished,) = late
    assert (finished.call.name, finished.result.content, finished.usage) == ("ends", "secret", Usage(1000, 10))
    assert spent == Usage()


async def test_hooks_that_look_at_a_result_may_end_that_before_it_is_handed_over():
    hook = Redacts()
    asyncio.get_running_loop().call_later(0.01, hook.go.set)
    late, _ = await stopped(Echo("ends", ends(asyncio.Event())), once=hook.looking, hooks=(hook,))
    assert [finished.result.content for finished in late] == ["***"]


async def test_a_result_that_a_hanging_guard_did_not_let_through_is_not_handed_over():
    hook = Redacts()
    late, spent = await stopped(Echo("ends", ends(asyncio.Event())), once=hook.looking, hooks=(hook,))
    assert late == []
    assert spent == Usage(1000, 10)


async def test_what_a_tool_that_was_cut_off_had_used_is_counted():
    used = asyncio.Event()

    async def spends(arguments: Mapping[str, Any], context: ToolContext) -> ToolOutcome:
        context.spend(Usage(7, 1))
        used.set()
        return await forever(arguments, context)

    assert await stopped(Echo("spends", spends), once=used) == ([], Usage(7, 1))
