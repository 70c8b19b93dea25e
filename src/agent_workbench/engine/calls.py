"""Settle the tool calls of one reply: check, ask, have them run, and answer in call order.

A call that cannot or must not run is answered with an error result; the model reads why and goes on.
"""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
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
)
from agent_workbench.conversation.messages import Message, ToolCall, ToolResult
from agent_workbench.engine.arguments import fault_of
from agent_workbench.engine.permissions import Verdict
from agent_workbench.engine.ports import Intent, Tool
from agent_workbench.engine.running import Ready, Running, Surroundings
from agent_workbench.engine.session_config import SessionConfig

MAX_CALLS = 500
"""Calls of one reply that are looked at; the others are answered without being run."""

REPEATS = 3
"""The same call this many times in a row asks, whatever is allowed."""
REPEATED = f"the same call {REPEATS} times in a row"

Refresh = Callable[[], Awaitable[SessionConfig]]
"""Returns a session's config as it is by now."""


class _Refused(Exception):
    """A call that is answered without being run."""


@dataclass
class Calls(Surroundings):
    """The calls of one reply. `refresh` is asked after each answer of a person."""

    refresh: Refresh | None = None

    async def settle(self) -> AsyncGenerator[Event, None]:
        """Yield what happens, `ResultsReady` last. Closing it stops whatever runs."""
        reply = self.history[-1]
        results: dict[int, ToolResult] = {}
        ready: dict[int, Ready] = {}
        time_passed = False
        for index, call in enumerate(reply.tool_calls):
            try:
                async with aclosing(self._admit(index, call)) as items:
                    async for item in items:
                        if isinstance(item, Ready):
                            ready[index] = item
                        else:
                            time_passed = time_passed or isinstance(item, ApprovalRequired)
                            yield item
            except _Refused as refusal:
                results[index] = ToolResult(call.call_id, clean_text(str(refusal)), is_error=True)
                yield ToolFinished(call, results[index])
        one_by_one = not self.config.parallel_tools or _must_wait(ready)
        for group in [{index: item} for index, item in ready.items()] if one_by_one else [ready]:
            running = Running(self, group, self.changed if time_passed or one_by_one else _as_it_was)
            try:
                async with aclosing(running.events()) as events:
                    async for event in events:
                        yield event
            finally:
                await running.stop()
            results.update(running.results)
        yield ResultsReady(Message("tool", tuple(results[index] for index in sorted(results))))

    async def _admit(self, index: int, call: ToolCall) -> AsyncGenerator[Event | Ready, None]:
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
        intent = self._intent(tool, call)
        verdict = self._verdict(call, intent, outcome.question)
        if verdict.decision == "deny":
            raise _Refused(f"Denied: {verdict.reason}")
        ready = Ready(call, tool, intent, verdict)
        if ready.asked:
            async with aclosing(self._ask(call, intent, verdict)) as events:
                async for event in events:
                    yield event
            if self.refresh is not None:
                self.config = await self.refresh()
            if changed := self.changed(ready):
                raise _Refused(changed)
        yield ready

    def changed(self, ready: Ready) -> str:
        """Say why a call must not run any more although that was decided; nothing where all is as it was."""
        try:
            intent = self._intent(ready.tool, ready.call)
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

    def _intent(self, tool: Tool, call: ToolCall) -> Intent:
        try:
            return tool.intent(call.arguments, self.context(call))
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


async def check_arguments(tool: Tool, arguments: Mapping[str, Any]) -> None:
    """Refuse arguments that do not fit the tool's schema.

    Raises:
        _Refused: With the first fault and the place of it.
    """
    fault = await fault_of(tool, arguments)
    if fault:
        raise _Refused(f"Not run: {fault}")


def _as_it_was(ready: Ready) -> str:
    """Say that a call may run: no time has passed since that was decided."""
    return ""


def _must_wait(ready: Mapping[int, Ready]) -> bool:
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
