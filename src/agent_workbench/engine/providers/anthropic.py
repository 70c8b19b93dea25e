"""`provider-anthropic`: Claude models through Anthropic's Messages API.

Source of the wire rules: https://platform.claude.com/docs/en/api/messages.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal, cast

from pydantic import AliasChoices, Field

from agent_workbench.configs.modules import Module
from agent_workbench.conversation.messages import Image, Message, StopReason, Text, Thinking, ToolCall, ToolResult
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine import pricing
from agent_workbench.engine.ports import MountContext, ReplyDone, ReplyItem, Request
from agent_workbench.engine.providers.client import Endpoint
from agent_workbench.engine.providers.draft import Draft
from agent_workbench.engine.providers.faults import Caller
from agent_workbench.engine.providers.portable import arguments, portable, ready
from agent_workbench.engine.providers.reading import read, with_thoughts
from agent_workbench.engine.providers.settings import HTTPConfig
from agent_workbench.engine.wire import Wire

ID = "provider-anthropic"
ADDRESS = "https://api.anthropic.com"
#: The API wants a limit. All models since Claude 4 can write this much, and thinking counts.
MAX_TOKENS = 32_000
#: Marks the signature of a thought whose text the API keeps to itself.
REDACTED = "redacted:"

_STOPS: Mapping[str, StopReason] = {
    "end_turn": "end", "stop_sequence": "end", "tool_use": "tool_calls", "max_tokens": "max_tokens",
    "model_context_window_exceeded": "max_tokens", "refusal": "refusal", "pause_turn": "pause",
}  # fmt: skip
#: Models that know neither adaptive thinking nor effort (all before Opus and Sonnet 4.6).
_OLDER = re.compile(r"claude-(?:2|3|instant)|-4-[0-5](?!\d)|-4-20\d{6}|-4@")

#: Models that refuse to have thinking turned off.
_ALWAYS = re.compile(r"opus-5-5")


class Config(HTTPConfig):
    """Settings of `provider-anthropic`."""

    default_model: str = Field("claude-sonnet-5-5", validation_alias=AliasChoices("default_model", "model"))
    """The Claude model to use."""
    api_key: str | None = None
    """The key, best written as ${ANTHROPIC_API_KEY}, which is also read when this is empty."""
    extended_thinking: bool | None = None
    """Whether to think before answering; empty leaves it on for the models that decide themselves how much."""
    thinking_type: Literal["auto", "adaptive", "enabled"] = "auto"
    """Who decides how much to think: the model (adaptive) or the budget (enabled); auto fits the model."""
    thinking_budget_tokens: int | None = Field(None, ge=1024)
    """The most tokens to think with, for models that take a budget."""
    thinking_display: Literal["summarized", "omitted"] = "summarized"
    """Whether thoughts come as a summary or stay with the provider."""
    enable_prompt_caching: bool = Field(True, validation_alias=AliasChoices("enable_prompt_caching", "prompt_caching"))
    """Whether the unchanged beginning of a conversation is cached, which costs a tenth to read again."""
    cache_ttl: Literal["5m", "1h"] = "5m"
    """How long a cached beginning is kept; an hour costs more to write."""


class AnthropicProvider:
    """Claude models. One instance serves all sessions of an agent, at once."""

    def __init__(self, config: Config, *, id: str = ID, wire: Wire | None = None) -> None:
        self.id = id
        self.default_model = config.default_model
        self.priority = config.priority
        self.backoff = config.backoff
        self._config = config
        address = (config.base_url or ADDRESS).rstrip("/").removesuffix("/v1")
        caller = Caller(id, address, "", "ANTHROPIC_API_KEY")
        self._endpoint = Endpoint("anthropic", "AsyncAnthropic", "messages", config, caller, wire)

    def stream(self, request: Request) -> AsyncIterator[ReplyItem]:
        """Send a request and yield the reply; thoughts that the API does not take back are sent once without."""
        return with_thoughts(self._stream, request, ID)

    async def models(self) -> Sequence[str]:
        """Return the models on offer, newest first."""
        return await self._endpoint.models()

    async def close(self) -> None:
        """Give back connections. Safe to call twice."""
        await self._endpoint.close()

    def _stream(self, request: Request, thoughts: bool) -> Any:
        model = request.model.model or self.default_model
        body = fields(request, model, self._config, thoughts=thoughts)
        limit, messages = body.pop("max_tokens"), body.pop("messages")

        def send(create: Any) -> Any:
            return create(model=model, max_tokens=limit, messages=messages, stream=True, extra_body=body)

        reading = _Reading(
            lambda usage: pricing.priced(usage, ID, model, self._config.prices, self._endpoint.caller.base_url)
        )
        return read(self._endpoint, send, reading, model, request)


def create(config: Config, context: MountContext) -> AnthropicProvider:
    """Make the provider of a bundle's entry."""
    return AnthropicProvider(config, id=context.instance_id or ID, wire=context.resources.get("wire"))


MODULE = Module(ID, "provider", "Claude models from Anthropic", Config, create)


# --- what is sent -------------------------------------------------------------------------------------------------


def fields(request: Request, model: str, config: Config, *, thoughts: bool = True) -> dict[str, Any]:
    """Return the fields of the API's request, all but the model's name."""
    messages = translate(request.messages, thoughts=thoughts)
    limit = request.model.max_tokens or config.max_tokens or MAX_TOKENS
    effort = request.model.effort or config.reasoning_effort
    thinking = _thinking(config, model, effort, limit, messages)
    body: dict[str, Any] = {"max_tokens": limit, "messages": messages}
    if request.system.strip():
        body["system"] = [{"type": "text", "text": request.system}]
    if tools := _tools(request, messages):
        body["tools"] = tools
        body |= {} if request.tools else {"tool_choice": {"type": "none"}}
    if thinking:
        body["thinking"] = thinking
    if effort not in ("", "none") and not _OLDER.search(model):
        body["output_config"] = {"effort": "low" if effort == "minimal" else effort}
    temperature = config.temperature if request.model.temperature is None else request.model.temperature
    if temperature is not None and thinking.get("type", "disabled") == "disabled":
        body["temperature"] = temperature
    if config.enable_prompt_caching:
        _mark_cache(body, config.cache_ttl)
    return ready({**body, **config.extra_body})


def _thinking(
    config: Config, model: str, effort: str, limit: int, messages: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return the `thinking` field; empty leaves it to the model."""
    wanted = config.extended_thinking
    if (wanted is False or effort == "none") and not _ALWAYS.search(model):
        return {"type": "disabled"}
    older = bool(_OLDER.search(model))
    if config.thinking_type == "adaptive" or (config.thinking_type == "auto" and not older):
        return {"type": "adaptive", "display": config.thinking_display}
    asked = wanted or config.thinking_budget_tokens or effort or config.thinking_type == "enabled"
    budget = min(config.thinking_budget_tokens or (4096 if effort in ("low", "minimal") else 16_000), limit - 1)
    # A budget needs room, and a tool loop that began without a thought cannot get one in its middle.
    if not asked or budget < 1024 or _loop_without_thought(messages):
        return {}
    return {"type": "enabled", "budget_tokens": budget, "display": config.thinking_display}


def _loop_without_thought(messages: Sequence[Mapping[str, Any]]) -> bool:
    if len(messages) < 2 or not any(block["type"] == "tool_result" for block in messages[-1]["content"]):
        return False
    return "thinking" not in messages[-2]["content"][0]["type"]


def _tools(request: Request, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the tools; the API wants those of past calls declared even when none may be called any more."""
    if request.tools:
        return [
            {
                "name": tool.name,
                "description": tool.description,
                "input_schema": {"type": "object", **tool.input_schema},
            }
            for tool in request.tools
        ]
    blocks = (block for message in messages for block in message["content"])
    names = dict.fromkeys(block["name"] for block in blocks if block["type"] == "tool_use")
    return [{"name": name, "description": "Not available.", "input_schema": {"type": "object"}} for name in names]


def _mark_cache(body: dict[str, Any], ttl: str) -> None:
    """Mark the ends of what stays the same: tools with the system prompt, and the last two things said to the model."""
    mark: dict[str, str] = {"type": "ephemeral"} if ttl == "5m" else {"type": "ephemeral", "ttl": ttl}
    ends = [message["content"] for message in body["messages"] if message["role"] == "user"][-2:]
    for blocks in [body.get("system") or body.get("tools") or [], *ends]:
        if blocks:
            blocks[-1] = {**blocks[-1], "cache_control": mark}


def translate(messages: Sequence[Message], *, thoughts: bool = True) -> list[dict[str, Any]]:
    """Return a history in the API's words: tool results are said by the user, neighbours of one role are joined."""
    turns: list[dict[str, Any]] = []
    for message in portable(messages, ID, thoughts=thoughts):
        role = "assistant" if message.role == "assistant" else "user"
        blocks = [_block(part) for part in message.parts]
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += blocks
        else:
            turns.append({"role": role, "content": blocks})
    return turns


def _block(part: object) -> dict[str, Any]:
    match part:
        case Text(text):
            return {"type": "text", "text": text}
        case Image(media_type, data):
            return {"type": "image", "source": {"type": "base64", "media_type": media_type, "data": data}}
        case Thinking(_, signature) if signature.startswith(REDACTED):
            return {"type": "redacted_thinking", "data": signature.removeprefix(REDACTED)}
        case Thinking(text, signature):
            return {"type": "thinking", "thinking": text, "signature": signature}
        case ToolCall(call_id, name):
            return {"type": "tool_use", "id": call_id, "name": name, "input": arguments(part)}
        case ToolResult(call_id, content, is_error, images):
            words = [{"type": "text", "text": content}] if content.strip() else []
            shown: Any = [*words, *(_block(image) for image in images)] if images else content
            block = {"type": "tool_result", "tool_use_id": call_id, "content": shown}
            return {**block, "is_error": True} if is_error else block
    raise TypeError(f"a message cannot hold {part!r}")


# --- what comes back ----------------------------------------------------------------------------------------------


class _Reading:
    def __init__(self, price: Any) -> None:
        self.whole = self.over = False
        self._price = price
        self._draft = Draft(ID)
        self._model = self._stop = ""
        self._usage: dict[str, Any] = {}

    def take(self, name: str, data: Any) -> Iterator[ReplyItem]:
        match data.get("type", name):
            case "message_start":
                self._model = data["message"].get("model", "")
                self._count(data["message"].get("usage"))
            case "content_block_start":
                yield from self._begin(data["index"], data["content_block"])
            case "content_block_delta":
                yield from self._delta(data["index"], data["delta"])
            case "message_delta":
                self._stop = data["delta"].get("stop_reason") or self._stop
                self._count(data.get("usage"))
            case "message_stop":
                self.whole = self.over = True

    def done(self, request_id: str) -> ReplyDone:
        message = self._draft.message(self._model, _STOPS.get(self._stop, "end"))
        return ReplyDone(message, self._price(_usage(self._usage)), request_id)

    def spent(self) -> Usage:
        """Return what was said so far; output is counted last, and a request alone has a price too."""
        counted = _usage(self._usage)
        if self._stop or counted.input_tokens is None:
            return cast(Usage, self._price(counted))
        return replace(cast(Usage, self._price(replace(counted, output_tokens=0))), output_tokens=None)

    def _begin(self, index: int, block: Mapping[str, Any]) -> Iterator[ReplyItem]:
        match block["type"]:
            case "text":
                yield from self._draft.text(index, block.get("text", ""))
            case "thinking":
                yield from self._draft.thinking(index, block.get("thinking", ""))
                self._draft.sign(index, block.get("signature", ""))
            case "redacted_thinking":
                self._draft.sign(index, REDACTED + block["data"])
            case "tool_use":
                yield from self._draft.call(index, block["id"], block["name"])
                if block.get("input"):
                    yield from self._draft.arguments(index, json.dumps(block["input"]))

    def _delta(self, index: int, delta: Mapping[str, Any]) -> Iterator[ReplyItem]:
        match delta["type"]:
            case "text_delta":
                yield from self._draft.text(index, delta["text"])
            case "thinking_delta":
                yield from self._draft.thinking(index, delta["thinking"])
            case "signature_delta":
                self._draft.sign(index, delta["signature"])
            case "input_json_delta":
                yield from self._draft.arguments(index, delta["partial_json"])

    def _count(self, usage: Mapping[str, Any] | None) -> None:
        self._usage |= {key: value for key, value in (usage or {}).items() if value is not None}


def _usage(counted: Mapping[str, Any]) -> Usage:
    """Map the counts: what was read from and written to the cache is input too, which the API counts apart."""
    read, written = counted.get("cache_read_input_tokens"), counted.get("cache_creation_input_tokens")
    fresh = counted.get("input_tokens")
    details = counted.get("output_tokens_details") or {}
    return Usage(
        input_tokens=None if fresh is None else fresh + (read or 0) + (written or 0),
        output_tokens=counted.get("output_tokens"),
        cache_read_tokens=read,
        cache_write_tokens=written,
        reasoning_tokens=details.get("thinking_tokens"),
    )
