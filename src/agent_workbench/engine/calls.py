"""Settle the tool calls of one reply: check, ask, run at once, and answer in call order.

A call that cannot or must not run is answered with an error result; the model reads why and goes on.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from agent_workbench.conversation.codec import MAX_DEPTH, clean_text, is_deeper
from agent_workbench.conversation.events import (
    Answer,
    ApprovalAnswered,
    ApprovalRequired,
    Event,
    Notice,
    Question,
    ResultsReady,
    ToolFinished,
    ToolOutput,
    ToolStarted,
)
from agent_workbench.conversation.messages import Message, ToolCall, ToolResult
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine.arguments import fault_of
from agent_workbench.engine.hooks.dispatch import Hooks, Outcome
from agent_workbench.engine.output import fit
from agent_workbench.engine.permissions import Verdict, may_move_links
from agent_workbench.engine.ports import Frontend, HookAnswer, Intent, Limits, Tool, ToolContext, ToolOutcome
from agent_workbench.engine.repair import made_up
from agent_workbench.engine.session_config import SessionConfig

MAX_LIVE_OUTPUT = 200_000
"""Characters of one call's output that are shown while it runs; the result has the tail of what follows."""

MAX_CALLS = 500
"""Calls of one reply that are looked at; the others are answered without being run."""

AT_ONCE = 32
"""Calls that run at once; the others wait for one of them to end."""

STOP_SECONDS = 3.0
"""How long a cancelled tool is waited for; our own are gone in less than one."""

SETTLE_SECONDS = 0.5
"""How long hooks may still look at the result of a tool that had ended when the turn was stopped."""

REPEATS = 3
"""The same call this many times in a row asks, whatever is allowed."""
REPEATED = f"the same call {REPEATS} times in a row"

Refresh = Callable[[], Awaitable[SessionConfig]]
"""Returns a session's config as it is by now."""


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
class _Ready:
    """A call that may run, with what was decided on; `verdict` says whether a person was `asked`."""

    call: ToolCall
    tool: Tool
    arguments: Mapping[str, Any]
    intent: Intent
    verdict: Verdict

    @property
    def asked(self) -> bool:
        return self.verdict.decision == "ask"

    @property
    def moves_links(self) -> bool:
        """Whether it may put a link where there was none, so that a path that was judged leads elsewhere."""
        if self.intent.shell:
            return may_move_links(self.intent.subject)
        return self.intent.access not in ("read", "network") and not self.intent.paths


class _Refused(Exception):
    """A call that is answered without being run."""


@dataclass
class Calls:
    """The calls of one reply. `history` ends with that reply; `refresh` is asked after each answer of a person."""

    config: SessionConfig
    frontend: Frontend
    hooks: Hooks
    history: tuple[Message, ...]
    ledger: Ledger
    refresh: Refresh | None = None

    async def settle(self) -> AsyncGenerator[Event, None]:
        """Yield what happens, `ResultsReady` last. Closing it stops whatever runs."""
        reply = self.history[-1]
        results: dict[int, ToolResult] = {}
        ready: dict[int, _Ready] = {}
        time_passed = False
        for index, call in enumerate(reply.tool_calls):
            try:
                async with aclosing(self._admit(index, call)) as items:
                    async for item in items:
                        if isinstance(item, _Ready):
                            ready[index] = item
                        else:
                            time_passed = time_passed or isinstance(item, ApprovalRequired)
                            yield item
            except _Refused as refusal:
                results[index] = ToolResult(call.call_id, clean_text(str(refusal)), is_error=True)
                yield ToolFinished(call, results[index])
        one_by_one = not self.config.parallel_tools or _must_wait(ready)
        for group in [{index: item} for index, item in ready.items()] if one_by_one else [ready]:
            running = _Running(self, group, look_again=time_passed or one_by_one)
            try:
                async with aclosing(running.events()) as events:
                    async for event in events:
                        yield event
            finally:
                await running.stop()
            results.update(running.results)
        yield ResultsReady(Message("tool", tuple(results[index] for index in sorted(results))))

    async def _admit(self, index: int, call: ToolCall) -> AsyncGenerator[Event | _Ready, None]:
        """Yield the questions a call raises and, last, the call made ready.

        Raises:
            _Refused: If it must not run.
        """
        tool = await self._checked(index, call)
        outcome = await self.hooks.fire("tool:pre", {"tool_name": call.name, "tool_input": dict(call.arguments)})
        self.ledger.injected.extend(outcome.injections)
        for notice in outcome.notices:
            yield notice
        if outcome.denied:
            raise _Refused(f"Denied: {outcome.denied}")
        arguments = outcome.data.get("tool_input", call.arguments)
        if arguments != call.arguments:
            await check_arguments(tool, arguments)
            yield Notice(f"a hook changed the arguments of {call.name}", data={"arguments": arguments})
        call = replace(call, arguments=arguments)
        intent = self._intent(tool, call, arguments)
        verdict = self._verdict(call, intent, outcome.question)
        if verdict.decision == "deny":
            raise _Refused(f"Denied: {verdict.reason}")
        ready = _Ready(call, tool, arguments, intent, verdict)
        if ready.asked:
            async with aclosing(self._ask(call, intent, verdict)) as events:
                async for event in events:
                    yield event
            if self.refresh is not None:
                self.config = await self.refresh()
            if changed := self.changed(ready):
                raise _Refused(changed)
        yield ready

    def changed(self, ready: _Ready) -> str:
        """Say why a call must not run any more although that was decided; nothing where all is as it was."""
        try:
            intent = self._intent(ready.tool, ready.call, ready.arguments)
        except _Refused as refusal:
            return str(refusal)
        verdict = self._verdict(ready.call, intent, "")
        if verdict.decision == "deny":
            return f"Denied: {verdict.reason}. This has changed since it was approved."
        is_new = verdict.decision == "ask" and not ready.asked
        if is_new or verdict.paths != ready.verdict.paths or (ready.asked and _shown(intent) != _shown(ready.intent)):
            return "Denied: what the call would touch has changed since it was approved"
        return ""

    async def _checked(self, index: int, call: ToolCall) -> Tool:
        reply = self.history[-1]
        if index >= MAX_CALLS:
            raise _Refused(f"Not run: a reply may call tools {MAX_CALLS} times at most.")
        if reply.stop_reason == "max_tokens":
            raise _Refused("Not run: the reply was cut off by its token limit, so the arguments may be incomplete.")
        if any(other.call_id == call.call_id for other in reply.tool_calls[:index]):
            raise _Refused(f"Not run: another call of this reply has the id {call.call_id!r} too.")
        tool = self.config.tools.get(call.name)
        if tool is None:
            known = ", ".join(self.config.tools.tools) or "none"
            raise _Refused(f"There is no tool {call.name!r}. Tools: {known}.")
        if call.raw is not None:
            raise _Refused(f"Not run: the arguments are not a JSON object: {call.raw[:200]}")
        if is_deeper(call.arguments):
            raise _Refused(f"Not run: the arguments are nested deeper than {MAX_DEPTH} levels.")
        await check_arguments(tool, call.arguments)
        return tool

    def context(self, call: ToolCall) -> ToolContext:
        """Return what a call is told about its session; what it may do comes when it runs."""
        config = self.config
        return ToolContext(config.session_id, config.workspace, call.call_id, self.history, shared=config.shared)

    def _intent(self, tool: Tool, call: ToolCall, arguments: Mapping[str, Any]) -> Intent:
        try:
            return tool.intent(arguments, self.context(call))
        except Exception as error:  # a tool is other people's code, and may raise anything
            raise _Refused(f"Not run: {call.name} cannot say what it would do: {error}") from error

    def _verdict(self, call: ToolCall, intent: Intent, hook_question: str) -> Verdict:
        verdict = self.config.permissions.granting(self.ledger.grants).check(call.name, intent)
        repeated = REPEATED if self._repeated(call) else ""
        if verdict.decision == "deny" or not (hook_question or repeated):
            return verdict
        asking = (verdict.reason if verdict.decision == "ask" else "", hook_question, repeated)
        rules = () if hook_question else verdict.rules  # no rule keeps a hook from asking
        return replace(verdict, decision="ask", reason="; ".join(filter(None, asking)), rules=rules, firm=True)

    def _repeated(self, call: ToolCall) -> bool:
        """Whether the calls right before this one, in this turn, were the same one."""
        turn: list[ToolCall] = []
        for message in self.history:
            turn = [] if message.role == "user" else [*turn, *message.tool_calls]
        position = max(index for index, other in enumerate(turn) if other.call_id == call.call_id)
        before = turn[max(0, position - REPEATS + 1) : position]
        return len(before) == REPEATS - 1 and all(_same(turn[position], other) for other in before)

    async def _ask(self, call: ToolCall, intent: Intent, verdict: Verdict) -> AsyncGenerator[Event, None]:
        reason = f"{verdict.reason}. {intent.note}" if intent.note else verdict.reason
        question = Question(
            call, reason, clean_text(intent.preview), intent.preview_kind,
            tuple(str(path) for path in verdict.paths), verdict.scopes, verdict.rules, verdict.firm,
        )  # fmt: skip
        yield ApprovalRequired(question)
        await self.hooks.fire("approval:required", {"tool_name": call.name, "reason": verdict.reason})
        answer = await self.frontend.ask(question)
        if answer.decision not in (*question.scopes, "deny"):
            answer = Answer("deny", f"the answer {answer.decision!r} was not one of those offered")
        yield ApprovalAnswered(call.call_id, answer)
        granted = "denied" if answer.decision == "deny" else "granted"
        await self.hooks.fire(f"approval:{granted}", {"tool_name": call.name, "reason": answer.reason})
        if answer.decision == "deny":
            again = f" It was {REPEATED}: do something else." if REPEATED in verdict.reason else ""
            raise _Refused(
                (f"Denied: {answer.reason}{again and '.'}" if answer.reason else "Denied by the person.") + again
            )
        if answer.decision in ("allow_session", "allow_always"):
            self.ledger.grants.extend(question.rules)


class _Running:
    """The calls that run at once, and the events they make."""

    def __init__(self, calls: Calls, group: Mapping[int, _Ready], *, look_again: bool) -> None:
        self._calls, self._group, self._look_again = calls, group, look_again
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
            if changed := self._calls.changed(ready) if self._look_again else "":
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
        ledger = self._calls.ledger
        while not self._queue.empty():
            item = self._queue.get_nowait()
            if not isinstance(item, int) and isinstance(item[1], ToolFinished):
                self.results[item[0]] = item[1].result
                ledger.late(item[1])
        for index, used in self._used.items():
            if index not in self.results:
                ledger.spend(used)

    async def _run(self, index: int, ready: _Ready) -> None:
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
            self._calls.ledger.injected.extend(after.injections)
            for notice in after.notices:
                self._queue.put_nowait((index, notice))
            used = self._used.get(index, Usage())
            self._queue.put_nowait((index, ToolFinished(ready.call, result, time.monotonic() - started, used)))
        finally:
            self._queue.put_nowait(index)

    async def _outcome(self, index: int, ready: _Ready) -> ToolOutcome:
        context = replace(
            self._calls.context(ready.call),
            emit=self._emitter(index, ready.call),
            guard=self._guard(ready),
            ask=partial(self._ask, index),
            spend=partial(self._spend, index),
            left=self._calls.ledger.left,
        )
        limit = self._calls.config.tool_seconds
        try:
            async with asyncio.timeout(limit) as clock:
                outcome: Any = await ready.tool.run(ready.arguments, context)
        except Exception as error:  # noqa: BLE001 - a tool is other people's code; its failure is an answer
            if clock.expired():
                return ToolOutcome(f"{ready.call.name} was stopped: it took more than {limit:g} seconds", is_error=True)
            return ToolOutcome(f"{ready.call.name} failed: {type(error).__name__}: {error}", is_error=True)
        if not isinstance(outcome, ToolOutcome):  # a stranger's tool may not have been type-checked
            return ToolOutcome(f"{ready.call.name} answered {type(outcome).__name__}, not an outcome", is_error=True)
        return outcome

    def _spend(self, index: int, used: Usage) -> None:
        ledger = self._calls.ledger
        ledger.usage += used
        ledger.steps += 1
        self._used[index] = self._used.get(index, Usage()) + used

    async def _ask(self, index: int, question: Question) -> Answer:
        """Put the question of a running tool to the person, one at a time, and let everybody see it."""
        async with self._calls.ledger.asking:
            self._queue.put_nowait((index, ApprovalRequired(question)))
            answer = await self._calls.frontend.ask(question)
            self._queue.put_nowait((index, ApprovalAnswered(question.call.call_id, answer)))
        return answer

    def _guard(self, ready: _Ready) -> Callable[[Path], None]:
        """Let through what was approved, and what lies in an approved folder if it would be allowed by itself."""
        approved, permissions = frozenset(ready.verdict.paths), self._calls.config.permissions

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

    async def _after(self, ready: _Ready, result: ToolResult) -> Outcome:
        name = "tool:error" if result.is_error else "tool:post"
        data = {"tool_name": ready.call.name, "tool_input": dict(ready.arguments)}
        seen = {"result": result.content, "details": dict(result.details)}
        return await self._calls.hooks.fire(name, {**data, **seen})


async def check_arguments(tool: Tool, arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that do not fit the tool's schema.

    Raises:
        _Refused: With the first fault and the place of it.
    """
    fault = await fault_of(tool, arguments)
    if fault:
        raise _Refused(f"Not run: {fault}")


def _must_wait(ready: Mapping[int, _Ready]) -> bool:
    """Whether calls must not run at once: one may put a link where a command reads whose paths rules looked at."""
    is_judged = any(item.intent.shell and not item.asked for item in ready.values())
    return is_judged and len(ready) > 1 and any(item.moves_links for item in ready.values())


def _shown(intent: Intent) -> Sequence[str]:
    """Return what a question showed; of a diff what it changes, since an edit elsewhere in the file moves the rest."""
    if intent.preview_kind != "diff":
        return (intent.subject, intent.preview)
    return [line for line in intent.preview.split("\n") if line.startswith(("+", "-"))]


def _same(one: ToolCall, other: ToolCall) -> bool:
    if is_deeper(one.arguments) or is_deeper(other.arguments):  # neither was run
        return False

    def key(call: ToolCall) -> str:
        return json.dumps([call.name, dict(call.arguments), call.raw], sort_keys=True, default=str)

    return key(one) == key(other)
