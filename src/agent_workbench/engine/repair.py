"""Make a conversation that both APIs accept, as a view: what is stored is never rewritten.

A process may have died between a call and its result, a reply may have been cut, two calls may share an id. What is
sent always has one result for each call, in call order, right behind the reply that made it, and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from agent_workbench.conversation.messages import Message, Part, Text, Thinking, ToolCall, ToolResult

LOST = "This call was interrupted and has no result. It may or may not have had an effect; check before repeating it."


def sendable(history: Sequence[Message]) -> tuple[Message, ...]:
    """Return the history as it can be sent: deterministic, and a second pass changes nothing.

    Every call has exactly one result; results without a call, replies and messages without content, and thoughts
    that nothing follows are left out; ids that occur twice are renamed with their results.
    """
    repaired: list[Message] = []
    taken: set[str] = set()
    messages = list(history)
    for index, message in enumerate(messages):
        if message.role == "user":
            kept = _kept(message)
            repaired.extend([kept] if kept.parts else [])
        elif message.role == "assistant":
            repaired.extend(_reply(message, _results_behind(messages, index), taken))
    return tuple(repaired)


def interrupted(
    history: Sequence[Message], results: Iterable[ToolResult] = (), *, reason: str = LOST
) -> tuple[Message, ...]:
    """Return what must be appended so that the last reply's calls all have results: no message, or one.

    `results` are those that are known already (tools that had finished); the others are made up, as errors.
    """
    if not history or history[-1].role != "assistant" or not history[-1].tool_calls:
        return ()
    known = {result.call_id: result for result in results}
    made = tuple(known.get(call.call_id) or made_up(call, reason) for call in history[-1].tool_calls)
    return (Message("tool", made),)


def made_up(call: ToolCall, reason: str) -> ToolResult:
    """Return the error result of a call that never got its own."""
    return ToolResult(call.call_id, reason, is_error=True)


def _kept(message: Message) -> Message:
    """Drop what a message of its role cannot hold, and words that are not there."""
    allowed = [part for part in message.parts if not isinstance(part, ToolResult | ToolCall | Thinking)]
    parts = tuple(part for part in allowed if not isinstance(part, Text) or part.text.strip())
    return message if parts == message.parts else replace(message, parts=parts)


def _results_behind(messages: Sequence[Message], index: int) -> list[ToolResult]:
    """Return the results that follow a reply, up to the next reply; a person may have spoken in between."""
    found: list[ToolResult] = []
    for message in messages[index + 1 :]:
        if message.role == "assistant":
            break
        found.extend(message.tool_results)
    return found


def _reply(message: Message, results: list[ToolResult], taken: set[str]) -> list[Message]:
    waiting = list(results)
    parts: list[Part] = []
    answers: list[Part] = []
    for part in message.parts:
        if isinstance(part, ToolCall):
            answer = next((result for result in waiting if result.call_id == part.call_id), None)
            if answer is not None:
                waiting.remove(answer)
            call = _unique(part, taken)
            parts.append(call)
            answers.append(replace(answer, call_id=call.call_id) if answer else made_up(call, LOST))
        elif isinstance(part, Thinking) or (isinstance(part, Text) and part.text.strip()):
            parts.append(part)
    while parts and isinstance(parts[-1], Thinking):
        parts.pop()
    if not parts:
        return []
    reply = message if tuple(parts) == message.parts else replace(message, parts=tuple(parts))
    return [reply, Message("tool", tuple(answers))] if answers else [reply]


def _unique(call: ToolCall, taken: set[str]) -> ToolCall:
    wanted, number = call.call_id or "call", 2
    name = wanted
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    taken.add(name)
    return call if name == call.call_id else replace(call, call_id=name)
