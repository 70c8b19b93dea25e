"""Make a history that any provider can be sent, whoever wrote it, without touching what it says.

Sessions switch providers in the middle. What only its maker understands (thoughts and their signatures) is left out
for others; ids that another API would refuse are renamed together with their results; pictures of a kind that no
API takes are named in words. Pairs of calls and results are whole already: the loop sends nothing else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from agent_workbench.conversation.messages import Image, Message, Part, Text, Thinking, ToolCall, ToolResult

#: What all APIs accept as the id of a call: Chat Completions takes 40 characters, Anthropic no others than these.
_ID = re.compile(r"[A-Za-z0-9_-]{1,40}")
_NOT_NAME = re.compile(r"[^A-Za-z0-9_-]")
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_SURROGATES = re.compile("[\ud800-\udfff]")


def portable(
    messages: Sequence[Message], origin: str, *, thoughts: bool = True, unsigned: bool = False
) -> list[Message]:
    """Return the history as the provider module `origin` can translate it one to one.

    Kept: text that is not blank, pictures, calls with ids that are valid and unique, their results, and thoughts with a
    signature of `origin` that something follows (none at all without `thoughts`, those without a signature too where
    `unsigned`). Messages left empty are dropped. Doing it twice changes nothing more.
    """
    ids = _Ids()
    made: list[Message] = []
    for message in messages:
        parts = [new for part in message.parts for new in _part(part, origin if thoughts else None, unsigned)]
        if message.role == "assistant":
            ids.next_reply()
            parts = [
                replace(part, call_id=ids.name(part.call_id)) if isinstance(part, ToolCall) else part for part in parts
            ]
            while parts and isinstance(parts[-1], Thinking):  # both APIs refuse a thought that nothing follows
                parts.pop()
        elif message.role == "tool":
            parts = [replace(part, call_id=ids.answer(part.call_id)) for part in parts if isinstance(part, ToolResult)]
        if parts:
            made.append(replace(message, parts=tuple(parts)))
    return made


def encodable(value: Any) -> Any:
    """Return JSON data with lone surrogates replaced: they decode from JSON, and then nothing can send them."""
    if isinstance(value, str):
        return value if value.isascii() else _SURROGATES.sub("\ufffd", value)
    if isinstance(value, dict):
        return {encodable(key): encodable(item) for key, item in value.items()}
    return [encodable(item) for item in value] if isinstance(value, list | tuple) else value


def ready(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a request so that they can be encoded, whatever a tool or a person put into them."""
    return {key: encodable(value) for key, value in fields.items()}


def arguments(call: ToolCall) -> dict[str, Any]:
    """Return a call's arguments as an object, also where the model wrote something else."""
    return {"INVALID_JSON": call.raw} if call.raw is not None else dict(call.arguments)


def spoken(result: ToolResult) -> str:
    """Return a result's words for the formats that cannot mark a failure in any other way."""
    return (
        f"Error: {result.content}" if result.is_error and "error" not in result.content[:60].lower() else result.content
    )


def _part(part: Part, origin: str | None, unsigned: bool) -> Iterable[Part]:
    match part:
        case Text(text):
            return [part] if text.strip() else []
        case Thinking(signature=signature):
            return [part] if (signature or unsigned) and part.origin == origin else []
        case Image():
            return [part] if part.media_type in _PICTURES else [_described(part)]
        case ToolCall(name=name):
            # A model may have called what no API lets us repeat; it was answered as unknown, and keeps that answer.
            valid = _NOT_NAME.sub("_", name)[:64] or "unknown"
            return [part if valid == name else replace(part, name=valid)]
        case ToolResult(content=content, images=images):
            kept = tuple(image for image in images if image.media_type in _PICTURES)
            words = [_described(image).text for image in images if image.media_type not in _PICTURES]
            text = "\n".join([content, *words]) if content.strip() else "\n".join(words)
            return [replace(part, content=text if text.strip() or kept else "(no output)", images=kept)]


def _described(image: Image) -> Text:
    return Text(f"[a picture that cannot be sent: {image.name or 'unnamed'}, {image.media_type or 'unknown type'}]")


class _Ids:
    """Valid, unique names for call ids; results take the names of the reply before them, in order."""

    def __init__(self) -> None:
        self._taken: set[str] = set()
        self._open: dict[str, list[str]] = {}

    def next_reply(self) -> None:
        self._open = {}

    def name(self, call_id: str) -> str:
        valid = (
            call_id
            if _ID.fullmatch(call_id)
            else "call_" + hashlib.sha256(call_id.encode("utf-8", "replace")).hexdigest()[:24]
        )
        name, number = valid, 2
        while name in self._taken:
            name, number = f"{valid[:34]}_{number}", number + 1
        self._taken.add(name)
        self._open.setdefault(call_id, []).append(name)
        return name

    def answer(self, call_id: str) -> str:
        waiting = self._open.get(call_id)
        return waiting.pop(0) if waiting else call_id
