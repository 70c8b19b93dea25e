"""Blocks of a conversation as one Line-API widget: 10,000 messages cost what the visible ones cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from time import monotonic
from typing import NamedTuple

from textual.geometry import Size
from textual.reactive import reactive
from textual.selection import Selection
from textual.strip import Strip
from textual.timer import Timer

from agent_workbench.conversation.messages import ToolCall
from agent_workbench.frontends.tui.widgets.blocks import (
    Block,
    NoticeBlock,
    ReplyBlock,
    TailBlock,
    ThinkingBlock,
    UserBlock,
    source,
)
from agent_workbench.frontends.tui.widgets.entries import Entries, Entry
from agent_workbench.frontends.tui.widgets.lines import Line, text_of, wrap
from agent_workbench.frontends.tui.widgets.paint import LinesView, found, mark
from agent_workbench.frontends.tui.widgets.tail import Tail
from agent_workbench.frontends.tui.widgets.tool_card import OPEN, ToolBlock

GUTTER = 2
PAINT_EVERY = 0.09
"""Seconds between paints of a growing text; at least twice what the last one cost."""


class _Held(NamedTuple):
    """Words of the open end that are not shown yet, whose they are, and whether they are thoughts."""

    text: str = ""
    who: str = ""
    thinking: bool = False


_NOTHING = _Held()


class BlockView(LinesView):
    """Blocks, laid out when they come near the viewport; the others have guessed heights.

    What the person looks at stays in its place when a guess is corrected. New content scrolls into view only while
    the end is shown. The block at `cursor` is marked while the view has the focus, and `needle` wherever it stands.
    """

    DEFAULT_CSS = """
    BlockView {
        height: 1fr;
        background: $background;
        color: $foreground;
    }
    """

    news: reactive[bool] = reactive(False, repaint=False)
    """Whether something came since the end was left: it stands below what is shown."""

    def __init__(
        self,
        *,
        hint: str = "",
        clock: Callable[[], float] = monotonic,
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self.hint = hint
        self.follow = True
        """Whether the end is kept in view."""
        self.cursor = -1
        """The index of the block under the cursor, -1 for none."""
        self._entries = Entries()
        self._calls: dict[str, list[int]] = {}
        """Where the cards of the newest reply are: ids are unique in a reply at best, never in a conversation."""
        self.needle = ""
        self._clock = clock
        self._timer: Timer | None = None
        self._painted_at = 0.0
        self._cost = 0.0
        self._changed: set[int] = set()
        self._adjusting = False
        self._held = _NOTHING

    # --- content --------------------------------------------------------------------------------------------------

    @property
    def blocks(self) -> list[Block]:
        """The blocks, in order."""
        return [entry.block for entry in self._entries.items]

    @property
    def count(self) -> int:
        """How many blocks there are."""
        return len(self._entries)

    def load(self, blocks: Iterable[Block]) -> None:
        """Show these blocks, from their end, and forget what was shown."""
        self._entries.truncate(0)
        self._changed.clear()
        self._held = _NOTHING
        self.cursor, self.follow = -1, True
        shown = list(blocks)
        newest = next((block.message for block in reversed(shown) if isinstance(block, ToolBlock)), -1)
        self.append(*shown)
        self._calls = {}
        for index, block in enumerate(shown):
            if block.message == newest:
                self._note_call(index, block)

    def append(self, *blocks: Block) -> None:
        """Add finished blocks at the end."""
        start = len(self._entries)
        self._entries.extend(blocks)
        for index, block in enumerate(blocks, start):
            self._note_call(index, block)
        self.news = not self.follow
        self._arrange()

    def settle(self, start: int, blocks: Iterable[Block]) -> None:
        """Put the finished blocks of a reply in place of what was streamed since `start`.

        Notices and a person's words that came meanwhile stay, above; what was unfolded stays so.
        """
        self._held = _NOTHING
        streamed = self._entries.items[start:]
        modes = {_identity(entry.block): entry.mode for entry in streamed if entry.mode}
        kept = [entry.block for entry in streamed if isinstance(entry.block, NoticeBlock | UserBlock)]
        self._entries.truncate(start)
        self._calls = {}
        self._changed = {index for index in self._changed if index < start}
        finished = [*kept, *blocks]
        for index, block in enumerate(finished, start):
            self._note_call(index, block)
        self._entries.extend(finished)
        for entry in self._entries.items[start:]:
            entry.mode = modes.get(_identity(entry.block))
        self.cursor = min(self.cursor, len(self._entries) - 1)
        self.news = not self.follow
        self.paint()

    def stream(self, text: str, *, who: str = "", thinking: bool = False) -> None:
        """Add words to the open end; painted at most 11 times a second.

        Where the screen is read aloud, a paragraph is shown when it is complete: nothing that was read changes.
        """
        if self.heard:
            text = self._complete(text, who, thinking)
        if text:
            self._open_end(text, who, thinking)

    def _complete(self, text: str, who: str, thinking: bool) -> str:
        """Return the paragraphs that are complete with these words; the rest waits."""
        if self._held.thinking is not thinking:
            self._show_held()
        paragraphs, gap, rest = (self._held.text + text).rpartition("\n\n")
        self._held = _Held(rest, who or self._held.who, thinking)
        return paragraphs + gap

    def _show_held(self) -> None:
        held, self._held = self._held, _NOTHING
        if held.text:
            self._open_end(*held)

    def _open_end(self, text: str, who: str, thinking: bool) -> None:
        last = self._entries[-1].block if self._entries.items else None
        if not isinstance(last, TailBlock) or last.thinking is not thinking:
            last = TailBlock(Tail(plain=thinking), who, thinking)
            self._entries.extend([last])
        last.tail.feed(text)
        self._grow(len(self._entries) - 1)

    def end_tail(self, message: int) -> None:
        """Turn what was streamed and never finished into blocks that stay."""
        self._show_held()
        for index, entry in enumerate(self._entries.items):
            if isinstance(entry.block, TailBlock):
                text, who = entry.block.tail.text, entry.block.who
                made = ThinkingBlock if entry.block.thinking else ReplyBlock
                self._entries.replace(index, made(text, who, message))
            elif isinstance(entry.block, ToolBlock) and entry.block.state in OPEN:
                self._entries.replace(index, replace(entry.block, state="stopped"))
        self.paint()

    def new_reply(self) -> None:
        """Take the calls that come now for others than those before, whatever their ids are."""
        self._calls = {}

    def _note_call(self, index: int, block: Block) -> None:
        if isinstance(block, ToolBlock):
            self._calls.setdefault(block.call.call_id, []).append(index)

    def _place(self, call_id: str, call: ToolCall | None) -> int | None:
        """Find the card of a call of the newest reply; of several with one id, the first that is open and equal."""
        places = self._calls.get(call_id, [])
        cards = [(index, block) for index in places if isinstance(block := self._entries[index].block, ToolBlock)]
        waiting = [(index, block) for index, block in cards if block.state in OPEN]
        equal = [(index, block) for index, block in waiting if block.call == call]
        return next((index for index, _ in (*equal, *waiting, *reversed(cards))), None)

    def tool(self, call_id: str, call: ToolCall | None = None) -> ToolBlock | None:
        """Return the card of a call of the newest reply."""
        index = self._place(call_id, call)
        block = self._entries[index].block if index is not None else None
        return block if isinstance(block, ToolBlock) else None

    def put_tool(self, block: ToolBlock, *, soon: bool = True) -> None:
        """Show a card, in place of the card of the same call of the newest reply if there is one.

        `soon` waits for the next paint; where the screen is read aloud, for something that is more than more output.
        """
        index = self._place(block.call.call_id, block.call)
        if index is None:
            self.append(block)
            return
        self._entries.items[index].block = block
        if soon and self.heard:
            return
        self._grow(index)
        if not soon:
            self.paint()

    def _grow(self, index: int) -> None:
        self.news = not self.follow
        self._changed.add(index)
        if self._timer is None and self.is_attached:
            wait = self._painted_at + max(PAINT_EVERY, 2 * self._cost) - self._clock()
            self._timer = self.set_timer(max(0.001, wait), self.paint)

    def paint(self) -> None:
        """Lay out what grew, now."""
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        started = self._clock()
        for index in self._changed:
            self._entries.forget(index)
        self._changed.clear()
        self._arrange()
        self._painted_at = self._clock()
        self._cost = self._painted_at - started

    # --- layout ---------------------------------------------------------------------------------------------------

    def _arrange(self) -> None:
        """Lay out what the viewport shows, keep what is looked at in place, and repaint."""
        height = self.scrollable_content_region.height
        if not self._entries.width or height <= 0:
            return
        self._adjusting = True
        try:
            line = self._lay_end(height) if self.follow else self._lay_around(round(self.scroll_y), height)
            self._set_height()
            if round(self.scroll_y) != line:
                self.scroll_to(y=line, animate=False, immediate=True, force=True)
        finally:
            self._adjusting = False
        self.news = self.news and not self.follow
        self.refresh()

    def _set_height(self) -> None:
        """Tell the scrollbar, and only that: assigning `virtual_size` lays the whole screen out for every new line."""
        size = Size(self.scrollable_content_region.width, self._entries.height)
        if size != self.virtual_size:
            self.set_reactive(BlockView.virtual_size, size)
            self._scroll_update(size)

    def _lay_end(self, height: int) -> int:
        index, seen = len(self._entries) - 1, 0
        while index >= 0 and seen < height:
            self._entries.lay(index)
            seen += self._entries[index].height
            index -= 1
        return max(0, self._entries.height - height)

    def _lay_around(self, line: int, height: int) -> int:
        entries = self._entries
        for _ in range(len(entries)):
            shown = range(entries.at(line), min(entries.at(line + height - 1) + 1, len(entries)))
            missing = [index for index in shown if entries[index].lines is None]
            if not missing:
                break
            anchor = next((index for index in shown if entries[index].lines is not None), shown[0])
            offset = entries.top(anchor) - line
            for index in missing:
                entries.lay(index)
            line = entries.top(anchor) - max(offset, 1 - entries[anchor].height)
            line = max(0, min(line, entries.height - height))
        return line

    def on_resize(self) -> None:
        """Wrap to the new width; what was at the top stays there, or the end if that was shown."""
        width = self.scrollable_content_region.width - GUTTER
        if width > 0 and width != self._entries.width:
            entries = self._entries
            line = round(self.scroll_y)
            index = entries.at(line) if entries.items else 0
            share = (line - entries.top(index)) / entries[index].height if entries.items else 0.0
            entries.resize(width)
            if not self.follow and entries.items:
                entries.lay(index)
                self._jump(entries.top(index) + int(share * entries[index].height))
        self._arrange()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Lay out what came into view."""
        super().watch_scroll_y(old_value, new_value)
        if not self._adjusting and round(old_value) != round(new_value):
            self.follow = round(new_value) >= self.max_scroll_y
            self._arrange()

    def _jump(self, line: int) -> None:
        self._adjusting = True
        self._set_height()
        self.scroll_to(y=max(0, min(line, self.max_scroll_y)), animate=False, immediate=True, force=True)
        self._adjusting = False

    # --- painting -------------------------------------------------------------------------------------------------

    def repaint(self, *indexes: int) -> None:
        """Paint some blocks again, those of them that are in view: a fifth of what the whole view costs."""
        for index in indexes:
            if 0 <= index < len(self._entries):
                top = self._entries.top(index)
                self.refresh_lines(top, self._entries.top(index + 1) - top)

    def render_line(self, y: int) -> Strip:
        """Paint one line of the viewport."""
        width = self.scrollable_content_region.width
        line = round(self.scroll_y) + y
        if not self._entries.items or line >= self._entries.height:
            hint = wrap([(self.hint, "muted")], width, [("  ", "")]) if not self._entries.items else []
            return self.strip_of(hint[y - 1] if 0 < y <= len(hint) else []).crop_extend(0, width, self.rich_style)
        index = self._entries.at(line)
        entry = self._entries[index]
        number = line - self._entries.top(index)
        lines = entry.lines or []
        content: Line = lines[number] if number < len(lines) else []
        here = index == self.cursor and self.has_focus and not (entry.gap and number == 0)
        selection = self.text_selection
        if selection is None and not here and not self.needle:
            return self._kept_strip(entry, number, content, width).apply_offsets(-GUTTER, line)
        return self._fresh_strip(content, line, here, selection, width)

    def _kept_strip(self, entry: Entry, number: int, content: Line, width: int) -> Strip:
        if entry.paints != self.paints:
            entry.strips, entry.paints = {}, self.paints
        strip = entry.strips.get(number)
        if strip is None or strip.cell_length != width:
            strip = self.strip_of([("  ", ""), *content]).crop_extend(0, width, self.rich_style)
            entry.strips[number] = strip
        return strip

    def _fresh_strip(self, content: Line, line: int, here: bool, selection: Selection | None, width: int) -> Strip:
        runs = found(content, self.needle) if self.needle else content
        span = selection.get_span(line) if selection is not None else None
        if span is not None:
            end = len(text_of(runs)) if span[1] < 0 else span[1]
            runs = mark(runs, [(max(0, span[0]), end)], "selected")
        gutter = self.strip_of([("▌ " if here else "  ", "state here")])
        strip = Strip.join([gutter, self.strip_of(runs).apply_offsets(0, line)])
        return strip.crop_extend(0, width, self.rich_style)

    # --- selection by mouse ---------------------------------------------------------------------------------------

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """Return the selected characters; a block that was never in view gives its source."""
        pieces: list[str] = []
        for index, entry in enumerate(self._entries.items):
            top = self._entries.top(index)
            if entry.lines is None:
                if selection.get_span(top) is not None:
                    pieces.append(source(entry.block))
                continue
            for number, content in enumerate(entry.lines):
                span = selection.get_span(top + number)
                if span is not None:
                    text = text_of(content)
                    pieces.append(text[max(0, span[0]) : len(text) if span[1] < 0 else span[1]].rstrip())
        return "\n".join(pieces), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Repaint."""
        self.refresh()


def _identity(block: Block) -> str:
    """Name what a streamed block and the finished one after it have in common."""
    match block:
        case ToolBlock(call):
            return f"call {call.call_id}"
        case ThinkingBlock() | TailBlock(thinking=True):
            return "thinking"
        case _:
            return ""
