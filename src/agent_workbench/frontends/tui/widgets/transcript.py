"""What was said in a session, with a cursor that walks over it block by block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.binding import Binding
from textual.geometry import Offset
from textual.message import Message
from textual.reactive import reactive

from agent_workbench.frontends.tui.widgets.block_view import BlockView
from agent_workbench.frontends.tui.widgets.blocks import Block, ReplyBlock, UserBlock, foldable, source
from agent_workbench.frontends.tui.widgets.lines import text_of
from agent_workbench.frontends.tui.widgets.markdown import code_blocks
from agent_workbench.frontends.tui.widgets.tool_card import ToolBlock, child_of, is_lane


class Transcript(BlockView, can_focus=True, inherit_bindings=False):
    """Blocks of a conversation, to walk over, unfold, copy, fork and search.

    No letter means anything here: letters and pastes are given back as `Typed`, for the prompt.
    """

    BINDINGS = [
        Binding("up", "cursor(-1)", "Up", show=False, id="transcript.up", tooltip="The block above"),
        Binding("down", "cursor(1)", "Down", show=False, id="transcript.down", tooltip="The block below"),
        Binding("home", "edge(-1)", "First", show=False, id="transcript.first", tooltip="The first block"),
        Binding("end", "edge(1)", "Last", show=False, id="transcript.last", tooltip="The last block, and follow"),
        Binding("pageup", "page(-1)", "Page up", show=False, id="transcript.page_up", tooltip="A page up"),
        Binding("pagedown", "page(1)", "Page down", show=False, id="transcript.page_down", tooltip="A page down"),
        Binding("enter,ctrl+o", "unfold", "Expand", id="transcript.toggle", tooltip="Fold or unfold the block"),
        Binding("ctrl+y", "copy", "Copy source", id="transcript.copy", tooltip="Copy the block as it was written"),
        Binding(
            "alt+y", "copy_code", "Copy code", show=False, id="transcript.copy_code", tooltip="Copy its code blocks"
        ),
        Binding("alt+k", "fork", "Fork", id="transcript.fork", tooltip="A new session that starts from here"),
        Binding(
            "alt+r", "edit", "Edit", show=False, id="transcript.edit", tooltip="Edit your message and send it again"
        ),
        Binding(
            "alt+o", "child", "Open agent", show=False, id="transcript.child", tooltip="Open the agent's own session"
        ),
        Binding("ctrl+down", "find_next(1)", "Next", show=False, id="transcript.find_next", tooltip="The next find"),
        Binding(
            "ctrl+up", "find_next(-1)", "Previous", show=False, id="transcript.find_previous", tooltip="The find before"
        ),
    ]

    finds: reactive[tuple[int, int]] = reactive((0, 0), repaint=False)
    """Which of the blocks that hold the needle is shown, counted from 1 at the top, and how many there are."""

    @dataclass
    class Asked(Message):
        """Something is asked for."""

        transcript: Transcript

        @property
        def control(self) -> Transcript:
            """The transcript that asks."""
            return self.transcript

    @dataclass
    class Typed(Asked):
        """A letter or a paste came; the transcript takes neither."""

        text: str

    @dataclass
    class CopyRequested(Asked):
        """The source of a block, or its code, is to be copied."""

        text: str
        what: str

    @dataclass
    class ForkRequested(Asked):
        """A new session is to start after the message of this index."""

        message: int

    @dataclass
    class EditRequested(Asked):
        """A person's message (its index and words) is to be edited and sent again."""

        message: int
        text: str

    @dataclass
    class ChildRequested(Asked):
        """The session of an agent that works for this one is to be opened: its id where that is known, and its call.

        Both are empty where no agent was called.
        """

        session_id: str
        call_id: str

    # --- the cursor -----------------------------------------------------------------------------------------------

    @property
    def current(self) -> Block | None:
        """The block under the cursor; the last one while the transcript has no focus, or the cursor was never set."""
        return self._entries[self._here].block if self._entries.items else None

    @property
    def _here(self) -> int:
        return self.cursor if self.has_focus and self.cursor >= 0 else len(self._entries) - 1

    @property
    def cursor_screen_offset(self) -> Offset:
        """Where the block under the cursor begins on the screen."""
        gap = bool(self._entries.items) and self._entries[self._here].gap
        row = self._entries.top(self._here) + gap - round(self.scroll_y) if self._entries.items else 1
        return self.content_region.offset + Offset(0, max(0, min(row, self.size.height - 1)))

    def on_focus(self) -> None:
        """Show the cursor, at the end if it was nowhere."""
        if self.cursor < 0:
            self.cursor = len(self._entries) - 1
        self.repaint(self.cursor)

    def on_key(self, event: events.Key) -> None:
        """Give back what was typed, unless the person bound it to something."""
        if event.is_printable and event.character and event.key not in self.screen.active_bindings:
            event.stop()
            event.prevent_default()
            self.post_message(self.Typed(self, event.character))

    def on_paste(self, event: events.Paste) -> None:
        """Give back what was pasted."""
        event.stop()
        self.post_message(self.Typed(self, event.text))

    def on_blur(self) -> None:
        """Hide the cursor."""
        self.repaint(self.cursor)

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the block; a click on the head of a folded block unfolds it."""
        if event.chain > 1:
            event.prevent_default()
            return
        line = round(self.scroll_y) + event.y
        if not self._entries.items or line >= self._entries.height:
            return
        index = self._entries.at(line)
        self._move(index)
        entry = self._entries[index]
        heading = entry.gap + bool(getattr(entry.block, "who", ""))
        if foldable(entry.block) and line - self._entries.top(index) == heading:
            self.action_unfold()

    def action_cursor(self, step: int) -> None:
        """Go to the next block, or scroll within one that is taller than the view."""
        if not self._entries.items:
            return
        index = self._here
        top, bottom = self._entries.top(index), self._entries.top(index + 1)
        line, height = round(self.scroll_y), self.scrollable_content_region.height
        if step > 0 and line < bottom - height and bottom - top > height:
            self.scroll_to(y=min(line + height // 2, bottom - height), animate=False, immediate=True)
        elif step < 0 and line > top and bottom - top > height and top >= line - height * 50 and line < bottom:
            self.scroll_to(y=max(line - height // 2, top), animate=False, immediate=True)
        else:
            self._move(index + step)

    def action_edge(self, step: int) -> None:
        """Go to the first or the last block."""
        self.follow = step > 0
        if step > 0:
            self._move(len(self._entries) - 1)
            self.follow = True
            self._arrange()
        else:
            self._move(0)

    def action_page(self, step: int) -> None:
        """Scroll by a page and take the cursor along."""
        if not self._entries.items:
            return
        height, before = self.scrollable_content_region.height, self.cursor
        self.scroll_to(y=round(self.scroll_y) + step * max(1, height - 2), animate=False, immediate=True)
        line = round(self.scroll_y)
        self.cursor = self._entries.at(line if step < 0 else line + height - 1)
        self.repaint(before, self.cursor)

    def _move(self, index: int) -> None:
        """Put the cursor on a block and bring it into view, its top first."""
        if not self._entries.items:
            return
        before, self.cursor = self.cursor, max(0, min(index, len(self._entries) - 1))
        index = self.cursor
        self._entries.lay(index)
        top, bottom = self._entries.top(index), self._entries.top(index + 1)
        line, height = round(self.scroll_y), self.scrollable_content_region.height
        if line <= top and bottom <= line + height:
            self.repaint(before, index)
            self.app.cursor_position = self.cursor_screen_offset
            return
        line = top if top < line or bottom - top > height else bottom - height
        self._jump(line)
        self.follow = line >= self.max_scroll_y
        self._arrange()
        self.app.cursor_position = self.cursor_screen_offset

    def action_unfold(self) -> None:
        """Fold or unfold the block under the cursor; without the focus, the last one that can be."""
        index = self._here
        while not self.has_focus and index > 0 and not foldable(self._entries[index].block):
            index -= 1
        if index < 0 or not foldable(self._entries[index].block):
            return
        entry = self._entries[index]
        entry.mode = "folded" if entry.shown == "full" else "full"
        self._entries.forget(index)
        if index < len(self._entries) - 1:
            self.follow = False
        self._arrange()
        self.follow = round(self.scroll_y) >= self.max_scroll_y

    def action_copy(self) -> None:
        """Ask for the block's source to be copied."""
        if self.current is not None:
            self.post_message(self.CopyRequested(self, source(self.current), "block"))

    def action_copy_code(self) -> None:
        """Ask for the block's code to be copied."""
        block = self.current
        code = code_blocks(source(block)) if isinstance(block, ReplyBlock | UserBlock) else []
        if code:
            self.post_message(self.CopyRequested(self, "\n".join(code), "code"))

    def action_fork(self) -> None:
        """Ask for a fork after the message under the cursor."""
        if self.current is not None and self.current.message >= 0:
            self.post_message(self.ForkRequested(self, self.current.message))

    def action_edit(self) -> None:
        """Ask to edit the person's message under the cursor, or the nearest one above it."""
        index = self._here
        for block in reversed(self.blocks[: index + 1]):
            if isinstance(block, UserBlock):
                self.post_message(self.EditRequested(self, block.message, block.text))
                return

    def action_child(self) -> None:
        """Ask for the session of the agent whose card is under the cursor; without the focus, of the last one."""
        shown = [self.current] if self.has_focus else reversed(self.blocks)
        block = next((one for one in shown if isinstance(one, ToolBlock) and is_lane(one.call)), None)
        if block is not None:
            self.post_message(self.ChildRequested(self, child_of(block), block.call.call_id))
        elif not self.has_focus:
            self.post_message(self.ChildRequested(self, "", ""))

    # --- finding --------------------------------------------------------------------------------------------------

    def find(self, needle: str) -> int:
        """Mark a text, whatever its case, and go to its last place; return how many blocks hold it.

        An empty needle ends the search.
        """
        self.needle = needle
        places = self._places()
        self.finds = (len(places), len(places))
        if places:
            self._show_find(places[-1])
        if not needle:
            for entry in self._entries.items:
                entry.forget_words()
        self.refresh()
        return len(places)

    def find_in(self, message: int, words: str) -> tuple[str, int]:
        """Go to the message of this index, with words marked in it: all together, else the longest that is there.

        Returns what is marked, and how many blocks hold it.
        """
        inside = [index for index, block in enumerate(self.blocks) if block.message in (message - 1, message)]
        for needle in (words, *sorted(words.split(), key=len, reverse=True)):
            self.needle = needle
            places = self._places()
            here = [place for place in places if place in inside]
            if here:
                shown = max(here, key=lambda place: self._entries[place].block.message)
                self._show_find(shown)
                self.finds = (places.index(shown) + 1, len(places))
                self.refresh()
                return needle, len(places)
        self.needle = ""
        if inside:
            self._move(inside[-1])
        return "", 0

    def action_find_next(self, step: int) -> None:
        """Go to the next or the previous block that holds the needle, around the ends."""
        places = self._places()
        if not places:
            return
        ahead = [place for place in places if (place > self.cursor if step > 0 else place < self.cursor)]
        around: Sequence[int] = ahead or places
        shown = around[0] if step > 0 else around[-1]
        self._show_find(shown)
        self.finds = (places.index(shown) + 1, len(places))

    def _places(self) -> list[int]:
        needle = self.needle.casefold()
        if not needle:
            return []
        return [index for index, entry in enumerate(self._entries.items) if needle in entry.words]

    def _show_find(self, index: int) -> None:
        entry = self._entries[index]
        if entry.shown != "full" and foldable(entry.block):
            entry.mode = "full"
            self._entries.forget(index)
        self._move(index)
        needle = self.needle.casefold()
        top = self._entries.top(index)
        for number, content in enumerate(entry.lines or []):
            if needle in text_of(content).casefold():
                line, height = round(self.scroll_y), self.scrollable_content_region.height
                if not line <= top + number < line + height:
                    self.scroll_to(y=max(0, top + number - height // 3), animate=False, immediate=True)
                break
