"""Messages as frozen values that compare by content.

A conversation is a sequence of `Message`. A `user` message holds text and images; an
`assistant` message holds thinking, text and tool calls in the order they were made; a `tool`
message holds the results of all calls of the assistant message before it, in call order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Role = Literal["user", "assistant", "tool"]
StopReason = Literal["end", "tool_calls", "max_tokens", "refusal", "pause", "interrupted", "error"]


@dataclass(frozen=True, slots=True)
class Text:
    """Plain words. `phase` is OpenAI's name for their part in a reply ("commentary"), which is given back to it."""

    text: str
    phase: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture, base64 without line breaks."""

    media_type: str
    data: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Thinking:
    """What a model thought, with what its provider wants back unchanged.

    `origin` is the module id of the provider that made it: another provider drops the part.
    `signature` is opaque (an Anthropic signature or redacted block, an OpenAI reasoning item).
    """

    text: str
    signature: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call the model asked for.

    `raw` is set, and `arguments` empty, where the arguments were not a JSON object:
    such a call is answered with an error and never run.
    """

    call_id: str
    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)
    raw: str | None = None


@dataclass(frozen=True, slots=True)
class ToolResult:
    """The answer to one call. `details` is for people (a diff, a count) and is never sent."""

    call_id: str
    content: str
    is_error: bool = False
    images: tuple[Image, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)


Part = Text | Image | Thinking | ToolCall | ToolResult


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `model` and `stop_reason` are set on what an assistant said."""

    role: Role
    parts: tuple[Part, ...]
    model: str = ""
    stop_reason: StopReason | None = None

    @property
    def text(self) -> str:
        """The words alone, parts joined without a separator."""
        return "".join(part.text for part in self.parts if isinstance(part, Text))

    @property
    def tool_calls(self) -> tuple[ToolCall, ...]:
        """The calls asked for, in order."""
        return tuple(part for part in self.parts if isinstance(part, ToolCall))

    @property
    def tool_results(self) -> tuple[ToolResult, ...]:
        """The results held, in call order."""
        return tuple(part for part in self.parts if isinstance(part, ToolResult))


def user(text: str, *images: Image) -> Message:
    """Make what a person says."""
    return Message("user", (Text(text), *images))
