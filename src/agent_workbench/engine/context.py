"""Context managers: which part of a long conversation a request carries.

Compaction is a view made anew for each request. The stored transcript stays whole, a call and its result stay
together, and what was left out is said.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import Field

from agent_workbench.configs.modules import Module, ModuleConfig
from agent_workbench.conversation.messages import Image, Message, Text, Thinking, ToolCall, ToolResult, user
from agent_workbench.engine.permissions import UnresolvablePath, locate
from agent_workbench.engine.permissions.protected import protection
from agent_workbench.engine.ports import MountContext
from agent_workbench.engine.session_config import Compaction, View

IMAGE_TOKENS = 1600
"""What a picture costs, about: both APIs bill one of 1,000 × 1,000 pixels near this."""

SHORT_RESULT = 400
"""Characters that are kept of an old tool result."""

_NOTE = "left out to save room; call the tool again if you need them …]"

MAX_MEMORY = 50_000
"""Characters of one memory file that are sent."""


class ContextConfig(ModuleConfig):
    """The config of `context-simple`."""

    max_tokens: int = Field(default=200_000, ge=1)
    """The window: how many tokens a request may carry, about."""
    compact_threshold: float = Field(default=0.92, gt=0, le=1)
    """The part of the window at which less is sent."""
    target_usage: float = Field(default=0.5, gt=0, le=1)
    """The part of the window that is aimed at then."""
    auto_compact: bool = True
    """Send less when the threshold is reached; otherwise only when a provider refuses the size."""
    protected_recent: float = Field(default=0.1, ge=0, le=1)
    """The part of the newest messages that is always sent whole."""
    protected_tool_results: int = Field(default=5, ge=0)
    """How many of the newest tool results are always sent whole."""
    max_tool_result_bytes: int = Field(default=131_072, ge=1024)
    """No effect here: results are capped when a tool answers."""


class PersistentConfig(ContextConfig):
    """The config of `context-persistent`."""

    memory_files: list[str] = Field(default_factory=list)
    """Files whose text stands in the system prompt, such as AGENTS.md; missing ones are left out."""


@dataclass(frozen=True)
class Window:
    """A window over a conversation. A value: one serves all sessions of an agent."""

    config: ContextConfig
    memory_files: tuple[str, ...] = ()
    compactions: tuple[Compaction, ...] = ()
    """What a person asked for, oldest first."""

    def asked(self, compactions: Sequence[Compaction]) -> Window:
        """Return a window that also sends half from where a person asked for it."""
        return replace(self, compactions=(*self.compactions, *compactions))

    def view(self, history: Sequence[Message], *, system: str = "", squeeze: bool = False) -> View:
        """Return what to send: all of it below the threshold, else shortened results, else fewer turns too.

        The first and the newest of a person's messages and the newest steps are always sent. `squeeze` aims at half
        of what would be sent, and so does what a person asked for, at the first request behind its place. What was left
        out of one request stays out of the next ones, until the threshold is reached again: otherwise every request
        would begin differently, and no prompt cache would ever hit.
        """
        fixed, window = len(system) // 4, self.config.max_tokens
        limit = window * self.config.compact_threshold - fixed
        target = window * self.config.target_usage - fixed
        compacted = _Compacted(list(history), [_size(message) for message in history])
        requests = [index for index, message in enumerate(history) if message.role == "assistant"]
        begun = 0
        for end in (*requests, len(history)):
            due = sum(one.after <= end for one in self.compactions)
            if due > begun:
                self._compact(compacted, history[:end], compacted.up_to(end) / 2 ** (due - begun))
                begun = due
            elif self.config.auto_compact and compacted.up_to(end) > limit:
                self._compact(compacted, history[:end], target)
                limit = max(limit, compacted.used * 1.1)  # what cannot be made less is not tried at each step
        if squeeze:
            self._compact(compacted, history, compacted.up_to(len(history)) / 2)
        return compacted.view(history)

    def _compact(self, compacted: _Compacted, history: Sequence[Message], target: float) -> None:
        """Make less of a conversation, as far as it had come: shorten results, then leave exchanges out."""
        kept = self._protected(history) | self._held(history)
        whole = self._whole_results(history)
        for index, message in enumerate(history):
            if index not in kept and index not in compacted.gone and message.role == "tool":
                compacted.shorten(index, whole)
        for group in _exchanges(history):
            if compacted.used <= target:
                return
            if kept.isdisjoint(group):
                compacted.leave_out(group)

    def memory(self, workspace: Path) -> str:
        """Return the memory files as blocks for the system prompt; read anew, so an edit counts at once."""
        blocks = (_memory(name, workspace) for name in self.memory_files)
        return "\n\n".join(block for block in blocks if block)

    def _protected(self, history: Sequence[Message]) -> frozenset[int]:
        """Return the indexes of what is always sent whole: a person's first and newest words, the newest steps."""
        spoken = [index for index, message in enumerate(history) if message.role == "user"]
        recent = max(2, int(len(history) * self.config.protected_recent))
        start = max(0, len(history) - recent)
        while 0 < start < len(history) and history[start].role == "tool":  # a result stays with its call
            start -= 1
        return frozenset((*spoken[:1], *spoken[-1:], *range(start, len(history))))

    def _held(self, history: Sequence[Message]) -> frozenset[int]:
        """Return the indexes of what a person asked to keep, by then."""
        asked = (one.keep for one in self.compactions if one.keep and one.after <= len(history))
        return frozenset().union(*(holding(history, words) for words in asked))

    def _whole_results(self, history: Sequence[Message]) -> frozenset[str]:
        """Return the ids of the newest results, which are never shortened."""
        results = [part.call_id for message in history for part in message.tool_results]
        newest = self.config.protected_tool_results
        return frozenset(results[-newest:] if newest else ())


@dataclass
class _Compacted:
    """A conversation while less and less is made of it.

    `sizes` are tokens, 0 for what is left out; `used` is the sum of the first `end`, kept so that looking at a long
    conversation costs no more than its length.
    """

    messages: list[Message]
    sizes: list[int]
    gone: set[int] = field(default_factory=set)
    short: set[int] = field(default_factory=set)
    cut: int = 0
    end: int = 0
    used: int = 0

    def up_to(self, end: int) -> int:
        """Go on to an index, and return the tokens up to there."""
        self.used += sum(self.sizes[self.end : end])
        self.end = end
        return self.used

    def _resize(self, index: int, size: int) -> None:
        self.used += size - self.sizes[index]
        self.sizes[index] = size

    def shorten(self, index: int, whole: frozenset[str]) -> None:
        """Shorten the long results of one message."""
        old = self.messages[index].parts
        parts = tuple(_brief(part, whole) if isinstance(part, ToolResult) else part for part in old)
        changed = sum(before is not after for before, after in zip(old, parts, strict=True))
        if changed:
            self.cut += changed
            self.short.add(index)
            self.messages[index] = replace(self.messages[index], parts=parts)
            self._resize(index, _size(self.messages[index]))

    def leave_out(self, group: Sequence[int]) -> None:
        """Leave messages out."""
        self.gone.update(group)
        for index in group:
            self._resize(index, 0)

    def view(self, history: Sequence[Message]) -> View:
        """Return what is left, with a line about what is not."""
        if not self.cut and not self.gone:
            return View(tuple(history))
        sent = _without(self.messages, self.gone)
        words = _dropped(self.cut, len(self.gone), tokens(history), tokens(sent))
        gone, short = (tuple(index + 1 for index in sorted(found)) for found in (self.gone, self.short - self.gone))
        return View(sent, words, gone, short)


def holding(messages: Sequence[Message], words: str) -> frozenset[int]:
    """Return the indexes of the messages that hold all these words, in what is said or in what tools answered."""
    wanted = words.casefold().split()
    texts = (_words(message).casefold() for message in messages)
    return frozenset(index for index, text in enumerate(texts) if all(word in text for word in wanted))


def tokens(messages: Sequence[Message]) -> int:
    """Estimate what messages cost: a quarter of the characters, a fixed sum for each picture."""
    return sum(_size(message) for message in messages)


def _size(message: Message) -> int:
    total = 4
    for part in message.parts:
        match part:
            case Text(text) | Thinking(text):
                total += len(text) // 4
            case Image():
                total += IMAGE_TOKENS
            case ToolCall():
                total += (len(str(part.arguments)) + len(part.name)) // 4
            case ToolResult():
                total += len(part.content) // 4 + IMAGE_TOKENS * len(part.images)
    return total


def _words(message: Message) -> str:
    return "\n".join([message.text, *(result.content for result in message.tool_results)])


def _brief(result: ToolResult, whole: frozenset[str]) -> ToolResult:
    if (
        result.call_id in whole
        or result.content.endswith(_NOTE)
        or (len(result.content) <= 2 * SHORT_RESULT and not result.images)
    ):
        return result
    left = len(result.content) - SHORT_RESULT
    note = f"\n[… {max(left, 0):,} characters {_NOTE}"
    return replace(result, content=result.content[:SHORT_RESULT] + note, images=())


def _exchanges(messages: Sequence[Message]) -> Iterator[range]:
    """Yield what goes or stays together, oldest first: a reply with its results, or one message."""
    index = 0
    while index < len(messages):
        end = index + 1
        while end < len(messages) and messages[index].role == "assistant" and messages[end].role == "tool":
            end += 1
        yield range(index, end)
        index = end


def _without(messages: Sequence[Message], gone: set[int]) -> tuple[Message, ...]:
    """Leave messages out, and tell the model so where the first of them was."""
    if not gone:
        return tuple(messages)
    words = f"<system-reminder>\n{len(gone)} older messages of this conversation are left out here.\n</system-reminder>"
    first, note = min(gone), user(words)
    before = messages[:first]
    return (*before, note, *(message for index, message in enumerate(messages) if index > first and index not in gone))


def _dropped(cut: int, gone: int, before: int, after: int) -> str:
    parts = [f"{cut} old tool results shortened"] if cut else []
    parts += [f"{gone} old messages left out"] if gone else []
    return f"the conversation was compacted: {', '.join(parts)} (about {before:,} → {after:,} tokens)"


def _memory(name: str, workspace: Path) -> str:
    try:
        where = locate(name, workspace)
        if protection(where, writing=False, workspace=workspace) or not where.resolved.is_file():
            return ""
        with open(where.resolved, encoding="utf-8", errors="replace") as file:
            text = file.read(MAX_MEMORY)
    except (OSError, UnresolvablePath):
        return ""
    return f'<context name="{name}">\n{text.strip()}\n</context>' if text.strip() else ""


def create(config: ContextConfig, context: MountContext) -> Window:
    """Make the window of `context-simple`."""
    return Window(config)


def create_persistent(config: PersistentConfig, context: MountContext) -> Window:
    """Make the window of `context-persistent`, with its memory files."""
    return Window(config, tuple(config.memory_files))


SIMPLE = Module(
    "context-simple",
    "context",
    "Keeps a window; old tool results shrink and old turns go first.",
    ContextConfig,
    create,
)
PERSISTENT = Module(
    "context-persistent", "context", "The same, with memory files in the system prompt.",
    PersistentConfig, create_persistent,
)  # fmt: skip
