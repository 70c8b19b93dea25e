"""Runs calls that may run: each to its end, to its limit, or until the turn is given up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from agent_workbench.conversation.codec import clean_text
from agent_workbench.conversation.events import (
    Answer,
    ApprovalAnswered,
    ApprovalRequired,
    Event,
    Question,
    ToolFinished,
    ToolOutput,
    ToolStarted,
)
from agent_workbench.conversation.messages import Message, ToolCall, ToolResult
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine.hooks.dispatch import Hooks, Outcome
from agent_workbench.engine.output import fit
from agent_workbench.engine.permissions import Verdict, may_move_links
from agent_workbench.engine.ports import Frontend, HookAnswer, Intent, Limits, Tool, ToolContext, ToolOutcome
from agent_workbench.engine.repair import made_up
from agent_workbench.engine.session_config import SessionConfig

MAX_LIVE_OUTPUT = 200_000
"""Characters of one call's output that are shown while it runs; the result has the tail of what follows."""

AT_ONCE = 32
"""Calls that run at once; the others wait for one of them to end."""

STOP_SECONDS = 3.0
"""How long a cancelled tool is waited for; our own are gone in less than one."""

SETTLE_SECONDS = 0.5
"""How long hooks may still look at the result of a tool that had ended when the turn was stopped."""


@dataclass
class Ledger:
    """What a turn has learned while it ran: grants given, what hooks inject, what children used. It ends with it.

    `left` says what the turn may still use; `asking` lets one tool at a time ask the person. Where the turn is stopped,
    `late` is told of calls that had ended and that nobody saw, `spend` what those that were cut off had used.
    """

    grants: list[str] = field(default_factory=list)
    injected: list[HookAnswer] = field(default_factory=list)
    usage: Usage = Usage()
    steps: int = 0
    left: Callable[[], Limits] = Limits
    late: Callable[[ToolFinished], None] = lambda finished: None
    spend: Callable[[Usage], None] = lambda used: None
    asking: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True)
class Ready:
    """A call that may run, its arguments as hooks left them, with what was decided on."""

    call: ToolCall
    tool: Tool
    intent: Intent
    verdict: Verdict

    @property
    def asked(self) -> bool:
        """Whether a person was asked."""
        return self.verdict.decision == "ask"

    @property
    def moves_links(self) -> bool:
        """Whether it may put a link where there was none, so that a path that was judged leads elsewhere."""
        if self.intent.shell:
            return may_move_links(self.intent.subject)
        return self.intent.access not in ("read", "network") and not self.intent.paths


@dataclass
class Surroundings:
    """What the calls of one reply have around them. `history` ends with that reply."""

    config: SessionConfig
    frontend: Frontend
    hooks: Hooks
    history: tuple[Message, ...]
    ledger: Ledger

    def context(self, call: ToolCall) -> ToolContext:
        """Return what a call is told about its session; what it may do comes when it runs."""
        config = self.config
        return ToolContext(config.session_id, config.workspace, call.call_id, self.history, shared=config.shared)


class Running:
    """The calls that run at once, by their places in the reply, and the events they make.

    `changed` is asked right before each starts: it says why that must not run any more, nothing where it may.
    """

    def __init__(self, around: Surroundings, group: Mapping[int, Ready], changed: Callable[[Ready], str]) -> None:
        self._around, self._group, self._changed = around, group, changed
        self._queue: asyncio.Queue[tuple[int, Event] | int] = asyncio.Queue()
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._answered: set[int] = set()
        self._loop = asyncio.get_running_loop()
        self._used: dict[int, Usage] = {}
        self._room = asyncio.Semaphore(AT_ONCE)
        self.results: dict[int, ToolResult] = {}

    async def events(self) -> AsyncGenerator[Event, None]:
        """Start each call once its start was taken note of; yield output and results as they come."""
        for index, ready in self._group.items():
            if changed := self._changed(ready):
                self.results[index] = ToolResult(ready.call.call_id, clean_text(changed), is_error=True)
                yield ToolFinished(ready.call, self.results[index])
                continue
            yield ToolStarted(ready.call)
            self._tasks[index] = asyncio.create_task(self._run(index, ready))
        left = len(self._tasks)
        while left:
            item = await self._queue.get()
            if isinstance(item, int):
                left -= 1
                if item in self.results:
                    continue
                call = self._group[item].call  # a tool that cancels itself leaves nothing behind
                item = (item, ToolFinished(call, made_up(call, f"{call.name} ended without an answer")))
            index, event = item
            if isinstance(event, ToolFinished):
                self.results[index] = event.result
            yield event

    async def stop(self) -> None:
        """Cancel what still runs and wait until it is gone, but not for ever for a tool that refuses to go.

        A tool that has ended is not run again for its result: its hooks may look at that, and it is handed over.
        """
        for index, task in self._tasks.items():
            if index not in self._answered:
                task.cancel()
        ending = [task for index, task in self._tasks.items() if index in self._answered]
        if ending:
            _, hanging = await asyncio.wait(ending, timeout=SETTLE_SECONDS)
            for task in hanging:
                task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=STOP_SECONDS)
        self._hand_over()

    def _hand_over(self) -> None:
        """Tell the ledger what nobody took: results that were there, and what calls without one had used."""
        ledger = self._around.ledger
        while not self._queue.empty():
            item = self._queue.get_nowait()
            if not isinstance(item, int) and isinstance(item[1], ToolFinished):
                self.results[item[0]] = item[1].result
                ledger.late(item[1])
        for index, used in self._used.items():
            if index not in self.results:
                ledger.spend(used)

    async def _run(self, index: int, ready: Ready) -> None:
        started = time.monotonic()
        try:
            async with self._room:
                outcome = await self._outcome(index, ready)
            self._answered.add(index)
            content, details = fit(outcome.content), dict(outcome.details)
            if isinstance(details.get("usage"), Usage):  # a child's, said at the end; details are stored as JSON
                self._spend(index, details.pop("usage"))
            result = ToolResult(ready.call.call_id, content, outcome.is_error, outcome.images, details)
            after = await self._after(ready, result)
            if after.denied:  # a guard that failed, or objected: what it could not look at is not passed on
                result = ToolResult(ready.call.call_id, f"Withheld: {after.denied}", is_error=True)
            else:
                details = after.data.get("details", details)
                content = fit(after.data.get("result", content))
                result = replace(result, content=content, details=details if isinstance(details, Mapping) else {})
            self._around.ledger.injected.extend(after.injections)
            for notice in after.notices:
                self._queue.put_nowait((index, notice))
            used = self._used.get(index, Usage())
            self._queue.put_nowait((index, ToolFinished(ready.call, result, time.monotonic() - started, used)))
        finally:
            self._queue.put_nowait(index)

    async def _outcome(self, index: int, ready: Ready) -> ToolOutcome:
        context = replace(
            self._around.context(ready.call),
            emit=self._emitter(index, ready.call),
            guard=self._guard(ready),
            ask=partial(self._ask, index),
            spend=partial(self._spend, index),
            left=self._around.ledger.left,
        )
        limit = self._around.config.tool_seconds
        try:
            async with asyncio.timeout(limit) as clock:
                outcome: Any = await ready.tool.run(ready.call.arguments, context)
        except Exception as error:  # noqa: BLE001 - a tool is other people's code; its failure is an answer
            if clock.expired():
                return ToolOutcome(f"{ready.call.name} was stopped: it took more than {limit:g} seconds", is_error=True)
            return ToolOutcome(f"{ready.call.name} failed: {type(error).__name__}: {error}", is_error=True)
        if not isinstance(outcome, ToolOutcome):  # a stranger's tool may not have been type-checked
            return ToolOutcome(f"{ready.call.name} answered {type(outcome).__name__}, not an outcome", is_error=True)
        return outcome

    def _spend(self, index: int, used: Usage) -> None:
        ledger = self._around.ledger
        ledger.usage += used
        ledger.steps += 1
        self._used[index] = self._used.get(index, Usage()) + used

    async def _ask(self, index: int, question: Question) -> Answer:
        """Put the question of a running tool to the person, one at a time, and let everybody see it."""
        async with self._around.ledger.asking:
            self._queue.put_nowait((index, ApprovalRequired(question)))
            answer = await self._around.frontend.ask(question)
            self._queue.put_nowait((index, ApprovalAnswered(question.call.call_id, answer)))
        return answer

    def _guard(self, ready: Ready) -> Callable[[Path], None]:
        """Let through what was approved, and what lies in an approved folder if it would be allowed by itself."""
        approved, permissions = frozenset(ready.verdict.paths), self._around.config.permissions

        def guard(path: Path) -> None:
            if path in approved:
                return
            inside = not approved.isdisjoint(path.parents)
            intent = Intent(ready.intent.access, str(path), (str(path),))
            if not inside or permissions.check(ready.call.name, intent).decision != "allow":
                raise PermissionError(f"{path} is not what was approved")

        return guard

    def _emitter(self, index: int, call: ToolCall) -> Any:
        shown = 0
        home = self._loop

        def show(text: str) -> None:
            nonlocal shown
            if not text or shown >= MAX_LIVE_OUTPUT:
                return
            piece = clean_text(text[: MAX_LIVE_OUTPUT - shown])
            shown += len(piece)
            tail = "\n[… more output than is shown live …]\n" if shown >= MAX_LIVE_OUTPUT else ""
            self._queue.put_nowait((index, ToolOutput(call.call_id, piece + tail)))

        def emit(text: str) -> None:
            try:
                inside = asyncio.get_running_loop() is home
            except RuntimeError:
                inside = False
            show(text) if inside else home.call_soon_threadsafe(show, text)

        return emit

    async def _after(self, ready: Ready, result: ToolResult) -> Outcome:
        name = "tool:error" if result.is_error else "tool:post"
        data = {"tool_name": ready.call.name, "tool_input": dict(ready.call.arguments)}
        seen = {"result": result.content, "details": dict(result.details)}
        return await self._around.hooks.fire(name, {**data, **seen})
