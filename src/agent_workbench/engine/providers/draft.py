"""A reply while it is being written: pieces in, items for the screen out, at the end the message to remember."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from agent_workbench.conversation.codec import is_deeper
from agent_workbench.conversation.messages import Message, Part, StopReason, Text, Thinking, ToolCall
from agent_workbench.engine.ports import ReplyItem, ReplyText, ReplyThinking, ReplyToolCall
from agent_workbench.engine.providers.portable import encodable


@dataclass
class _Block:
    kind: str
    pieces: list[str] = field(default_factory=list)
    call_id: str = ""
    name: str = ""
    signature: str = ""
    phase: str = ""


class Draft:
    """Collects a reply's blocks by the keys that its wire format gives them, in the order of their first piece."""

    def __init__(self, origin: str) -> None:
        self._origin = origin
        self._blocks: dict[object, _Block] = {}

    def text(self, key: object, piece: str) -> Iterator[ReplyItem]:
        """Add words."""
        if piece := encodable(piece):
            self._block(key, "text").pieces.append(piece)
            yield ReplyText(piece)

    def phase(self, key: object, phase: str) -> None:
        """Say which part in the reply the words of a block have, as the provider wants it back."""
        if phase and key in self._blocks:
            self._blocks[key].phase = encodable(phase)

    def thinking(self, key: object, piece: str) -> Iterator[ReplyItem]:
        """Add a thought."""
        if piece := encodable(piece):
            self._block(key, "thinking").pieces.append(piece)
            yield ReplyThinking(piece)

    def sign(self, key: object, signature: str) -> None:
        """Add what the provider wants back with a thought, unchanged; pieces are joined."""
        self._block(key, "thinking").signature += signature

    def call(self, key: object, call_id: str, name: str) -> Iterator[ReplyItem]:
        """Begin a tool call. Servers that give no id get one, because results are matched by it."""
        if key in self._blocks:
            return
        block = self._block(key, "call")
        block.call_id, block.name = encodable(call_id) or f"call_{uuid.uuid4().hex[:12]}", encodable(name)
        yield ReplyToolCall(block.call_id, block.name, "")

    def arguments(self, key: object, piece: str) -> Iterator[ReplyItem]:
        """Add to a call's arguments; a call that was not begun has no name, and is answered as unknown."""
        if key not in self._blocks:
            yield from self.call(key, "", "")
        block = self._blocks[key]
        if piece := encodable(piece):
            block.pieces.append(piece)
            yield ReplyToolCall(block.call_id, block.name, piece)

    def written(self, key: object) -> str:
        """Return what a block holds so far; empty where there is none."""
        block = self._blocks.get(key)
        return "".join(block.pieces) if block else ""

    def message(self, model: str, stop: StopReason) -> Message:
        """Return the whole reply. Of a reply cut by its token limit, a last call that is not whole keeps its text."""
        blocks = list(self._blocks.values())
        cut = blocks[-1] if stop == "max_tokens" and blocks else None
        parts = tuple(part for block in blocks for part in self._part(block, block is cut))
        if stop == "end" and any(isinstance(part, ToolCall) for part in parts):
            stop = "tool_calls"
        return Message("assistant", parts, model, stop)

    def _block(self, key: object, kind: str) -> _Block:
        return self._blocks.setdefault(key, _Block(kind))

    def _part(self, block: _Block, cut: bool) -> Iterator[Part]:
        text = "".join(block.pieces)
        if block.kind == "call":
            yield _call(block, text, cut)
        elif block.kind == "thinking" and (text or block.signature):
            yield Thinking(text, block.signature, self._origin)
        elif block.kind == "text" and text:
            yield Text(text, block.phase)


def _call(block: _Block, text: str, cut: bool) -> ToolCall:
    """Decode a call's arguments; whatever is no JSON object is kept as it was written, and never run."""
    if not text.strip() and not cut:
        return ToolCall(block.call_id, block.name)
    try:
        value: Any = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return ToolCall(block.call_id, block.name, raw=text)
    if not isinstance(value, dict) or is_deeper(value):  # deeper than is stored: what ran would not be what was said
        return ToolCall(block.call_id, block.name, raw=text)
    return ToolCall(block.call_id, block.name, encodable(value))


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
