"""`provider-mock`: an offline model. Scripted where `responses` are given, else a small conversation of its own.

It keeps nothing: what it says follows from the messages it is sent, so that any process can go on with any
session. It never claims to be a language model.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal

from pydantic import Field

from agent_workbench.configs.modules import Module, ModuleConfig
from agent_workbench.conversation.messages import Message, Part, StopReason, Text, Thinking, ToolCall
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine.ports import (
    MountContext,
    ReplyDone,
    ReplyItem,
    ReplyText,
    ReplyThinking,
    ReplyToolCall,
    Request,
)
from agent_workbench.engine.providers.mock_talk import Said, talk
from agent_workbench.errors import ProviderError, ProviderFault

_PIECE = re.compile(r"\S+\s*|\s+")


class ScriptedCall(ModuleConfig):
    """One tool call of a scripted reply."""

    name: str
    """The tool to call."""
    arguments: dict[str, Any] | str = Field(default_factory=dict)
    """Its arguments; a string stands for arguments that are not a JSON object."""
    id: str = ""
    """The call's id; made from its place where empty."""


class ScriptedReply(ModuleConfig):
    """One scripted reply."""

    text: str = ""
    """What it says."""
    thinking: str = ""
    """What it thinks before."""
    tool_calls: list[ScriptedCall] = Field(default_factory=list)
    """The tools it calls."""
    delay: float | None = None
    """Seconds between two words of this reply."""
    stop_reason: Literal["end", "tool_calls", "max_tokens", "refusal", "pause"] | None = None
    """Why it stops; `tool_calls` or `end` where it is not said."""
    fault: ProviderFault | None = None
    """Fail in this way, after the words of `text` were streamed."""
    retryable: bool = False
    """Whether the fault may pass when the request is sent again."""
    usage: dict[str, int] | None = None
    """Token counts to report (`input_tokens`, `output_tokens`, …) instead of estimates."""


class Script(ModuleConfig):
    """A script for the conversations that begin with certain words."""

    begins: str
    """The first message of a conversation, whole."""
    responses: list[str | ScriptedReply]
    """What is said in it, reply by reply."""


class MockConfig(ModuleConfig):
    """The config of `provider-mock`."""

    responses: list[str | ScriptedReply] = Field(default_factory=list)
    """What it says, reply by reply. Without any, it holds a small conversation of its own."""
    scripts: list[Script] = Field(default_factory=list)
    """Other scripts, for conversations that begin with certain words: those of agents that work for this one."""
    loop: bool = False
    """Begin again after the last of `responses`."""
    delay: float = Field(default=0.02, ge=0)
    """Seconds between two words."""
    default_model: str = "mock"
    """The name it goes by."""
    models: list[str] = Field(default_factory=lambda: ["mock", "mock-large"])
    """The models it pretends to offer."""
    priority: int = 100
    """Which provider is asked first: lower is preferred."""


@dataclass
class MockProvider:
    """An offline model. `replies` is the script, empty for its own conversation.

    `scripts` are used instead in conversations that begin with their key.
    """

    id: str = "provider-mock"
    default_model: str = "mock"
    replies: Sequence[ScriptedReply] = ()
    loop: bool = False
    delay: float = 0.0
    offered: Sequence[str] = ("mock",)
    scripts: Mapping[str, Sequence[ScriptedReply]] = field(default_factory=dict)

    async def stream(self, request: Request) -> AsyncIterator[ReplyItem]:
        """Yield the reply word by word; the same messages always get the same reply."""
        said, usage = self._next(request)
        delay = self.delay if said.delay is None else said.delay
        for piece in _PIECE.findall(said.thinking):
            yield ReplyThinking(piece)
            await asyncio.sleep(delay)
        for piece in _PIECE.findall(said.text):
            yield ReplyText(piece)
            await asyncio.sleep(delay)
        if said.fault is not None:
            raise ProviderError(f"the script says so: {said.fault}", kind=said.fault, retryable=said.retryable)
        calls = _calls(said, len(request.messages))
        for call in calls:
            yield ReplyToolCall(call.call_id, call.name, call.raw or json.dumps(dict(call.arguments)))
        message = _message(said, calls, request.model.model or self.default_model, self.id)
        yield ReplyDone(message, usage or _estimate(request, said))

    def _next(self, request: Request) -> tuple[Said, Usage | None]:
        said_so_far = request.conversation or request.messages
        begins = next((message.text for message in said_so_far if message.role == "user"), "")
        replies = self.scripts.get(begins, self.replies)
        if not replies:
            return talk(request), None
        turn = _place(said_so_far, replies)
        if turn >= len(replies) and not self.loop:
            return Said("(The script of this offline mock has ended.)"), None
        reply = replies[turn % len(replies)]
        calls = tuple((call.name, call.arguments, call.id) for call in reply.tool_calls)
        said = Said(reply.text, reply.thinking, calls, reply.stop_reason, reply.fault, reply.retryable, reply.delay)
        return said, Usage(**reply.usage, cost=Decimal(0)) if reply.usage is not None else None

    async def models(self) -> Sequence[str]:
        """Return the names it pretends to offer."""
        return tuple(self.offered)

    async def close(self) -> None:
        """Do nothing: there is nothing to give back."""


def _place(said: Sequence[Message], replies: Sequence[ScriptedReply]) -> int:
    """Return the place in a script that a conversation has come to: one reply on for each that is in it.

    A fault without words leaves none behind; the next that is said goes past it.
    """
    place, unanswered = 0, False
    for message in said:
        if message.role == "assistant":
            place, unanswered = place + 1, bool(message.tool_calls)
        elif message.role == "user":
            failed = replies[place % len(replies)]
            if unanswered and failed.fault is not None and not (failed.text or failed.thinking):
                place += 1
            unanswered = True
    return place


def _calls(said: Said, place: int) -> tuple[ToolCall, ...]:
    calls = []
    for number, (name, arguments, call_id) in enumerate(said.calls, 1):
        named = call_id or f"call_{place}_{number}"
        if isinstance(arguments, str):
            calls.append(ToolCall(named, name, raw=arguments))
        else:
            calls.append(ToolCall(named, name, dict(arguments)))
    return tuple(calls)


def _message(said: Said, calls: tuple[ToolCall, ...], model: str, origin: str) -> Message:
    parts: list[Part] = []
    if said.thinking:
        parts.append(Thinking(said.thinking, origin=origin))
    if said.text:
        parts.append(Text(said.text))
    stop: StopReason = said.stop_reason or ("tool_calls" if calls else "end")
    return Message("assistant", (*parts, *calls), model, stop)


def _estimate(request: Request, said: Said) -> Usage:
    """Estimate tokens as a quarter of the characters, which is about right for English; it costs nothing."""
    asked = len(request.system) + sum(len(str(part)) for message in request.messages for part in message.parts)
    answered = len(said.text) + len(said.thinking) + sum(len(str(call)) for call in said.calls)
    thought = max(1, len(said.thinking) // 4) if said.thinking else None
    return Usage(max(1, asked // 4), max(1, answered // 4), reasoning_tokens=thought, cost=Decimal(0))


def script_of(history: Sequence[Message]) -> list[dict[str, Any]]:
    """Return a conversation's replies as `responses`, so that a real session can be played again offline.

    Thoughts come along without their signatures; what was interrupted breaks off at the same word.
    """
    return [_scripted(message) for message in history if message.role == "assistant"]


def _scripted(message: Message) -> dict[str, Any]:
    thoughts = "".join(part.text for part in message.parts if isinstance(part, Thinking))
    calls = [
        {"name": call.name, "arguments": call.raw if call.raw is not None else dict(call.arguments), "id": call.call_id}
        for call in message.tool_calls
    ]
    stop = message.stop_reason if message.stop_reason in ("max_tokens", "refusal", "pause") else None
    fault = "interrupted" if message.stop_reason in ("interrupted", "error") else None
    reply = {"text": message.text, "thinking": thoughts, "tool_calls": calls, "stop_reason": stop, "fault": fault}
    return {key: value for key, value in reply.items() if value}


def create(config: MockConfig, context: MountContext) -> MockProvider:
    """Make the provider of one config entry."""
    model = config.default_model
    extra: Mapping[str, Any] = config.model_extra or {}
    if isinstance(extra.get("model"), str):
        model = extra["model"]
    return MockProvider(
        context.instance_id or "provider-mock",
        model,
        _replies(config.responses),
        config.loop,
        config.delay,
        tuple(config.models),
        {script.begins: _replies(script.responses) for script in config.scripts},
    )


def _replies(responses: Sequence[str | ScriptedReply]) -> list[ScriptedReply]:
    return [ScriptedReply(text=reply) if isinstance(reply, str) else reply for reply in responses]


MODULE = Module(
    "provider-mock",
    "provider",
    "An offline model: scripted, or a small conversation to try things with. No key, no network, no cost.",
    MockConfig,
    create,
)
