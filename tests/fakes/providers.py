"""The providers that speak HTTP, made to talk to a `WireServer`; and the check that any of them can send a history."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from agent_workbench.conversation.messages import Message, user
from agent_workbench.engine.ports import Provider, Request, ToolSpec
from agent_workbench.engine.providers import anthropic, chat_completions, openai
from fakes import anthropic_format, chat_format, responses_format

TOOLS = (
    ToolSpec("read_file", "Read a file.", {"type": "object", "properties": {"path": {"type": "string"}}}),
    ToolSpec("bash", "Run a command.", {"type": "object", "properties": {"command": {"type": "string"}}}),
)


@dataclass(frozen=True)
class Kind:
    """One provider: how to make it for a server's address, and what its requests must obey."""

    module: str
    make: Callable[..., Any]
    wire: ModuleType
    variable: str = ""

    def __str__(self) -> str:
        return self.module.removeprefix("provider-")


def _anthropic(url: str, **config: Any) -> Provider:
    settings = {"base_url": url, "api_key": "key-fake", **config}
    return anthropic.AnthropicProvider(anthropic.Config.model_validate(settings))


def _openai(url: str, **config: Any) -> Provider:
    settings = {"base_url": f"{url}/v1", "api_key": "key-fake", **config}
    return openai.OpenAIProvider(openai.Config.model_validate(settings))


def _chat(url: str, **config: Any) -> Provider:
    settings = {"base_url": f"{url}/v1", "default_model": "fake-1", "api_key": "key-fake", **config}
    return chat_completions.ChatCompletionsProvider(chat_completions.Config.model_validate(settings))


KINDS = (
    Kind("provider-anthropic", _anthropic, anthropic_format, "ANTHROPIC_API_KEY"),
    Kind("provider-openai", _openai, responses_format, "OPENAI_API_KEY"),
    Kind("provider-chat-completions", _chat, chat_format),
)


def check_sendable(history: Sequence[Message], tools: Sequence[ToolSpec] = TOOLS) -> None:
    """Check that every provider's request with this history, and one more question, is one that its API accepts.

    Raises:
        Refused: By the wire format that would answer 400.
    """
    question = user("and now?")
    whole = (*history, question) if not history or history[-1].role == "assistant" else tuple(history)
    request = Request("Be brief.", whole, tuple(tools))
    for wire, body in _bodies(request):
        decoded = json.loads(json.dumps(body, ensure_ascii=False).encode())
        wire.check(decoded, {"anthropic-version": "1", "authorization": "Bearer x"})


def _bodies(request: Request) -> list[tuple[ModuleType, Mapping[str, Any]]]:
    settings = chat_completions.Config.model_validate({"base_url": "http://localhost/v1"})
    return [
        (anthropic_format, {"model": "m", **anthropic.fields(request, "claude-opus-5-5", anthropic.Config())}),
        (anthropic_format, {"model": "m", **anthropic.fields(request, "claude-haiku-4-5", _thinks())}),
        (responses_format, {"model": "m", **openai.fields(request, "gpt-6.1-sol", openai.Config())}),
        (chat_format, {"model": "m", **chat_completions.fields(request, settings)}),
    ]


def _thinks() -> anthropic.Config:
    return anthropic.Config.model_validate({"extended_thinking": True})
