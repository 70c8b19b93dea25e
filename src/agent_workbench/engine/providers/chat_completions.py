"""`provider-chat-completions`: any server that speaks Chat Completions, with presets for Ollama and vLLM.

Source of the wire rules: https://platform.openai.com/docs/api-reference/chat. Servers differ in small things, and each
difference is a setting rather than a guess.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from typing import Any, Literal

from pydantic import AliasChoices, Field

from agent_workbench.configs.modules import Module
from agent_workbench.conversation.messages import Image, Message, StopReason, Text, Thinking
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine import pricing
from agent_workbench.engine.ports import MountContext, ReplyDone, ReplyItem, Request
from agent_workbench.engine.providers import faults
from agent_workbench.engine.providers.client import Endpoint
from agent_workbench.engine.providers.draft import Draft
from agent_workbench.engine.providers.faults import Caller
from agent_workbench.engine.providers.portable import arguments, portable, ready, spoken
from agent_workbench.engine.providers.reading import read
from agent_workbench.engine.providers.settings import HTTPConfig
from agent_workbench.engine.wire import Wire

ID = "provider-chat-completions"

_STOPS: Mapping[str, StopReason] = {
    "stop": "end", "length": "max_tokens", "tool_calls": "tool_calls", "function_call": "tool_calls",
    "content_filter": "refusal",
}  # fmt: skip


class Config(HTTPConfig):
    """Settings of `provider-chat-completions`."""

    base_url: str = Field(min_length=1)
    """The address up to and including /v1, for example https://openrouter.ai/api/v1."""
    api_key: str | None = None
    """The key, best written as ${A_VARIABLE}; empty where the server wants none."""
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] = "max_tokens"
    """How this server calls the limit of a reply; OpenAI's newer models want max_completion_tokens."""
    system_role: Literal["system", "developer", "user"] = "system"
    """The role that the system prompt is sent in."""
    stream_usage: bool = True
    """Whether to ask for token counts at the end of a stream; a few servers refuse the field."""
    supports_tools: bool = True
    """Whether the model can call tools; off, none are offered."""
    supports_images: bool = True
    """Whether the model can see pictures; off, they are named in words."""
    parallel_tool_calls: bool | None = None
    """Whether several tools may be called at once; empty leaves it to the server."""
    reasoning_field: Literal["", "reasoning_content", "reasoning"] = ""
    """The field that thoughts are sent back in; empty sends none, which most servers want."""


class OllamaConfig(Config):
    """Settings of `provider-ollama`."""

    base_url: str = Field("http://localhost:11434/v1", min_length=1, validation_alias=AliasChoices("base_url", "host"))
    """The address of the Ollama server, up to and including /v1."""
    timeout: float = Field(600.0, gt=0)
    """Seconds without a single byte after which a reply counts as stalled; loading a model takes minutes."""


class VLLMConfig(Config):
    """Settings of `provider-vllm`."""

    base_url: str = Field("http://localhost:8000/v1", min_length=1)
    """The address of the vLLM server, up to and including /v1."""


class ChatCompletionsProvider:
    """The models behind one address. One instance serves all sessions of an agent, at once.

    Without a model in the config, the first one that the server lists is used, and kept.
    """

    def __init__(self, config: Config, *, module: str = ID, id: str = "", wire: Wire | None = None) -> None:
        self.id = id or module
        self.default_model = config.default_model
        self.priority = config.priority
        self.backoff = config.backoff
        self._module = module
        self._config = config
        caller = Caller(self.id, config.base_url.rstrip("/"))
        self._endpoint = Endpoint("openai", "AsyncOpenAI", "chat.completions", config, caller, wire, needs_key=False)

    async def stream(self, request: Request) -> AsyncIterator[ReplyItem]:
        """Send a request and yield the reply as it comes."""
        model, caller = request.model.model or await self._model(), self._endpoint.caller
        body = fields(request, self._config, self._module)

        def send(create: Any) -> Any:
            return create(model=model, messages=[], stream=True, extra_body=body)

        def price(usage: Usage) -> Usage:
            return pricing.priced(usage, self._module, model, self._config.prices, caller.base_url)

        reading = _Reading(self._module, price)
        async with aclosing(read(self._endpoint, send, reading, model, request)) as items:
            async for item in items:
                yield item

    async def models(self) -> Sequence[str]:
        """Return the models that the server lists, in its order."""
        return await self._endpoint.models()

    async def close(self) -> None:
        """Give back connections. Safe to call twice."""
        await self._endpoint.close()

    async def _model(self) -> str:
        if not self.default_model:
            found = await self._endpoint.models()
            if not found:
                raise faults.named(self._endpoint.caller, "model", "the server lists no model to use")
            self.default_model = found[0]
        return self.default_model


def create(config: Config, context: MountContext, *, module: str = ID) -> ChatCompletionsProvider:
    """Make the provider of a bundle's entry."""
    return ChatCompletionsProvider(config, module=module, id=context.instance_id, wire=context.resources.get("wire"))


def _module(id: str, summary: str, config: type[Config]) -> Module:
    return Module(id, "provider", summary, config, partial(create, module=id))


MODULE = _module(ID, "Any server that speaks OpenAI's Chat Completions", Config)
OLLAMA = _module("provider-ollama", "Models on this machine, served by Ollama", OllamaConfig)
VLLM = _module("provider-vllm", "Models on your own machines, served by vLLM", VLLMConfig)


# --- what is sent -------------------------------------------------------------------------------------------------


def fields(request: Request, config: Config, module: str = ID) -> dict[str, Any]:
    """Return the fields of the format's request, all but the model's name."""
    messages = translate(request.messages, module, config)
    if request.system.strip():
        messages.insert(0, {"role": config.system_role, "content": request.system})
    body: dict[str, Any] = {"messages": messages}
    limit = request.model.max_tokens or config.max_tokens
    temperature = config.temperature if request.model.temperature is None else request.model.temperature
    optional = {
        config.max_tokens_field: limit,
        "temperature": temperature,
        "reasoning_effort": request.model.effort or config.reasoning_effort or None,
        "stream_options": {"include_usage": True} if config.stream_usage else None,
    }
    body |= {key: value for key, value in optional.items() if value is not None}
    if request.tools and config.supports_tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name, "description": tool.description,
                    "parameters": {"type": "object", "properties": {}, **tool.input_schema},
                },
            }
            for tool in request.tools
        ]  # fmt: skip
        if config.parallel_tool_calls is not None:
            body["parallel_tool_calls"] = config.parallel_tool_calls
    return ready({**body, **config.extra_body})


def translate(messages: Sequence[Message], module: str, config: Config) -> list[dict[str, Any]]:
    """Return a history in the format's words; pictures in tool results follow in a message of the user's."""
    made: list[dict[str, Any]] = []
    for message in portable(messages, module, unsigned=bool(config.reasoning_field)):
        match message.role:
            case "user":
                made.append({"role": "user", "content": _content(message.parts, config)})
            case "assistant":
                made.append(_reply(message, config))
            case "tool":
                results = message.tool_results
                made += [{"role": "tool", "tool_call_id": r.call_id, "content": spoken(r)} for r in results]
                if images := [image for result in results for image in result.images]:
                    heading = Text("The pictures that the tools returned:")
                    made.append({"role": "user", "content": _content((heading, *images), config)})
    return made


def _content(parts: Sequence[object], config: Config) -> str | list[dict[str, Any]]:
    """Return words alone as a string, which every server takes, and a list only where there are pictures."""
    blocks: list[dict[str, Any]] = []
    for part in parts:
        match part:
            case Text(text):
                blocks.append({"type": "text", "text": text})
            case Image(media_type, data) if config.supports_images:
                url = f"data:{media_type};base64,{data}"
                blocks.append({"type": "image_url", "image_url": {"url": url}})
            case Image(name=name):
                blocks.append({"type": "text", "text": f"[a picture that this model cannot see: {name or 'unnamed'}]"})
    if all(block["type"] == "text" for block in blocks):
        return "\n\n".join(block["text"] for block in blocks)
    return blocks


def _reply(message: Message, config: Config) -> dict[str, Any]:
    reply: dict[str, Any] = {"role": "assistant", "content": message.text or None}
    if message.tool_calls:
        reply["tool_calls"] = [
            {
                "id": call.call_id, "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(arguments(call), ensure_ascii=False)},
            }
            for call in message.tool_calls
        ]  # fmt: skip
    thoughts = "\n\n".join(part.text for part in message.parts if isinstance(part, Thinking))
    if thoughts and config.reasoning_field:
        reply[config.reasoning_field] = thoughts
    return reply


# --- what comes back ----------------------------------------------------------------------------------------------


class _Reading:
    def __init__(self, module: str, price: Callable[[Usage], Usage]) -> None:
        self.whole = self.over = False
        self._price = price
        self._draft = Draft(module)
        self._model = self._finish = ""
        self._refused = False
        self._calls: dict[int, tuple[object, str]] = {}
        self._usage: Mapping[str, Any] = {}

    def take(self, name: str, data: Any) -> Iterator[ReplyItem]:
        if name == "done":
            self.whole = self.over = True
            return
        self._model = data.get("model") or self._model
        self._usage = data.get("usage") or self._usage
        for choice in data.get("choices") or ():
            yield from self._delta(choice.get("delta") or {})
            if choice.get("finish_reason"):
                self._finish = choice["finish_reason"]
                self.whole = True

    def done(self, request_id: str) -> ReplyDone:
        stop = "refusal" if self._refused else _STOPS.get(self._finish, "end")
        return ReplyDone(self._draft.message(self._model, stop), self._price(_usage(self._usage)), request_id)

    def spent(self) -> Usage:
        return self._price(_usage(self._usage))

    def _delta(self, delta: Mapping[str, Any]) -> Iterator[ReplyItem]:
        yield from self._draft.thinking("thinking", delta.get("reasoning_content") or delta.get("reasoning") or "")
        content = delta.get("content") or ""
        if not isinstance(content, str):  # some servers stream lists of parts
            content = "".join(part.get("text") or "" for part in content)
        yield from self._draft.text("text", content)
        if delta.get("refusal"):
            self._refused = True
            yield from self._draft.text("text", delta["refusal"])
        for position, call in enumerate(delta.get("tool_calls") or ()):
            yield from self._call(position, call)

    def _call(self, position: int, call: Mapping[str, Any]) -> Iterator[ReplyItem]:
        """Add a piece of a call. Some servers number all calls 0 and tell them apart by id alone."""
        index, call_id, function = call.get("index"), call.get("id") or "", call.get("function") or {}
        index = position if index is None else index
        key, known = self._calls.get(index, (None, ""))
        if key is None or (call_id and call_id != known and function.get("name")):
            key = ("call", index, call_id)
            self._calls[index] = (key, call_id)
            yield from self._draft.call(key, call_id, function.get("name") or "")
        written = function.get("arguments") or ""
        yield from self._draft.arguments(key, written if isinstance(written, str) else json.dumps(written))


def _usage(counted: Mapping[str, Any]) -> Usage:
    entered, left = counted.get("prompt_tokens_details") or {}, counted.get("completion_tokens_details") or {}
    return Usage(
        input_tokens=counted.get("prompt_tokens"),
        output_tokens=counted.get("completion_tokens"),
        cache_read_tokens=entered.get("cached_tokens"),
        cache_write_tokens=entered.get("cache_write_tokens"),
        reasoning_tokens=left.get("reasoning_tokens"),
    )
