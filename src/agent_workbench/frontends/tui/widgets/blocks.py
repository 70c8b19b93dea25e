"""What a transcript is made of: frozen blocks, and how each is laid out as lines.

A message is one block or several: its words, its thoughts and each of its tool calls (with the result that came in
the next message). `message` is the index of the message in the conversation that a block belongs to.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Literal

from agent_workbench.conversation.clean import clean, clean_line
from agent_workbench.conversation.events import Notice
from agent_workbench.conversation.messages import Image, Message, Text, Thinking, ToolCall, ToolResult
from agent_workbench.frontends.tui.widgets.lines import Line, wrap
from agent_workbench.frontends.tui.widgets.markdown import code_lines, markdown
from agent_workbench.frontends.tui.widgets.tail import Tail
from agent_workbench.frontends.tui.widgets.tool_card import (
    ToolBlock,
    size,
    tool_lines,
    tool_mode,
    tool_source,
    tool_words,
)

Mode = Literal["folded", "short", "full"]


@dataclass(frozen=True, slots=True)
class UserBlock:
    """What a person said."""

    text: str
    images: tuple[Image, ...] = ()
    message: int = -1
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplyBlock:
    """What a model said. `who` heads the block when it is the first of a reply."""

    text: str
    who: str = ""
    message: int = -1


@dataclass(frozen=True, slots=True)
class ThinkingBlock:
    """What a model thought."""

    text: str
    who: str = ""
    message: int = -1


@dataclass(frozen=True, slots=True)
class NoticeBlock:
    """One thing for the person to know."""

    text: str
    severity: Literal["information", "warning", "error"] = "information"
    message: int = -1


@dataclass(frozen=True, slots=True)
class TailBlock:
    """A reply, or thoughts, still being written. Holds a growing `Tail`."""

    tail: Tail
    who: str = ""
    thinking: bool = False
    message: int = -1


Block = UserBlock | ReplyBlock | ThinkingBlock | ToolBlock | NoticeBlock | TailBlock

_FILE = re.compile(r'\s*<file path="([^"\n]*)">\n')
"""How a file begins that was sent along with what a person wrote."""

_FENCED = re.compile(r"^(`{3,})([\w+-]*)\n(.*?)(?:^\1$|\Z)", re.MULTILINE | re.DOTALL)

LONG = 4_000
LONG_LINES = 40
"""What a person said over either is folded: laying out a paste of 1 MB takes 0.3 s."""

#: Ends of a reply that only the reply itself tells; of the others the engine gives a notice, which says the way out.
_STOPS = {
    "interrupted": "the reply was interrupted; what came is kept",
    "error": "the reply ended with an error",
}
_SIGNS = {"information": ("· ", "ornament"), "warning": ("! ", "sign"), "error": ("✗ ", "sign")}
_SEVERITY_ROLES = {"information": "muted", "warning": "warn", "error": "bad"}


def blocks_of(messages: Sequence[Message], start: int = 0) -> list[Block]:
    """Turn messages into blocks, in order. `start` is the index of the first message."""
    blocks: list[Block] = []
    said_by = ""
    for index, message in enumerate(messages, start):
        if message.role == "assistant":
            who = message.model or "assistant"
            blocks += reply_blocks(
                message, index, _results(messages, index - start), heading=who if who != said_by else ""
            )
            said_by = who
        elif message.role == "user":
            blocks.append(user_block(message, index))
            said_by = ""
    return blocks


def _results(messages: Sequence[Message], index: int) -> list[ToolResult]:
    """Return what came of the calls of a reply: a later one may use their ids again."""
    if not messages[index].tool_calls:
        return []
    following = (messages[later] for later in range(index + 1, len(messages)))
    behind = takewhile(lambda message: message.role != "assistant", following)
    return [result for message in behind for result in message.tool_results]


def with_notices(blocks: Sequence[Block], notices: Sequence[tuple[int, Notice]]) -> list[Block]:
    """Put notices between blocks: each before the first block of the message of its index, or behind all."""
    merged: list[Block] = []
    waiting = list(notices)
    for block in blocks:
        while waiting and waiting[0][0] <= block.message:
            index, notice = waiting.pop(0)
            merged.append(NoticeBlock(notice.text, notice.severity, index - 1))
        merged.append(block)
    return merged + [NoticeBlock(notice.text, notice.severity, index - 1) for index, notice in waiting]


def user_block(message: Message, index: int) -> UserBlock:
    """Make the block of what a person said, with the names of the files that came along."""
    files = tuple(match[1] for part in message.parts if isinstance(part, Text) and (match := _FILE.match(part.text)))
    images = tuple(part for part in message.parts if isinstance(part, Image))
    return UserBlock(spoken(message), images, index, files)


def spoken(message: Message) -> str:
    """Return what a person wrote, without the files and the context that were sent along."""
    parts = [part.text for part in message.parts if isinstance(part, Text)]
    return "".join(text for text in parts if not _FILE.match(text) and not text.startswith("<context>\n"))


def reply_blocks(
    message: Message, index: int, results: Sequence[ToolResult] = (), heading: str = ""
) -> Iterable[Block]:
    """Yield the blocks of a reply; `heading` stands over the first. Of calls with one id, each takes its own result."""
    waiting = list(results)
    for part in message.parts:
        match part:
            case Text(text) if text.strip():
                yield ReplyBlock(text, heading, index)
            case Thinking(text) if text.strip():
                yield ThinkingBlock(text, heading, index)
            case ToolCall():
                result = next((one for one in waiting if one.call_id == part.call_id), None)
                waiting = [one for one in waiting if one is not result]
                yield ToolBlock(part, "called" if result is None else "done", heading, result=result, message=index)
            case _:
                continue
        heading = ""
    if message.stop_reason in _STOPS:
        yield NoticeBlock(_STOPS[message.stop_reason], "warning", index)


def layout(block: Block, width: int, mode: Mode) -> list[Line]:
    """Lay a block out at a width. This is where every character of a block is cleaned."""
    match block:
        case UserBlock(text, images, _, files):
            lines: list[Line] = [[("you", "who")], *_said(text.rstrip(), width, mode)]
            lines += [[(f"[file: {clean_line(name)}]", "muted")] for name in files]
            return lines + [[(f"[image: {clean_line(image.name or image.media_type)}]", "muted")] for image in images]
        case ReplyBlock(text, who):
            return [*_heading(who), *markdown(clean(text), width)]
        case ThinkingBlock(text, who):
            return [*_heading(who), *_thoughts(text, width, mode)]
        case NoticeBlock(text, severity):
            role = _SEVERITY_ROLES[severity]
            sign, kind = _SIGNS[severity]
            return wrap([(clean(text), role)], width, [(sign, f"{role} {kind}")], [("  ", "")])
        case TailBlock(tail, who, thinking):
            return [*_heading(who), *(_open_thoughts(tail, width, mode) if thinking else tail.lines(width))]
        case ToolBlock():
            return [*_heading(block.who), *tool_lines(block, width, mode)]


def estimate(block: Block, width: int, mode: Mode) -> int:
    """Guess how many lines `layout` would give, without cleaning or parsing (1 µs for each kB)."""
    match block:
        case UserBlock(text) if mode == "folded":
            return 1 + LONG_LINES
        case UserBlock(text) | ReplyBlock(text):
            return 1 + text.count("\n") + len(text) // width + 1
        case ThinkingBlock(text):
            return 2 if mode == "folded" else 2 + text.count("\n") + len(text) // width
        case ToolBlock():
            return 1 if mode == "folded" else 8
        case _:
            return 1


def default_mode(block: Block) -> Mode:
    """Return how a block is shown until the person folds or unfolds it."""
    match block:
        case ThinkingBlock() | TailBlock(thinking=True):
            return "folded"
        case UserBlock(text):
            return "folded" if _is_long(text) else "full"
        case ToolBlock():
            return tool_mode(block)
        case _:
            return "full"


def foldable(block: Block) -> bool:
    """Say whether a block has something to unfold."""
    match block:
        case ToolBlock() | ThinkingBlock() | TailBlock(thinking=True):
            return True
        case UserBlock(text):
            return _is_long(text)
        case _:
            return False


def words_of(block: Block) -> str:
    """Return what a block says, as it came and in one case, to be searched in."""
    match block:
        case TailBlock(tail):
            return tail.text.casefold()
        case ToolBlock():
            return tool_words(block).casefold()
        case _:
            return block.text.casefold()


def source(block: Block) -> str:
    """Return what a block was made from, cleaned: markdown as written, not as laid out."""
    match block:
        case TailBlock(tail):
            return clean(tail.text)
        case ToolBlock():
            return clean(tool_source(block))
        case _:
            return clean(block.text)


def spaced(before: Block | None, block: Block) -> bool:
    """Say whether an empty line stands between two blocks: cards of one reply and notices stand together."""
    tight = isinstance(before, ToolBlock) and isinstance(block, ToolBlock) and not block.who
    return before is not None and not tight


def _is_long(text: str) -> bool:
    return len(text) > LONG or text.count("\n") > LONG_LINES


def _said(text: str, width: int, mode: Mode) -> list[Line]:
    """Lay a person's words out as they were written, fences as code; of a long paste, folded, only the beginning."""
    if mode == "full":
        return _written(text, width)
    start = "\n".join(text[:LONG].split("\n")[:LONG_LINES])
    return [
        *_written(start, width),
        [("▸ ", "muted sign"), (f"{size(len(text) - len(start))} more", "muted")],
    ]


def _written(text: str, width: int) -> list[Line]:
    lines: list[Line] = []
    place = 0
    for fence in _FENCED.finditer(text):
        before = text[place : fence.start()]
        lines += wrap([(clean(before.removesuffix("\n")), "")], width) if before else []
        lines += code_lines(clean(fence[3]), fence[2], width)
        place = fence.end()
    after = text[place:].removeprefix("\n") if place else text
    return lines + (wrap([(clean(after), "")], width) if after else [])


def _heading(who: str) -> list[Line]:
    return [[(clean(who), "who")]] if who else []


def _thoughts(text: str, width: int, mode: Mode) -> list[Line]:
    text = clean(text.strip())
    head = [("▸ " if mode == "folded" else "▾ ", "muted sign"), (f"thought · {_words(text)}", "muted")]
    return [head] if mode == "folded" else [head, *wrap([(text, "muted emphasis")], width, [("  ", "")])]


def _open_thoughts(tail: Tail, width: int, mode: Mode) -> list[Line]:
    head = [("▸ " if mode == "folded" else "▾ ", "muted sign"), (f"thinking… {_words(tail.text)}", "muted")]
    if mode == "folded":
        return [head]
    return [head, *([("  ", ""), *((text, "muted emphasis") for text, _ in line)] for line in tail.lines(width - 2))]


def _words(text: str) -> str:
    count = len(text.split())
    return f"{count} word{'s' * (count != 1)}"
