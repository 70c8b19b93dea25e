"""`provider-openai`: OpenAI's models through the Responses API, without leaving anything on its servers.

Source of the wire rules: https://platform.openai.com/docs/api-reference/responses. With `store: false` the API forgets
each request; reasoning comes back encrypted and is handed in again with the history.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from pydantic import AliasChoices, Field, model_validator

from agent_workbench.configs.modules import Module
from agent_workbench.conversation.messages import Image, Message, StopReason, Text, Thinking, ToolCall, ToolResult
from agent_workbench.conversation.usage import Usage
from agent_workbench.engine import pricing
from agent_workbench.engine.ports import MountContext, ReplyDone, ReplyItem, Request
from agent_workbench.engine.providers import faults
from agent_workbench.engine.providers.client import Endpoint
from agent_workbench.engine.providers.draft import Draft
from agent_workbench.engine.providers.faults import Caller
from agent_workbench.engine.providers.portable import arguments, portable, ready, spoken
from agent_workbench.engine.providers.reading import read, with_thoughts
from agent_workbench.engine.providers.settings import HTTPConfig
from agent_workbench.engine.wire import Wire

ID = "provider-openai"
ADDRESS = "https://api.openai.com/v1"

#: Models that reason; the others refuse the fields about it.
_REASONS = re.compile(r"^(?:ft:)?(?:o\d|gpt-(?:[5-9]|\d\d)|codex)")


class Config(HTTPConfig):
    """Settings of `provider-openai`."""

    default_model: str = Field("gpt-6.1-sol", validation_alias=AliasChoices("default_model", "model"))
    """The OpenAI model to use."""
    api_key: str | None = None
    """The key, best written as ${OPENAI_API_KEY}, which is also read when this is empty."""
    reasoning: dict[str, Any] = Field(default_factory=dict)
    """More fields of `reasoning` by the API's own names, such as mode or context; a word alone is the effort."""
    reasoning_summary: Literal["auto", "concise", "detailed", "none"] = "auto"
    """How thoughts are summed up for you to read."""
    text_verbosity: Literal["", "low", "medium", "high"] = ""
    """How long answers are; empty leaves it to the model."""
    truncation: Literal["", "auto", "disabled"] = ""
    """Whether the API may drop the oldest messages when a conversation is too long; empty lets the workbench do it."""

    @model_validator(mode="before")
    @classmethod
    def _word(cls, given: Any) -> Any:
        """Read `reasoning: high`, as bundles have it, as the effort."""
        if isinstance(given, dict) and isinstance(given.get("reasoning"), str):
            rest = {key: value for key, value in given.items() if key != "reasoning"}
            return {"reasoning_effort": given["reasoning"], **rest}
        return given


class OpenAIProvider:
    """OpenAI's models. One instance serves all sessions of an agent, at once."""

    def __init__(self, config: Config, *, id: str = ID, wire: Wire | None = None) -> None:
        self.id = id
        self.default_model = config.default_model
        self.priority = config.priority
        self.backoff = config.backoff
        self._config = config
        address = (config.base_url or ADDRESS).rstrip("/")
        caller = Caller(id, address, "", "OPENAI_API_KEY")
        self._endpoint = Endpoint("openai", "AsyncOpenAI", "responses", config, caller, wire)

    def stream(self, request: Request) -> AsyncIterator[ReplyItem]:
        """Send a request and yield the reply; reasoning that the API does not take back is sent once without."""
        return with_thoughts(self._stream, request, ID)

    async def models(self) -> Sequence[str]:
        """Return the models on offer, those that can chat before the rest, newest names first."""
        found = await self._endpoint.models()
        return sorted(sorted(found, reverse=True), key=lambda name: not name.startswith(("gpt-", "o", "codex")))

    async def close(self) -> None:
        """Give back connections. Safe to call twice."""
        await self._endpoint.close()

    def _stream(self, request: Request, thoughts: bool) -> Any:
        model, caller = request.model.model or self.default_model, self._endpoint.caller
        body = fields(request, model, self._config, thoughts=thoughts)

        def send(create: Any) -> Any:
            return create(model=model, stream=True, extra_body=body)

        reading = _Reading(caller, lambda usage: pricing.priced(usage, ID, model, self._config.prices))
        return read(self._endpoint, send, reading, model, request)


def create(config: Config, context: MountContext) -> OpenAIProvider:
    """Make the provider of a bundle's entry."""
    return OpenAIProvider(config, id=context.instance_id or ID, wire=context.resources.get("wire"))


MODULE = Module(ID, "provider", "OpenAI's models, through the Responses API", Config, create)


# --- what is sent -------------------------------------------------------------------------------------------------


def fields(request: Request, model: str, config: Config, *, thoughts: bool = True) -> dict[str, Any]:
    """Return the fields of the API's request, all but the model's name."""
    body: dict[str, Any] = {"store": False, "input": translate(request.messages, thoughts=thoughts)}
    temperature = config.temperature if request.model.temperature is None else request.model.temperature
    optional = {
        "instructions": request.system,
        "max_output_tokens": request.model.max_tokens or config.max_tokens,
        "truncation": config.truncation,
        "text": {"verbosity": config.text_verbosity} if config.text_verbosity else None,
        # All requests of a conversation reach the machine that has its beginning cached.
        "prompt_cache_key": hashlib.sha256(request.session_id.encode()).hexdigest()[:32]
        if request.session_id
        else None,
    }
    body |= {key: value for key, value in optional.items() if value}
    if temperature is not None:
        body["temperature"] = temperature
    if request.tools:
        body["tools"] = [
            {
                "type": "function", "name": tool.name, "description": tool.description, "strict": False,
                "parameters": {"type": "object", "properties": {}, **tool.input_schema},
            }
            for tool in request.tools
        ]  # fmt: skip
    effort = request.model.effort or config.reasoning_effort
    if effort or config.reasoning or _REASONS.search(model):
        body["include"] = ["reasoning.encrypted_content"]
        summary = {} if config.reasoning_summary == "none" else {"summary": config.reasoning_summary}
        body["reasoning"] = {**summary, **config.reasoning, **({"effort": effort} if effort else {})}
    return ready({**body, **config.extra_body})


def translate(messages: Sequence[Message], *, thoughts: bool = True) -> list[dict[str, Any]]:
    """Return a history as the API's input items, in order; reasoning that comes twice is refused, and sent once."""
    made: list[dict[str, Any]] = []
    seen: set[str] = set()
    for message in portable(messages, ID, thoughts=thoughts):
        for item in _items(message):
            if item["type"] == "reasoning":
                if item["id"] in seen:
                    continue
                seen.add(item["id"])
            made.append(item)
    return made


def _items(message: Message) -> Iterator[dict[str, Any]]:
    if message.role == "user":
        yield {"type": "message", "role": "user", "content": [_content(part) for part in message.parts]}
        return
    for part in message.parts:
        match part:
            case Text(text, phase):
                content = [{"type": "output_text", "text": text}]
                # A model that names phases does worse where they are not given back.
                named = {"phase": phase} if phase else {}
                yield {"type": "message", "role": "assistant", "content": content, **named}
            case Thinking(_, signature):
                yield from _reasoning(signature)
            case ToolCall(call_id, name):
                written = json.dumps(arguments(part), ensure_ascii=False)
                yield {"type": "function_call", "call_id": call_id, "name": name, "arguments": written}
            case ToolResult(call_id, _, _, images):
                words, shown = spoken(part), [_content(image) for image in images]
                output = [{"type": "input_text", "text": words}, *shown] if shown else words
                yield {"type": "function_call_output", "call_id": call_id, "output": output}


def _reasoning(signature: str) -> Iterator[dict[str, Any]]:
    """Yield the reasoning item that was kept; none where something else was kept in its place."""
    try:
        kept = json.loads(signature)
    except ValueError:
        return
    if isinstance(kept, dict) and isinstance(kept.get("id"), str):
        yield {"type": "reasoning", **kept}


def _content(part: object) -> dict[str, Any]:
    match part:
        case Text(text):
            return {"type": "input_text", "text": text}
        case Image(media_type, data):
            return {"type": "input_image", "detail": "auto", "image_url": f"data:{media_type};base64,{data}"}
    raise TypeError(f"a person's message cannot hold {part!r}")


# --- what comes back ----------------------------------------------------------------------------------------------


class _Reading:
    def __init__(self, caller: Caller, price: Callable[[Usage], Usage]) -> None:
        self.whole = self.over = False
        self._caller = caller
        self._price = price
        self._draft = Draft(ID)
        self._refused = False
        self._response: Mapping[str, Any] = {}

    def take(self, name: str, data: Any) -> Iterator[ReplyItem]:
        draft, kind = self._draft, data.get("type", name)
        match kind:
            case "response.output_text.delta":
                yield from draft.text(data["output_index"], data["delta"])
            case "response.refusal.delta":
                self._refused = True
                yield from draft.text(data["output_index"], data["delta"])
            case "response.reasoning_summary_text.delta" | "response.reasoning_text.delta":
                yield from draft.thinking(data["output_index"], data["delta"])
            case "response.reasoning_summary_part.added" if data.get("summary_index"):
                yield from draft.thinking(data["output_index"], "\n\n")
            case "response.output_item.added" if data["item"]["type"] == "function_call":
                yield from draft.call(data["output_index"], data["item"]["call_id"], data["item"]["name"])
            case "response.function_call_arguments.delta":
                yield from draft.arguments(data["output_index"], data["delta"])
            case "response.output_item.done":
                yield from self._item(data["output_index"], data["item"])
            case "response.failed":
                self._response = data["response"]
                raise faults.reported(self._caller, data["response"].get("error"))
            case "response.completed" | "response.incomplete":
                self._response = data["response"]
                self.whole = self.over = True

    def done(self, request_id: str) -> ReplyDone:
        message = self._draft.message(self._response.get("model", ""), self._stop())
        return ReplyDone(message, self._price(_usage(self._response.get("usage"))), request_id)

    def spent(self) -> Usage:
        return self._price(_usage(self._response.get("usage")))

    def _item(self, index: int, item: Mapping[str, Any]) -> Iterator[ReplyItem]:
        """Take from a finished item what did not come in pieces: compatible servers differ in what they stream."""
        missing = not self._draft.written(index)
        match item["type"]:
            case "message":
                for part in item["content"] if missing else ():
                    self._refused = self._refused or part["type"] == "refusal"
                    yield from self._draft.text(index, part.get("text") or part.get("refusal") or "")
                self._draft.phase(index, item.get("phase") or "")
            case "function_call":
                yield from self._draft.call(index, item["call_id"], item["name"])
                if missing:
                    yield from self._draft.arguments(index, item["arguments"])
            case "reasoning":
                if missing:
                    words = "\n\n".join(part["text"] for part in item.get("summary") or [])
                    yield from self._draft.thinking(index, words)
                if item.get("encrypted_content"):
                    kept = {key: item[key] for key in ("id", "summary", "encrypted_content")}
                    self._draft.sign(index, json.dumps(kept, separators=(",", ":")))

    def _stop(self) -> StopReason:
        reason = (self._response.get("incomplete_details") or {}).get("reason")
        if self._refused or reason == "content_filter":
            return "refusal"
        return "max_tokens" if reason == "max_output_tokens" else "end"


def _usage(counted: Mapping[str, Any] | None) -> Usage:
    if not counted:
        return Usage()
    entered, left = counted.get("input_tokens_details") or {}, counted.get("output_tokens_details") or {}
    return Usage(
        input_tokens=counted.get("input_tokens"),
        output_tokens=counted.get("output_tokens"),
        cache_read_tokens=entered.get("cached_tokens"),
        cache_write_tokens=entered.get("cache_write_tokens"),
        reasoning_tokens=left.get("reasoning_tokens"),
    )
